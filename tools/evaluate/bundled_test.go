package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"glance/models"
)

// TestBundled holds the model that is part of the repository to what PyTorch answered
// in float32 before it was converted (testdata/bundled.py).
func TestBundled(t *testing.T) {
	b, err := os.ReadFile("testdata/bundled.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float32
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 5 {
		t.Fatalf("%d pictures", len(want))
	}
	blob, err := os.ReadFile("../../weights/tiny_imagenet_v3_small.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, backend := range []string{"simd", "go"} {
		m, err := machine(backend, 1)
		if err != nil {
			t.Fatal(err)
		}
		session, err := models.LoadBytes(m, blob, models.PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for name, reference := range want {
			if err := classify(session, filepath.Join("..", "classify", "testdata", name), 1e6); err != nil {
				t.Fatal(err)
			}
			logits := session.Logits(nil)
			for i, v := range logits {
				worst = max(worst, math.Abs(float64(v-reference[i])))
			}
			if got, best := models.TopK(logits, 1)[0].Index, models.TopK(reference, 1)[0].Index; got != best {
				t.Errorf("%s: %s: class %d, PyTorch says %d", backend, name, got, best)
			}
		}
		// Weights are rounded to float16 here, reduced pictures to 8 bits there.
		if worst > 0.5 {
			t.Errorf("%s: a logit differs by %.3f from PyTorch's", backend, worst)
		}
		t.Logf("%s: worst difference of a logit %.4f", backend, worst)
		m.Close()
	}
}
