package models

import (
	"errors"
	"math"
	"testing"
)

func TestFold(t *testing.T) {
	bn := BatchNorm{Gamma: []float32{1, -2}, Beta: []float32{0.5, 3}, Mean: []float32{2, -1}, Var: []float32{4, 0}, Epsilon: 1e-3}
	weight, bias := []float32{1, 2, 3, -1, 0, 1}, []float32{0.25, 7}
	w, b, err := bn.Fold(weight, bias)
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{0.3, -1.5, 2}
	for n := range 2 {
		conv, folded := float64(bias[n]), float64(b[n])
		for k := range 3 {
			conv += float64(weight[3*n+k]) * x[k]
			folded += float64(w[3*n+k]) * x[k]
		}
		want := (conv-float64(bn.Mean[n]))/math.Sqrt(float64(bn.Var[n])+1e-3)*float64(bn.Gamma[n]) + float64(bn.Beta[n])
		if math.Abs(folded-want) > 1e-5*math.Abs(want) {
			t.Errorf("channel %d: %v, want %v", n, folded, want)
		}
	}
	plain := BatchNorm{Mean: []float32{0, 0}, Var: []float32{1, 1}}
	if w, b, err = plain.Fold(weight, nil); err != nil || w[2] != 3 || b[1] != 0 {
		t.Errorf("identity: %v %v %v", w, b, err)
	}
}

func TestFoldErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	ok := func() BatchNorm {
		return BatchNorm{Gamma: []float32{1, 1}, Beta: []float32{0, 0}, Mean: []float32{0, 0}, Var: []float32{1, 1}, Epsilon: 1e-5}
	}
	weight := []float32{1, 2, 3, 4}
	for _, tc := range []struct {
		field   string
		channel int
		change  func(bn *BatchNorm, w, b *[]float32)
	}{
		{"variance", 1, func(bn *BatchNorm, w, b *[]float32) { bn.Var[1] = -0.1 }},
		{"variance", 0, func(bn *BatchNorm, w, b *[]float32) { bn.Var[0] = nan }},
		{"variance", 0, func(bn *BatchNorm, w, b *[]float32) { bn.Var[0], bn.Epsilon = 0, 0 }},
		{"mean", 1, func(bn *BatchNorm, w, b *[]float32) { bn.Mean[1] = inf }},
		{"gamma", 0, func(bn *BatchNorm, w, b *[]float32) { bn.Gamma[0] = nan }},
		{"beta", 0, func(bn *BatchNorm, w, b *[]float32) { bn.Beta[0] = -inf }},
		{"bias", 1, func(bn *BatchNorm, w, b *[]float32) { *b = []float32{0, nan} }},
		{"bias", -1, func(bn *BatchNorm, w, b *[]float32) { *b = []float32{0} }},
		{"variance", -1, func(bn *BatchNorm, w, b *[]float32) { bn.Var = bn.Var[:1] }},
		{"gamma", -1, func(bn *BatchNorm, w, b *[]float32) { bn.Gamma = nil; bn.Gamma = []float32{} }},
		{"weight", -1, func(bn *BatchNorm, w, b *[]float32) { *w = []float32{1, 2, 3} }},
		{"weight", -1, func(bn *BatchNorm, w, b *[]float32) { bn.Mean = nil }},
		{"weight", 1, func(bn *BatchNorm, w, b *[]float32) { *w = []float32{1, 2, nan, 4} }},
		{"weight", 0, func(bn *BatchNorm, w, b *[]float32) { bn.Gamma[0], *w = 3e38, []float32{100, 2, 3, 4} }},
	} {
		bn, w, b := ok(), weight, []float32(nil)
		tc.change(&bn, &w, &b)
		_, _, err := bn.Fold(w, b)
		var e *FoldError
		if !errors.As(err, &e) || e.Field != tc.field || e.Channel != tc.channel {
			t.Errorf("%v, want %s of channel %d", err, tc.field, tc.channel)
		}
	}
}
