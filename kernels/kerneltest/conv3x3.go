package kerneltest

import (
	"fmt"
	"testing"

	"glance/kernels"
)

// Conv3x3Case is a case of [kernels.Conv3x3].
type Conv3x3Case struct {
	H, W, N                  int
	Top, Left, Bottom, Right int // zeros on each side, 0 or 1
	Act                      kernels.Activation
	Special                  bool // with NaN and infinities among the activations
}

func (c Conv3x3Case) String() string {
	s := fmt.Sprintf("conv3x3 %dx%d N=%d pad=%d,%d,%d,%d %v", c.H, c.W, c.N, c.Top, c.Left, c.Bottom, c.Right, c.Act)
	if c.Special {
		s += " special"
	}
	return s
}

func (c Conv3x3Case) outH() int { return windows(c.H+c.Top+c.Bottom, 3, 2) }
func (c Conv3x3Case) outW() int { return windows(c.W+c.Left+c.Right, 3, 2) }

func (c Conv3x3Case) prepare(s *scene) (plan, error) {
	const channels, taps = 3, 27
	outH, outW := c.outH(), c.outW()
	x := s.random.activations(c.H * c.W * channels)
	if c.Special {
		s.random.special(x)
	}
	w, bias := s.random.weights(c.N*taps), s.random.weights(c.N)
	input := s.in("x", 4, floatBytes(x))
	weights := s.in("weights", 16, panels(w, bias, c.N, taps))
	output := s.out("y", 4, 4*outH*outW*c.N)
	if err := s.place(); err != nil {
		return plan{}, err
	}

	rows := func(r0, r1 int) kernels.Record {
		return kernels.Conv3x3{
			X: input.ptr(0), Weights: weights.ptr(0), Y: output.ptr(4 * r0 * outW * c.N),
			H: uint32(c.H), W: uint32(c.W), OutW: uint32(outW), N: uint32(c.N), Row0: uint32(r0), Rows: uint32(r1 - r0),
			PadTop: uint32(c.Top), PadLeft: uint32(c.Left), Act: c.Act,
		}.Record()
	}
	at := func(r, q, n int) bound {
		sum := newSum(bias[n])
		for i := range 3 {
			for j := range 3 {
				row, column := 2*r-c.Top+i, 2*q-c.Left+j
				if row < 0 || row >= c.H || column < 0 || column >= c.W {
					continue
				}
				for ch := range channels {
					sum.add(x[(row*c.W+column)*channels+ch], w[n*taps+(3*i+j)*channels+ch])
				}
			}
		}
		return sum.bound().activate(c.Act)
	}
	check := func() error {
		want := make([]bound, outH*outW*c.N)
		for i := range want {
			want[i] = at(i/(outW*c.N), i/c.N%outW, i%c.N)
		}
		return compare(output, want, contiguous, strictProducts(s.arena.m))
	}
	p := plan{records: []kernels.Record{rows(0, outH)}, check: check}
	if c.Special {
		return p, nil
	}
	for _, at := range splitPoints(s.random, outH) {
		p.splits = append(p.splits, []kernels.Record{rows(0, at), rows(at, outH)})
	}
	return p, nil
}

// Conv3x3 tests [kernels.Conv3x3].
func Conv3x3(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("conv3x3")
	test := func(c Conv3x3Case) {
		if c.outH() > 0 && c.outW() > 0 {
			s.test(c)
		}
	}
	for h := 1; h <= 9; h++ {
		for w := 1; w <= 9; w++ {
			for pads := range 16 {
				if !testing.Short() || (h+w+pads)%5 == 0 {
					test(Conv3x3Case{H: h, W: w, N: r.between(1, 18), Top: pads & 1, Left: pads >> 1 & 1,
						Bottom: pads >> 2 & 1, Right: pads >> 3, Act: r.activation()})
				}
			}
		}
	}
	for n := 1; n <= 40; n++ {
		test(Conv3x3Case{H: 7, W: 10, N: n, Top: 1, Left: 1, Bottom: 1, Right: 1, Act: kernels.HardSwish})
	}
	for act := kernels.Identity; act <= kernels.HardSigmoid; act++ {
		test(Conv3x3Case{H: 12, W: 12, N: 10, Bottom: 1, Right: 1, Act: act, Special: true})
	}
	for range atScale(20) {
		test(Conv3x3Case{H: r.between(1, 40), W: r.between(1, 40), N: r.between(1, 40), Top: r.IntN(2), Left: r.IntN(2),
			Bottom: r.IntN(2), Right: r.IntN(2), Act: r.activation()})
	}
	test(Conv3x3Case{H: 9, W: 224, N: 32, Top: 1, Left: 1, Bottom: 1, Right: 1, Act: kernels.ReLU6})
	test(Conv3x3Case{H: 9, W: 224, N: 16, Bottom: 1, Right: 1, Act: kernels.HardSwish})
	test(Conv3x3Case{H: 33, W: 97, N: 24, Top: 1, Left: 1, Bottom: 1, Right: 1, Act: kernels.ReLU6})
}
