//go:build js

package main

// What a new frame weighs against the average of those before it: a change is seen
// to four fifths after five frames.
const frameWeight = 0.28

// overtake is how much more probable than the class above it a class must be to
// change places with it, so that two of about the same probability do not swap
// in every frame.
const overtake = 1.15

// averages are the classes of a running camera, each with the exponential average
// of its probability over the frames, the most probable first.
type averages []prediction

// add takes in the classes of a frame and returns the averages. Classes that a
// frame does not name count as 0, those that have faded are dropped.
func (a *averages) add(frame []prediction) []prediction {
	if len(*a) == 0 {
		*a = append(*a, frame...)
		return *a
	}
	list := *a
	for i := range list {
		list[i].probability *= 1 - frameWeight
	}
next:
	for _, p := range frame {
		for i := range list {
			if list[i].class == p.class {
				list[i].probability += frameWeight * p.probability
				continue next
			}
		}
		list = append(list, prediction{p.class, frameWeight * p.probability})
	}
	kept := list[:0]
	for i, p := range list {
		if i < bars || p.probability >= 0.001 {
			kept = append(kept, p)
		}
	}
	for i := range kept {
		for j := i; j > 0 && kept[j].probability > overtake*kept[j-1].probability; j-- {
			kept[j], kept[j-1] = kept[j-1], kept[j]
		}
	}
	*a = kept[:min(len(kept), 4*bars)]
	return *a
}
