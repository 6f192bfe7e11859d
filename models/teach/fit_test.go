package teach

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func indices(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// unbalanced draws 3 overlapping classes of 7, 12 and 20 examples.
func unbalanced(features int) Examples {
	all := clusters(5, 3, 20, features, 0.8)
	ex := Examples{Classes: all.Classes}
	for i, e := range all.Embeddings {
		if i%20 < []int{7, 12, 20}[all.Labels[i]] {
			ex.Embeddings, ex.Labels = append(ex.Embeddings, e), append(ex.Labels, all.Labels[i])
		}
	}
	return ex
}

func quiet(int) {}

func TestGradient(t *testing.T) {
	for _, features := range []int{1, 5, 40} {
		d := newData(unbalanced(features))
		rows := indices(len(d.labels))[3:] // not a multiple of four, not from the start
		o := newObjective(d, rows, 0.03)
		r := rand.New(rand.NewPCG(1, 1))
		theta := make([]float64, o.size())
		for i := range theta {
			theta[i] = r.NormFloat64()
		}
		o.evaluate(theta)
		gradient := slices.Clone(o.gradient)
		for i := range theta {
			const h = 1e-5
			at := theta[i]
			theta[i] = at + h
			o.evaluate(theta)
			up := o.loss
			theta[i] = at - h
			o.evaluate(theta)
			down := o.loss
			theta[i] = at
			if want := (up - down) / (2 * h); math.Abs(want-gradient[i]) > 1e-8 {
				t.Errorf("%d features: gradient[%d] = %g, differences give %g", features, i, gradient[i], want)
			}
		}
	}
}

// newton finds the minimum by another road than the package: standardised examples
// written out, class weights and the whole Hessian, Newton's method (IRLS) with
// steps halved where they do not lower the loss. It returns the layer on raw embeddings.
func newton(t *testing.T, ex Examples, l2 float64) (weight, bias []float64) {
	t.Helper()
	n, features, classes := len(ex.Labels), len(ex.Embeddings[0]), len(ex.Classes)
	counts := make([]float64, classes)
	for _, c := range ex.Labels {
		counts[c]++
	}
	mean, std := make([]float64, features), make([]float64, features)
	rms := 0.0
	for j := range features {
		for pass := range 2 {
			for i, e := range ex.Embeddings {
				w := 1 / (float64(classes) * counts[ex.Labels[i]])
				if pass == 0 {
					mean[j] += w * float64(e[j])
				} else {
					std[j] += w * math.Pow(float64(e[j])-mean[j], 2)
				}
			}
		}
		rms += std[j] / float64(features)
		std[j] = math.Sqrt(std[j])
	}
	z := mat.NewDense(n, features+1, nil) // the last column is the bias'
	for i, e := range ex.Embeddings {
		for j := range features {
			std := max(std[j], 0.2*math.Sqrt(rms))
			z.Set(i, j, (float64(e[j])-mean[j])/std/math.Sqrt(float64(features)))
		}
		z.Set(i, features, 1)
	}
	size := classes * (features + 1)
	theta := mat.NewVecDense(size, nil)
	at := func(theta *mat.VecDense) (loss float64, g *mat.VecDense, h *mat.Dense) {
		g, h = mat.NewVecDense(size, nil), mat.NewDense(size, size, nil)
		for i := range n {
			zi := z.RowView(i)
			p := make([]float64, classes)
			sum := 0.0
			for k := range p {
				p[k] = mat.Dot(theta.SliceVec(k*(features+1), (k+1)*(features+1)), zi)
				sum += math.Exp(p[k])
			}
			w := 1 / (float64(classes) * counts[ex.Labels[i]])
			loss += w * (math.Log(sum) - p[ex.Labels[i]])
			for k := range p {
				p[k] = math.Exp(p[k]) / sum
			}
			for k := range p {
				target := 0.0
				if k == ex.Labels[i] {
					target = 1
				}
				for a := range features + 1 {
					ka := k*(features+1) + a
					g.SetVec(ka, g.AtVec(ka)+w*(p[k]-target)*zi.AtVec(a))
					for m := range p {
						curvature := -p[k] * p[m]
						if k == m {
							curvature += p[k]
						}
						for b := range features + 1 {
							mb := m*(features+1) + b
							h.Set(ka, mb, h.At(ka, mb)+w*curvature*zi.AtVec(a)*zi.AtVec(b))
						}
					}
				}
			}
		}
		for ka := range size {
			if ka%(features+1) == features {
				h.Set(ka, ka, h.At(ka, ka)+1e-9) // the biases' common shift changes nothing
				continue
			}
			loss += l2 / 2 * theta.AtVec(ka) * theta.AtVec(ka)
			g.SetVec(ka, g.AtVec(ka)+l2*theta.AtVec(ka))
			h.Set(ka, ka, h.At(ka, ka)+l2)
		}
		return loss, g, h
	}
	loss, g, h := at(theta)
	for range 50 {
		var step mat.VecDense
		if err := step.SolveVec(h, g); err != nil {
			t.Fatal(err)
		}
		for scale := 1.0; scale > 1e-6; scale /= 2 {
			var next mat.VecDense
			next.AddScaledVec(theta, -scale, &step)
			if l, ng, nh := at(&next); l <= loss {
				theta, loss, g, h = &next, l, ng, nh
				break
			}
		}
		if mat.Norm(g, math.Inf(1)) < 1e-12 {
			break
		}
	}
	if norm := mat.Norm(g, math.Inf(1)); norm > 1e-10 {
		t.Fatalf("Newton's method stopped at a gradient of %g", norm)
	}
	weight, bias = make([]float64, classes*features), make([]float64, classes)
	for k := range classes {
		bias[k] = theta.AtVec(k*(features+1) + features)
		for j := range features {
			weight[k*features+j] = theta.AtVec(k*(features+1)+j) / max(std[j], 0.2*math.Sqrt(rms)) / math.Sqrt(float64(features))
			bias[k] -= weight[k*features+j] * mean[j]
		}
	}
	return weight, bias
}

func TestMinimumIsNewtons(t *testing.T) {
	for _, features := range []int{1, 4, 12} {
		ex := unbalanced(features)
		ex.Embeddings[4][0] += 30 // an outlier
		l2 := strength / float64(len(ex.Labels))
		weight, bias := newton(t, ex, l2)
		d := newData(ex)
		o := newObjective(d, indices(len(d.labels)), l2)
		theta, err := minimise(context.Background(), o, 1e-9, quiet)
		if err != nil {
			t.Fatal(err)
		}
		o.raw(&o.layer, theta)
		for i, want := range weight {
			if got := o.layer.weight[i]; math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%d features: weight %d is %.9g, Newton's %.9g", features, i, got, want)
			}
		}
		for k, want := range bias { // up to a common shift: both start from 0 and keep their sum
			if got := o.layer.bias[k]; math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%d features: bias %d is %.9g, Newton's %.9g", features, k, got, want)
			}
		}

		layer, err := fit(context.Background(), d, indices(len(d.labels)), quiet)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range weight {
			if got := layer.weight[i]; math.Abs(got-want) > 0.01*(1+math.Abs(want)) {
				t.Errorf("%d features: fitted weight %d is %.6g, Newton's %.6g", features, i, got, want)
			}
		}
	}
}

// At the minimum of a wide problem the gradient is zero and the weights lie in the
// span of the centred examples; features that never vary get no weight.
func TestMinimumOfWideProblem(t *testing.T) {
	ex := clusters(2, 3, 10, 1280, 1)
	for _, e := range ex.Embeddings {
		e[17], e[99] = 0, 3.25
	}
	d := newData(ex)
	o := newObjective(d, indices(30), strength/30)
	theta, err := minimise(context.Background(), o, 1e-9, quiet)
	if err != nil {
		t.Fatal(err)
	}
	o.at = nil
	o.evaluate(theta)
	for i, g := range o.gradient {
		if math.Abs(g) > 1e-9 {
			t.Fatalf("gradient[%d] = %g", i, g)
		}
	}
	o.raw(&o.layer, theta)
	for k := range 3 {
		for _, j := range []int{17, 99} {
			if w := o.layer.weight[k*1280+j]; math.Abs(w) > 1e-9 {
				t.Errorf("feature %d never varies and has the weight %g", j, w)
			}
		}
	}
}

// Classes count the same, however many examples they have.
func TestClassesAreBalanced(t *testing.T) {
	ex := clusters(4, 3, 6, 30, 0.5)
	more := ex
	for range 3 { // class 1 four times
		for i := 6; i < 12; i++ {
			more.Embeddings, more.Labels = append(more.Embeddings, ex.Embeddings[i]), append(more.Labels, 1)
		}
	}
	var layers []linear
	for _, ex := range []Examples{ex, more} {
		d := newData(ex)
		o := newObjective(d, indices(len(d.labels)), 0.001)
		theta, err := minimise(context.Background(), o, 1e-9, quiet)
		if err != nil {
			t.Fatal(err)
		}
		o.raw(&o.layer, theta)
		layers = append(layers, o.layer)
	}
	for i, w := range layers[0].weight {
		if math.Abs(w-layers[1].weight[i]) > 1e-6 {
			t.Fatalf("weight %d: %g, and %g where class 1 has its examples four times", i, w, layers[1].weight[i])
		}
	}
}

// Embeddings multiplied and shifted give the same decisions with weights to match.
func TestScaleDoesNotMatter(t *testing.T) {
	ex := clusters(6, 3, 8, 60, 0.6)
	d := newData(ex)
	want, err := fit(context.Background(), d, indices(24), quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []float64{1e-9, 1e9} {
		other := *d
		other.x = slices.Clone(d.x)
		for i := range other.x {
			other.x[i] = scale * (other.x[i] + 7)
		}
		got, err := fit(context.Background(), &other, indices(24), quiet)
		if err != nil {
			t.Fatal(err)
		}
		a, b := make([]float64, 24*3), make([]float64, 24*3)
		d.scores(a, indices(24), want)
		other.scores(b, indices(24), got)
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-3 {
				t.Errorf("scale %g: logit %d is %g, want %g", scale, i, b[i], a[i])
			}
		}
	}
}

func TestScoresAndCorrelate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	d := newData(clusters(1, 3, 5, 7, 1))
	l := &linear{make([]float64, 21), make([]float64, 3)}
	for i := range l.weight {
		l.weight[i] = r.NormFloat64()
	}
	for count := range 10 {
		rows := r.Perm(15)[:count]
		out := make([]float64, count*3+1)
		out[count*3] = 77 // a guard
		d.scores(out, rows, l)
		g := make([]float64, 21)
		d.correlate(g, rows, out[:count*3])
		want := make([]float64, 21)
		for i, row := range rows {
			for k := range 3 {
				sum := 0.0
				for j, x := range d.row(row) {
					sum += l.weight[k*7+j] * x
					want[k*7+j] += out[i*3+k] * x
				}
				if math.Abs(sum-out[i*3+k]) > 1e-12 {
					t.Errorf("%d rows: score %d of example %d is %g, want %g", count, k, row, out[i*3+k], sum)
				}
			}
		}
		for i := range g {
			if math.Abs(g[i]-want[i]) > 1e-12 {
				t.Errorf("%d rows: correlation %d is %g, want %g", count, i, g[i], want[i])
			}
		}
		if out[count*3] != 77 {
			t.Errorf("%d rows: scores wrote beyond its end", count)
		}
	}
}
