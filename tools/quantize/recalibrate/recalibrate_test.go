package recalibrate_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/convert"
	"glance/tools/quantize/recalibrate"
)

// pictures are inputs in memory.
type pictures [][]float32

func (p pictures) Len() int                       { return len(p) }
func (p pictures) Input(i int) ([]float32, error) { return p[i], nil }

func draw(n *models.Network, count int) pictures {
	r := rand.New(rand.NewPCG(7, 8))
	list := make(pictures, count)
	for i := range list {
		x := make([]float32, n.InputShape().Size())
		level := r.NormFloat64()
		for k := range x {
			x[k] = float32(level + r.NormFloat64())
		}
		list[i] = x
	}
	return list
}

// untrained returns random parameters whose batch norms have the statistics they
// are made with.
func untrained(t testing.TB, n *models.Network) []*convert.Params {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 10))
	values := func(count int, center, spread float64) []float32 {
		v := make([]float32, count)
		for i := range v {
			v[i] = float32(center + spread*r.NormFloat64())
		}
		return v
	}
	layer := make(map[string]*models.Layer)
	for i := range n.Layers {
		layer[n.Layers[i].Name] = &n.Layers[i]
	}
	var list []*convert.Params
	for _, x := range n.Tensors() {
		if x.Bias {
			continue
		}
		p := &convert.Params{Name: strings.TrimSuffix(x.Name, ".weight"), Shape: x.Shape}
		size, out := 1, x.Shape[0]
		for _, d := range x.Shape {
			size *= d
		}
		p.Weight = values(size, 0, math.Sqrt(2/float64(size/out)))
		first := false
		if p.Layer = layer[p.Name]; p.Layer == nil {
			var ok bool
			var name string
			if name, ok = strings.CutSuffix(p.Name, ".0"); ok {
				first = true
			} else {
				name = strings.TrimSuffix(p.Name, ".1")
			}
			p.Layer = layer[name]
		}
		switch {
		case p.Layer.BatchNorm, p.Layer.SqueezeNorm && first:
			p.NormName = p.Name
			p.Norm = &models.BatchNorm{Gamma: values(out, 1, 0.2), Beta: values(out, 0, 0.3), Mean: values(out, 0, 0),
				Var: values(out, 1, 0), Epsilon: p.Layer.BNEpsilon}
			if p.Layer.Kind == models.KindPointwise { // some with a redundant bias
				p.Bias = values(out, 0.5, 1)
			}
		default:
			p.Bias = values(out, 0, 0.1)
		}
		list = append(list, p)
	}
	return list
}

func network(t *testing.T, c models.Config) *models.Network {
	t.Helper()
	n, err := models.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*(1+math.Abs(b)) }

// TestRun holds the statistics against float64 loops.
func TestRun(t *testing.T) {
	for _, c := range []models.Config{
		{Arch: models.MobileNetV1, Alpha: 0.1, Height: 32, Width: 35, Variant: models.VariantArticle},
		{Arch: models.MobileNetV2, Alpha: 0.1, Height: 33, Width: 32, Padding: models.Same},
		{Arch: models.MobileNetV3Small, Alpha: 0.1, Height: 33, Width: 40, Variant: models.VariantArticle},
		{Arch: models.MobileNetV3Large, Alpha: 0.1, Height: 32, Width: 32},
	} {
		t.Run(string(c.Arch), func(t *testing.T) {
			n := network(t, c)
			params, images := untrained(t, n), draw(n, 5)
			means, variances := reference(n, params, images)
			changes, err := recalibrate.Run(context.Background(), n, params, images, recalibrate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(changes) != len(means) {
				t.Errorf("%d changes, the network has %d batch norms", len(changes), len(means))
			}
			for _, p := range params {
				if p.Norm == nil {
					continue
				}
				for ch, want := range means[p.Name] {
					got := float64(p.Norm.Mean[ch])
					if !near(got, want, 2e-4) || !near(float64(p.Norm.Var[ch]), variances[p.Name][ch], 1e-3) {
						t.Fatalf("%s channel %d: mean %g, variance %g; want %g, %g", p.Name, ch, got, p.Norm.Var[ch], want, variances[p.Name][ch])
					}
				}
			}
		})
	}
}

// statistics lists all means and variances.
func statistics(params []*convert.Params) []float32 {
	var list []float32
	for _, p := range params {
		if p.Norm != nil {
			list = append(append(list, p.Norm.Mean...), p.Norm.Var...)
		}
	}
	return list
}

func TestRunIsTheSameForAnyWorkers(t *testing.T) {
	n := network(t, models.Config{Arch: models.MobileNetV3Small, Alpha: 0.1, Height: 32, Width: 32, Variant: models.VariantArticle})
	images := draw(n, 7)
	var first []float32
	for _, workers := range []int{1, 2, 5, 9} {
		params := untrained(t, n)
		if _, err := recalibrate.Run(context.Background(), n, params, images, recalibrate.Options{Workers: workers}); err != nil {
			t.Fatal(err)
		}
		if got := statistics(params); first == nil {
			first = got
		} else if !slices.Equal(got, first) {
			t.Errorf("%d workers: other statistics than with one", workers)
		}
	}
}

// TestRunInGroups gives the images in groups: the statistics of the first layer
// are the averages over them, to rounding those of all images.
func TestRunInGroups(t *testing.T) {
	n := network(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.1, Height: 32, Width: 32})
	images := draw(n, 9)
	whole, grouped := untrained(t, n), untrained(t, n)
	if _, err := recalibrate.Run(context.Background(), n, whole, images, recalibrate.Options{}); err != nil {
		t.Fatal(err)
	}
	steps, total := 0, 0
	_, err := recalibrate.Run(context.Background(), n, grouped, images, recalibrate.Options{Memory: 1, Progress: func(done, of int) {
		steps++
		total = of
	}})
	if err != nil {
		t.Fatal(err)
	}
	if layers := 27; steps != total || total != 4*layers { // 9 images in groups of 2, 2, 2 and 3
		t.Errorf("%d steps of %d, want 4 groups of %d layers", steps, total, layers)
	}
	for c, want := range whole[0].Norm.Mean {
		if !near(float64(grouped[0].Norm.Mean[c]), float64(want), 1e-4) {
			t.Errorf("channel %d: mean %g in groups, %g at once", c, grouped[0].Norm.Mean[c], want)
		}
	}
	if slices.Equal(statistics(whole), statistics(grouped)) {
		t.Error("groups make no difference anywhere")
	}
}

// TestRunRemedies makes the statistics of a network stale as a short training
// does, and checks that recalibrating brings its outputs back.
func TestRunRemedies(t *testing.T) {
	n := network(t, models.Config{Arch: models.MobileNetV3Small, Alpha: 0.1, Height: 32, Width: 32, Variant: models.VariantArticle})
	images := draw(n, 16)
	params := untrained(t, n)
	for _, p := range params {
		if p.Layer.Kind == models.KindDepthwise { // activations behind depthwise convolutions are small
			for i := range p.Weight {
				p.Weight[i] *= 0.05
			}
		}
	}
	run := func() []recalibrate.Change {
		changes, err := recalibrate.Run(context.Background(), n, params, images, recalibrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	run()
	settled := statistics(params)
	const left = 0.018 // 0.99^400
	for _, p := range params {
		if p.Norm != nil {
			for c := range p.Norm.Mean {
				p.Norm.Mean[c] *= 1 - left
				p.Norm.Var[c] = left + (1-left)*p.Norm.Var[c]
			}
		}
	}
	far := 0
	for _, c := range run() {
		if c.Variance < 0.5 {
			far++
		}
	}
	if far < 5 {
		t.Errorf("%d batch norms are reported to have been far off, want the depthwise ones", far)
	}
	if !slices.Equal(statistics(params), settled) {
		t.Error("recalibrating stale statistics gives others than before")
	}
}

func TestRunErrors(t *testing.T) {
	n := network(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.1, Height: 32, Width: 32})
	folded := untrained(t, n)
	for _, p := range folded {
		p.Norm = nil
	}
	ctx := context.Background()
	for _, test := range []struct {
		name   string
		params []*convert.Params
		images pictures
		want   string
	}{
		{"one image", untrained(t, n), draw(n, 1), "at least 2"},
		{"no batch norms", folded, draw(n, 2), "folded"},
		{"another size", untrained(t, n), pictures{make([]float32, 10), make([]float32, 10)}, "10 values"},
	} {
		_, err := recalibrate.Run(ctx, n, test.params, test.images, recalibrate.Options{})
		var e *recalibrate.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := recalibrate.Run(cancelled, n, untrained(t, n), draw(n, 2), recalibrate.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func BenchmarkRun(b *testing.B) {
	n, err := models.New(models.Config{Arch: models.MobileNetV3Small, Variant: models.VariantArticle})
	if err != nil {
		b.Fatal(err)
	}
	images := draw(n, 16)
	for b.Loop() {
		params := untrained(b, n)
		if _, err := recalibrate.Run(context.Background(), n, params, images, recalibrate.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
