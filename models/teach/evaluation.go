package teach

import "slices"

// Confusion counts examples by their class (row) and what was predicted (column):
// [K][K].
type Confusion [][]int

func newConfusion(classes int) Confusion {
	c := make(Confusion, classes)
	for i := range c {
		c[i] = make([]int, classes)
	}
	return c
}

// Examples is how many examples of a class there are.
func (c Confusion) Examples(class int) int {
	n := 0
	for _, count := range c[class] {
		n += count
	}
	return n
}

// Accuracy is the part of all examples whose class was predicted, 0 where there are
// none.
func (c Confusion) Accuracy() float64 {
	right, all := 0, 0
	for k := range c {
		right += c[k][k]
		all += c.Examples(k)
	}
	if all == 0 {
		return 0
	}
	return float64(right) / float64(all)
}

// Clone copies the counts.
func (c Confusion) Clone() Confusion {
	c = slices.Clone(c)
	for i := range c {
		c[i] = slices.Clone(c[i])
	}
	return c
}

// Evaluation is how a head did on N examples.
type Evaluation struct {
	Confusion   Confusion
	Predicted   []int     // [N] the most probable class of each example
	Probability []float32 // [N] and its probability
}

func newEvaluation(examples, classes int) *Evaluation {
	return &Evaluation{newConfusion(classes), make([]int, examples), make([]float32, examples)}
}

// set enters the result of example i, which is of the given class.
func (e *Evaluation) set(i, label int, probabilities []float32) {
	best := top(probabilities)
	e.Predicted[i], e.Probability[i] = best, probabilities[best]
	e.Confusion[label][best]++
}

// top is the index of the largest value, the first of equals.
func top(p []float32) int {
	best := 0
	for k, v := range p {
		if v > p[best] {
			best = k
		}
	}
	return best
}
