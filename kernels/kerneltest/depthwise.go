package kerneltest

import (
	"fmt"
	"math"
	"testing"

	"glance/kernels"
)

// DepthwiseCase is a case of [kernels.Depthwise].
type DepthwiseCase struct {
	H, W, C                  int
	Gap                      int // floats between pixels of the input, poisoned
	Kernel, Stride           int
	Top, Left, Bottom, Right int // zeros on each side
	// Strip, where not 0, computes that many output rows at a time from a ring
	// that holds just the rows they need and Spare more; its other slots are
	// poisoned.
	Strip, Spare int
	Sums         bool
	Act          kernels.Activation
	Special      bool // with NaN and infinities among the activations
}

func (c DepthwiseCase) String() string {
	s := fmt.Sprintf("depthwise %dx%dx%d kernel=%d stride=%d pad=%d,%d,%d,%d %v", c.H, c.W, c.C,
		c.Kernel, c.Stride, c.Top, c.Left, c.Bottom, c.Right, c.Act)
	if c.Gap > 0 {
		s += fmt.Sprintf(" gap=%d", c.Gap)
	}
	if c.Strip > 0 {
		s += fmt.Sprintf(" strip=%d+%d", c.Strip, c.Spare)
	}
	if c.Sums {
		s += " sums"
	}
	if c.Special {
		s += " special"
	}
	return s
}

// outH and outW are the output's size; not positive where the window does not fit.
func (c DepthwiseCase) outH() int { return windows(c.H+c.Top+c.Bottom, c.Kernel, c.Stride) }
func (c DepthwiseCase) outW() int { return windows(c.W+c.Left+c.Right, c.Kernel, c.Stride) }

// apart puts gaps of NaN after pixels.
func apart(pixels []float32, channels, gap int) []float32 {
	out := make([]float32, 0, len(pixels)/channels*(channels+gap))
	for at := 0; at < len(pixels); at += channels {
		out = append(out, pixels[at:at+channels]...)
		for range gap {
			out = append(out, float32(math.NaN()))
		}
	}
	return out
}

// windows counts the positions of a window of k in n.
func windows(n, k, stride int) int {
	if n < k {
		return 0
	}
	return (n-k)/stride + 1
}

func (c DepthwiseCase) prepare(s *scene) (plan, error) {
	outH, outW, taps := c.outH(), c.outW(), c.Kernel*c.Kernel
	rowIn, rowOut := c.W*c.C, outW*c.C
	x := s.random.activations(c.H * rowIn)
	if c.Special {
		s.random.special(x)
	}
	w, bias := s.random.weights(c.C*taps), s.random.weights(c.C)

	strip := c.Strip
	if strip == 0 {
		strip = outH
	}
	// A ring for each strip, in one tensor each.
	var inputs []*tensor
	var rings []int
	for r0 := 0; r0 < outH; r0 += strip {
		rows := min(strip, outH-r0)
		first := c.Stride*r0 - c.Top
		ring, data := c.H, x
		if c.Strip > 0 {
			ring = c.Stride*(rows-1) + c.Kernel + c.Spare
			data = make([]float32, ring*rowIn)
			for i := range data {
				data[i] = float32(math.NaN())
			}
			for i := max(first, 0); i < min(first+c.Stride*(rows-1)+c.Kernel, c.H); i++ {
				copy(data[i%ring*rowIn:], x[i*rowIn:][:rowIn])
			}
		}
		inputs = append(inputs, s.in("x", 4, floatBytes(apart(data, c.C, c.Gap))))
		rings = append(rings, ring)
	}
	weights := s.in("weights", 16, panels(w, bias, c.C, taps))
	output := s.out("y", 4, 4*outH*rowOut)
	var sums *tensor
	if c.Sums {
		sums = s.out("sums", 4, 4*outH*c.C)
	}
	if err := s.place(); err != nil {
		return plan{}, err
	}

	rows := func(r0, r1 int) kernels.Record {
		o := kernels.Depthwise{
			X: inputs[r0/strip].ptr(0), Weights: weights.ptr(0), Y: output.ptr(4 * r0 * rowOut),
			Ring: uint32(rings[r0/strip]), H: uint32(c.H), W: uint32(c.W), OutW: uint32(outW), C: uint32(c.C),
			XStride: uint32(c.C + c.Gap),
			Kernel:  uint32(c.Kernel), Stride: uint32(c.Stride), Row0: uint32(r0), Rows: uint32(r1 - r0),
			PadTop: uint32(c.Top), PadLeft: uint32(c.Left), Act: c.Act,
		}
		if sums != nil {
			o.Sums = sums.ptr(4 * r0 * c.C)
		}
		return o.Record()
	}
	check := func() error {
		want := make([]bound, outH*rowOut)
		for i := range want {
			want[i] = c.at(x, w, bias, i/rowOut, i%rowOut/c.C, i%c.C)
		}
		if err := compare(output, want, contiguous, false); err != nil {
			return err
		}
		if sums == nil {
			return nil
		}
		return compare(sums, c.sums(output), contiguous, true)
	}
	p := plan{check: check}
	for r0 := 0; r0 < outH; r0 += strip {
		p.records = append(p.records, rows(r0, min(r0+strip, outH)))
	}
	if c.Special || c.Strip > 0 {
		return p, nil
	}
	for _, at := range splitPoints(s.random, outH) {
		p.splits = append(p.splits, []kernels.Record{rows(0, at), rows(at, outH)})
	}
	return p, nil
}

// at is the reference of one output.
func (c DepthwiseCase) at(x, w, bias []float32, r, q, ch int) bound {
	sum := newSum(bias[ch])
	for i := range c.Kernel {
		for j := range c.Kernel {
			row, column := c.Stride*r-c.Top+i, c.Stride*q-c.Left+j
			if row >= 0 && row < c.H && column >= 0 && column < c.W {
				sum.add(x[(row*c.W+column)*c.C+ch], w[(ch*c.Kernel+i)*c.Kernel+j])
			}
		}
	}
	return sum.bound().activate(c.Act)
}

// sums are the channel sums of the rows that the machine itself stored, whose
// order of adding is fixed.
func (c DepthwiseCase) sums(output *tensor) []bound {
	outH, outW := c.outH(), c.outW()
	want := make([]bound, outH*c.C)
	for i := range want {
		r, ch := i/c.C, i%c.C
		sum := newSum(0)
		for q := range outW {
			sum.add(output.float((r*outW+q)*c.C+ch), 1)
		}
		want[i] = sum.bound()
	}
	return want
}

// Depthwise tests [kernels.Depthwise].
func Depthwise(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("depthwise")
	fits := func(c DepthwiseCase) bool { return c.outH() > 0 && c.outW() > 0 }
	// Every padding of every kernel, on inputs down to a single pixel.
	for _, kernel := range []int{3, 5} {
		for _, stride := range []int{1, 2} {
			for pads := range kernel * kernel * kernel * kernel {
				c := DepthwiseCase{
					H: r.between(1, 9), W: r.between(1, 9), C: r.between(1, 20), Kernel: kernel, Stride: stride,
					Top: pads % kernel, Left: pads / kernel % kernel,
					Bottom: pads / (kernel * kernel) % kernel, Right: pads / (kernel * kernel * kernel),
					Sums: r.IntN(3) == 0, Act: r.activation(),
				}
				if fits(c) && (!testing.Short() || pads%5 == 0) {
					s.test(c)
				}
			}
			for c := 1; c <= 40; c++ {
				s.test(DepthwiseCase{H: 6, W: 7, C: c, Kernel: kernel, Stride: stride,
					Top: kernel / 2, Left: kernel / 2, Bottom: kernel / 2, Right: kernel / 2, Sums: true})
			}
			for act := kernels.Identity; act <= kernels.HardSigmoid; act++ {
				s.test(DepthwiseCase{H: 9, W: 8, C: 11, Kernel: kernel, Stride: stride, Act: act, Sums: true,
					Top: 1, Left: 1, Bottom: 1, Right: 1})
				s.test(DepthwiseCase{H: 9, W: 10, C: 19, Kernel: kernel, Stride: stride, Act: act, Sums: true,
					Top: 1, Left: 1, Bottom: 1, Right: 1, Special: true})
			}
			// Rings that wrap, as row-strip fusion uses them.
			for strip := 1; strip <= 6; strip++ {
				for spare := range 3 {
					c := DepthwiseCase{H: 23, W: r.between(5, 12), C: r.between(1, 20), Kernel: kernel, Stride: stride,
						Top: kernel / 2, Left: kernel / 2, Bottom: kernel / 2, Right: kernel / 2,
						Strip: strip, Spare: spare, Sums: spare == 1, Act: kernels.ReLU6}
					if spare == 2 { // TensorFlow's 'same' at stride 2
						c.Top, c.Left = c.Top-1, c.Left-1
					}
					s.test(c)
				}
			}
		}
	}
	// Rings with more slots than the input has rows.
	for _, kernel := range []int{3, 5} {
		for _, strip := range []int{1, 3, 4} {
			s.test(DepthwiseCase{H: 4, W: 5, C: 9, Kernel: kernel, Stride: 1, Top: kernel / 2, Left: kernel / 2,
				Bottom: kernel / 2, Right: kernel / 2, Strip: strip, Spare: 4, Act: kernels.ReLU})
		}
	}
	// Pixels apart, in whole tensors and in rings.
	for _, gap := range []int{1, 5, 16} {
		for kernel := 3; kernel <= 5; kernel += 2 {
			for stride := 1; stride <= 2; stride++ {
				for strip := range 3 {
					s.test(DepthwiseCase{H: 11, W: r.between(5, 12), C: r.between(1, 40), Gap: gap, Kernel: kernel, Stride: stride,
						Top: kernel / 2, Left: kernel / 2, Bottom: kernel / 2, Right: kernel / 2,
						Strip: strip, Sums: strip == 1, Act: r.activation()})
				}
			}
		}
	}
	for range atScale(40) {
		kernel := 3 + 2*r.IntN(2)
		c := DepthwiseCase{H: r.between(1, 30), W: r.between(1, 30), C: r.between(1, 50), Kernel: kernel,
			Stride: r.between(1, 2), Top: r.IntN(kernel), Left: r.IntN(kernel), Bottom: r.IntN(kernel), Right: r.IntN(kernel),
			Sums: r.IntN(2) == 0, Act: r.activation()}
		if fits(c) {
			s.test(c)
		}
	}
	for _, c := range []DepthwiseCase{
		{H: 12, W: 112, C: 32, Kernel: 3, Stride: 1, Top: 1, Left: 1, Bottom: 1, Right: 1, Act: kernels.ReLU6},
		{H: 13, W: 112, C: 96, Kernel: 3, Stride: 2, Bottom: 1, Right: 1, Act: kernels.ReLU6},
		{H: 14, W: 14, C: 120, Kernel: 5, Stride: 1, Top: 2, Left: 2, Bottom: 2, Right: 2, Sums: true, Act: kernels.HardSwish},
		{H: 14, W: 14, C: 96, Kernel: 5, Stride: 2, Top: 2, Left: 2, Bottom: 2, Right: 2, Sums: true, Act: kernels.HardSwish},
		{H: 7, W: 7, C: 320, Kernel: 3, Stride: 1, Top: 1, Left: 1, Bottom: 1, Right: 1},
	} {
		s.test(c)
	}
}
