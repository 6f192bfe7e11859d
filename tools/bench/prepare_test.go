package main

import (
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
	v := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile(%v, %v) = %v, want %v", v, q, got, want)
		}
	}
}
