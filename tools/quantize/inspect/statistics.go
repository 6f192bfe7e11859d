package inspect

import (
	"math"

	"glance/tools/quantize/checkpoint"
)

// Statistics describe the values of a tensor. Min, Max, Mean and Std are of the
// finite ones.
type Statistics struct {
	Count     int
	Zeros     int
	NonFinite int // NaN or infinite
	Min, Max  float64
	Mean      float64
	Std       float64 // population standard deviation
}

// Of reads a tensor's values once and describes them.
func Of(t *checkpoint.Tensor) (Statistics, error) {
	s := Statistics{Min: math.Inf(1), Max: math.Inf(-1)}
	var squares float64 // sum of squared differences from the mean so far (Welford)
	finite := 0
	err := t.Visit(func(chunk []float32) error {
		for _, v := range chunk {
			x := float64(v)
			s.Count++
			if math.IsNaN(x) || math.IsInf(x, 0) {
				s.NonFinite++
				continue
			}
			if x == 0 {
				s.Zeros++
			}
			s.Min, s.Max = min(s.Min, x), max(s.Max, x)
			finite++
			d := x - s.Mean
			s.Mean += d / float64(finite)
			squares += d * (x - s.Mean)
		}
		return nil
	})
	if finite > 0 {
		s.Std = math.Sqrt(squares / float64(finite))
	} else {
		s.Min, s.Max = 0, 0
	}
	return s, err
}
