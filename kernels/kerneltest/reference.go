package kerneltest

import (
	"fmt"
	"math"

	"glance/kernels"
)

// bound is a reference value, how far a float32 computation may be from it, and
// what strict is: the float32 result of adding rounded products in order.
type bound struct {
	value, slack float64
	strict       float32
}

// ulp is the largest relative error of one float32 rounding, 2^-24; tiny the
// largest absolute one of a result that underflows.
const (
	ulp  = 1.0 / (1 << 24)
	tiny = 1e-44
)

// sum accumulates a bound: a bias and products.
type sum struct {
	value, magnitude float64
	terms            int
	strict           float32
}

func newSum(bias float32) sum {
	return sum{value: float64(bias), magnitude: math.Abs(float64(bias)), strict: bias}
}

func (s *sum) add(x, w float32) {
	p := float64(x) * float64(w)
	s.value += p
	s.magnitude += math.Abs(p)
	s.terms++
	s.strict += float32(x * w)
}

// bound is the value with the error of any order: each of the terms+1 roundings
// that a term passes through leaves at most ulp of the magnitudes.
func (s *sum) bound() bound {
	return bound{s.value, float64(s.terms+2)*(ulp*s.magnitude+tiny) + tiny, s.strict}
}

// activate applies an activation of the kernels package's list.
func (b bound) activate(a kernels.Activation) bound {
	v, s := b.value, b.strict
	gate, strictGate := min(max(v+3, 0), 6)/6, min(max(s+3, 0), 6)*float32(1.0/6)
	switch a {
	case kernels.ReLU:
		b.value, b.strict = max(v, 0), max(s, 0)
	case kernels.ReLU6:
		b.value, b.strict = min(max(v, 0), 6), min(max(s, 0), 6)
	case kernels.HardSwish:
		// The slope is at most 3/2; adding 3 and two products round.
		b.value, b.strict = v*gate, s*strictGate
		b.slack = 1.5*b.slack + 8*ulp*max(1, math.Abs(v))
	case kernels.HardSigmoid:
		b.value, b.strict = gate, strictGate
		b.slack = b.slack/6 + 8*ulp
	}
	return b
}

// plus adds an exact float32.
func (b bound) plus(r float32) bound {
	v := b.value + float64(r)
	return bound{v, b.slack + 2*ulp*math.Abs(v) + tiny, b.strict + r}
}

// times multiplies by an exact float32.
func (b bound) times(f float32) bound {
	v := b.value * float64(f)
	return bound{v, b.slack*math.Abs(float64(f)) + 2*ulp*math.Abs(v) + tiny, b.strict * f}
}

// accepts tells whether a result is within the bound.
func (b bound) accepts(got float32) bool {
	g := float64(got)
	switch {
	case math.IsNaN(b.value):
		return math.IsNaN(g)
	case math.IsInf(b.value, 0):
		return g == b.value
	}
	return math.Abs(g-b.value) <= b.slack
}

// acceptsStrict tells whether a result is the strict one.
func (b bound) acceptsStrict(got float32) bool {
	return got == b.strict || got != got && b.strict != b.strict
}

// compare holds the float32 values of an output, found at index(i), against
// their bounds.
func compare(t *tensor, want []bound, index func(i int) int, strict bool) error {
	wrong, first := 0, error(nil)
	for i, b := range want {
		at := index(i)
		got := t.float(at)
		var err error
		switch {
		case t.untouched(at):
			err = fmt.Errorf("%s: element %d was not written", t.name, at)
		case !b.accepts(got):
			err = fmt.Errorf("%s: element %d is %v, want %v within %.3g", t.name, at, got, b.value, b.slack)
		case strict && !b.acceptsStrict(got):
			err = fmt.Errorf("%s: element %d is %v, want exactly %v: products added in another order, or fused", t.name, at, got, b.strict)
		}
		if err != nil {
			wrong++
			if first == nil {
				first = err
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%w (%d of %d elements are wrong)", first, wrong, len(want))
	}
	return nil
}

// contiguous is compare's index for a dense tensor.
func contiguous(i int) int { return i }

// strictProducts tells whether the contract fixes the order of rounding of a
// machine's products.
func strictProducts(m kernels.Machine) bool { return m.Name() == "simd128" }
