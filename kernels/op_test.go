package kernels

import (
	"math"
	"reflect"
	"testing"
)

// everyOp is one call of each operator, in the order of the opcodes, with fields
// that differ from each other.
var everyOp = []Op{
	Conv3x3{X: 64, Weights: 128, Y: 192, H: 1, W: 2, OutW: 3, N: 4, Row0: 5, Rows: 6, PadTop: 7, PadLeft: 8, Act: ReLU6},
	Pointwise{X: 64, Weights: 128, Y: 192, Residual: 256, M: 1, K: 2, N: 3, YStride: 4, Act: ReLU},
	Depthwise{X: 64, Weights: 128, Y: 192, Sums: 256, Ring: 1, H: 2, W: 3, OutW: 4, C: 5, XStride: 6, Kernel: 7, Stride: 8,
		Row0: 9, Rows: 10, PadTop: 11, PadLeft: 12, Act: HardSwish},
	Dense{X: 64, Weights: 128, Y: 192, K: 1, N: 2, Half: 3, Act: HardSigmoid},
	SumRows{X: 64, Y: 128, M: 1, N: 2, Stride: 3, Scale: 0.25},
	ScaleRows{X: 64, S: 128, Y: 192, M: 1, C: 2},
	ScalePanels{Src: 64, S: 128, Dst: 192, K: 1, N: 2},
	PackPanels{Src: 64, Bias: 128, Dst: 192, K: 1, N: 2, HalfIn: 3, HalfOut: 4},
	ResampleRows{X: 64, Starts: 128, Coeffs: 192, Y: 256, XStride: 1, OutW: 2, Taps: 3, Rows: 4},
	ResampleCols{X: 64, Starts: 128, Coeffs: 192, Table: 256, Y: 320, W: 1, Taps: 2, Rows: 3},
	Bilinear{X: 64, Columns: 128, Lines: 192, Y: 256, XStride: 1, OutW: 2, Rows: 3,
		Scale: [3]float32{0.5, 1.5, 2.5}, Shift: [3]float32{-1, -2, -3}},
}

// words lists the fields of a struct of 32-bit values in their order.
func words(v reflect.Value) []uint32 {
	switch v.Kind() {
	case reflect.Uint32:
		return []uint32{uint32(v.Uint())}
	case reflect.Float32:
		return []uint32{math.Float32bits(float32(v.Float()))}
	case reflect.Array:
		var list []uint32
		for i := range v.Len() {
			list = append(list, words(v.Index(i))...)
		}
		return list
	case reflect.Struct:
		var list []uint32
		for i := range v.NumField() {
			list = append(list, words(v.Field(i))...)
		}
		return list
	}
	panic("not a 32-bit field: " + v.Type().String())
}

// A record is the opcode and then the fields of the struct as they are declared.
func TestRecord(t *testing.T) {
	if len(everyOp) != int(NumOpcodes)-1 {
		t.Fatalf("%d operators tested, want %d", len(everyOp), NumOpcodes-1)
	}
	for i, op := range everyOp {
		r := op.Record()
		if want := Opcode(i + 1); r.Op() != want {
			t.Errorf("%T: opcode is %v, want %v", op, r.Op(), want)
		}
		var want Record
		want[0] = uint32(r.Op())
		fields := words(reflect.ValueOf(op))
		if copied := copy(want[1:], fields); copied != len(fields) {
			t.Errorf("%T: %d fields do not fit a record", op, len(fields))
		}
		if r != want {
			t.Errorf("%T: record is %v, want %v", op, r, want)
		}
	}
}

func TestPanelBytes(t *testing.T) {
	for _, c := range []struct {
		n, k int
		half bool
		want int
	}{
		{1, 1, false, 64},
		{8, 1, false, 64},
		{9, 1, false, 128},
		{8, 27, false, 28 * 32},
		{1000, 1280, false, 125 * 1281 * 32},
		{1, 1, true, 48},
		{8, 10, true, 32 + 160},
		{17, 10, true, 3 * (32 + 160)},
	} {
		if got := PanelBytes(c.n, c.k, c.half); got != c.want {
			t.Errorf("PanelBytes(%d, %d, %v) is %d, want %d", c.n, c.k, c.half, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for a, want := range map[Activation]string{
		Identity: "identity", ReLU: "relu", ReLU6: "relu6", HardSwish: "hardswish", HardSigmoid: "hardsigmoid",
		numActivations: "invalid activation", math.MaxUint32: "invalid activation",
	} {
		if got := a.String(); got != want {
			t.Errorf("activation %d is %q, want %q", uint32(a), got, want)
		}
	}
	for o, want := range map[Opcode]string{
		OpInvalid: "invalid", OpConv3x3: "conv3x3", OpPointwise: "pointwise", OpDepthwise: "depthwise", OpDense: "dense",
		OpSumRows: "sumrows", OpScaleRows: "scalerows", OpScalePanels: "scalepanels", OpPackPanels: "packpanels",
		OpResampleRows: "resamplerows", OpResampleCols: "resamplecols", OpBilinear: "bilinear",
		NumOpcodes: "invalid opcode", math.MaxUint32: "invalid opcode",
	} {
		if got := o.String(); got != want {
			t.Errorf("opcode %d is %q, want %q", uint32(o), got, want)
		}
	}
}
