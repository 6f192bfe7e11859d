package kernels

import "math"

// Ptr is a byte offset in a [Machine]'s memory. Zero is never a valid tensor.
type Ptr uint32

const (
	// Align is the alignment in bytes of every region a machine allocates.
	Align = 64
	// Slack is how many bytes past the end of a tensor a kernel may read.
	Slack = 64
	// Panel is the number of output channels in one weight panel.
	Panel = 8
)

// Activation is the function an operator applies before it stores.
type Activation uint32

// The activations, defined in the package comment.
const (
	Identity Activation = iota
	ReLU
	ReLU6
	HardSwish
	HardSigmoid
	numActivations
)

var activationNames = [...]string{"identity", "relu", "relu6", "hardswish", "hardsigmoid"}

func (a Activation) String() string {
	if a < numActivations {
		return activationNames[a]
	}
	return "invalid activation"
}

// Opcode selects the operator of a [Record].
type Opcode uint32

// The operators. Each is documented at the struct of the same name.
const (
	OpInvalid Opcode = iota
	OpConv3x3
	OpPointwise
	OpDepthwise
	OpDense
	OpSumRows
	OpScaleRows
	OpScalePanels
	OpPackPanels
	OpResampleRows
	OpResampleCols
	OpBilinear
	NumOpcodes
)

var opNames = [...]string{"invalid", "conv3x3", "pointwise", "depthwise", "dense", "sumrows",
	"scalerows", "scalepanels", "packpanels", "resamplerows", "resamplecols", "bilinear"}

func (o Opcode) String() string {
	if o < NumOpcodes {
		return opNames[o]
	}
	return "invalid opcode"
}

// RecordBytes is the size of an encoded [Record].
const RecordBytes = 128

// Record is one operator call as it lies in machine memory: word 0 is the
// [Opcode], the words after it are the fields of the operator's struct in the
// order they are declared, one little-endian 32-bit word each; the rest is zero.
// Floats are stored as their IEEE 754 bits.
type Record [RecordBytes / 4]uint32

// Op returns the opcode.
func (r Record) Op() Opcode { return Opcode(r[0]) }

// An Op is the argument struct of an operator.
type Op interface {
	// Record encodes the call.
	Record() Record
}

// Conv3x3 is the stem: a dense 3x3 convolution with stride 2 from 3 channels.
//
//	y[r, q, n] = act(bias[n] + sum over i, j in [0,3), c in [0,3) of
//	             x[2r-PadTop+i, 2q-PadLeft+j, c] * w[n, i, j, c])
//
// for r in [Row0, Row0+Rows) and q in [0, OutW); x is zero outside its bounds.
type Conv3x3 struct {
	X       Ptr    // [H][W][3] float32, the whole input
	Weights Ptr    // panels of N outputs with K = 27, inner order (i, j, c)
	Y       Ptr    // [Rows][OutW][N] float32; row Row0 of the output is stored here
	H, W    uint32 // input size
	OutW    uint32 // output columns
	N       uint32 // output channels, any number
	Row0    uint32 // first output row
	Rows    uint32 // number of output rows
	PadTop  uint32 // 0 or 1
	PadLeft uint32 // 0 or 1
	Act     Activation
}

// Record implements [Op].
func (o Conv3x3) Record() Record {
	return Record{uint32(OpConv3x3), uint32(o.X), uint32(o.Weights), uint32(o.Y), o.H, o.W, o.OutW, o.N,
		o.Row0, o.Rows, o.PadTop, o.PadLeft, uint32(o.Act)}
}

// Pointwise is a 1x1 convolution, a matrix product of M pixels by N outputs:
//
//	y[m, n] = act(bias[n] + sum over k of x[m, k] * w[n, k]) + residual[m, n]
//
// The residual is added after the activation (which is [Identity] wherever the
// networks have a residual).
type Pointwise struct {
	X        Ptr    // [M][K] float32
	Weights  Ptr    // panels of N outputs with K inner values
	Y        Ptr    // [M] rows of N float32, YStride apart
	Residual Ptr    // as Y, or 0 for none; may equal Y only if it is Y
	M, K, N  uint32 // any numbers from 1
	YStride  uint32 // floats between rows of Y and of Residual, >= N
	Act      Activation
}

// Record implements [Op].
func (o Pointwise) Record() Record {
	return Record{uint32(OpPointwise), uint32(o.X), uint32(o.Weights), uint32(o.Y), uint32(o.Residual),
		o.M, o.K, o.N, o.YStride, uint32(o.Act)}
}

// Depthwise is a kxk depthwise convolution over a ring of input rows:
//
//	y[r, q, c] = act(bias[c] + sum over i, j in [0,Kernel) of
//	             x[Stride*r-PadTop+i, Stride*q-PadLeft+j, c] * w[c, i, j])
//
// for r in [Row0, Row0+Rows) and q in [0, OutW); x is zero outside rows [0, H)
// and columns [0, W). Input row i lies at ring slot i mod Ring, so that a whole
// tensor is the ring with Ring = H.
//
// Where Sums is not 0, the channel sums of each output row, after the
// activation, are stored too: sums[r-Row0][c] = sum over q of y[r, q, c],
// added in increasing order of q.
type Depthwise struct {
	X       Ptr    // [Ring][W] pixels of C float32, XStride apart
	Weights Ptr    // panels of C outputs with K = Kernel*Kernel, inner order (i, j)
	Y       Ptr    // [Rows][OutW][C] float32; row Row0 of the output is stored here
	Sums    Ptr    // [Rows][C] float32, or 0
	Ring    uint32 // rows X holds
	H, W    uint32 // input size
	OutW    uint32 // output columns
	C       uint32 // channels, any number
	XStride uint32 // floats between pixels of X, >= C
	Kernel  uint32 // 3 or 5
	Stride  uint32 // 1 or 2
	Row0    uint32 // first output row
	Rows    uint32 // number of output rows
	PadTop  uint32 // 0..Kernel-1
	PadLeft uint32 // 0..Kernel-1
	Act     Activation
}

// Record implements [Op].
func (o Depthwise) Record() Record {
	return Record{uint32(OpDepthwise), uint32(o.X), uint32(o.Weights), uint32(o.Y), uint32(o.Sums),
		o.Ring, o.H, o.W, o.OutW, o.C, o.XStride, o.Kernel, o.Stride, o.Row0, o.Rows, o.PadTop, o.PadLeft, uint32(o.Act)}
}

// Dense is a fully connected layer on one vector:
//
//	y[n] = act(bias[n] + sum over k of x[k] * w[n, k])
type Dense struct {
	X       Ptr    // [K] float32
	Weights Ptr    // panels of N outputs with K inner values, float32 or (Half) float16 values
	Y       Ptr    // [N] float32
	K, N    uint32 // any numbers from 1
	Half    uint32 // 1: the panels' weights are float16 (their biases stay float32)
	Act     Activation
}

// Record implements [Op].
func (o Dense) Record() Record {
	return Record{uint32(OpDense), uint32(o.X), uint32(o.Weights), uint32(o.Y), o.K, o.N, o.Half, uint32(o.Act)}
}

// SumRows adds M rows, in increasing order, and scales the sum: global average
// pooling with Scale = 1/M, or the end of a squeeze whose row sums [Depthwise]
// left.
//
//	y[n] = scale * sum over m of x[m*Stride + n]    n in [0, N)
type SumRows struct {
	X      Ptr    // M rows of N float32, Stride floats apart
	Y      Ptr    // [N] float32
	M, N   uint32 // any numbers from 1
	Stride uint32 // floats between rows, >= N
	Scale  float32
}

// Record implements [Op].
func (o SumRows) Record() Record {
	return Record{uint32(OpSumRows), uint32(o.X), uint32(o.Y), o.M, o.N, o.Stride, math.Float32bits(o.Scale)}
}

// ScaleRows multiplies every pixel by a vector of channel factors:
//
//	y[m, c] = x[m, c] * s[c]
//
// Y may be X.
type ScaleRows struct {
	X    Ptr    // [M][C] float32
	S    Ptr    // [C] float32
	Y    Ptr    // [M][C] float32
	M, C uint32 // any numbers from 1
}

// Record implements [Op].
func (o ScaleRows) Record() Record {
	return Record{uint32(OpScaleRows), uint32(o.X), uint32(o.S), uint32(o.Y), o.M, o.C}
}

// ScalePanels multiplies the weights of float32 panels by a factor for each
// inner index, which is squeeze-and-excite moved from the activations to the
// weights of the layer that reads them; biases are copied.
//
//	w'[n, k] = w[n, k] * s[k]
type ScalePanels struct {
	Src  Ptr    // float32 panels
	S    Ptr    // [K] float32
	Dst  Ptr    // float32 panels, not overlapping Src
	K, N uint32 // any numbers from 1
}

// Record implements [Op].
func (o ScalePanels) Record() Record {
	return Record{uint32(OpScalePanels), uint32(o.Src), uint32(o.S), uint32(o.Dst), o.K, o.N}
}

// PackPanels rearranges a weight matrix [N][K] and its bias [N] into panels of
// [Panel] outputs. Panel p holds, for outputs 8p..8p+7, first the 8 biases
// (float32), then for each k the 8 weights w[8p..8p+7, k]:
//
//	{bias[8], w[K][8]}   (1+K)*8 float32, or 32 + K*16 bytes with HalfOut
//
// Outputs from N up to the next multiple of 8 are zero. A source value that is
// NaN or infinite makes the program end with status [StatusNotFinite].
type PackPanels struct {
	Src     Ptr    // [N][K] float16 (HalfIn = 1) or float32
	Bias    Ptr    // [N] float32, or 0 for zeros
	Dst     Ptr    // ceil(N/8) panels
	K, N    uint32 // any numbers from 1
	HalfIn  uint32 // 1: Src is float16
	HalfOut uint32 // 1: the panels' weights are float16; only with HalfIn
}

// Record implements [Op].
func (o PackPanels) Record() Record {
	return Record{uint32(OpPackPanels), uint32(o.Src), uint32(o.Bias), uint32(o.Dst), o.K, o.N, o.HalfIn, o.HalfOut}
}

// PanelBytes is the size of the panels of an [n][k] weight matrix.
func PanelBytes(n, k int, half bool) int {
	value := 4
	if half {
		value = 2
	}
	return (n + Panel - 1) / Panel * (Panel*4 + k*Panel*value)
}

// ResampleRows is the horizontal pass of PIL's 8-bit resampling: every output
// pixel of a row is a fixed-point weighted sum of Taps input pixels,
//
//	y[r, q, ch] = clip8((1<<21 + sum over t of x[r, start[q]+t, ch] * coeff[q][t]) >> 22)
//
// for the four channels of each RGBA pixel (Pillow, src/libImaging/Resample.c).
// Sums fit in 32 bits. Taps with coefficient 0 are not read past the row's end:
// start[q]+Taps never exceeds the width of X.
type ResampleRows struct {
	X       Ptr    // rows of RGBA bytes, XStride bytes apart
	Starts  Ptr    // [OutW] uint32: first input column of each output column
	Coeffs  Ptr    // [OutW][Taps] int32, fixed point with 22 fractional bits
	Y       Ptr    // [Rows][OutW][4] bytes
	XStride uint32 // bytes
	OutW    uint32
	Taps    uint32 // >= 1
	Rows    uint32
}

// Record implements [Op].
func (o ResampleRows) Record() Record {
	return Record{uint32(OpResampleRows), uint32(o.X), uint32(o.Starts), uint32(o.Coeffs), uint32(o.Y),
		o.XStride, o.OutW, o.Taps, o.Rows}
}

// ResampleCols is the vertical pass of PIL's 8-bit resampling, followed by
// normalisation through a table:
//
//	v[r, q, ch] = clip8((1<<21 + sum over t of x[start[r]+t, q, ch] * coeff[r][t]) >> 22)
//	y[r, q, ch] = table[ch][v[r, q, ch]]      ch in [0, 3): alpha is dropped
type ResampleCols struct {
	X      Ptr    // [rows][W][4] bytes
	Starts Ptr    // [Rows] uint32: first input row of each output row
	Coeffs Ptr    // [Rows][Taps] int32, fixed point with 22 fractional bits
	Table  Ptr    // [3][256] float32
	Y      Ptr    // [Rows][W][3] float32
	W      uint32 // columns
	Taps   uint32 // >= 1
	Rows   uint32 // output rows
}

// Record implements [Op].
func (o ResampleCols) Record() Record {
	return Record{uint32(OpResampleCols), uint32(o.X), uint32(o.Starts), uint32(o.Coeffs), uint32(o.Table),
		uint32(o.Y), o.W, o.Taps, o.Rows}
}

// Bilinear samples RGBA bytes at fractional positions in float32, as
// TensorFlow's ResizeBilinear does, and normalises:
//
//	top = x[y0, x0] + (x[y0, x1] - x[y0, x0]) * fx       (bottom likewise from row y1)
//	y[r, q, ch] = (top + (bottom - top) * fy) * Scale[ch] + Shift[ch]     ch in [0, 3)
//
// Columns and Lines hold {first uint32, second uint32, fraction float32} for
// each output column and row: columns index pixels of a row, lines index rows.
type Bilinear struct {
	X       Ptr    // rows of RGBA bytes, XStride bytes apart
	Columns Ptr    // [OutW]{x0, x1 uint32, fx float32}
	Lines   Ptr    // [Rows]{y0, y1 uint32, fy float32}
	Y       Ptr    // [Rows][OutW][3] float32
	XStride uint32 // bytes
	OutW    uint32
	Rows    uint32
	Scale   [3]float32
	Shift   [3]float32
}

// Record implements [Op].
func (o Bilinear) Record() Record {
	r := Record{uint32(OpBilinear), uint32(o.X), uint32(o.Columns), uint32(o.Lines), uint32(o.Y), o.XStride, o.OutW, o.Rows}
	for i := range 3 {
		r[8+i] = math.Float32bits(o.Scale[i])
		r[11+i] = math.Float32bits(o.Shift[i])
	}
	return r
}
