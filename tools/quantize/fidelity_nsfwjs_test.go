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

const nsfwModel = "nsfw_mobilenet_v2"

// nsfwCheckpoint returns the catalogue's entry and where `make weights` leaves
// its layers-model.
func nsfwCheckpoint(t testing.TB) (catalog.Model, string) {
	t.Helper()
	all, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := all.Model(nsfwModel)
	if !ok {
		t.Fatalf("the catalogue has no %s", nsfwModel)
	}
	return m, filepath.Join("../../weights/cache", strings.TrimSuffix(m.Sources[0].File, ".tgz"), "model.json")
}

// TestFidelityNSFWJS compares probabilities with those of nsfwjs's own client on
// TensorFlow.js: models/testdata/nsfwjs/probabilities.cjs.
func TestFidelityNSFWJS(t *testing.T) {
	text, err := os.ReadFile("../../models/testdata/nsfwjs/probabilities.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float32{}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	entry, checkpoint := nsfwCheckpoint(t)
	if _, err := os.Stat(checkpoint); err != nil {
		t.Skipf("%v: run `make weights` first", err)
	}
	options := maps.Clone(entry.Options)
	options["glance"] = "1"
	config, preprocess, err := models.ConfigFromMetadata(options)
	if err != nil {
		t.Fatal(err)
	}
	machines := newMachines(t)
	for _, row := range []struct {
		dtype     weights.DType
		tolerance float64
	}{
		{weights.F32, 1e-3},
		{weights.F16, 1e-2},
	} {
		t.Run(string(row.dtype), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), nsfwModel+".safetensors")
			_, err := convert.Convert(context.Background(), convert.Options{
				In: checkpoint, Config: config, BNEpsilon: entry.BNEpsilon, Preprocess: &preprocess, DType: row.dtype, Out: out})
			if err != nil {
				t.Fatal(err)
			}
			s := loadBlob(t, out).session(t, machines[0], 224, 224)
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
