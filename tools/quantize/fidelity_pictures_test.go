package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"glance/models"
	"glance/tools/picture"
	"glance/weights"
)

// pictureDir holds the drawn pictures.
const pictureDir = "../classify/testdata"

// readPicture decodes one of the drawn pictures.
func readPicture(t testing.TB, file string) *picture.Image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(pictureDir, file))
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.Decode(data, 1<<22)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

// classify returns the logits of a picture.
func classify(t testing.TB, s *models.Session, p *picture.Image) []float32 {
	t.Helper()
	if err := s.SetPixels(p.Pix, p.Width, p.Height); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s.Logits(nil)
}

// TestFidelityPictures goes from picture files to logits and compares with
// torchvision's preprocessing and network: testdata/fidelity/pictures_rows.py.
func TestFidelityPictures(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fidelityDir, "pictures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	c := loadCase(t, "torchvision_mobilenet_v3_small")
	b := c.convert(t, c.checkpoint(t), weights.F32)
	s := b.session(t, newMachines(t)[0], 224, 224)
	all := readFloats(t, "pictures.f32")
	n := len(all) / len(files)
	for i, file := range files {
		want := all[i*n : (i+1)*n]
		got := classify(t, s, readPicture(t, file))
		worst, largest := deviation(got, want)
		t.Logf("%-15s logits off by at most %.2g (%.3f of the tolerance)", file, largest, worst)
		if worst > held {
			t.Errorf("%s: not what torchvision computes", file)
		}
		if got, want := top(got, 5), top(want, 5); !slices.Equal(got, want) {
			t.Errorf("%s: the top five are %v, torchvision's %v", file, got, want)
		}
	}
}
