package recalibrate_test

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/recalibrate"
)

// paint writes a PNG of one colour.
func paint(t *testing.T, path string, width, height int, c color.Color) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, c)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	red := color.NRGBA{255, 0, 0, 255}
	for _, name := range []string{"b/2.png", "b/1.png", "a/1.png", "a/2.png", "c/1.png"} {
		paint(t, filepath.Join(dir, name), 40, 32, red)
	}
	paint(t, filepath.Join(dir, "d/large.png"), 80, 90, red)
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte("no,picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	n := network(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.1, Height: 32, Width: 40})
	p := models.DefaultPreprocess(n.Config)
	for _, test := range []struct {
		count   int
		files   string
		fitting int
	}{
		{0, "a/1 a/2 b/1 b/2 c/1 d/large", 5},
		{100, "a/1 a/2 b/1 b/2 c/1 d/large", 5},
		{3, "a/1 b/1 c/1", 3},
		{4, "a/1 a/2 b/2 c/1", 4},
	} {
		f, err := recalibrate.OpenFolder(dir, test.count, n, p)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, path := range f.Files {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, strings.TrimSuffix(filepath.ToSlash(rel), ".png"))
		}
		if got := strings.Join(names, " "); got != test.files || f.Skipped != 1 || f.Fitting != test.fitting {
			t.Errorf("count %d: files %s, %d skipped, %d fitting; want %s, 1, %d", test.count, got, f.Skipped, f.Fitting, test.files, test.fitting)
		}
		for i := range f.Len() {
			x, err := f.Input(i)
			if err != nil {
				t.Fatal(err)
			}
			if len(x) != 32*40*3 {
				t.Fatalf("%s: %d values", names[i], len(x))
			}
			for k, v := range x {
				want := (map[int]float64{0: 1}[k%3] - p.Mean[k%3]) / p.Std[k%3]
				if math.Abs(float64(v)-want) > 1e-5 {
					t.Fatalf("%s: value %d is %g, want %g", names[i], k, v, want)
				}
			}
		}
	}
}

// TestFolderFitting checks that a picture of the input's size is taken pixel by
// pixel, where the recipe would resize and crop it.
func TestFolderFitting(t *testing.T) {
	dir := t.TempDir()
	img := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	for y := range 32 {
		for x := range 32 {
			img.Set(x, y, color.NRGBA{uint8(x*37 ^ y*91), uint8(x * 8), uint8(y * 8), 255})
		}
	}
	f, err := os.Create(filepath.Join(dir, "x.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
	n := network(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.1, Height: 32, Width: 32})
	p := models.DefaultPreprocess(n.Config)
	folder, err := recalibrate.OpenFolder(dir, 0, n, p)
	if err != nil {
		t.Fatal(err)
	}
	x, err := folder.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 32 * 32 {
		for ch := range 3 {
			want := (float64(img.Pix[4*i+ch])/255 - p.Mean[ch]) / p.Std[ch]
			if math.Abs(float64(x[3*i+ch])-want) > 1e-5 {
				t.Fatalf("pixel %d, channel %d: %g, want %g", i, ch, x[3*i+ch], want)
			}
		}
	}
}

func TestFolderErrors(t *testing.T) {
	n := network(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.1, Height: 32, Width: 32})
	p := models.DefaultPreprocess(n.Config)
	dir := t.TempDir()
	for _, test := range []struct{ dir, want string }{{dir, "holds no pictures"}, {filepath.Join(dir, "gone"), "gone"}} {
		_, err := recalibrate.OpenFolder(test.dir, 0, n, p)
		var e *recalibrate.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.dir, err, test.want)
		}
	}
	// A picture that ends after its header is listed, and an error names it.
	paint(t, filepath.Join(dir, "cut.png"), 64, 64, color.White)
	b, err := os.ReadFile(filepath.Join(dir, "cut.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cut.png"), b[:50], 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := recalibrate.OpenFolder(dir, 0, n, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Input(0); err == nil || !strings.Contains(err.Error(), "cut.png") {
		t.Errorf("error %v, want one that names cut.png", err)
	}
}
