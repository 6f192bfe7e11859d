package teach

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestPredict(t *testing.T) {
	h := &Head{classes: []string{"a", "b"}, features: 3, weight: []float32{1, 2, 3, -1, 0, 1}, bias: []float32{0.5, -0.5}}
	p, err := h.Predict([]float32{7}, []float32{1, 0, 0.5})
	if err != nil || len(p) != 3 || p[0] != 7 {
		t.Fatal(p, err)
	}
	want := 1 / (1 + math.Exp(-1-3)) // logits 3 and -1
	if math.Abs(float64(p[1])-want) > 1e-6 || math.Abs(float64(p[2])-(1-want)) > 1e-6 {
		t.Errorf("%v, want %g and the rest", p[1:], want)
	}
	for _, tc := range []struct {
		code      Code
		text      string
		embedding []float32
	}{
		{BadLength, "the embedding has 2 values, want 3", []float32{1, 2}},
		{BadLength, "has 0 values", nil},
		{NotFinite, "value 1 is NaN or infinite", []float32{1, float32(math.NaN()), 2}},
	} {
		got, err := h.Predict([]float32{7}, tc.embedding)
		var typed *Error
		if !errors.As(err, &typed) || typed.Code != tc.code || !strings.Contains(err.Error(), tc.text) || !slices.Equal(got, []float32{7}) {
			t.Errorf("%v: %v, %v; want %s: %s", tc.embedding, got, err, tc.code, tc.text)
		}
	}
}

func TestEvaluateErrors(t *testing.T) {
	h, _ := mustTrain(t, clusters(1, 2, 3, 4, 1))
	good := []float32{1, 2, 3, 4}
	for _, tc := range []struct {
		code       Code
		embeddings [][]float32
		labels     []int
	}{
		{BadLabel, [][]float32{good}, nil},
		{BadLabel, [][]float32{good}, []int{2}},
		{BadLength, [][]float32{good, good[1:]}, []int{0, 1}},
	} {
		e, err := h.Evaluate(tc.embeddings, tc.labels)
		var typed *Error
		if !errors.As(err, &typed) || typed.Code != tc.code || e != nil {
			t.Errorf("%v %v: %v", tc.embeddings, tc.labels, err)
		}
	}
	if e, err := h.Evaluate(nil, nil); err != nil || e.Confusion.Accuracy() != 0 {
		t.Errorf("nothing: %v, %v", e, err)
	}
}

func TestCheckBase(t *testing.T) {
	h, _ := mustTrain(t, clusters(1, 2, 3, 4, 1))
	if err := h.CheckBase(Base{"renamed", testBase.SHA256}); err != nil {
		t.Error(err)
	}
	for _, hash := range []string{"", "abc", strings.Repeat("f", 64)} {
		err := h.CheckBase(Base{"mobilenet_v1", hash})
		var typed *Error
		if !errors.As(err, &typed) || typed.Code != WrongNetwork || !strings.Contains(err.Error(),
			`taught on "mobilenet_v2" (SHA-256 0123456789ab...), the network here is "mobilenet_v1"`) {
			t.Errorf("%q: %v", hash, err)
		}
	}
}
func TestRename(t *testing.T) {
	h, _ := mustTrain(t, clusters(1, 2, 3, 4, 1))
	classes := []string{"cup", "pen"}
	renamed, err := h.Rename(classes)
	if err != nil || !slices.Equal(renamed.Classes(), classes) || slices.Equal(h.Classes(), classes) {
		t.Fatal(renamed, err)
	}
	embedding := []float32{1, 2, 3, 4}
	a, _ := h.Predict(nil, embedding)
	b, err := renamed.Predict(nil, embedding)
	if err != nil || !slices.Equal(a, b) {
		t.Errorf("probabilities %v, renamed %v, %v", a, b, err)
	}
	for _, bad := range [][]string{nil, {"cup"}, {"cup", "cup"}, {"cup", " "}, {"cup", "pen", "key"}} {
		_, err := h.Rename(bad)
		var typed *Error
		if !errors.As(err, &typed) || typed.Code != BadClass {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
