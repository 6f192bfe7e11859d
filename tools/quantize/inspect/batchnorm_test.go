package inspect_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/tools/quantize/inspect"
	"glance/weights"
)

// trained describes the batch norms of a training by what they average.
type trained struct {
	batches  float64
	momentum float64
	variance []float64 // true variance of each layer, lognormal around it
}

// checkpoint returns batch norms of 32 channels as they are stored.
func (tr trained) checkpoint(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	left := math.Pow(1-tr.momentum, tr.batches)
	var list []checkpointtest.Array
	for i, v := range tr.variance {
		mean, variance := make([]float32, 32), make([]float32, 32)
		for c := range mean {
			mean[c] = float32(r.NormFloat64() * (1 - left))
			variance[c] = float32(left + v*math.Exp(r.NormFloat64())*(1-left))
		}
		prefix := fmt.Sprintf("features.%d.", i)
		list = append(list,
			checkpointtest.Array{Name: prefix + "running_mean", Shape: []int{32}, Values: mean},
			checkpointtest.Array{Name: prefix + "running_var", Shape: []int{32}, Values: variance},
			checkpointtest.Array{Name: prefix + "num_batches_tracked", DType: weights.I64, Shape: []int{}, Values: []float32{float32(tr.batches)}})
	}
	return open(t, list)
}

func open(t *testing.T, list []checkpointtest.Array) *checkpoint.Checkpoint {
	t.Helper()
	file := checkpointtest.TorchZip(list)
	c, err := checkpoint.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBatchNorms(t *testing.T) {
	spread := []float64{0.003, 1.2, 0.4, 0.002, 2.5, 0.3, 0.002, 1, 0.6, 0.004}
	for _, test := range []struct {
		name string
		tr   trained
		want string // "" for no warning
	}{
		{"momentum 0.01, 400 batches", trained{400, 0.01, spread}, "4 of 10 batch norms are stale"},
		{"momentum 0.001, 2000 batches", trained{2000, 0.001, spread}, "momentum 0.001"},
		{"momentum 0.1, 40 batches", trained{40, 0.1, spread}, "momentum 0.1"},
		{"momentum 0.1, 700 batches", trained{700, 0.1, spread}, ""},
		{"momentum 0.01, 20000 batches", trained{20000, 0.01, spread}, ""},
		{"momentum 0.1, 300 batches", trained{300, 0.1, spread}, ""},
		{"momentum 0.01, 300 batches of a loud network", trained{300, 0.01, []float64{5, 5, 5, 5}}, "only 300 batches"},
		{"momentum 0.01, 5000 batches of a quiet network", trained{5000, 0.01, []float64{0.01, 0.01, 0.01, 0.01}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			warnings, err := inspect.BatchNorms(test.tr.checkpoint(t))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(warnings, "\n")
			if text == "" != (test.want == "") || !strings.Contains(text, test.want) {
				t.Errorf("warnings %q, want %q", text, test.want)
			}
		})
	}
}

func TestBatchNormsUnusable(t *testing.T) {
	norm := func(mean, variance float32) *checkpoint.Checkpoint {
		return open(t, []checkpointtest.Array{
			{Name: "bn/moving_mean", Shape: []int{2}, Values: []float32{mean, mean}},
			{Name: "bn/moving_variance", Shape: []int{2}, Values: []float32{variance, variance}},
		})
	}
	nan := float32(math.NaN())
	for _, test := range []struct {
		name string
		c    *checkpoint.Checkpoint
		want string
	}{
		{"initial", norm(0, 1), "all of 1 batch norms still have their initial statistics"},
		{"negative", norm(0.1, -1), "negative or not finite, the first is bn"},
		{"NaN", norm(nan, 1), "negative or not finite"},
		{"no counter", norm(0.1, 0.2), ""},
		{"lengths differ", open(t, []checkpointtest.Array{
			{Name: "bn/moving_mean", Shape: []int{0}}, {Name: "bn/moving_variance", Shape: []int{1}, Values: []float32{1}}}), "negative or not finite"},
		{"no batch norms", open(t, []checkpointtest.Array{{Name: "w", Shape: []int{1}, Values: []float32{1}}}), ""},
	} {
		warnings, err := inspect.BatchNorms(test.c)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(warnings, "\n")
		if text == "" != (test.want == "") || !strings.Contains(text, test.want) {
			t.Errorf("%s: warnings %q, want %q", test.name, text, test.want)
		}
	}
}

func TestStatistics(t *testing.T) {
	c := open(t, []checkpointtest.Array{{Name: "w", Shape: []int{6}, Values: []float32{1, 0, float32(math.NaN()), 3, -4, float32(math.Inf(1))}}})
	s, err := inspect.Of(c.Tensors[0])
	if err != nil {
		t.Fatal(err)
	}
	want := inspect.Statistics{Count: 6, Zeros: 1, NonFinite: 2, Min: -4, Max: 3, Mean: 0, Std: math.Sqrt(26.0 / 4)}
	if math.Abs(s.Mean-want.Mean) > 1e-12 || math.Abs(s.Std-want.Std) > 1e-12 {
		t.Errorf("mean %g, std %g; want %g and %g", s.Mean, s.Std, want.Mean, want.Std)
	}
	s.Mean, s.Std = want.Mean, want.Std
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}
