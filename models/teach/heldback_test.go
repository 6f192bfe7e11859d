package teach

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestFolds(t *testing.T) {
	for _, tc := range []struct {
		labels []int
		want   []int
		parts  int
	}{
		{[]int{0, 0, 1, 1}, []int{0, 1, 0, 1}, 2},
		{[]int{0, 1, 0, 1}, []int{0, 0, 1, 1}, 2},
		{[]int{0, 0, 0, 1, 1, 1, 1, 1}, []int{0, 1, 2, 0, 0, 1, 1, 2}, 3},
		{[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, []int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 1, 2, 3, 4}, 5},
	} {
		part, parts := folds(tc.labels, 2)
		if parts != tc.parts || !slices.Equal(part, tc.want) {
			t.Errorf("%v: %d parts %v, want %d parts %v", tc.labels, parts, part, tc.parts, tc.want)
		}
		for held := range parts {
			train, test := split(part, held)
			both := append(slices.Clone(train), test...)
			slices.Sort(both)
			if !slices.Equal(both, indices(len(part))) || len(test) == 0 {
				t.Errorf("%v: part %d is %v, the rest %v", tc.labels, held, test, train)
			}
		}
	}
}

// Whatever the counts, every part holds an example of every class back and leaves
// one to train on.
func TestFoldsHoldEveryClass(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		classes := 2 + r.IntN(4)
		var labels []int
		for c := range classes {
			for range MinExamples + r.IntN(17) {
				labels = append(labels, c)
			}
		}
		r.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
		part, parts := folds(labels, classes)
		counts := make([][]int, parts)
		for held := range parts {
			counts[held] = make([]int, classes)
			train, test := split(part, held)
			trained := make([]int, classes)
			for _, i := range test {
				counts[held][labels[i]]++
			}
			for _, i := range train {
				trained[labels[i]]++
			}
			if slices.Min(counts[held]) < 1 || slices.Min(trained) < 1 {
				t.Fatalf("part %d of %d holds back %v and leaves %v", held, parts, counts[held], trained)
			}
		}
		for c := range classes {
			for held := range parts {
				if d := counts[held][c] - counts[0][c]; d < -1 || d > 1 {
					t.Fatalf("class %d is cut into parts of %v", c, counts)
				}
			}
		}
	}
}

func even(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1 / float64(n)
	}
	return w
}

func TestCalibrate(t *testing.T) {
	// Logits 3 and 0 that are right nine times of ten: the best factor makes their
	// probability the mean of the smoothed targets.
	labels := make([]int, 20)
	logits := make([]float64, 40)
	for i := range labels {
		labels[i] = i % 2
		say := i % 2
		if i < 2 {
			say = 1 - say
		}
		logits[2*i+say] = 3
	}
	miss := 1.0 / 22
	p := 0.9*(1-miss) + 0.1*miss
	want := math.Log(p/(1-p)) / 3
	if got := calibrate(logits, labels, even(20), 2); math.Abs(got-want) > 1e-6 {
		t.Errorf("factor %g, want %g", got, want)
	}
	for i := range logits {
		logits[i] *= 5
	}
	if got := calibrate(logits, labels, even(20), 2); math.Abs(got-want/5) > 1e-6 {
		t.Errorf("factor %g for logits 5 times as large, want %g", got, want/5)
	}
	for i := range logits { // always right
		logits[i] = 0
		if i%2 == labels[i/2] {
			logits[i] = 1
		}
	}
	want = math.Log((1 - miss) / miss)
	if got := calibrate(logits, labels, even(20), 2); math.Abs(got-want) > 1e-6 {
		t.Errorf("always right: factor %g, want %g: 21 of 22", got, want)
	}
	for i := range logits { // always wrong
		logits[i] = 1 - logits[i]
	}
	if got := calibrate(logits, labels, even(20), 2); math.Abs(got-minSharpness) > 1e-6 {
		t.Errorf("always wrong: factor %g, want the smallest, %g", got, minSharpness)
	}
}

func TestThreshold(t *testing.T) {
	e := newEvaluation(40, 2)
	labels := make([]int, 40)
	for i := range labels {
		e.Probability[i] = 1 - float32(i)/100
	}
	if got, want := threshold(e, labels), float32(0.63); got != want { // 38 of 40 reach it
		t.Errorf("threshold %g, want %g", got, want)
	}
	for i := range labels {
		labels[i] = 1
	}
	if got := threshold(e, labels); got != 0 {
		t.Errorf("threshold %g where nothing is right, want 0", got)
	}
}

func TestConfusion(t *testing.T) {
	e := newEvaluation(3, 2)
	e.set(0, 0, []float32{0.5, 0.5})
	e.set(1, 0, []float32{0.2, 0.8})
	e.set(2, 1, []float32{0.1, 0.9})
	if want := (Confusion{{1, 1}, {0, 1}}); !reflect.DeepEqual(e.Confusion, want) {
		t.Errorf("%v, want %v", e.Confusion, want)
	}
	if a := e.Confusion.Accuracy(); a != 2.0/3 {
		t.Errorf("accuracy %g", a)
	}
	if a := newConfusion(2).Accuracy(); a != 0 {
		t.Errorf("accuracy of nothing: %g", a)
	}
	if !slices.Equal(e.Predicted, []int{0, 1, 1}) || !slices.Equal(e.Probability, []float32{0.5, 0.8, 0.9}) {
		t.Errorf("%+v", e)
	}
}
