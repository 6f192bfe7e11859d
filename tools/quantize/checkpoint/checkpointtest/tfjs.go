package checkpointtest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing/fstest"

	"github.com/x448/float16"
)

// TFJS writes a TF.js layers-model whose weights are quantized to "float16",
// "uint8" or "uint16", or kept as float32 with "". The weights are divided into
// the given number of groups, the bytes of each group into two shards. topology
// is the modelTopology, or nil.
func TFJS(arrays []Array, quantization string, groups int, topology any) fstest.MapFS {
	type group struct {
		Paths   []string `json:"paths"`
		Weights []any    `json:"weights"`
	}
	fsys := fstest.MapFS{}
	var manifest []group
	size := (len(arrays) + groups - 1) / groups
	for g, part := range slices.Collect(slices.Chunk(arrays, size)) {
		var data []byte
		var m group
		for _, a := range part {
			entry := map[string]any{"name": a.Name, "shape": a.Shape, "dtype": "float32"}
			stored, q := quantize(a.Values, quantization)
			if q != nil {
				entry["quantization"] = q
			}
			data = append(data, stored...)
			m.Weights = append(m.Weights, entry)
		}
		for i, shard := range [][]byte{data[:len(data)/3], data[len(data)/3:]} {
			name := fmt.Sprintf("group%d-shard%dof2.bin", g+1, i+1)
			m.Paths = append(m.Paths, name)
			fsys[name] = &fstest.MapFile{Data: shard}
		}
		manifest = append(manifest, m)
	}
	text, err := json.Marshal(map[string]any{"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest})
	if err != nil {
		panic(err)
	}
	fsys["model.json"] = &fstest.MapFile{Data: text}
	return fsys
}

// quantize stores values as tensorflowjs_converter does.
func quantize(values []float32, kind string) (stored []byte, entry any) {
	le := binary.LittleEndian
	switch kind {
	case "":
		return Encode("", values), nil
	case "float16":
		for _, v := range values {
			stored = le.AppendUint16(stored, float16.Fromfloat32(v).Bits())
		}
		return stored, map[string]any{"dtype": kind, "original_dtype": "float32"}
	}
	levels := map[string]float64{"uint8": math.MaxUint8, "uint16": math.MaxUint16}[kind]
	low, high := float64(slices.Min(values)), float64(slices.Max(values))
	scale := (high - low) / levels
	if scale == 0 {
		scale = 1
	}
	for _, v := range values {
		n := math.Round((float64(v) - low) / scale)
		if kind == "uint8" {
			stored = append(stored, byte(n))
		} else {
			stored = le.AppendUint16(stored, uint16(n))
		}
	}
	return stored, map[string]any{"dtype": kind, "original_dtype": "float32", "min": low, "scale": scale}
}
