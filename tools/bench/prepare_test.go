package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"glance/models"
)

// TestWriteModel makes one network in every format; that the formats compute
// the same is what a run of the benchmark itself checks.
func TestWriteModel(t *testing.T) {
	dir := t.TempDir()
	if err := writeModel(dir, models.MobileNetV3Small); err != nil {
		t.Fatal(err)
	}
	for suffix, least := range map[string]int64{
		".safetensors": 5e6, ".onnx": 10e6, ".tflite": 10e6, ".tfjs.json": 5e3, ".tfjs.bin": 10e6,
		".input.bin": 224 * 224 * 3 * 4, ".logits.bin": 1000 * 4,
	} {
		info, err := os.Stat(filepath.Join(dir, string(models.MobileNetV3Small)+suffix))
		if err != nil {
			t.Error(err)
		} else if info.Size() < least {
			t.Errorf("%s: %d bytes, want at least %d", suffix, info.Size(), least)
		}
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{4, 1, math.NaN(), 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile(%v, %v) = %v, want %v", v, q, got, want)
		}
	}
}

// TestRatios compares slices with the same slices of another engine, whatever the
// machine did in between.
func TestRatios(t *testing.T) {
	base := &cell{slices: []slice{{Times: []float64{10, 11, 12}}, {Times: []float64{20, 22, 24}}}}
	c := &cell{slices: []slice{{Times: []float64{5.5, 5, 6}}, {Times: []float64{11, 11, 90}}}}
	if got := ratios(c, base); len(got) != 2 || got[0] != 0.5 || got[1] != 0.5 {
		t.Errorf("ratios = %v, want 0.5 and 0.5", got)
	}
	if got := ratios(&cell{failed: "no", slices: c.slices}, base); got != nil {
		t.Errorf("ratios of an engine that failed = %v", got)
	}
	res := &results{
		engines: []engine{{id: "glance-1t", threads: 1}, {id: "slow-1t", threads: 1}, {id: "fast-1t", threads: 1}, {id: "page", threads: 1, coldOnly: true}},
		cold:    map[string]*coldStart{"glance-1t": {ms: []float64{1}}, "slow-1t": {ms: []float64{9}}, "fast-1t": {ms: []float64{math.NaN(), 5}}, "page": {ms: []float64{1}}},
	}
	if got := res.coldPeer(1); got != res.cold["fast-1t"] {
		t.Errorf("the fastest peer starts in %v", got)
	}
}
