package convert_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/x448/float16"

	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/tools/quantize/convert"
	"glance/weights"
)

// arrays gives a listing's tensors random values: weights of order one, positive
// variances, and counters of 400.
func arrays(c *checkpoint.Checkpoint) []checkpointtest.Array {
	r := rand.New(rand.NewPCG(1, 2))
	var list []checkpointtest.Array
	for _, t := range c.Tensors {
		a := checkpointtest.Array{Name: t.Name, Shape: t.Shape, Values: make([]float32, t.Elements())}
		for i := range a.Values {
			v := r.Float32()*2 - 1
			if strings.HasSuffix(t.Name, "var") || strings.HasSuffix(t.Name, "variance") {
				v = 0.5 + r.Float32()
			}
			a.Values[i] = v
		}
		if strings.HasSuffix(t.Name, "num_batches_tracked") {
			a.DType, a.Values[0] = weights.I64, 400
		}
		list = append(list, a)
	}
	return list
}

// narrow returns the listing of a checkpoint of V1's first width, 0.25, in
// PyTorch's names: small enough for tests that write values.
func narrow(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	n, err := models.New(models.Config{Arch: models.MobileNetV1, Alpha: 0.25, Classes: 3})
	if err != nil {
		t.Fatal(err)
	}
	c := &checkpoint.Checkpoint{}
	add := func(name string, shape ...int) {
		c.Tensors = append(c.Tensors, &checkpoint.Tensor{Name: name, DType: weights.F32, Shape: shape})
	}
	at := 0
	for _, l := range n.Layers {
		in, out := l.In.C, l.Out.C
		shape := []int{out, in, 1, 1}
		switch l.Kind {
		case models.KindConv:
			shape = []int{out, in, 3, 3}
		case models.KindDepthwise:
			shape = []int{out, 1, 3, 3}
		case models.KindPool:
			continue
		case models.KindDense:
			add("classifier.weight", out, in)
			add("classifier.bias", out)
			continue
		}
		prefix := fmt.Sprintf("features.%d.", at)
		at++
		add(prefix+"0.weight", shape...)
		for _, leaf := range []string{"weight", "bias", "running_mean", "running_var"} {
			add(prefix+"1."+leaf, out)
		}
		add(prefix + "1.num_batches_tracked")
	}
	return c
}

func write(t *testing.T, file []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// readBlob parses a blob and decodes its tensors.
func readBlob(t *testing.T, path string) (*weights.File, map[string][]float32) {
	t.Helper()
	c, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.ParseHeader(b, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]float32)
	for _, x := range c.Tensors {
		if values[x.Name], err = x.Float32s(); err != nil {
			t.Fatal(err)
		}
	}
	return f, values
}

// TestConvertValues holds every value of a blob against the formula of folding,
// applied here element by element to the checkpoint's own axes.
func TestConvertValues(t *testing.T) {
	list := arrays(narrow(t))
	byName := make(map[string][]float32)
	for _, a := range list {
		byName[a.Name] = a.Values
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "x.safetensors")
	const epsilon = 1e-3 // the sequential family's
	report, err := convert.Convert(context.Background(), convert.Options{In: write(t, checkpointtest.TorchZip(list, "state_dict")),
		DType: weights.F32, Out: out, Labels: []string{"a", "b", "c"}, Name: "narrow", Source: "here", Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	f, blob := readBlob(t, out)
	config, _, err := models.ConfigFromMetadata(f.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	n, err := models.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Check(f); err != nil {
		t.Fatal(err)
	}
	if config.Alpha != 0.25 || config.Classes != 3 || f.Metadata["labels"] != "a\nb\nc" || f.Metadata["name"] != "narrow" ||
		f.Metadata["source"] != "here" || f.Metadata["licence"] != "CC0-1.0" {
		t.Errorf("metadata %v", f.Metadata)
	}
	if report.Family != convert.Sequential || report.Format != checkpoint.PyTorchZip || report.Parameters != sum(blob) || report.MACs != n.MACs() {
		t.Errorf("report %+v", report)
	}
	at := 0
	for _, l := range n.Layers {
		if l.Kind == models.KindPool {
			continue
		}
		weight, bias := blob[l.Name+".weight"], blob[l.Name+".bias"]
		if l.Kind == models.KindDense {
			if !slices.Equal(weight, byName["classifier.weight"]) || !slices.Equal(bias, byName["classifier.bias"]) {
				t.Error("the classifier's values differ")
			}
			continue
		}
		conv, norm := fmt.Sprintf("features.%d.0.weight", at), fmt.Sprintf("features.%d.1.", at)
		at++
		inner := len(weight) / l.Out.C
		for o := range l.Out.C {
			g := float64(byName[norm+"weight"][o]) / math.Sqrt(float64(byName[norm+"running_var"][o])+epsilon)
			wantBias := float64(byName[norm+"bias"][o]) - float64(byName[norm+"running_mean"][o])*g
			near(t, bias[o], wantBias, "%s.bias[%d]", l.Name, o)
			for k := range inner {
				from := k // the same order, but for the stem: OHWI from OIHW
				if l.Kind == models.KindConv {
					pixel, channel := k/3, k%3
					from = channel*9 + pixel
				}
				near(t, weight[o*inner+k], float64(byName[conv][o*inner+from])*g, "%s.weight[%d][%d]", l.Name, o, k)
			}
		}
	}
}

func near(t *testing.T, got float32, want float64, format string, args ...any) {
	t.Helper()
	if d := math.Abs(float64(got) - want); !(d <= 1e-6*math.Abs(want)+1e-9) {
		t.Fatalf("%s = %g, want %g", fmt.Sprintf(format, args...), got, want)
	}
}

func sum(blob map[string][]float32) int {
	n := 0
	for _, v := range blob {
		n += len(v)
	}
	return n
}

// TestConvertKerasLayout converts the same values from PyTorch's and from Keras'
// axes; the blobs must agree to the bit.
func TestConvertKerasLayout(t *testing.T) {
	torch := arrays(narrow(t))
	var list []checkpointtest.Array
	for _, a := range torch {
		b := a
		parts := strings.Split(a.Name, ".")
		var conv, norm string
		if parts[0] == "features" {
			var i int
			fmt.Sscan(parts[1], &i)
			conv, norm = fmt.Sprintf("conv_pw_%d/kernel", i/2), fmt.Sprintf("conv_pw_%d_bn", i/2)
			if i%2 == 1 {
				conv, norm = fmt.Sprintf("conv_dw_%d/depthwise_kernel", (i+1)/2), fmt.Sprintf("conv_dw_%d_bn", (i+1)/2)
			}
			if i == 0 {
				conv, norm = "conv1/kernel", "conv1_bn"
			}
		}
		switch {
		case strings.HasSuffix(a.Name, "num_batches_tracked"):
			continue
		case a.Name == "classifier.bias":
			b.Name = "conv_preds/bias"
		case a.Name == "classifier.weight":
			b.Name, b.Shape = "conv_preds/kernel", []int{1, 1, a.Shape[1], a.Shape[0]}
			b.Values = permuted(a.Values, []int{a.Shape[0], a.Shape[1]}, []int{1, 0})
		case parts[2] == "0" && strings.Contains(conv, "depthwise"):
			b.Name, b.Shape = conv, []int{3, 3, a.Shape[0], 1}
			b.Values = permuted(a.Values, a.Shape, []int{2, 3, 0, 1})
		case parts[2] == "0":
			b.Name, b.Shape = conv, []int{a.Shape[2], a.Shape[3], a.Shape[1], a.Shape[0]}
			b.Values = permuted(a.Values, a.Shape, []int{2, 3, 1, 0})
		default:
			b.Name = norm + "/" + map[string]string{"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}[parts[3]]
		}
		list = append(list, b)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "keras"), checkpointtest.TFJS(list, "", 4, nil)); err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "b.safetensors")
	for _, o := range []convert.Options{{In: write(t, checkpointtest.TorchLegacy(torch)), Out: a, Config: models.Config{Padding: models.Same}},
		{In: filepath.Join(dir, "keras"), Out: b}} {
		if _, err := convert.Convert(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	_, want := readBlob(t, a)
	_, got := readBlob(t, b)
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// permuted moves axis order[i] of values of the given shape to place i.
func permuted(values []float32, shape, order []int) []float32 {
	strides := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= shape[i]
	}
	out := make([]float32, 0, len(values))
	var walk func(axis, at int)
	walk = func(axis, at int) {
		if axis == len(order) {
			out = append(out, values[at])
			return
		}
		for i := range shape[order[axis]] {
			walk(axis+1, at+i*strides[order[axis]])
		}
	}
	walk(0, 0)
	return out
}

func TestConvertFloat16(t *testing.T) {
	in := write(t, checkpointtest.TorchZip(arrays(narrow(t))))
	dir := t.TempDir()
	exact, half := filepath.Join(dir, "f32"), filepath.Join(dir, "f16")
	for _, o := range []convert.Options{{In: in, Out: exact, DType: weights.F32}} {
		if _, err := convert.Convert(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	done := 0
	report, err := convert.Convert(context.Background(), convert.Options{In: in, Out: half, Progress: func(n, total int) {
		if done++; n != done || total != 28 {
			t.Errorf("progress %d of %d", n, total)
		}
	}})
	if err != nil || done != 28 {
		t.Fatalf("%d steps, error %v", done, err)
	}
	_, want := readBlob(t, exact)
	_, got := readBlob(t, half)
	for _, r := range report.Tensors {
		var worst float64
		for i, v := range want[r.Name] {
			stored := v
			if r.DType == weights.F16 {
				stored = float16.Fromfloat32(v).Float32()
			}
			if got[r.Name][i] != stored {
				t.Fatalf("%s[%d] = %g, want %g rounded to %g", r.Name, i, got[r.Name][i], v, stored)
			}
			worst = max(worst, math.Abs(float64(v)-float64(stored)))
		}
		weight := strings.HasSuffix(r.Name, ".weight")
		if worst != r.Worst || weight != (r.DType == weights.F16) {
			t.Errorf("%s: %s, worst %g reported, %g measured", r.Name, r.DType, r.Worst, worst)
		}
		// Rounding to 11 bits leaves 65 to 80 dB, whatever the scale.
		if weight && !(r.SNR > 65 && r.SNR < 90) || !weight && !math.IsInf(r.SNR, 1) {
			t.Errorf("%s: SNR %g dB", r.Name, r.SNR)
		}
	}
	info, err := os.Stat(half)
	if err != nil || info.Size() != report.Bytes || len(report.SHA256) != 64 {
		t.Errorf("%v, report says %d bytes, sum %s", info, report.Bytes, report.SHA256)
	}
}

func TestConvertBadValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, test := range []struct {
		name   string
		tensor string
		value  float32
		code   convert.Code
		report string // tensor named
		text   string
	}{
		{"NaN weight", "features.3.0.weight", nan, convert.NotFinite, "features.3.0.weight", "element 0 of 144 is NaN"},
		{"infinite mean", "features.3.1.running_mean", inf, convert.NotFinite, "features.3.1.running_mean", "+Inf"},
		{"NaN bias", "classifier.bias", nan, convert.NotFinite, "classifier.bias", "NaN"},
		{"negative variance", "features.3.1.running_var", -1, convert.BadNorm, "features.3.1", "variance of channel 0"},
		{"beyond float16", "classifier.weight", 70000, convert.Overflow, "classifier.0.weight", "65504"},
		{"folded beyond float16", "features.3.1.weight", 1e6, convert.Overflow, "blocks.1.depthwise.weight", "-dtype f32"},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := arrays(narrow(t))
			for i := range list {
				if list[i].Name == test.tensor {
					list[i].Values[0] = test.value
				}
			}
			dir := t.TempDir()
			_, err := convert.Convert(context.Background(), convert.Options{In: write(t, checkpointtest.TorchZip(list)), Out: filepath.Join(dir, "x")})
			wantError(t, err, test.code, test.report, test.text)
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("%s is left behind", left[0].Name())
			}
		})
	}
}

func TestConvertFailures(t *testing.T) {
	in := write(t, checkpointtest.TorchZip(arrays(narrow(t))))
	dir := t.TempDir()
	out := filepath.Join(dir, "x")
	_, err := convert.Convert(context.Background(), convert.Options{In: in, Out: out, Labels: []string{"a", "b"}})
	wantError(t, err, convert.BadOption, "", "2 labels for 3 classes")
	_, err = convert.Convert(context.Background(), convert.Options{In: in, Out: out, Labels: []string{"a", "b", "c\nd"}})
	wantError(t, err, convert.BadOption, "", "UTF-8")
	_, err = convert.Convert(context.Background(), convert.Options{In: in, Out: out, DType: weights.BF16})
	wantError(t, err, convert.BadOption, "", "BF16")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = convert.Convert(cancelled, convert.Options{In: in, Out: out}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err = convert.Convert(context.Background(), convert.Options{In: in, Out: filepath.Join(dir, "no/such/folder")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%s is left behind", left[0].Name())
	}
	var config *models.ConfigError
	if _, err = convert.Convert(context.Background(), convert.Options{In: in, Out: out, Config: models.Config{Height: 8}}); !errors.As(err, &config) {
		t.Errorf("height 8: %v", err)
	}
}
