package teach

import (
	"math"
	"slices"
)

// maxFolds is how many parts the examples are held back in; fewer where a class has
// fewer examples.
const maxFolds = 5

// folds assigns each example to a part to be held back: the examples of a class, in
// their order, are cut into runs as equal as can be. It returns each example's part
// and the number of parts.
func folds(labels []int, classes int) (part []int, parts int) {
	counts := make([]int, classes)
	for _, c := range labels {
		counts[c]++
	}
	parts = min(maxFolds, slices.Min(counts))
	part = make([]int, len(labels))
	seen := make([]int, classes)
	for i, c := range labels {
		part[i] = seen[c] * parts / counts[c]
		seen[c]++
	}
	return part, parts
}

// split returns the examples outside and inside a part.
func split(part []int, held int) (train, test []int) {
	for i, p := range part {
		if p == held {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	return train, test
}

// Bounds of the factor that calibrate returns.
const minSharpness, maxSharpness = 1.0 / 32, 32

// calibrate returns the factor beta > 0 on held-back logits [N][classes] that
// minimises their weighted cross-entropy with the labels, smoothed to 1 - 1/(N+2);
// 1/beta is the temperature. The cross-entropy is convex in beta, so that bisection
// finds where its derivative sum_i w_i sum_k (p_ik - t_ik) logit_ik is zero.
func calibrate(logits []float64, labels []int, w []float64, classes int) float64 {
	miss := 1 / float64(len(labels)+2)
	derivative := func(beta float64) float64 {
		sum := 0.0
		p := make([]float64, classes)
		for i, label := range labels {
			o := logits[i*classes:][:classes]
			for k, v := range o {
				p[k] = beta * v
			}
			softmax(p)
			for k, v := range o {
				target := miss / float64(classes-1)
				if k == label {
					target = 1 - miss
				}
				sum += w[i] * (p[k] - target) * v
			}
		}
		return sum
	}
	low, high := math.Log(minSharpness), math.Log(maxSharpness)
	for range 40 {
		middle := (low + high) / 2
		if derivative(math.Exp(middle)) > 0 {
			high = middle
		} else {
			low = middle
		}
	}
	return math.Exp((low + high) / 2)
}

// thresholdKeeps is the part of right held-back answers that [Head.Threshold] is
// not above.
const thresholdKeeps = 0.95

// threshold returns the probability that thresholdKeeps of the right answers reach,
// 0 where none is right.
func threshold(e *Evaluation, labels []int) float32 {
	var right []float32
	for i, p := range e.Probability {
		if e.Predicted[i] == labels[i] {
			right = append(right, p)
		}
	}
	if len(right) == 0 {
		return 0
	}
	slices.Sort(right)
	return right[int((1-thresholdKeeps)*float64(len(right)))]
}
