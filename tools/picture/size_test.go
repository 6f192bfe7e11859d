package picture

import (
	"errors"
	"image/color"
	"os"
	"testing"

	"glance/tools/api/apitest"
)

// TestHugeWebP holds every size in a WebP to the limit, not that of the image that
// is found first.
func TestHugeWebP(t *testing.T) {
	for name, data := range apitest.HugeWebP() {
		_, err := Probe(data, limit)
		var e *Error
		if len(data) > 100 || !errors.As(err, &e) || e.Code != TooLarge {
			t.Errorf("%s, %d bytes: %v, want %s", name, len(data), err, TooLarge)
		}
	}
}

// TestScans takes a JPEG of as many scans as are allowed, and refuses one more.
func TestScans(t *testing.T) {
	if _, err := Decode(apitest.ScansJPEG(t, maxScans), limit); err != nil {
		t.Error(err)
	}
	_, err := Probe(apitest.ScansJPEG(t, maxScans+1), limit)
	var e *Error
	if !errors.As(err, &e) || e.Code != Damaged {
		t.Errorf("%v, want %s", err, Damaged)
	}
}

// TestMemory compares what decoding takes at most, in bytes a pixel.
func TestMemory(t *testing.T) {
	tests := map[string]int64{
		"grey.jpg":          4 + 1 + 4,
		"420_45x37.jpg":     4 + 2 + 4,
		"444_45x37.jpg":     4 + 3 + 4,
		"progressive.jpg":   4 + 8 + 4,
		"orientation_6.jpg": 4 + 4 + 3 + 4,
		"rgba.png":          4,
		"rgb.png":           4 + 4,
		"palette.png":       4 + 2,
		"palette.gif":       4 + 1,
		"lossy_45x37.webp":  4 + 2,
		"lossless.webp":     4 + 8,
		"alpha.webp":        4 + 8,
	}
	for name, want := range tests {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := Probe(data, limit)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Memory / int64(info.Width*info.Height); got != want {
			t.Errorf("%s: %d bytes a pixel, want %d", name, got, want)
		}
	}
	for name, data := range map[string][]byte{"empty": nil, "cut off": []byte("\xff\xd8\xff\xe0\x00\x10JFIF")} {
		if got := jpegBytes(data); got != 20+4 {
			t.Errorf("%s: %d bytes a pixel, want those of the worst", name, got)
		}
	}
	// A lossless image, in a file whose head has no flag for alpha.
	data, err := os.ReadFile("testdata/orientation_8.webp")
	if err != nil {
		t.Fatal(err)
	}
	if size, err := webpSize(data); err != nil || size.ColorModel != color.NRGBAModel {
		t.Errorf("lossless in an extended file: %v, %v", size, err)
	}
}

// TestComplete cuts pictures off.
func TestComplete(t *testing.T) {
	for _, name := range []string{"420_45x37.jpg", "progressive.jpg", "rgb.png"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !Complete(data) {
			t.Errorf("%s: not complete", name)
		}
		for n := 8; n < len(data); n++ {
			if Complete(data[:n]) {
				t.Errorf("%s: the first %d of %d bytes are complete", name, n, len(data))
			}
		}
	}
}
