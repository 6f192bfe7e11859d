package models

import "math"

// Prediction is one class of a result.
type Prediction struct {
	Index       int
	Probability float32
}

// Softmax writes the probabilities of the logits to dst, which is as long and may
// be the same slice. It subtracts the largest logit first and sums in float64. A
// NaN among the logits makes every probability NaN; infinite logits share all of
// the probability.
func Softmax(dst, logits []float32) {
	largest := float32(math.Inf(-1))
	for _, v := range logits {
		if v > largest || v != v {
			largest = v
		}
	}
	sum := 0.0
	for _, v := range logits {
		sum += exponential(v, largest)
	}
	for i, v := range logits {
		dst[i] = float32(exponential(v, largest) / sum)
	}
}

// exponential is exp(v - largest), also where both are infinite.
func exponential(v, largest float32) float64 {
	if v == largest {
		return 1
	}
	return math.Exp(float64(v) - float64(largest))
}

// TopK returns the k most probable classes, or all where there are fewer, the
// most probable first. Equal probabilities are in order of their index; NaN comes
// last.
func TopK(probabilities []float32, k int) []Prediction {
	k = min(k, len(probabilities))
	if k <= 0 {
		return nil
	}
	top := make([]Prediction, 0, k)
	for i, p := range probabilities {
		at := len(top)
		for at > 0 && (p > top[at-1].Probability || top[at-1].Probability != top[at-1].Probability && p == p) {
			at--
		}
		if at == k {
			continue
		}
		if len(top) < k {
			top = append(top, Prediction{})
		}
		copy(top[at+1:], top[at:])
		top[at] = Prediction{i, p}
	}
	return top
}
