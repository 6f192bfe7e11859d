package picture

import (
	"bytes"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/tools/api/apitest"
)

const limit = 1 << 24

// TestDecodeAgainstPillow compares every picture in testdata with what Pillow
// decodes it to. Lossless formats agree exactly; JPEG and lossy WebP within the
// rounding of their inverse transforms.
func TestDecodeAgainstPillow(t *testing.T) {
	refs, err := filepath.Glob("testdata/*.ref.png")
	if err != nil || len(refs) < 30 {
		t.Fatalf("%d references, %v", len(refs), err)
	}
	for _, ref := range refs {
		name := strings.TrimSuffix(ref, ".ref.png")
		t.Run(filepath.Base(name), func(t *testing.T) {
			got := decodeFile(t, name)
			f, err := os.Open(ref)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			img, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			want := convert(img)
			if got.Width != want.Rect.Dx() || got.Height != want.Rect.Dy() {
				t.Fatalf("%dx%d, Pillow has %v", got.Width, got.Height, want.Rect)
			}
			tolerance, mean := 0, 0.0
			switch {
			case strings.HasSuffix(name, "cmyk.jpg"):
				tolerance, mean = 3, 1
			case strings.HasSuffix(name, ".jpg"):
				tolerance, mean = 3, 0.1
			}
			worst, total := 0, 0
			for i, v := range got.Pix {
				d := int(v) - int(want.Pix[i])
				worst, total = max(worst, d, -d), total+max(d, -d)
			}
			if average := float64(total) / float64(len(got.Pix)); worst > tolerance || average > mean {
				t.Errorf("off by up to %d, %.4f on average; want at most %d, %.2f", worst, average, tolerance, mean)
			}
		})
	}
}

func decodeFile(t *testing.T, name string) *Image {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Decode(data, limit)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestDecodeErrors(t *testing.T) {
	jpg, err := os.ReadFile("testdata/420_45x37.jpg")
	if err != nil {
		t.Fatal(err)
	}
	webp, err := os.ReadFile("testdata/lossy_45x37.webp")
	if err != nil {
		t.Fatal(err)
	}
	// A PNG header that promises 65535 x 65535 pixels.
	bomb := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00\xb6\x05\xd9\x50")
	tests := []struct {
		name string
		data []byte
		max  int
		code Code
		text string
	}{
		{"empty", nil, limit, Unsupported, "empty"},
		{"web page", []byte("\n<!DOCTYPE html><p>not found"), limit, Unsupported, "web page"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), limit, Unsupported, `HEIC, AVIF or video file (brand "heic")`},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00"), limit, Unsupported, "TIFF"},
		{"BMP", []byte("BM\x00\x00"), limit, Unsupported, "BMP"},
		{"text", []byte("hello"), limit, Unsupported, "JPEG, PNG, GIF and WebP can be read"},
		{"just too large", jpg, 45*37 - 1, TooLarge, "45x37"},
		{"WebP too large", webp, 45*37 - 1, TooLarge, "45x37"},
		{"bomb", bomb, limit, TooLarge, "65535x65535"},
		{"JPEG header only", jpg[:20], limit, Damaged, "JPEG"},
		{"JPEG cut off", jpg[:len(jpg)/2], limit, Damaged, "JPEG"},
		{"WebP header only", webp[:20], limit, Damaged, "WebP"},
		{"animated WebP", []byte("RIFF\x18\x00\x00\x00WEBPANMF\x04\x00\x00\x00abcd"), limit, Unsupported, "animated"},
		{"WebP of nothing", []byte("RIFF\x04\x00\x00\x00WEBP"), limit, Damaged, "WebP"},
		{"PNG signature only", []byte("\x89PNG\r\n\x1a\n"), limit, Damaged, "PNG"},
		{"GIF signature only", []byte("GIF89a"), limit, Damaged, "GIF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode(tt.data, tt.max)
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want code %q with %q", err, tt.code, tt.text)
			}
		})
	}
}

// TestOrientation turns one stored picture, numbered pixel by pixel, in all eight
// ways.
func TestOrientation(t *testing.T) {
	upTo := map[int]string{
		1: "ab/cd/ef", 2: "ba/dc/fe", 3: "fe/dc/ba", 4: "ef/cd/ab",
		5: "ace/bdf", 6: "eca/fdb", 7: "fdb/eca", 8: "bdf/ace",
	}
	for o, want := range upTo {
		stored := convert(letters("ab/cd/ef"))
		got := upright(stored, o)
		var b strings.Builder
		for y := range got.Height {
			if y > 0 {
				b.WriteByte('/')
			}
			for x := range got.Width {
				b.WriteByte(got.Pix[4*(y*got.Width+x)])
			}
		}
		if b.String() != want {
			t.Errorf("orientation %d: %s, want %s", o, &b, want)
		}
	}
}

func TestOrientationTag(t *testing.T) {
	const tag = "\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
	tests := []struct {
		name, tiff string
		want       int
	}{
		{"little-endian", "II*\x00\x08\x00\x00\x00\x01\x00" + tag, 6},
		{"big-endian", "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00", 8},
		{"as LONG", "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x04\x00\x01\x00\x00\x00\x03\x00\x00\x00", 3},
		{"second entry", "II*\x00\x08\x00\x00\x00\x02\x00" + strings.Repeat("\x00", 12) + tag, 6},
		{"entry beyond the end", "II*\x00\x08\x00\x00\x00\x02\x00" + strings.Repeat("\x00", 12), 1},
		{"fewer entries", "II*\x00\x08\x00\x00\x00\x00\x00" + tag, 1},
		{"out of range", "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x09\x00\x00\x00", 1},
		{"wrong type", "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x02\x00\x01\x00\x00\x00\x06\x00\x00\x00", 1},
		{"directory beyond the end", "II*\x00\xff\xff\xff\xff\x01\x00" + tag, 1},
		{"no directory", "II*\x00\x08\x00\x00\x00", 1},
		{"not EXIF", "hello, world", 1},
		{"empty", "", 1},
	}
	for _, tt := range tests {
		if got := orientation([]byte(tt.tiff)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"testdata/orientation_*.*", "testdata/*_5x3.*", "testdata/*_1x1.*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, data := range apitest.HugeWebP() {
		f.Add(data)
	}
	f.Add(apitest.ScansJPEG(f, maxScans))
	f.Fuzz(func(t *testing.T, data []byte) {
		const small = 1 << 16
		img, err := Decode(data, small)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !Complete(data) {
			t.Fatal("decoded, and called incomplete")
		}
		if img.Width*img.Height > small || len(img.Pix) != 4*img.Width*img.Height {
			t.Fatalf("%dx%d with %d bytes", img.Width, img.Height, len(img.Pix))
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00"))
	f.Fuzz(func(t *testing.T, tiff []byte) {
		if o := orientation(tiff); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		jpg := append([]byte("\xff\xd8"), tiff...)
		if exif := jpegEXIF(jpg); len(exif) > len(jpg) {
			t.Fatal("more EXIF than file")
		}
		pngEXIF(append([]byte("\x89PNG\r\n\x1a\n"), tiff...))
		if exif := webpEXIF(append(bytes.Repeat([]byte{0}, 12), tiff...)); len(exif) > len(tiff) {
			t.Fatal("more EXIF than file")
		}
	})
}

func BenchmarkDecodeJPEG(b *testing.B) {
	data, err := os.ReadFile("testdata/420_45x37.jpg")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Decode(data, limit); err != nil {
			b.Fatal(err)
		}
	}
}
