package kerneltest

import (
	"fmt"
	"testing"

	"glance/kernels"
)

// SumRowsCase is a case of [kernels.SumRows]. The result is exact: the order of
// adding is fixed.
type SumRowsCase struct {
	M, N, Gap int // Gap floats lie between rows
	Scale     float32
	Special   bool // with NaN and infinities among the activations
}

func (c SumRowsCase) String() string {
	return fmt.Sprintf("sumrows M=%d N=%d gap=%d scale=%v special=%v", c.M, c.N, c.Gap, c.Scale, c.Special)
}

func (c SumRowsCase) prepare(s *scene) (plan, error) {
	stride := c.N + c.Gap
	x := s.random.activations((c.M-1)*stride + c.N)
	if c.Special {
		s.random.special(x)
	}
	input := s.in("x", 4, floatBytes(x))
	output := s.out("y", 4, 4*c.N)
	if err := s.place(); err != nil {
		return plan{}, err
	}
	columns := func(n0, n1 int) kernels.Record {
		return kernels.SumRows{X: input.ptr(4 * n0), Y: output.ptr(4 * n0), M: uint32(c.M), N: uint32(n1 - n0),
			Stride: uint32(stride), Scale: c.Scale}.Record()
	}
	check := func() error {
		want := make([]bound, c.N)
		for n := range want {
			sum := newSum(0)
			for m := range c.M {
				sum.add(x[m*stride+n], 1)
			}
			want[n] = sum.bound().times(c.Scale)
		}
		return compare(output, want, contiguous, true)
	}
	p := plan{records: []kernels.Record{columns(0, c.N)}, check: check}
	if c.Special {
		return p, nil
	}
	for _, at := range splitPoints(s.random, c.N) {
		p.splits = append(p.splits, []kernels.Record{columns(0, at), columns(at, c.N)})
	}
	return p, nil
}

// SumRows tests [kernels.SumRows].
func SumRows(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("sumrows")
	for m := 1; m <= 9; m++ {
		for n := 1; n <= 20; n++ {
			s.test(SumRowsCase{M: m, N: n, Gap: r.gap(), Scale: 1 / float32(m)})
		}
	}
	for range atScale(20) {
		s.test(SumRowsCase{M: r.between(1, 60), N: r.between(1, 120), Gap: r.gap(), Scale: r.uniform(2)})
	}
	s.test(SumRowsCase{M: 12, N: 30, Scale: 1, Special: true})
	s.test(SumRowsCase{M: 49, N: 1280, Scale: 1.0 / 49})
	s.test(SumRowsCase{M: 14, N: 120, Scale: 1.0 / 196})
}

// ScaleRowsCase is a case of [kernels.ScaleRows]. The result is exact.
type ScaleRowsCase struct {
	M, C    int
	InPlace bool
	Special bool // with NaN and infinities among the activations
}

func (c ScaleRowsCase) String() string {
	return fmt.Sprintf("scalerows M=%d C=%d in place=%v special=%v", c.M, c.C, c.InPlace, c.Special)
}

func (c ScaleRowsCase) prepare(s *scene) (plan, error) {
	x, factors := s.random.activations(c.M*c.C), s.random.weights(c.C)
	if c.Special {
		s.random.special(x)
	}
	scale := s.in("s", 4, floatBytes(factors))
	input := s.in("x", 4, floatBytes(x))
	output := input
	if c.InPlace {
		input.updated()
	} else {
		output = s.out("y", 4, 4*len(x))
	}
	if err := s.place(); err != nil {
		return plan{}, err
	}
	rows := func(m0, m1 int) kernels.Record {
		at := 4 * m0 * c.C
		return kernels.ScaleRows{X: input.ptr(at), S: scale.ptr(0), Y: output.ptr(at), M: uint32(m1 - m0), C: uint32(c.C)}.Record()
	}
	check := func() error {
		want := make([]bound, len(x))
		for i := range want {
			sum := newSum(0)
			sum.add(x[i], factors[i%c.C])
			want[i] = sum.bound()
		}
		return compare(output, want, contiguous, true)
	}
	p := plan{records: []kernels.Record{rows(0, c.M)}, check: check}
	if c.Special {
		return p, nil
	}
	for _, at := range splitPoints(s.random, c.M) {
		p.splits = append(p.splits, []kernels.Record{rows(0, at), rows(at, c.M)})
	}
	return p, nil
}

// ScaleRows tests [kernels.ScaleRows].
func ScaleRows(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("scalerows")
	for _, inPlace := range []bool{false, true} {
		for m := 1; m <= 9; m++ {
			for c := 1; c <= 20; c++ {
				s.test(ScaleRowsCase{M: m, C: c, InPlace: inPlace})
			}
		}
		for range atScale(20) {
			s.test(ScaleRowsCase{M: r.between(1, 60), C: r.between(1, 120), InPlace: inPlace})
		}
		s.test(ScaleRowsCase{M: 9, C: 13, InPlace: inPlace, Special: true})
		s.test(ScaleRowsCase{M: 49, C: 576, InPlace: inPlace})
	}
}

// ScalePanelsCase is a case of [kernels.ScalePanels]. The result is exact.
type ScalePanelsCase struct{ K, N int }

func (c ScalePanelsCase) String() string { return fmt.Sprintf("scalepanels K=%d N=%d", c.K, c.N) }

func (c ScalePanelsCase) prepare(s *scene) (plan, error) {
	w, bias, factors := s.random.weights(c.N*c.K), s.random.weights(c.N), s.random.activations(c.K)
	source := s.in("source", 16, panels(w, bias, c.N, c.K))
	scale := s.in("s", 4, floatBytes(factors))
	output := s.out("panels", 16, kernels.PanelBytes(c.N, c.K, false))
	if err := s.place(); err != nil {
		return plan{}, err
	}
	outputs := func(n0, n1 int) kernels.Record {
		at := n0 / kernels.Panel * kernels.PanelBytes(1, c.K, false)
		return kernels.ScalePanels{Src: source.ptr(at), S: scale.ptr(0), Dst: output.ptr(at), K: uint32(c.K), N: uint32(n1 - n0)}.Record()
	}
	check := func() error {
		want := make([]bound, output.size/4)
		for i := range want { // outputs past N stay zero
			panel, k, n := i/(kernels.Panel*(1+c.K)), i/kernels.Panel%(1+c.K)-1, i%kernels.Panel
			n += panel * kernels.Panel
			switch {
			case n >= c.N:
			case k < 0:
				want[i] = bound{value: float64(bias[n]), strict: bias[n]}
			default:
				sum := newSum(0)
				sum.add(w[n*c.K+k], factors[k])
				want[i] = sum.bound()
			}
		}
		return compare(output, want, contiguous, true)
	}
	p := plan{records: []kernels.Record{outputs(0, c.N)}, check: check}
	if c.N > kernels.Panel {
		at := s.random.between(1, (c.N-1)/kernels.Panel) * kernels.Panel
		p.splits = append(p.splits, []kernels.Record{outputs(at, c.N), outputs(0, at)})
	}
	return p, nil
}

// ScalePanels tests [kernels.ScalePanels].
func ScalePanels(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	for k := 1; k <= 10; k++ {
		for n := 1; n <= 18; n++ {
			s.test(ScalePanelsCase{K: k, N: n})
		}
	}
	r := newRandom("scalepanels")
	for range atScale(20) {
		s.test(ScalePanelsCase{K: r.between(1, 150), N: r.between(1, 100)})
	}
	s.test(ScalePanelsCase{K: 576, N: 96})
	s.test(ScalePanelsCase{K: 120, N: 40})
}
