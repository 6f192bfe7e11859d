package models

import (
	"math"
	"strconv"
)

// BatchNorm is a batch normalisation at inference, per channel
//
//	y = (x - Mean) / sqrt(Var + Epsilon) * Gamma + Beta
//
// with one value for each channel in every slice. A nil Gamma is ones, a nil
// Beta zeros.
type BatchNorm struct {
	Gamma, Beta, Mean, Var []float32
	Epsilon                float64
}

// FoldError says why a batch norm cannot be folded.
type FoldError struct {
	Field   string // "variance", "mean", "gamma", "beta", "weight", "bias"
	Channel int    // output channel, or -1 where the length is wrong
	Detail  string
}

func (e *FoldError) Error() string {
	if e.Channel < 0 {
		return "models: batch norm: " + e.Field + ": " + e.Detail
	}
	return "models: batch norm: " + e.Field + " of channel " + strconv.Itoa(e.Channel) + ": " + e.Detail
}

// Fold returns the weights and bias of the convolution that does what a
// convolution followed by the batch norm does:
//
//	w'[n] = w[n] * g    b'[n] = (b[n] - Mean[n]) * g + Beta[n]    g = Gamma[n] / sqrt(Var[n] + Epsilon)
//
// weight is [channels][any], the output channel first; bias is the convolution's
// own, nil for none. Arithmetic is in float64. Nothing is modified. The error is
// a [*FoldError]: a length that does not fit, a value that is not finite, a
// variance that is negative, or a result beyond float32.
func (bn BatchNorm) Fold(weight, bias []float32) (w, b []float32, err error) {
	channels := len(bn.Mean)
	if channels == 0 || len(weight)%channels != 0 || len(weight) == 0 {
		return nil, nil, &FoldError{"weight", -1, strconv.Itoa(len(weight)) + " values for " + strconv.Itoa(channels) + " channels"}
	}
	for _, v := range []struct {
		name   string
		values []float32
		needed bool
	}{{"variance", bn.Var, true}, {"gamma", bn.Gamma, false}, {"beta", bn.Beta, false}, {"bias", bias, false}} {
		if len(v.values) != channels && (v.needed || v.values != nil) {
			return nil, nil, &FoldError{v.name, -1, strconv.Itoa(len(v.values)) + " values for " + strconv.Itoa(channels) + " channels"}
		}
	}
	at := func(values []float32, n int, absent float64) float64 {
		if values == nil {
			return absent
		}
		return float64(values[n])
	}
	k := len(weight) / channels
	w, b = make([]float32, len(weight)), make([]float32, channels)
	for n := range channels {
		mean, variance := float64(bn.Mean[n]), float64(bn.Var[n])
		gamma, beta, own := at(bn.Gamma, n, 1), at(bn.Beta, n, 0), at(bias, n, 0)
		for _, v := range []struct {
			name  string
			value float64
		}{{"variance", variance}, {"mean", mean}, {"gamma", gamma}, {"beta", beta}, {"bias", own}} {
			if math.IsNaN(v.value) || math.IsInf(v.value, 0) {
				return nil, nil, &FoldError{v.name, n, formatFloat(v.value) + " is not finite"}
			}
		}
		if variance < 0 || !(variance+bn.Epsilon > 0) {
			return nil, nil, &FoldError{"variance", n, formatFloat(variance) + " with epsilon " + formatFloat(bn.Epsilon) + ", want it positive"}
		}
		g := gamma / math.Sqrt(variance+bn.Epsilon)
		b[n] = float32(float64((own-mean)*g) + beta) // converted, so that no processor fuses the two: blobs have one hash
		if !finite(b[n]) {
			return nil, nil, &FoldError{"bias", n, "beyond float32 after folding"}
		}
		for i, v := range weight[n*k : (n+1)*k] {
			folded := float32(float64(v) * g)
			if !finite(folded) {
				return nil, nil, &FoldError{"weight", n, formatFloat(float64(v)) + " is not finite, or not after folding"}
			}
			w[n*k+i] = folded
		}
	}
	return w, b, nil
}

func finite(v float32) bool {
	return math.Float32bits(v)&0x7f800000 != 0x7f800000
}
