package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"glance/kernels"
)

func mustNew(t testing.TB, c Config) *Network {
	t.Helper()
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTotals holds parameters and multiply-accumulates against the published
// networks at 224x224 and 1000 classes. Parameters of V2 and V3 are what
// torchvision states in its weights' meta data ("num_params"), at other widths what
// its models count.
func TestTotals(t *testing.T) {
	for _, tc := range []struct {
		config Config
		params int
		mmacs  float64
	}{
		{Config{Arch: MobileNetV1}, 4231976, 568.7},
		{Config{Arch: MobileNetV2}, 3504872, 300.8},
		{Config{Arch: MobileNetV3Small}, 2542856, 56.5},
		{Config{Arch: MobileNetV3Large}, 5483032, 216.6},
		{Config{Arch: MobileNetV1, Variant: VariantArticle}, 4231976, 568.7},
		{Config{Arch: MobileNetV1, Alpha: 0.25}, 470072, 41.0},
		{Config{Arch: MobileNetV2, Alpha: 1.4}, 6108776, 582.2},
		{Config{Arch: MobileNetV2, Alpha: 0.35}, 1677128, 59.3},
		{Config{Arch: MobileNetV3Small, Alpha: 0.75}, 1653920, 39.1},
		{Config{Arch: MobileNetV3Large, Alpha: 0.75}, 3377576, 140},
	} {
		n := mustNew(t, tc.config)
		if n.Params() != tc.params {
			t.Errorf("%+v: %d params, want %d", tc.config, n.Params(), tc.params)
		}
		if got := math.Round(float64(n.MACs())/1e5) / 10; got != tc.mmacs {
			t.Errorf("%+v: %v M MACs (%d), want %v", tc.config, got, n.MACs(), tc.mmacs)
		}
	}
}

// TestBlockOutputs compares the shapes after each block with the "input" columns
// of the papers' tables.
func TestBlockOutputs(t *testing.T) {
	for _, tc := range []struct {
		config Config
		want   string
	}{
		{Config{Arch: MobileNetV1}, "112x32 | 112x64 56x128 56x128 28x256 28x256 14x512 14x512 14x512 14x512 14x512 14x512 7x1024 7x1024 | 1x1024 1x1000"},
		{Config{Arch: MobileNetV2}, "112x32 | 112x16 56x24 56x24 28x32 28x32 28x32 14x64 14x64 14x64 14x64 14x96 14x96 14x96 7x160 7x160 7x160 7x320 | 7x1280 1x1280 1x1000"},
		{Config{Arch: MobileNetV2, Variant: VariantFeatures}, "112x32 | 112x16 56x24 56x24 28x32 28x32 28x32 14x64 14x64 14x64 14x64 14x96 14x96 14x96 7x160 7x160 7x160 7x320 | 1x320"},
		{Config{Arch: MobileNetV3Small}, "112x16 | 56x16 28x24 28x24 14x40 14x40 14x40 14x48 14x48 7x96 7x96 7x96 | 7x576 1x576 1x1024 1x1000"},
		{Config{Arch: MobileNetV3Large}, "112x16 | 112x16 56x24 56x24 28x40 28x40 28x40 14x80 14x80 14x80 14x80 14x112 14x112 7x160 7x160 7x160 | 7x960 1x960 1x1280 1x1000"},
		{Config{Arch: MobileNetV3Large, Variant: VariantArticle}, "112x16 | 112x16 56x24 56x24 28x40 28x40 28x40 14x80 14x80 14x80 14x80 14x112 14x112 14x160 7x160 7x160 | 7x960 1x960 1x1280 1x1000"},
		{Config{Arch: MobileNetV3Small, Alpha: 0.75, Height: 97, Width: 97}, "49x16 | 25x16 13x24 13x24 7x32 7x32 7x32 7x40 7x40 4x72 4x72 4x72 | 4x432 1x432 1x768 1x1000"},
	} {
		n := mustNew(t, tc.config)
		var before, blocks, after []string
		for i, l := range n.Layers {
			s := fmt.Sprintf("%dx%d", l.Out.H, l.Out.C)
			switch {
			case l.Name == "stem":
				before = append(before, s)
			case l.Block < 0:
				after = append(after, s)
			case i+1 == len(n.Layers) || n.Layers[i+1].Block != l.Block:
				blocks = append(blocks, s)
			}
		}
		if got := strings.Join(before, " ") + " | " + strings.Join(blocks, " ") + " | " + strings.Join(after, " "); got != tc.want {
			t.Errorf("%+v:\n got %s\nwant %s", tc.config, got, tc.want)
		}
	}
}

// TestWindow compares sizes and paddings with PyTorch's and TensorFlow's rules.
func TestWindow(t *testing.T) {
	for n := 1; n < 40; n++ {
		for _, k := range []int{3, 5} {
			for _, stride := range []int{1, 2} {
				out, before := window(n, k, stride, Symmetric)
				if want := (n+2*(k/2)-k)/stride + 1; out != want || before != k/2 {
					t.Errorf("symmetric %d k%d s%d: %d outputs after %d zeros, want %d, %d", n, k, stride, out, before, want, k/2)
				}
				// Keras' correct_pad, used before a convolution with stride 2.
				out, before = window(n, k, stride, Same)
				pads := [2]int{k / 2, k / 2}
				if stride == 2 && n%2 == 0 {
					pads[0]--
				}
				if want := (n+pads[0]+pads[1]-k)/stride + 1; out != want || before != pads[0] && n >= k {
					t.Errorf("same %d k%d s%d: %d outputs after %d zeros, want %d, %d", n, k, stride, out, before, want, pads[0])
				}
			}
		}
	}
}

func TestMakeDivisible(t *testing.T) {
	for v, want := range map[float64]int{1: 8, 8: 8, 11.9: 16, 12: 16, 18: 24, 24: 24, 32 * 1.4: 48, 320 * 1.4: 448, 72 * 0.75: 56, 1280 * 1.4: 1792} {
		if got := makeDivisible(v); got != want {
			t.Errorf("makeDivisible(%v) = %d, want %d", v, got, want)
		}
	}
}

func TestTensors(t *testing.T) {
	n := mustNew(t, Config{Arch: MobileNetV3Small})
	var got []string
	for _, tensor := range n.Tensors()[:12] {
		got = append(got, tensor.Name+formatShape(tensor.Shape))
	}
	want := []string{
		"stem.weight[16 3 3 3]", "stem.bias[16]",
		"blocks.0.depthwise.weight[16 3 3]", "blocks.0.depthwise.bias[16]",
		"blocks.0.squeeze.0.weight[8 16]", "blocks.0.squeeze.0.bias[8]",
		"blocks.0.squeeze.1.weight[16 8]", "blocks.0.squeeze.1.bias[16]",
		"blocks.0.project.weight[16 16]", "blocks.0.project.bias[16]",
		"blocks.1.expand.weight[72 16]", "blocks.1.expand.bias[72]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	names := map[string]bool{}
	for _, tensor := range n.Tensors() {
		if names[tensor.Name] {
			t.Errorf("%s twice", tensor.Name)
		}
		names[tensor.Name] = true
	}
	if last := n.Tensors()[len(n.Tensors())-2]; last.Name != "classifier.1.weight" || !slices.Equal(last.Shape, []int{1000, 1024}) {
		t.Errorf("last weight is %+v", last)
	}
}

func TestOutputs(t *testing.T) {
	for _, tc := range []struct {
		config            Config
		output, embedding int
	}{
		{Config{Arch: MobileNetV2, Classes: 5}, 5, 1280},
		{Config{Arch: MobileNetV3Small, NoHead: true}, 576, 576},
		{Config{Arch: MobileNetV2, Variant: VariantFeatures, Height: 96, Width: 64}, 3 * 2 * 320, 320},
		{Config{Arch: MobileNetV2, Head: []HeadLayer{{16, kernels.ReLU}, {3, kernels.Identity}}}, 3, 1280},
		{Config{Arch: MobileNetV3Large, Alpha: 0.75}, 1000, 720},
	} {
		n := mustNew(t, tc.config)
		if n.OutputUnits() != tc.output || n.EmbeddingUnits() != tc.embedding {
			t.Errorf("%+v: %d outputs, %d features, want %d, %d", tc.config, n.OutputUnits(), n.EmbeddingUnits(), tc.output, tc.embedding)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	bad := kernels.Activation(77)
	for field, configs := range map[string][]Config{
		"arch":     {{}, {Arch: "resnet50"}},
		"variant":  {{Arch: MobileNetV2, Variant: "x"}, {Arch: MobileNetV1, Variant: VariantFeatures}},
		"alpha":    {{Arch: MobileNetV1, Alpha: -1}, {Arch: MobileNetV1, Alpha: 3}, {Arch: MobileNetV1, Alpha: math.NaN()}, {Arch: MobileNetV1, Alpha: math.Inf(1)}},
		"height":   {{Arch: MobileNetV1, Height: 31}, {Arch: MobileNetV1, Height: -5}, {Arch: MobileNetV1, Height: 4096, Width: 4096}, {Arch: MobileNetV1, Height: math.MaxInt}},
		"width":    {{Arch: MobileNetV1, Width: 1}, {Arch: MobileNetV1, Width: math.MaxInt}},
		"padding":  {{Arch: MobileNetV1, Padding: "valid"}},
		"classes":  {{Arch: MobileNetV1, Classes: -1}, {Arch: MobileNetV1, Classes: 1 << 30}, {Arch: MobileNetV1, NoHead: true, Classes: 4}},
		"head":     {{Arch: MobileNetV1, Head: []HeadLayer{{0, 0}, {5, 0}}}, {Arch: MobileNetV1, Classes: 4, Head: []HeadLayer{{5, 0}}}, {Arch: MobileNetV1, Head: make([]HeadLayer, 9), Classes: 1}, {Arch: MobileNetV1, NoHead: true, Head: []HeadLayer{{5, 0}}}, {Arch: MobileNetV1, Head: []HeadLayer{{5, bad}}}},
		"stem_act": {{Arch: MobileNetV1, StemAct: &bad}},
		"bn_eps":   {{Arch: MobileNetV1, BNEpsilon: -1}, {Arch: MobileNetV1, BNEpsilon: math.NaN()}},
	} {
		for _, c := range configs {
			_, err := New(c)
			var e *ConfigError
			if !errors.As(err, &e) || e.Field != field {
				t.Errorf("%+v: %v, want a ConfigError of %s", c, err, field)
			}
		}
	}
}
