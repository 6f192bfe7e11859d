package teach

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestTrainErrors(t *testing.T) {
	many := make([]string, MaxClasses+1)
	for i := range many {
		many[i] = "class " + strconv.Itoa(i)
	}
	for _, tc := range []struct {
		name   string
		code   Code
		text   string
		change func(ex *Examples, b *Base)
	}{
		{"no class", TooFewClasses, "teach: 0 classes, at least 2", func(ex *Examples, _ *Base) { *ex = Examples{} }},
		{"one class", TooFewClasses, "teach: 1 class, at least 2 are needed", func(ex *Examples, _ *Base) {
			*ex = Examples{ex.Classes[:1], ex.Embeddings[:5], ex.Labels[:5]}
		}},
		{"257 classes", TooManyClasses, "257 classes, at most 256", func(ex *Examples, _ *Base) { ex.Classes = many }},
		{"empty name", BadClass, "the name of class 1 is empty", func(ex *Examples, _ *Base) { ex.Classes[1] = " \t" }},
		{"same name", BadClass, `class "class 0": two classes have this name`, func(ex *Examples, _ *Base) { ex.Classes[2] = "class 0" }},
		{"line break", BadClass, "control character", func(ex *Examples, _ *Base) { ex.Classes[2] = "a\nb" }},
		{"long name", BadClass, "101 bytes, at most 100", func(ex *Examples, _ *Base) { ex.Classes[2] = strings.Repeat("x", 101) }},
		{"not UTF-8", BadClass, "not UTF-8", func(ex *Examples, _ *Base) { ex.Classes[2] = "\xff" }},
		{"no examples", TooFewExamples, `class "class 0": 0 examples, at least 2 are needed`, func(ex *Examples, _ *Base) {
			ex.Embeddings, ex.Labels = nil, nil
		}},
		{"one example", TooFewExamples, `class "class 2": 1 example, at least 2 are needed and 10 are better: collect more`, func(ex *Examples, _ *Base) {
			ex.Embeddings, ex.Labels = ex.Embeddings[:11], ex.Labels[:11]
		}},
		{"labels missing", BadLabel, "14 labels for 15 embeddings", func(ex *Examples, _ *Base) { ex.Labels = ex.Labels[1:] }},
		{"label too large", BadLabel, "example 3 has the label 3, want the index of one of 3 classes", func(ex *Examples, _ *Base) { ex.Labels[3] = 3 }},
		{"label negative", BadLabel, "example 3 has the label -1", func(ex *Examples, _ *Base) { ex.Labels[3] = -1 }},
		{"short embedding", BadLength, "the embedding of example 7 has 19 values, want 20", func(ex *Examples, _ *Base) {
			ex.Embeddings[7] = ex.Embeddings[7][1:]
		}},
		{"empty embeddings", BadLength, "has 0 values, want 1 to 16384", func(ex *Examples, _ *Base) {
			for i := range ex.Embeddings {
				ex.Embeddings[i] = nil
			}
		}},
		{"long embeddings", BadLength, "has 16385 values, want 1 to 16384", func(ex *Examples, _ *Base) {
			for i := range ex.Embeddings {
				ex.Embeddings[i] = make([]float32, MaxFeatures+1)
			}
		}},
		{"NaN", NotFinite, "the embedding of example 14: value 2 is NaN or infinite", func(ex *Examples, _ *Base) {
			ex.Embeddings[14][2] = float32(math.NaN())
		}},
		{"infinity", NotFinite, "example 0: value 0", func(ex *Examples, _ *Base) { ex.Embeddings[0][0] = float32(math.Inf(-1)) }},
		{"too many", TooManyExamples, "at most 512 can be used", func(ex *Examples, _ *Base) {
			e := make([]float32, MaxFeatures)
			for i := range MaxValues/MaxFeatures + 1 {
				if i >= len(ex.Embeddings) {
					ex.Embeddings, ex.Labels = append(ex.Embeddings, e), append(ex.Labels, 0)
				}
				ex.Embeddings[i] = e
			}
		}},
		{"all the same", NoVariation, "all examples have the same embedding", func(ex *Examples, _ *Base) {
			for i := range ex.Embeddings {
				ex.Embeddings[i] = ex.Embeddings[0]
			}
		}},
		{"nearly the same", NoVariation, "differ by less than float32 can tell", func(ex *Examples, _ *Base) {
			for i := range ex.Embeddings {
				for j := range ex.Embeddings[i] {
					ex.Embeddings[i][j] = float32(i) * math.SmallestNonzeroFloat32
				}
			}
		}},
		{"no base", BadBase, "the name of the base network is empty", func(_ *Examples, b *Base) { b.Name = "" }},
		{"no hash", BadBase, `SHA-256 is "", want 64`, func(_ *Examples, b *Base) { b.SHA256 = "" }},
		{"bad hash", BadBase, "want 64 lower-case hexadecimal digits", func(_ *Examples, b *Base) { b.SHA256 = strings.ToUpper(b.SHA256) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ex, base := clusters(1, 3, 5, 20, 1), testBase
			tc.change(&ex, &base)
			h, e, err := Train(context.Background(), ex, Options{Base: base})
			var typed *Error
			if !errors.As(err, &typed) || typed.Code != tc.code || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v\nwant %s: %s", err, tc.code, tc.text)
			}
			if h != nil || e != nil {
				t.Error("a head came with the error")
			}
		})
	}
}

// Embeddings as large or as odd as float32 allows train or fail with an error, and
// what they train predicts probabilities.
func TestExtremeEmbeddings(t *testing.T) {
	for name, change := range map[string]func(e []float32, i int){
		"largest":   func(e []float32, i int) { e[i%20] = math.MaxFloat32 },
		"both ends": func(e []float32, i int) { e[0] = []float32{math.MaxFloat32, -math.MaxFloat32}[i%2] },
		"denormal":  func(e []float32, i int) { clear(e); e[i%3] = 1e-40 },
		"offset": func(e []float32, i int) {
			for j := range e {
				e[j] += 1e6
			}
		},
		"one-hot": func(e []float32, i int) { clear(e); e[i] = 1 },
	} {
		ex := clusters(1, 3, 5, 20, 1)
		for i, e := range ex.Embeddings {
			change(e, i)
		}
		h, _, err := Train(context.Background(), ex, Options{Base: testBase})
		if err != nil {
			var typed *Error
			if !errors.As(err, &typed) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		for _, e := range append(ex.Embeddings, make([]float32, 20), slices.Repeat([]float32{math.MaxFloat32}, 20)) {
			p, err := h.Predict(nil, e)
			if err != nil {
				t.Fatal(name, err)
			}
			sum := 0.0
			for _, v := range p {
				sum += float64(v)
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Errorf("%s: probabilities %v sum to %g", name, p, sum)
			}
		}
	}
}
