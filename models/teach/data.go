package teach

import "math"

// data is the examples as training reads them.
type data struct {
	features, classes int
	x                 []float64 // [N][features]
	labels            []int     // [N]
}

func newData(ex Examples) *data {
	d := &data{features: len(ex.Embeddings[0]), classes: len(ex.Classes), labels: ex.Labels}
	d.x = make([]float64, 0, len(ex.Embeddings)*d.features)
	for _, e := range ex.Embeddings {
		for _, v := range e {
			d.x = append(d.x, float64(v))
		}
	}
	return d
}

func (d *data) row(i int) []float64 { return d.x[i*d.features:][:d.features] }

// balance returns the weights of the given examples: those of a class sum to 1/K,
// K being the number of classes among them.
func (d *data) balance(rows []int) []float64 {
	counts := make([]float64, d.classes)
	present := 0.0
	for _, i := range rows {
		if counts[d.labels[i]] == 0 {
			present++
		}
		counts[d.labels[i]]++
	}
	w := make([]float64, len(rows))
	for r, i := range rows {
		w[r] = 1 / (present * counts[d.labels[i]])
	}
	return w
}

// scaleFloor is the smallest scale of a feature, in units of the root mean square
// of all features' standard deviations.
const scaleFloor = 0.2

// rounding is the variance, in units of the squared mean, below which a variance is
// what float64 arithmetic leaves of equal values.
const rounding = 1e-24

// standardise returns each feature's mean over the rows, weighted by w, and the
// factor 1 / (s sqrt(features)) of the package's documentation. Where nothing
// varies the factors are 0.
func (d *data) standardise(rows []int, w []float64) (mean, factor []float64) {
	mean, factor = make([]float64, d.features), make([]float64, d.features)
	for r, i := range rows {
		for j, v := range d.row(i) {
			mean[j] += w[r] * v
		}
	}
	for r, i := range rows {
		for j, v := range d.row(i) {
			factor[j] += w[r] * (v - mean[j]) * (v - mean[j])
		}
	}
	total, level := 0.0, 0.0
	for j, variance := range factor {
		total += variance
		level += mean[j] * mean[j]
	}
	floor := scaleFloor * scaleFloor * total / float64(d.features)
	for j, variance := range factor {
		factor[j] = 0
		if total > rounding*level {
			factor[j] = 1 / math.Sqrt(max(variance, floor)*float64(d.features))
		}
	}
	return mean, factor
}

// The two products of a loss and its gradient take four examples at a time, so that
// each weight is loaded once for four products. Compiled to wasm (node 20) that
// makes 1.4 GMAC/s, where gonum's Dgemm makes 0.01 to 0.16 and its Ddot and
// Daxpy 0.4 and 0.2.

// scores writes the logits weight x + bias of the given examples to out,
// [len(rows)][classes].
func (d *data) scores(out []float64, rows []int, l *linear) {
	n := d.features
	for at := 0; at < len(rows); at += 4 {
		x, count := d.four(rows, at)
		x0, x1, x2, x3 := x[0][:n], x[1][:n], x[2][:n], x[3][:n]
		for k := range d.classes {
			var s0, s1, s2, s3 float64
			for j, w := range l.weight[k*n:][:n] {
				s0 += w * x0[j]
				s1 += w * x1[j]
				s2 += w * x2[j]
				s3 += w * x3[j]
			}
			s := [4]float64{s0, s1, s2, s3}
			for e := range count {
				out[(at+e)*d.classes+k] = s[e] + l.bias[k]
			}
		}
	}
}

// correlate adds r^T x to g, [classes][features], for r [len(rows)][classes].
func (d *data) correlate(g []float64, rows []int, r []float64) {
	n := d.features
	for at := 0; at < len(rows); at += 4 {
		x, count := d.four(rows, at)
		x0, x1, x2, x3 := x[0][:n], x[1][:n], x[2][:n], x[3][:n]
		for k := range d.classes {
			var s [4]float64 // 0 for rows beyond the last
			for e := range count {
				s[e] = r[(at+e)*d.classes+k]
			}
			s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
			gk := g[k*n:][:n]
			for j := range gk {
				gk[j] += s0*x0[j] + s1*x1[j] + s2*x2[j] + s3*x3[j]
			}
		}
	}
}

// four returns the examples rows[at:at+4] and how many of them there are; beyond
// the last it repeats the first.
func (d *data) four(rows []int, at int) (x [4][]float64, count int) {
	count = min(4, len(rows)-at)
	for e := range x {
		if e < count {
			x[e] = d.row(rows[at+e])
		} else {
			x[e] = x[0]
		}
	}
	return x, count
}
