// Package average smooths the predictions of a running camera, so that its result
// can be read.
package average

// FrameWeight is what a new frame weighs against the average of those before it: a
// change is seen to four fifths after five frames.
const FrameWeight = 0.28

// Overtake is how much more probable than the class above it a class must be to
// change places with it, so that two of about the same probability do not swap
// in every frame.
const Overtake = 1.15

// unseen is the probability below which classes are shown as equally faint: two of
// them do not change places, which nobody could make sense of.
const unseen = 0.0005

// Shown is how many classes are kept however faint they are.
const Shown = 5

// faint is the probability below which other classes are dropped.
const faint = 0.001

// Prediction is a class and its probability, 0 to 1.
type Prediction struct {
	Class       string
	Probability float64
}

// List holds classes, each with the exponential average of its probability over
// the frames, the most probable first. Its zero value has seen no frame.
type List []Prediction

// Add takes in the classes of a frame, the most probable first, and returns the
// averages, which are valid until the next call. Classes that a frame does not
// name count as 0 in it.
func (l *List) Add(frame []Prediction) []Prediction {
	if len(*l) == 0 {
		*l = append(*l, frame...)
		return *l
	}
	list := *l
	for i := range list {
		list[i].Probability *= 1 - FrameWeight
	}
next:
	for _, p := range frame {
		for i := range list {
			if list[i].Class == p.Class {
				list[i].Probability += FrameWeight * p.Probability
				continue next
			}
		}
		list = append(list, Prediction{p.Class, FrameWeight * p.Probability})
	}
	for i := range list {
		for j := i; j > 0 && list[j].Probability > Overtake*max(list[j-1].Probability, unseen); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	for len(list) > Shown && (list[len(list)-1].Probability < faint || len(list) > 4*Shown) {
		list = list[:len(list)-1]
	}
	*l = list
	return list
}
