package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/weights"
)

// namesOf says which framework's state dict, of those that the fidelity tests of
// tools/quantize list tensor by tensor, each upstream model is named like.
var namesOf = map[string]string{
	"mobilenet_v3_large":      "torchvision_mobilenet_v3_large",
	"mobilenet_v3_small":      "torchvision_mobilenet_v3_small",
	"mobilenet_v2":            "torchvision_mobilenet_v2",
	"mobilenet_v2_recipe1":    "torchvision_mobilenet_v2",
	"mobilenet_v2_140":        "timm_mobilenetv2_100",
	"mobilenet_v2_050":        "timm_mobilenetv2_100",
	"mobilenet_v1":            "timm_mobilenetv1_100",
	"mobilenet_v1_google":     "keras_v1",
	"mobilenet_v1_025_google": "keras_v1_0.25",
}

// stateDict returns tensors named as in a listing, with the shapes that the
// network has and plain values.
func stateDict(t *testing.T, listing string, n *models.Network) []checkpointtest.Array {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../quantize/testdata/fidelity", listing+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Tensors [][]json.RawMessage }
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var matrices []models.Tensor
	for _, tensor := range n.Tensors() {
		if !tensor.Bias {
			matrices = append(matrices, tensor)
		}
	}
	var list []checkpointtest.Array
	for _, fields := range doc.Tensors {
		a := checkpointtest.Array{}
		var kind string
		var scale [3]float64
		for i, dst := range []any{&a.Name, &a.Shape, &kind, &scale[0], &scale[1], &scale[2]}[:len(fields)] {
			if err := json.Unmarshal(fields[i], dst); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case strings.HasPrefix(listing, "keras"): // sorted by name: only the classifier's size differs
			if strings.HasPrefix(a.Name, "conv_preds") {
				a.Shape[len(a.Shape)-1] = n.OutputUnits()
			}
		case len(a.Shape) > 1: // in execution order
			a.Shape, matrices = torchShape(matrices[0].Shape, len(a.Shape)), matrices[1:]
		case len(a.Shape) == 1:
			a.Shape = list[len(list)-1].Shape[:1]
		}
		size := 1
		for _, dim := range a.Shape {
			size *= dim
		}
		a.Values = make([]float32, size)
		lo, hi := scale[0], scale[1]
		if kind != "range" {
			lo, hi = -scale[0], scale[0]
		}
		for i := range a.Values {
			_, fraction := math.Modf(float64(i) * 0.618)
			a.Values[i] = float32(lo + (hi-lo)*fraction)
		}
		if kind == "count" {
			a.DType, a.Values = weights.I64, []float32{1}
		}
		list = append(list, a)
	}
	return list
}

// torchShape turns a blob's shape into PyTorch's for a tensor of that rank.
func torchShape(shape []int, rank int) []int {
	switch {
	case rank == 2:
		return shape
	case len(shape) == 4: // OHWI of the stem
		return []int{shape[0], shape[3], shape[1], shape[2]}
	case len(shape) == 3: // channel, row, column of a depthwise convolution
		return []int{shape[0], 1, shape[1], shape[2]}
	}
	return slices.Concat(shape, []int{1, 1})
}

// encode writes a checkpoint in a catalogue format and returns its files by their
// path relative to the first, model.json or the only one.
func encode(t *testing.T, format string, arrays []checkpointtest.Array) map[string][]byte {
	t.Helper()
	switch format {
	case "pth":
		return map[string][]byte{"": checkpointtest.TorchZip(arrays)}
	case "safetensors":
		return map[string][]byte{"": checkpointtest.Safetensors(arrays)}
	case "tfjs-layers":
		files := map[string][]byte{}
		for name, f := range checkpointtest.TFJS(arrays, "", 1, nil) {
			files[name] = f.Data
		}
		files[""] = files["model.json"]
		return files
	}
	t.Fatal(fmt.Errorf("no checkpoints of format %s", format))
	return nil
}
