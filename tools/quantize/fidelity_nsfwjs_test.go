package main

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/convert"
	"glance/weights"
	"glance/weights/catalog"
)

const (
	nsfwModel = "nsfw_mobilenet_v2"
	// weightsDir is where `make weights` leaves blobs and, in cache/, checkpoints.
	weightsDir = "../../weights"
)

// TestFidelityNSFWJS compares probabilities with those of nsfwjs's own client on
// TensorFlow.js (models/testdata/nsfwjs/probabilities.cjs): of the blob that
// `make weights` left, and of the same checkpoint with float32 weights.
func TestFidelityNSFWJS(t *testing.T) {
	text, err := os.ReadFile("../../models/testdata/nsfwjs/probabilities.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float32{}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	machines := newMachines(t)
	for _, row := range []struct {
		name      string
		path      func(testing.TB) string
		tolerance float64
	}{
		{"float32", convertNSFW, 1e-3},
		{"blob", func(testing.TB) string { return filepath.Join(weightsDir, nsfwModel+".safetensors") }, 1e-2},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := row.path(t)
			if _, err := os.Stat(path); err != nil {
				t.Skipf("%v: run `make weights` first", err)
			}
			s := loadBlob(t, path).session(t, machines[0], 224, 224)
			for _, file := range slices.Sorted(maps.Keys(want)) {
				p := make([]float32, s.Network().OutputUnits())
				models.Softmax(p, classify(t, s, readPicture(t, file)))
				largest := 0.0
				for i, w := range want[file] {
					largest = max(largest, math.Abs(float64(p[i])-float64(w)))
				}
				t.Logf("%-15s probabilities off by at most %.2g", file, largest)
				if !(largest <= row.tolerance) {
					t.Errorf("%s: probabilities %v, nsfwjs gives %v", file, p, want[file])
				}
			}
		})
	}
}

// convertNSFW converts the layers-model in the cache as the catalogue's entry
// says, with float32 weights, and returns the blob's path. Without a layers-model
// it is the path where that should be.
func convertNSFW(t testing.TB) string {
	t.Helper()
	all, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	entry, ok := all.Model(nsfwModel)
	if !ok {
		t.Fatalf("the catalogue has no %s", nsfwModel)
	}
	checkpoint := filepath.Join(weightsDir, "cache", strings.TrimSuffix(entry.Sources[0].File, ".tgz"), "model.json")
	if _, err := os.Stat(checkpoint); err != nil {
		return checkpoint
	}
	options := maps.Clone(entry.Options)
	options["glance"] = "1"
	config, preprocess, err := models.ConfigFromMetadata(options)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), nsfwModel+".safetensors")
	if _, err := convert.Convert(context.Background(), convert.Options{In: checkpoint, Config: config,
		BNEpsilon: entry.BNEpsilon, Preprocess: &preprocess, DType: weights.F32, Out: out}); err != nil {
		t.Fatal(err)
	}
	return out
}
