package average

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFirstFrameIsShownAsItIs(t *testing.T) {
	frame := []Prediction{{"a", 0.7}, {"b", 0.2}, {"c", 0.1}}
	var l List
	if got := l.Add(frame); !slices.Equal(got, frame) {
		t.Errorf("%v, want %v", got, frame)
	}
}

func TestConverges(t *testing.T) {
	var l List
	l.Add([]Prediction{{"a", 0.9}, {"b", 0.1}})
	after := 0
	for range 40 {
		got := l.Add([]Prediction{{"c", 0.8}, {"a", 0.2}})
		if after++; after == 5 && (got[0].Class != "c" || got[0].Probability < 0.8*0.79) {
			t.Errorf("after five frames: %v", got)
		}
	}
	want := []Prediction{{"c", 0.8}, {"a", 0.2}}
	for i, p := range l[:2] {
		if p.Class != want[i].Class || math.Abs(p.Probability-want[i].Probability) > 1e-3 {
			t.Errorf("converged to %v, want %v", l, want)
		}
	}
}

// TestOrderIsCalm has two classes whose probabilities change places in every frame.
func TestOrderIsCalm(t *testing.T) {
	var l List
	first := ""
	for i := range 100 {
		a := 0.45 + 0.02*float64(i%2)
		frame := []Prediction{{"a", a}, {"b", 0.92 - a}}
		if frame[1].Probability > a {
			slices.Reverse(frame)
		}
		got := l.Add(frame)
		if first == "" {
			first = got[0].Class
		}
		if got[0].Class != first {
			t.Fatalf("frame %d: %v, the first class was %s", i, got, first)
		}
	}
}

// TestFaintOrderIsCalm has two classes that are both shown as below 0.1 % and another
// that rises above it.
func TestFaintOrderIsCalm(t *testing.T) {
	var l List
	l.Add([]Prediction{{"a", 0.9}, {"b", 0.0003}, {"c", 0.0002}, {"d", 0.0001}})
	var got []Prediction
	for range 40 {
		got = l.Add([]Prediction{{"a", 0.9}, {"d", 0.002}, {"c", 0.0004}, {"b", 0.0001}})
	}
	order := ""
	for _, p := range got {
		order += p.Class
	}
	if order != "adbc" {
		t.Errorf("the order is %s, want adbc", order)
	}
}

// TestManyClasses has other classes in every frame: the list stays short, and each
// class is no less probable than the next over the factor Overtake.
func TestManyClasses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l List
	for range 500 {
		var frame []Prediction
		rest := 1.0
		for range Shown {
			p := rest * random.Float64()
			rest -= p
			frame = append(frame, Prediction{fmt.Sprint(random.IntN(1000)), p})
		}
		got := l.Add(frame)
		if len(got) < Shown || len(got) > 4*Shown {
			t.Fatalf("%d classes", len(got))
		}
		for i := 1; i < len(got); i++ {
			if got[i].Probability > Overtake*max(got[i-1].Probability, unseen)+1e-12 {
				t.Fatalf("%v before %v", got[i-1], got[i])
			}
		}
	}
}
