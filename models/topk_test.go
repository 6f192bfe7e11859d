package models

import (
	"math"
	"reflect"
	"testing"
)

func TestSoftmax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	third := float32(1.0 / 3)
	for _, tc := range []struct{ logits, want []float32 }{
		{[]float32{0, 0, 0}, []float32{third, third, third}},
		{[]float32{1000, 1000, -1000}, []float32{0.5, 0.5, 0}},
		{[]float32{3e38, -3e38}, []float32{1, 0}},
		{[]float32{0, float32(math.Log(3))}, []float32{0.25, 0.75}},
		{[]float32{inf, 1, inf}, []float32{0.5, 0, 0.5}},
		{[]float32{-inf, -inf}, []float32{0.5, 0.5}},
		{[]float32{1, nan, 2}, []float32{nan, nan, nan}},
		{nil, nil},
	} {
		got := make([]float32, len(tc.logits))
		Softmax(got, tc.logits)
		for i, v := range tc.want {
			if d := math.Abs(float64(got[i] - v)); d > 1e-7 || (v == v) != (got[i] == got[i]) {
				t.Errorf("%v: %v, want %v", tc.logits, got, tc.want)
				break
			}
		}
	}
}

func TestTopK(t *testing.T) {
	nan := float32(math.NaN())
	for _, tc := range []struct {
		p    []float32
		k    int
		want []int
	}{
		{[]float32{0.1, 0.5, 0.4}, 2, []int{1, 2}},
		{[]float32{0.2, 0.2, 0.6, 0.2}, 3, []int{2, 0, 1}},
		{[]float32{0.2, 0.2}, 9, []int{0, 1}},
		{[]float32{nan, 0.1, nan, 0.3}, 4, []int{3, 1, 0, 2}},
		{[]float32{nan, 0.1, 0.3}, 1, []int{2}},
		{[]float32{1}, 0, nil},
		{nil, 5, nil},
		{[]float32{1}, -3, nil},
	} {
		var got []int
		for _, p := range TopK(tc.p, tc.k) {
			got = append(got, p.Index)
			if v := tc.p[p.Index]; v == v && v != p.Probability {
				t.Errorf("%v: %+v", tc.p, p)
			}
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%v, %d: %v, want %v", tc.p, tc.k, got, tc.want)
		}
	}
}
