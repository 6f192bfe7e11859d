package teach

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var testBase = Base{Name: "mobilenet_v2", SHA256: strings.Repeat("0123456789abcdef", 4)}

// clusters draws examples like embeddings: no value is negative, and a quarter of
// the features differ between the classes, by about spread times what the pictures
// of one class differ.
func clusters(seed uint64, classes, each, features int, spread float64) Examples {
	r := rand.New(rand.NewPCG(seed, 1))
	centres := make([][]float64, classes)
	common := make([]float64, features)
	for j := range common {
		common[j] = 0.5 * r.ExpFloat64()
	}
	for c := range centres {
		centres[c] = slices.Clone(common)
		for j := range centres[c] {
			if r.IntN(4) == 0 {
				centres[c][j] += spread * r.NormFloat64()
			}
		}
	}
	var ex Examples
	for c := range classes {
		ex.Classes = append(ex.Classes, fmt.Sprint("class ", c))
		for range each {
			e := make([]float32, features)
			for j := range e {
				e[j] = float32(max(0, centres[c][j]+r.NormFloat64()))
			}
			ex.Embeddings, ex.Labels = append(ex.Embeddings, e), append(ex.Labels, c)
		}
	}
	return ex
}

func mustTrain(t testing.TB, ex Examples) (*Head, *Evaluation) {
	t.Helper()
	h, e, err := Train(context.Background(), ex, Options{Base: testBase})
	if err != nil {
		t.Fatal(err)
	}
	return h, e
}

func TestTrainClusters(t *testing.T) {
	for _, tc := range []struct {
		name           string
		classes, each  int
		features       int
		spread         float64
		atLeast, below float64 // of the held-back accuracy
	}{
		{"3 classes of 10", 3, 10, 1280, 1, 0.95, 1.01},
		{"V3-small", 3, 10, 576, 1, 0.95, 1.01},
		{"2 of 2", 2, 2, 1280, 1, 1, 1.01},
		{"one feature", 2, 10, 1, 8, 0.3, 1.01},
		{"12 of 5", 12, 5, 1024, 1, 0.95, 1.01},
		{"no difference", 3, 30, 1280, 0, 0.1, 0.6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ex := clusters(7, tc.classes, tc.each, tc.features, tc.spread)
			h, e := mustTrain(t, ex)
			if a := e.Confusion.Accuracy(); a < tc.atLeast || a >= tc.below {
				t.Errorf("held-back accuracy %.3f, want %g to %g\n%v", a, tc.atLeast, tc.below, e.Confusion)
			}
			for c := range tc.classes {
				if n := h.Confusion().Examples(c); n != tc.each {
					t.Errorf("%d held-back examples of class %d, want each once", n, c)
				}
			}
			right := 0
			for i, label := range ex.Labels {
				if e.Predicted[i] == label {
					right++
				}
				if p := e.Probability[i]; !(p > 0 && p <= 1) {
					t.Errorf("example %d: probability %g", i, p)
				}
			}
			if want := e.Confusion.Accuracy() * float64(len(ex.Labels)); math.Abs(want-float64(right)) > 1e-9 {
				t.Errorf("%d right by example, %g by the matrix", right, want)
			}
			if tc.spread == 1 {
				if own, err := h.Evaluate(ex.Embeddings, ex.Labels); err != nil || own.Confusion.Accuracy() != 1 {
					t.Errorf("on its own examples: %v, %v", own, err)
				}
			}
		})
	}
}

// The held-back accuracy is to be what new pictures show, and the probabilities are
// to be right as often as they say.
func TestTrainPredictsItsAccuracy(t *testing.T) {
	var promised, reached, sure, count float64
	for seed := range uint64(4) {
		all := clusters(100+seed, 4, 60, 200, 0.45)
		var known, unknown Examples
		known.Classes = all.Classes
		for i, e := range all.Embeddings {
			to := &unknown
			if i%60 < 15 {
				to = &known
			}
			to.Embeddings, to.Labels = append(to.Embeddings, e), append(to.Labels, all.Labels[i])
		}
		h, e := mustTrain(t, known)
		promised += e.Confusion.Accuracy() / 4
		found, err := h.Evaluate(unknown.Embeddings, unknown.Labels)
		if err != nil {
			t.Fatal(err)
		}
		reached += found.Confusion.Accuracy() / 4
		for _, p := range found.Probability {
			sure += float64(p)
			count++
		}
	}
	sure /= count
	t.Logf("held-back accuracy %.3f, on new examples %.3f at a mean probability of %.3f", promised, reached, sure)
	if math.Abs(promised-reached) > 0.08 {
		t.Errorf("held-back accuracy %.3f, on new examples %.3f", promised, reached)
	}
	if math.Abs(sure-reached) > 0.12 {
		t.Errorf("mean probability %.3f at an accuracy of %.3f", sure, reached)
	}
}

func TestTrainIsDeterministic(t *testing.T) {
	ex := clusters(3, 3, 6, 300, 0.5)
	h1, e1 := mustTrain(t, ex)
	h2, e2 := mustTrain(t, ex)
	if !reflect.DeepEqual(h1, h2) || !reflect.DeepEqual(e1, e2) {
		t.Error("two trainings on the same examples differ")
	}
}

func TestTrainDoesNotKeepItsArguments(t *testing.T) {
	ex := clusters(3, 2, 4, 50, 1)
	h, e := mustTrain(t, ex)
	want, _ := h.Save()
	ex.Classes[0], ex.Embeddings[0][0], ex.Labels[0] = "other", 99, 1
	e.Confusion[0][0], h.Confusion()[1][1], h.Classes()[1] = 99, 99, "other"
	if got, _ := h.Save(); string(got) != string(want) {
		t.Error("the head changed with what it was made from")
	}
}

func TestProgress(t *testing.T) {
	var reports []Progress
	ex := clusters(1, 2, 10, 100, 1)
	_, _, err := Train(context.Background(), ex, Options{Base: testBase, Progress: func(p Progress) { reports = append(reports, p) }})
	if err != nil {
		t.Fatal(err)
	}
	last := Progress{}
	for i, p := range reports {
		if p.Done < last.Done || p.Fit < last.Fit || p.Fits != maxFolds+1 || p.Fit >= p.Fits {
			t.Errorf("report %d: %+v after %+v", i, p, last)
		}
		last = p
	}
	if last.Done != 1 || last.Fit != maxFolds || len(reports) < 2*(maxFolds+1) {
		t.Errorf("%d reports, the last %+v", len(reports), last)
	}
}

func TestCancel(t *testing.T) {
	ex := clusters(1, 3, 10, 1280, 1)
	before := runtime.NumGoroutine()
	for _, after := range []int{0, 1, 7, 40} {
		ctx, cancel := context.WithCancel(context.Background())
		if after == 0 {
			cancel()
		}
		reports := 0
		h, e, err := Train(ctx, ex, Options{Base: testBase, Progress: func(Progress) {
			if reports++; reports == after {
				cancel()
			}
		}})
		if err != context.Canceled || h != nil || e != nil {
			t.Errorf("cancelled after %d reports: %v, %v", after, h, err)
		}
		if reports > after+1 {
			t.Errorf("cancelled after %d reports, %d came", after, reports)
		}
		cancel()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left over", runtime.NumGoroutine()-before)
}

func BenchmarkTrain(b *testing.B) {
	for _, size := range []struct{ classes, each, features int }{
		{3, 10, 1280}, {3, 10, 576}, {10, 20, 1280}, {5, 200, 1280},
	} {
		b.Run(fmt.Sprint(size.classes, "x", size.each, "x", size.features), func(b *testing.B) {
			ex := clusters(1, size.classes, size.each, size.features, 1)
			iterations := 0
			for b.Loop() {
				count := func(Progress) { iterations++ }
				if _, _, err := Train(context.Background(), ex, Options{Base: testBase, Progress: count}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(iterations)/float64(b.N), "iterations/op")
		})
	}
}
