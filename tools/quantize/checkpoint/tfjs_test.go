package checkpoint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/weights"
)

func tfjsSample() []checkpointtest.Array {
	return []checkpointtest.Array{
		{Name: "Conv1/kernel", Shape: []int{3, 3, 3, 4}, Values: pattern(108, 0)},
		{Name: "bn_Conv1/gamma", Shape: []int{5}, Values: pattern(5, 3)},
		{Name: "bn_Conv1/beta", Shape: []int{3}, Values: pattern(3, 9)},
		{Name: "dense/bias", Shape: []int{1}, Values: []float32{1.5}},
	}
}

func TestTFJS(t *testing.T) {
	topology := map[string]any{"model_config": map[string]any{"class_name": "Model", "config": map[string]any{"layers": []any{
		map[string]any{"class_name": "InputLayer", "config": map[string]any{"name": "in", "batch_input_shape": []any{nil, 224, 192, 3}}},
		map[string]any{"class_name": "Sequential", "config": []any{
			map[string]any{"class_name": "BatchNormalization", "config": map[string]any{"name": "bn_Conv1", "epsilon": 0.001}},
		}},
		map[string]any{"class_name": "Dense", "config": map[string]any{"name": "dense", "units": 1, "activation": "softmax"}},
		map[string]any{"class_name": "ZeroPadding2D", "config": map[string]any{"name": "pad", "padding": [][]int{{0, 1}, {0, 1}}}},
	}}}}
	for _, test := range []struct {
		quantization string
		groups       int
		dtype        weights.DType
		tolerance    float64
	}{
		{"", 1, weights.F32, 0},
		{"", 3, weights.F32, 0},
		{"float16", 2, weights.F16, 0},
		{"uint8", 1, weights.U8, 60.0 / 16 / 255 / 2 * 1.01},
		{"uint16", 2, weights.U16, 60.0 / 16 / 65535 / 2 * 1.01},
	} {
		t.Run(fmt.Sprint(test.quantization, test.groups), func(t *testing.T) {
			c, err := checkpoint.ReadTFJS(checkpointtest.TFJS(tfjsSample(), test.quantization, test.groups, topology), "model.json")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			wantLayers := []checkpoint.KerasLayer{
				{Class: "InputLayer", Name: "in", Height: 224, Width: 192},
				{Class: "BatchNormalization", Name: "bn_Conv1", Epsilon: 0.001},
				{Class: "Dense", Name: "dense", Units: 1, Activation: "softmax"},
				{Class: "ZeroPadding2D", Name: "pad"},
			}
			if !slices.Equal(c.Layers, wantLayers) {
				t.Errorf("layers %+v, want %+v", c.Layers, wantLayers)
			}
			for i, want := range tfjsSample() {
				got := c.Tensors[i]
				if got.Name != want.Name || got.DType != test.dtype || !slices.Equal(got.Shape, want.Shape) {
					t.Fatalf("tensor %d: %s %s %v, want %s %s %v", i, got.Name, got.DType, got.Shape, want.Name, test.dtype, want.Shape)
				}
				values, err := got.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range values {
					if d := math.Abs(float64(v) - float64(want.Values[k])); d > test.tolerance {
						t.Fatalf("%s[%d] = %g, want %g within %g", want.Name, k, v, want.Values[k], test.tolerance)
					}
				}
			}
		})
	}
}

func TestTFJSFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, checkpointtest.TFJS(tfjsSample(), "", 2, nil)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "model.json")} {
		c, err := checkpoint.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Tensors) != 4 {
			t.Errorf("%s: %d tensors, want 4", path, len(c.Tensors))
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTFJSHostile(t *testing.T) {
	const shard = `"paths":["s.bin"]`
	weight := func(fields string) string {
		return `{"weightsManifest":[{` + shard + `,"weights":[{"name":"w",` + fields + `}]}]}`
	}
	float4 := `"shape":[4],"dtype":"float32"`
	for _, test := range []struct {
		name string
		json string
		code checkpoint.Code
		want string
	}{
		{"not JSON", "{", checkpoint.BadFormat, "model.json"},
		{"other JSON", `{"name":"x"}`, checkpoint.Missing, "weightsManifest"},
		{"graph-model", `{"format":"graph-model","weightsManifest":[]}`, checkpoint.BadFormat, "graph-model"},
		{"old graph-model", `{"modelTopology":{"node":[]},"weightsManifest":[]}`, checkpoint.BadFormat, "graph-model"},
		{"manifest is no array", `{"weightsManifest":{}}`, checkpoint.BadFormat, "not a JSON array"},
		{"no weights", `{"weightsManifest":[]}`, checkpoint.Missing, "no weights"},
		{"no shard", `{"weightsManifest":[{"paths":["gone.bin"],"weights":[]}]}`, checkpoint.Missing, "gone.bin"},
		{"shard outside", `{"weightsManifest":[{"paths":["../s.bin"],"weights":[]}]}`, checkpoint.Refused, "outside"},
		{"absolute shard", `{"weightsManifest":[{"paths":["/etc/passwd"],"weights":[]}]}`, checkpoint.Refused, "outside"},
		{"shard is a number", `{"weightsManifest":[{"paths":[1],"weights":[]}]}`, checkpoint.BadFormat, "paths"},
		{"shards without end", `{"weightsManifest":[{"paths":[` + strings.Repeat(`"s.bin",`, 300) + `"s.bin"],"weights":[]}]}`, checkpoint.Oversized, "256 shards"},
		{"weights without end", `{"weightsManifest":[{"paths":[],"weights":[` + strings.Repeat(`{"name":"w","shape":[0],"dtype":"float32"},`, 5000) + `0]}]}`, checkpoint.Oversized, "4096"},
		{"too few bytes", weight(`"shape":[5],"dtype":"float32"`), checkpoint.BadShape, "w: shape [5]"},
		{"too many bytes", weight(`"shape":[3],"dtype":"float32"`), checkpoint.Oversized, "hold 16 bytes"},
		{"negative shape", weight(`"shape":[-4],"dtype":"float32"`), checkpoint.BadShape, "negative"},
		{"huge shape", weight(`"shape":[4294967296,4294967296,4],"dtype":"float32"`), checkpoint.Oversized, "elements"},
		{"strings", weight(`"shape":[4],"dtype":"string"`), checkpoint.BadDType, "string"},
		{"unknown quantization", weight(float4 + `,"quantization":{"dtype":"int4"}`), checkpoint.BadDType, "int4"},
		{"quantization without scale", weight(`"shape":[16],"dtype":"float32","quantization":{"dtype":"uint8","min":0}`), checkpoint.Missing, "scale"},
		{"long entry", weight(float4 + `,"x":"` + strings.Repeat("x", 20000) + `"`), checkpoint.Oversized, "JSON"},
		{"deep topology", `{"weightsManifest":[],"modelTopology":` + strings.Repeat(`{"config":{"layers":[`, 9) + strings.Repeat(`]}}`, 9) + `}`, checkpoint.Oversized, "nested"},
		{"two of one name", `{"weightsManifest":[{` + shard + `,"weights":[{"name":"w",` + float4 + `}]},{` + shard + `,"weights":[{"name":"w",` + float4 + `}]}]}`, checkpoint.Duplicate, "w"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{"model.json": {Data: []byte(test.json)}, "s.bin": {Data: make([]byte, 16)}}
			var err error
			n := allocated(func() { _, err = checkpoint.ReadTFJS(fsys, "model.json") })
			wantError(t, err, test.code, test.want)
			if limit := 2*uint64(len(test.json)) + 6<<20; n > limit {
				t.Errorf("allocated %d bytes for %d of JSON", n, len(test.json))
			}
		})
	}
	t.Run("JSON of 5 MB", func(t *testing.T) {
		fsys := fstest.MapFS{"model.json": {Data: bytes.Repeat([]byte(" "), 5<<20)}}
		_, err := checkpoint.ReadTFJS(fsys, "model.json")
		wantError(t, err, checkpoint.Oversized, "limit")
	})
	t.Run("JSON of zeros", func(t *testing.T) {
		many, _ := json.Marshal(map[string]any{"weightsManifest": []any{map[string]any{"paths": []string{"s.bin"},
			"weights": []any{map[string]any{"name": "w", "dtype": "float32", "shape": make([]int, 5000)}}}}})
		fsys := fstest.MapFS{"model.json": {Data: many}, "s.bin": {Data: make([]byte, 16)}}
		_, err := checkpoint.ReadTFJS(fsys, "model.json")
		wantError(t, err, checkpoint.BadShape, "dimensions")
	})
}
