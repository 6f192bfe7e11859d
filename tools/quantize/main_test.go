package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/checkpoint/checkpointtest"
)

// quantize runs a command line and returns its exit status and output.
func quantize(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(context.Background(), args, &out, &errs)
	return status, out.String(), errs.String()
}

// narrowV1 writes a checkpoint of MobileNetV1 0.25 in the article's names with
// random weights, and returns its path.
func narrowV1(t *testing.T, dir string, change func(list []checkpointtest.Array)) string {
	t.Helper()
	list := articleV1(t, 0.25, 3)
	if change != nil {
		change(list)
	}
	path := filepath.Join(dir, "narrow.pth")
	if err := os.WriteFile(path, checkpointtest.TorchZip(list, "state_dict"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// articleV1 is a state dict of MobileNetV1 in the article's names.
func articleV1(t *testing.T, alpha float64, classes int) []checkpointtest.Array {
	t.Helper()
	n, err := models.New(models.Config{Arch: models.MobileNetV1, Alpha: alpha, Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	var list []checkpointtest.Array
	add := func(name string, low, high float32, shape ...int) {
		size := 1
		for _, d := range shape {
			size *= d
		}
		a := checkpointtest.Array{Name: name, Shape: shape, Values: make([]float32, size)}
		for i := range a.Values {
			a.Values[i] = low + (high-low)*r.Float32()
		}
		list = append(list, a)
	}
	norm := func(prefix string, channels int) {
		add(prefix+".weight", 0.5, 1.5, channels)
		add(prefix+".bias", -0.5, 0.5, channels)
		add(prefix+".running_mean", -0.5, 0.5, channels)
		add(prefix+".running_var", 0.5, 1.5, channels)
	}
	stem := n.Layers[0].Out.C
	add("conv_bn.0.weight", -1, 1, stem, 3, 3, 3)
	norm("conv_bn.1", stem)
	for i := 1; i+1 < len(n.Layers)-1; i += 2 {
		prefix := fmt.Sprintf("dwmodule.%d.", i/2)
		in, out := n.Layers[i].Out.C, n.Layers[i+1].Out.C
		add(prefix+"depthwise.weight", -1, 1, in, 1, 3, 3)
		add(prefix+"depthwise.bias", -1, 1, in)
		add(prefix+"pointwise.weight", -1, 1, out, in, 1, 1)
		add(prefix+"pointwise.bias", -1, 1, out)
		norm(prefix+"batch_norm1", in)
		norm(prefix+"batch_norm2", out)
	}
	add("fc.weight", -1, 1, classes, int(1024*alpha))
	add("fc.bias", -1, 1, classes)
	return list
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args   []string
		status int
		stderr string // part of it
	}{
		{nil, exitUsage, "usage: go run ./tools/quantize COMMAND"},
		{[]string{"fold"}, exitUsage, `no command "fold"`},
		{[]string{"convert"}, exitUsage, "-in and -out are needed"},
		{[]string{"convert", "-h"}, exitOK, "Examples:"},
		{[]string{"convert", "-nope"}, exitUsage, "not defined: -nope"},
		{[]string{"convert", "-in", "a", "-out", "b", "c"}, exitUsage, `unexpected argument "c"`},
		{[]string{"convert", "-in", "a", "-out", "b", "-dtype", "int8"}, exitUsage, "want f16 or f32"},
		{[]string{"convert", "-in", "a", "-out", "b", "-head", "x"}, exitUsage, "-head"},
		{[]string{"convert", "-in", "a", "-out", "b", "-stem-act", "tanh"}, exitUsage, "want relu, relu6 or hardswish"},
		{[]string{"convert", "-in", "/no/such/file", "-out", "b"}, exitFailed, "no such file"},
		{[]string{"inspect", "-h"}, exitOK, "Examples:"},
		{[]string{"inspect"}, exitUsage, "a FILE is needed"},
		{[]string{"summary", "-h"}, exitOK, "Examples:"},
		{[]string{"summary"}, exitFailed, "arch"},
		{[]string{"summary", "-arch", "resnet"}, exitFailed, "mobilenet_v1, mobilenet_v2"},
		{[]string{"summary", "-arch", "mobilenet_v1", "-variant", "wide"}, exitFailed, "variant"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			status, _, stderr := quantize(test.args...)
			if status != test.status || !strings.Contains(stderr, test.stderr) {
				t.Errorf("status %d, %q; want %d and %q", status, stderr, test.status, test.stderr)
			}
		})
	}
	if status, stdout, _ := quantize("-h"); status != exitOK || !strings.Contains(stdout, "convert") {
		t.Errorf("-h: status %d, %q", status, stdout)
	}
}

func TestSummary(t *testing.T) {
	for _, test := range []struct {
		args string
		want []string
	}{
		{"-arch mobilenet_v1", []string{"parameters 4231976 (4.23 M)   MACs 568740352 (568.7 M)"}},
		{"-arch mobilenet_v2", []string{"parameters 3504872 (3.50 M)   MACs 300774272 (300.8 M)"}},
		{"-arch mobilenet_v3_small", []string{"parameters 2542856 (2.54 M)   MACs 56510400 (56.5 M)", "blocks.0.squeeze", "squeeze 8"}},
		{"-arch mobilenet_v3_large", []string{"parameters 5483032 (5.48 M)   MACs 216589760 (216.6 M)", "pointwise + residual"}},
		{"-arch mobilenet_v3_large -variant article", []string{"variant article", "5x5/2"}},
		{"-arch mobilenet_v2 -variant features", []string{"no classifier, 15680 outputs", "parameters 1813216"}},
		{"-arch mobilenet_v1 -variant article -classes 4", []string{"parameters 3221988", "10912 of the parameters are biases"}},
		{"-arch mobilenet_v2 -variant article -alpha 0.5", []string{"parameters 1969440"}},
		{"-arch mobilenet_v3_small -variant article", []string{"parameters 2541152"}},
		{"-arch mobilenet_v3_large -variant article", []string{"parameters 5144336", "largest 3.21 MB"}},
		{"-arch mobilenet_v1 -variant published", []string{"parameters 4231976"}},
		{"-arch mobilenet_v2 -alpha 0.5 -classes 10 -height 97 -width 160", []string{"alpha 0.5, input 97x160, 10 classes", "49x80x16"}},
		{"-arch mobilenet_v1 -head 256:relu,5", []string{"dense relu", "1x1x256", "1x1x5"}},
	} {
		status, stdout, stderr := quantize(append([]string{"summary"}, strings.Fields(test.args)...)...)
		if status != exitOK {
			t.Errorf("%s: %s", test.args, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: %q is not in\n%s", test.args, want, stdout)
			}
		}
	}
}

func TestSummarySVG(t *testing.T) {
	file := filepath.Join(t.TempDir(), "v2.svg")
	status, stdout, stderr := quantize("summary", "-arch", "mobilenet_v2", "-svg", file)
	text, err := os.ReadFile(file)
	if status != exitOK || err != nil || !strings.Contains(stdout, "drawn to "+file) || !strings.HasPrefix(string(text), "<svg") {
		t.Errorf("status %d, %s%s, %v", status, stdout, stderr, err)
	}
}

func TestConvertAndInspect(t *testing.T) {
	dir := t.TempDir()
	in, out, labels := narrowV1(t, dir, nil), filepath.Join(dir, "narrow.safetensors"), filepath.Join(dir, "labels.txt")
	if err := os.WriteFile(labels, []byte("ant\r\nbee\r\ncat\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := quantize("convert", "-in", in, "-arch", "mobilenet_v1", "-height", "96", "-width", "128", "-labels", labels,
		"-name", "insects", "-licence", "CC0-1.0", "-source", "a test", "-preprocess", "keras", "-mean", "0,0.5,1", "-out", out)
	if status != exitOK {
		t.Fatal(stderr)
	}
	for _, want := range []string{
		"PyTorch (zip), 163 tensors, names of family article, found under \"state_dict\"",
		"mobilenet_v1, variant article, alpha 0.25, input 96x128, 3 classes",
		"note: variant article: the stem's activation is ReLU",
		"mean [0 0.5 1], std [0.5 0.5 0.5]",
		"stem.weight", "[8x3x3x3]", "lowest SNR", "wrote " + out,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	status, stdout, stderr = quantize("inspect", out)
	if status != exitOK {
		t.Fatal(stderr)
	}
	for _, want := range []string{"name: insects", "licence: CC0-1.0", "source: a test", "variant: article", `labels: 3 lines, from "ant" to "cat"`,
		"preprocess.mean: 0,0.5,1", "nothing looks wrong", "classifier.0.bias"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	status, stdout, stderr = quantize("inspect", in)
	if status != exitOK || !strings.Contains(stdout, "nothing looks wrong") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

func TestConvertMisfits(t *testing.T) {
	dir := t.TempDir()
	in := narrowV1(t, dir, nil)
	for _, test := range []struct{ args, want string }{
		{"-classes 4", "fc.weight: shape [3 256] in the checkpoint, 4 outputs were asked for: want [4 256]"},
		{"-arch mobilenet_v2", "names are article's mobilenet_v1"},
		{"-alpha 0.5", "wants [16 3 3 3]"},
		{"-mean 1,2", "three numbers"},
		{"-resize big", "pixels or exact"},
		{"-preprocess mine", "torchvision, timm"},
		{"-filter nearest", "pil-bilinear"},
		{"-labels " + in, "labels for 3 classes"},
		{"-height 8", "32 pixels or more"},
	} {
		args := append([]string{"convert", "-in", in, "-out", filepath.Join(dir, "out")}, strings.Fields(test.args)...)
		status, _, stderr := quantize(args...)
		if status == exitOK || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: status %d, %q; want %q", test.args, status, stderr, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("a failed conversion left its output")
	}
}

func TestInspectWarnings(t *testing.T) {
	dir := t.TempDir()
	in := narrowV1(t, dir, func(list []checkpointtest.Array) {
		for i := range list {
			if list[i].Name == "fc.weight" {
				list[i].Values[5] = float32(math.Inf(-1))
			}
		}
	})
	status, stdout, stderr := quantize("inspect", in)
	if status != exitOK || !strings.Contains(stdout, "warning: fc.weight: 1 of 768 values are NaN or infinite") {
		t.Errorf("%s%s", stdout, stderr)
	}
	if status, _, stderr = quantize("inspect", filepath.Join("checkpoint", "testdata", "torch", "attack.pth")); status != exitFailed || !strings.Contains(stderr, "system") {
		t.Errorf("status %d, %s", status, stderr)
	}
}
