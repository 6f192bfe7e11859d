package kerneltest

import (
	"fmt"
	"testing"

	"glance/kernels"
)

// Residual says where the residual of a [PointwiseCase] lies.
type Residual int

// The kinds of residual.
const (
	NoResidual Residual = iota
	Apart               // in a tensor of its own
	InPlace             // in Y
)

func (r Residual) String() string { return [...]string{"none", "apart", "in place"}[r] }

// PointwiseCase is a case of [kernels.Pointwise].
type PointwiseCase struct {
	M, K, N  int
	Gap      int // floats between the rows of Y
	Residual Residual
	Act      kernels.Activation
	Special  bool // with NaN and infinities among the activations
}

func (c PointwiseCase) String() string {
	s := fmt.Sprintf("pointwise M=%d K=%d N=%d gap=%d %v residual=%v", c.M, c.K, c.N, c.Gap, c.Act, c.Residual)
	if c.Special {
		s += " special"
	}
	return s
}

func (c PointwiseCase) prepare(s *scene) (plan, error) {
	stride := c.N + c.Gap
	extent := (c.M-1)*stride + c.N
	x := s.random.activations(c.M * c.K)
	if c.Special {
		s.random.special(x)
	}
	w, bias := s.random.weights(c.N*c.K), s.random.weights(c.N)
	input := s.in("x", 4, floatBytes(x))
	weights := s.in("weights", 16, panels(w, bias, c.N, c.K))
	var residual []float32
	var output, added *tensor
	if c.Residual != NoResidual {
		residual = s.random.activations(extent)
	}
	if c.Residual == InPlace {
		output = s.in("y", 4, floatBytes(residual)).updated()
		added = output
	} else {
		output = s.out("y", 4, 4*extent)
		if c.Residual == Apart {
			added = s.in("residual", 4, floatBytes(residual))
		}
	}
	output.rows(4*c.N, 4*stride)
	if err := s.place(); err != nil {
		return plan{}, err
	}

	// block is the record of rows [m0, m1) and outputs [n0, n1), n0 a multiple of
	// the panel.
	block := func(m0, m1, n0, n1 int) kernels.Record {
		offset := 4 * (m0*stride + n0)
		o := kernels.Pointwise{
			X: input.ptr(4 * m0 * c.K), Weights: weights.ptr(n0 / kernels.Panel * kernels.PanelBytes(1, c.K, false)),
			Y: output.ptr(offset), M: uint32(m1 - m0), K: uint32(c.K), N: uint32(n1 - n0),
			YStride: uint32(stride), Act: c.Act,
		}
		if added != nil {
			o.Residual = added.ptr(offset)
		}
		return o.Record()
	}
	check := func() error {
		want := make([]bound, c.M*c.N)
		for m := range c.M {
			for n := range c.N {
				sum := newSum(bias[n])
				for k := range c.K {
					sum.add(x[m*c.K+k], w[n*c.K+k])
				}
				b := sum.bound().activate(c.Act)
				if residual != nil {
					b = b.plus(residual[m*stride+n])
				}
				want[m*c.N+n] = b
			}
		}
		index := func(i int) int { return i/c.N*stride + i%c.N }
		return compare(output, want, index, strictProducts(s.arena.m))
	}
	p := plan{records: []kernels.Record{block(0, c.M, 0, c.N)}, check: check}
	if c.Special {
		return p, nil // which NaN comes out is not specified
	}
	for _, at := range splitPoints(s.random, c.M) {
		p.splits = append(p.splits, []kernels.Record{block(0, at, 0, c.N), block(at, c.M, 0, c.N)})
	}
	if c.N > kernels.Panel {
		at := s.random.between(1, (c.N-1)/kernels.Panel) * kernels.Panel
		p.splits = append(p.splits, []kernels.Record{block(0, c.M, at, c.N), block(0, c.M, 0, at)})
	}
	return p, nil
}

// splitPoints returns where to split n rows in two: after the first, before the
// last, or somewhere between.
func splitPoints(r random, n int) []int {
	switch {
	case n < 2:
		return nil
	case n < 4:
		return []int{r.between(1, n-1)}
	}
	return []int{1, r.between(2, n-2)}
}

// Pointwise tests [kernels.Pointwise].
func Pointwise(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("pointwise")
	for m := 1; m <= 9; m++ {
		for k := 1; k <= 9; k++ {
			for n := 1; n <= 9; n++ {
				if testing.Short() && (m+k+n)%5 != 0 {
					continue
				}
				s.test(PointwiseCase{M: m, K: k, N: n, Act: r.activation(), Residual: Residual((m + k + n) % 3), Gap: r.gap()})
			}
		}
	}
	for act := kernels.Identity; act <= kernels.HardSigmoid; act++ {
		for residual := NoResidual; residual <= InPlace; residual++ {
			for _, gap := range []int{0, 1, 8} {
				s.test(PointwiseCase{M: 11, K: 13, N: 21, Gap: gap, Residual: residual, Act: act})
			}
		}
		s.test(PointwiseCase{M: 9, K: 5, N: 19, Act: act, Special: true})
		s.test(PointwiseCase{M: 12, K: 1, N: 40, Act: act, Special: true, Residual: InPlace})
	}
	for range atScale(60) {
		s.test(PointwiseCase{M: r.between(1, 40), K: r.between(1, 80), N: r.between(1, 80),
			Gap: r.gap(), Residual: Residual(r.IntN(3)), Act: r.activation()})
	}
	for _, c := range []PointwiseCase{
		{M: 112, K: 32, N: 16},
		{M: 112, K: 16, N: 96, Act: kernels.ReLU6},
		{M: 56, K: 144, N: 24, Residual: InPlace},
		{M: 56, K: 24, N: 72, Act: kernels.HardSwish},
		{M: 200, K: 40, N: 67},
		{M: 49, K: 160, N: 320},
		{M: 7, K: 960, N: 160, Residual: Apart},
		{M: 1, K: 1280, N: 100},
	} {
		s.test(c)
	}
}
