package checkpoint_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/weights"
)

// pattern is what testdata/make_torch.py fills tensors with.
func pattern(n, start int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32((start+i)%61-30) / 16
	}
	return v
}

// columns picks elements of a matrix of the given width.
func columns(m []float32, width int, index ...int) []float32 {
	var out []float32
	for at := 0; at < len(m); at += width {
		for _, i := range index {
			out = append(out, m[at+i])
		}
	}
	return out
}

func transpose(m []float32, width int) []float32 {
	var out []float32
	for i := range width {
		out = append(out, columns(m, width, i)...)
	}
	return out
}

type wantTensor struct {
	name   string
	dtype  weights.DType
	shape  []int
	values []float32
}

func checkTensors(t *testing.T, c *checkpoint.Checkpoint, want []wantTensor) {
	t.Helper()
	var names []string
	for _, tensor := range c.Tensors {
		names = append(names, tensor.Name)
	}
	if len(want) != len(c.Tensors) {
		t.Fatalf("tensors %v, want %d", names, len(want))
	}
	for i, w := range want {
		got := c.Tensors[i]
		if got.Name != w.name || got.DType != w.dtype || !slices.Equal(got.Shape, w.shape) {
			t.Errorf("tensor %d is %s %s %v, want %s %s %v", i, got.Name, got.DType, got.Shape, w.name, w.dtype, w.shape)
			continue
		}
		values, err := got.Float32s()
		if err != nil {
			t.Errorf("%s: %v", w.name, err)
		} else if !slices.Equal(values, w.values) {
			t.Errorf("%s: values %v, want %v", w.name, values, w.values)
		}
	}
}

func TestPyTorchFixtures(t *testing.T) {
	const f32, i64 = weights.F32, weights.I64
	ones, zeros := slices.Repeat([]float32{1}, 4), make([]float32, 4)
	network := []wantTensor{
		{"0.weight", f32, []int{4, 3, 3, 3}, pattern(108, 0)},
		{"1.weight", f32, []int{4}, pattern(4, 0)},
		{"1.bias", f32, []int{4}, pattern(4, 4)},
		{"1.running_mean", f32, []int{4}, zeros},
		{"1.running_var", f32, []int{4}, ones},
		{"1.num_batches_tracked", i64, []int{}, []float32{0}},
	}
	trained := slices.Clone(network)
	trained[4].values = slices.Repeat([]float32{0.9}, 4) // one step over zeros
	trained[5].values = []float32{1}
	matrix := pattern(48, 0)
	channelsLast := pattern(72, 0)
	strided := []wantTensor{
		{"transposed", f32, []int{8, 6}, transpose(matrix, 8)},
		{"columns", f32, []int{6, 3}, columns(matrix, 8, 1, 4, 7)},
		{"rows", f32, []int{3, 8}, matrix[16:40]},
		{"expanded", f32, []int{3}, slices.Repeat(matrix[8:9], 3)},
		{"channels_last", f32, []int{2, 4, 3, 3}, channelsLast},
	}
	for _, test := range []struct {
		file    string
		format  checkpoint.Format
		wrapper string
		prefix  string
		want    []wantTensor
	}{
		{"plain.pth", checkpoint.PyTorchZip, "", "", network},
		{"legacy.pth", checkpoint.PyTorchLegacy, "", "", network},
		{"protocol4.pth", checkpoint.PyTorchZip, "", "", network},
		{"module.pth", checkpoint.PyTorchZip, "", "module.", network},
		{"parameters.pth", checkpoint.PyTorchZip, "", "", network[:3]},
		{"training.pth", checkpoint.PyTorchZip, "state_dict", "", trained},
		{"half.pth", checkpoint.PyTorchZip, "", "", []wantTensor{
			{"w", weights.F16, []int{2, 3}, pattern(6, 0)},
			{"b", weights.BF16, []int{4}, pattern(4, 0)},
		}},
		{"double.pth", checkpoint.PyTorchZip, "", "", []wantTensor{
			{"w", weights.F64, []int{2, 3}, pattern(6, 0)},
			{"n", i64, []int{}, []float32{1234567}},
		}},
		{"strided.pth", checkpoint.PyTorchZip, "", "", strided},
		{"strided_legacy.pth", checkpoint.PyTorchLegacy, "", "", strided[:3]},
		{"shared.pth", checkpoint.PyTorchZip, "", "", []wantTensor{
			{"a.weight", f32, []int{3, 4}, pattern(12, 0)},
			{"b.weight", f32, []int{3, 4}, pattern(12, 0)},
			{"tail", f32, []int{5}, pattern(5, 7)},
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			c, err := checkpoint.Open("testdata/torch/" + test.file)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.Format != test.format || c.Wrapper != test.wrapper || c.Prefix != test.prefix {
				t.Errorf("format %q, wrapper %q, prefix %q; want %q, %q, %q",
					c.Format, c.Wrapper, c.Prefix, test.format, test.wrapper, test.prefix)
			}
			checkTensors(t, c, test.want)
		})
	}
}

func TestPyTorchAlias(t *testing.T) {
	c, err := checkpoint.Open("testdata/torch/shared.pth")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, b, tail := c.Tensor("a.weight"), c.Tensor("b.weight"), c.Tensor("tail")
	if !a.Alias(b) || a.Alias(tail) {
		t.Errorf("Alias(a, b) = %v, Alias(a, tail) = %v; want true, false", a.Alias(b), a.Alias(tail))
	}
}

func TestPyTorchRefused(t *testing.T) {
	for _, test := range []struct {
		file string
		code checkpoint.Code
		want string
	}{
		{"attack.pth", checkpoint.Refused, "system"},
		{"attack_legacy.pth", checkpoint.Refused, "system"},
		{"whole_model.pth", checkpoint.Refused, "whole model (it names the class torch.nn.modules.container.Sequential)"},
		{"torchscript.pt", checkpoint.BadFormat, "TorchScript"},
	} {
		t.Run(test.file, func(t *testing.T) {
			_, err := checkpoint.Open("testdata/torch/" + test.file)
			wantError(t, err, test.code, test.want)
			if _, err := os.Stat("pickle-was-run"); err == nil {
				t.Error("the pickle was run")
			}
		})
	}
}

// wantError checks the code of an error of this package and part of its text.
func wantError(t *testing.T, err error, code checkpoint.Code, text string) {
	t.Helper()
	var e *checkpoint.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *checkpoint.Error", err, err)
	}
	if e.Code != code || !strings.Contains(err.Error(), text) {
		t.Errorf("error %q with code %q, want %q with code %q", err, e.Code, text, code)
	}
}

// sample is a small state dict for the writers of checkpointtest.
func sample() []checkpointtest.Array {
	return []checkpointtest.Array{
		{Name: "conv.weight", Shape: []int{4, 3, 3, 3}, Values: pattern(108, 0)},
		{Name: "bn.weight", DType: weights.F16, Shape: []int{4}, Values: pattern(4, 3)},
		{Name: "bn.num_batches_tracked", DType: weights.I64, Shape: []int{}, Values: []float32{7}},
	}
}

func wantSample() []wantTensor {
	var list []wantTensor
	for _, a := range sample() {
		if a.DType == "" {
			a.DType = weights.F32
		}
		list = append(list, wantTensor{a.Name, a.DType, a.Shape, a.Values})
	}
	return list
}

func TestContainers(t *testing.T) {
	for name, file := range map[string][]byte{
		"zip":            checkpointtest.TorchZip(sample()),
		"zip wrapped":    checkpointtest.TorchZip(sample(), "model"),
		"zip twice":      checkpointtest.TorchZip(sample(), "model", "ema"),
		"legacy":         checkpointtest.TorchLegacy(sample()),
		"legacy wrapped": checkpointtest.TorchLegacy(sample(), "net"),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := read(file)
			if err != nil {
				t.Fatal(err)
			}
			checkTensors(t, c, wantSample())
		})
	}
	t.Run("safetensors", func(t *testing.T) {
		c, err := read(checkpointtest.Safetensors(sample()))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(c.Tensors, func(a, b *checkpoint.Tensor) int { return strings.Compare(a.Name, b.Name) })
		want := wantSample()
		slices.SortFunc(want, func(a, b wantTensor) int { return strings.Compare(a.name, b.name) })
		checkTensors(t, c, want)
	})
}

func TestVisitChunks(t *testing.T) {
	const n = 20000 // more than a chunk
	values := pattern(n, 0)
	c, err := read(checkpointtest.TorchZip([]checkpointtest.Array{{Name: "w", Shape: []int{n / 4, 4}, Values: values}}))
	if err != nil {
		t.Fatal(err)
	}
	checkTensors(t, c, []wantTensor{{"w", weights.F32, []int{n / 4, 4}, values}})
	stop := errors.New("stop")
	calls := 0
	if err := c.Tensors[0].Visit(func([]float32) error { calls++; return stop }); err != stop || calls != 1 {
		t.Errorf("Visit called f %d times and returned %v after f failed", calls, err)
	}
}

func TestOpenFolderAndUnknown(t *testing.T) {
	dir := t.TempDir()
	_, err := checkpoint.Open(dir)
	wantError(t, err, checkpoint.BadFormat, "without a model.json")
	for name, test := range map[string]struct {
		data string
		want string
	}{
		"empty":  {"", "empty"},
		"h5":     {"\x89HDF\r\n\x1a\n....", "HDF5"},
		"tflite": {"\x1c\x00\x00\x00TFL3....", "TFLite"},
		"html":   {"<!doctype html>", "web page"},
		"pickle": {"\x80\x04\x95...", "pickle"},
		"text":   {"hello, this is text", "not a checkpoint"},
		"lfs":    {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"},
	} {
		file := fmt.Sprintf("%s/%s", dir, name)
		if err := os.WriteFile(file, []byte(test.data), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := checkpoint.Open(file)
		wantError(t, err, checkpoint.BadFormat, test.want)
	}
}
