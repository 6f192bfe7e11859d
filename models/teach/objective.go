package teach

import (
	"math"
	"slices"
)

// linear is a layer on raw embeddings: logits = weight x + bias.
type linear struct {
	weight []float64 // [classes][features]
	bias   []float64 // [classes]
}

// objective is the function that training minimises, of the parameters theta: the
// weights [classes][features] and the biases [classes] of a layer on standardised
// embeddings.
type objective struct {
	d            *data
	rows         []int     // the examples trained on
	w            []float64 // their weights, which sum to 1
	mean, factor []float64 // of each feature
	l2           float64

	layer linear    // theta on raw embeddings
	r     []float64 // [len(rows)][classes]: logits, then w (probability - target)

	at       []float64 // the theta that loss and gradient belong to
	loss     float64
	gradient []float64
}

func newObjective(d *data, rows []int, l2 float64) *objective {
	o := &objective{d: d, rows: rows, w: d.balance(rows), l2: l2}
	o.mean, o.factor = d.standardise(rows, o.w)
	n := d.classes * d.features
	o.layer = linear{make([]float64, n), make([]float64, d.classes)}
	o.r = make([]float64, len(rows)*d.classes)
	o.gradient = make([]float64, n+d.classes)
	return o
}

// size is the number of parameters.
func (o *objective) size() int { return len(o.gradient) }

// raw writes theta as a layer on raw embeddings:
//
//	weight_kj = theta_kj factor_j,  bias_k = theta_k - sum_j weight_kj mean_j
func (o *objective) raw(l *linear, theta []float64) {
	n := o.d.features
	for k := range o.d.classes {
		weight := l.weight[k*n:][:n]
		bias := theta[o.d.classes*n+k]
		for j, t := range theta[k*n:][:n] {
			weight[j] = t * o.factor[j]
			bias -= weight[j] * o.mean[j]
		}
		l.bias[k] = bias
	}
}

// evaluate computes the loss and its gradient at theta, unless they are there.
func (o *objective) evaluate(theta []float64) {
	if slices.Equal(o.at, theta) {
		return
	}
	o.at = append(o.at[:0], theta...)
	o.raw(&o.layer, theta)
	o.d.scores(o.r, o.rows, &o.layer)
	o.loss = o.residuals()

	n, classes := o.d.features, o.d.classes
	clear(o.gradient)
	o.d.correlate(o.gradient[:classes*n], o.rows, o.r)
	sums := o.gradient[classes*n:]
	for r := range o.rows {
		for k, v := range o.r[r*classes:][:classes] {
			sums[k] += v
		}
	}
	for k := range classes {
		g := o.gradient[k*n:][:n]
		for j, t := range theta[k*n:][:n] {
			g[j] = o.factor[j]*(g[j]-o.mean[j]*sums[k]) + o.l2*t
			o.loss += o.l2 / 2 * t * t
		}
	}
}

// residuals turns the logits in r into w (probability - target) and returns the
// cross-entropy.
func (o *objective) residuals() float64 {
	loss := 0.0
	for r, i := range o.rows {
		p := o.r[r*o.d.classes:][:o.d.classes]
		label := o.d.labels[i]
		own := p[label]
		loss += o.w[r] * (softmax(p) - own)
		p[label]--
		for k := range p {
			p[k] *= o.w[r]
		}
	}
	return loss
}

// softmax turns logits into probabilities and returns the logarithm of the sum of
// the logits' exponentials.
func softmax(logits []float64) float64 {
	largest := slices.Max(logits)
	sum := 0.0
	for k, v := range logits {
		logits[k] = math.Exp(v - largest)
		sum += logits[k]
	}
	for k := range logits {
		logits[k] /= sum
	}
	return largest + math.Log(sum)
}
