package kerneltest

import (
	"fmt"
	"testing"

	"glance/kernels"
)

// DenseCase is a case of [kernels.Dense].
type DenseCase struct {
	K, N    int
	Half    bool // float16 weights, extreme values among them
	Act     kernels.Activation
	Special bool // with NaN and infinities among the activations
}

func (c DenseCase) String() string {
	s := fmt.Sprintf("dense K=%d N=%d %v", c.K, c.N, c.Act)
	if c.Half {
		s += " half"
	}
	if c.Special {
		s += " special"
	}
	return s
}

func (c DenseCase) prepare(s *scene) (plan, error) {
	x := s.random.activations(c.K)
	if c.Special {
		s.random.special(x)
	}
	bias := s.random.weights(c.N)
	var w []float32
	var packed []byte
	if c.Half {
		halves := s.random.halves(c.N * c.K)
		w, packed = halfValues(halves), halfPanels(halves, bias, c.N, c.K)
	} else {
		w = s.random.weights(c.N * c.K)
		packed = panels(w, bias, c.N, c.K)
	}
	input := s.in("x", 4, floatBytes(x))
	weights := s.in("weights", 16, packed)
	output := s.out("y", 4, 4*c.N)
	if err := s.place(); err != nil {
		return plan{}, err
	}

	outputs := func(n0, n1 int) kernels.Record {
		return kernels.Dense{
			X: input.ptr(0), Weights: weights.ptr(n0 / kernels.Panel * kernels.PanelBytes(1, c.K, c.Half)),
			Y: output.ptr(4 * n0), K: uint32(c.K), N: uint32(n1 - n0), Half: flag(c.Half), Act: c.Act,
		}.Record()
	}
	check := func() error {
		want := make([]bound, c.N)
		for n := range want {
			sum := newSum(bias[n])
			for k := range c.K {
				sum.add(x[k], w[n*c.K+k])
			}
			want[n] = sum.bound().activate(c.Act)
		}
		return compare(output, want, contiguous, strictProducts(s.arena.m))
	}
	p := plan{records: []kernels.Record{outputs(0, c.N)}, check: check}
	if c.N > kernels.Panel && !c.Special {
		at := s.random.between(1, (c.N-1)/kernels.Panel) * kernels.Panel
		p.splits = append(p.splits, []kernels.Record{outputs(at, c.N), outputs(0, at)})
	}
	return p, nil
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// Dense tests [kernels.Dense].
func Dense(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("dense")
	for _, half := range []bool{false, true} {
		for k := 1; k <= 17; k++ {
			for n := 1; n <= 17; n++ {
				if !testing.Short() || (k+n)%5 == 0 {
					s.test(DenseCase{K: k, N: n, Half: half, Act: r.activation()})
				}
			}
		}
		for act := kernels.Identity; act <= kernels.HardSigmoid; act++ {
			s.test(DenseCase{K: 30, N: 50, Half: half, Act: act})
			s.test(DenseCase{K: 30, N: 50, Half: half, Act: act, Special: true})
		}
		for range atScale(40) {
			s.test(DenseCase{K: r.between(1, 200), N: r.between(1, 150), Half: half, Act: r.activation()})
		}
		for _, c := range []DenseCase{
			{K: 64, N: 16, Act: kernels.ReLU}, {K: 16, N: 64, Act: kernels.HardSigmoid}, // squeeze-and-excite
			{K: 240, N: 960, Act: kernels.HardSigmoid},
			{K: 576, N: 200, Act: kernels.HardSwish},
			{K: 1280, N: 101},
		} {
			c.Half = half
			s.test(c)
		}
	}
}
