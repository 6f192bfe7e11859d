package jpeg

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/tools/api/apitest"
	"glance/tools/picture"
)

const unlimited = 1 << 31

// decodeAll decodes a file, asking for strips of so many rows.
func decodeAll(m Machine, data []byte, strip int) ([]byte, error) {
	info, err := picture.Probe(data, 1<<28)
	if err != nil {
		return nil, ErrIrregular
	}
	im, err := Open(m, data, Options{info.Orientation, unlimited})
	if err != nil {
		return nil, err
	}
	pixels := make([]byte, im.Width*im.Height*4)
	for y := 0; y < im.Height; y += strip {
		n := min(strip, im.Height-y)
		if err := im.Rows(pixels[y*im.Width*4:], y, n); err != nil {
			return nil, err
		}
	}
	return pixels, im.Close()
}

// check compares a file's pixels with those of package picture.
func check(t *testing.T, m Machine, data []byte, strip int) {
	t.Helper()
	got, err := decodeAll(m, data, strip)
	if err != nil {
		t.Fatal(err)
	}
	want, err := picture.Decode(data, 1<<28)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want.Pix) {
		return
	}
	for i := range got {
		if got[i] != want.Pix[i] {
			t.Fatalf("pixel (%d, %d), channel %d is %d, want %d", i/4%want.Width, i/4/want.Width, i%4, got[i], want.Pix[i])
		}
	}
	t.Fatalf("%d bytes, want %d", len(got), len(want.Pix))
}

// files are what libjpeg wrote: baseline in all orientations, and progressive.
func files(t testing.TB) []string {
	t.Helper()
	baseline, err := filepath.Glob("../../../tools/picture/testdata/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	progressive, err := filepath.Glob("testdata/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if len(baseline) < 20 || len(progressive) < 20 {
		t.Fatalf("%d and %d files", len(baseline), len(progressive))
	}
	return append(baseline, progressive...)
}

func TestFiles(t *testing.T) {
	m := newNative(t)
	names := files(t)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(name)
		// Narrow pictures with halved chroma are left to libjpeg's other rule.
		narrow := filepath.Dir(name) != "testdata" && strings.HasPrefix(base, "42") && (strings.Contains(base, "_1x1") || strings.Contains(base, "_4x5"))
		irregular := narrow || base == "cmyk.jpg"
		t.Run(base, func(t *testing.T) {
			if !irregular {
				check(t, m, data, 7)
			} else if _, err := decodeAll(m, data, 7); err != ErrIrregular {
				t.Errorf("got %v, want %v", err, ErrIrregular)
			}
		})
	}
}

var (
	grayOnly  = [][2]int{{1, 1}}
	chroma444 = [][2]int{{1, 1}, {1, 1}, {1, 1}}
	chroma422 = [][2]int{{2, 1}, {1, 1}, {1, 1}} // 4:2:2
	chroma420 = [][2]int{{2, 2}, {1, 1}, {1, 1}} // 4:2:0
)

// TestStreams decodes random coefficients. With maxBits 15 and steps 65535 the
// fixed-point arithmetic overflows, in the same way in both decoders.
func TestStreams(t *testing.T) {
	m := newNative(t)
	tests := []stream{
		{64, 48, grayOnly, 0, 0.1, 10, 50, sof0},
		{64, 48, chroma444, 0, 0.1, 10, 50, sof0},
		{64, 48, chroma422, 0, 0.1, 10, 50, sof0},
		{64, 48, chroma420, 0, 0.1, 10, 50, sof0},
		{61, 45, [][2]int{{2, 2}}, 0, 0.1, 10, 50, sof0},
		{61, 45, chroma444, 3, 0.1, 10, 50, sof1},
		{61, 45, chroma422, 1, 0.3, 8, 50, sof0},
		{61, 45, chroma420, 4, 0.01, 10, 50, sof0},
		{61, 45, chroma420, 5, 1, 4, 5, sof0},
		{61, 45, chroma420, 0, 0, 10, 50, sof0},
		{200, 5, chroma420, 0, 0.2, 10, 50, sof0},
		{5, 200, chroma420, 2, 0.2, 10, 50, sof0},
		{33, 17, chroma420, 0, 0.5, 15, 65535, sof1},
		{33, 17, chroma444, 0, 0.5, 15, 65535, sof1},
		{33, 17, grayOnly, 0, 0.1, 15, 65535, sof1},
		{700, 300, chroma420, 50, 0.3, 10, 20, sof0}, // more than a chunk of stream
	}
	for _, s := range tests {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%dx%d/%d/%d", s.width, s.height, len(s.sampling), seed), func(t *testing.T) {
				check(t, m, s.encode(seed), 5)
			})
		}
	}
}

// TestOrientations turns pictures larger than a block.
func TestOrientations(t *testing.T) {
	m := newNative(t)
	for _, sampling := range [][][2]int{grayOnly, chroma444, chroma422, chroma420} {
		turnAll(t, m, stream{75, 50, sampling, 0, 0.1, 6, 20, sof0}.encode(9))
	}
	for _, name := range []string{"420_45x37_92", "422_160x90_35", "grey_70x50"} {
		data, err := os.ReadFile("testdata/" + name + ".jpg")
		if err != nil {
			t.Fatal(err)
		}
		turnAll(t, m, data)
	}
}

// turnAll decodes a file in all orientations, and some that there are not.
func turnAll(t *testing.T, m Machine, plain []byte) {
	t.Helper()
	for orientation := range 10 {
		app1 := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(orientation)) + "\x00\x00\x00"
		e := &encoder{out: []byte{0xff, soi}}
		e.segment(0xe1, []byte(app1))
		check(t, m, append(e.out, plain[2:]...), 11)
	}
}

// TestRows leaves rows out and asks for the last one again, as a resampler does.
func TestRows(t *testing.T) {
	m := newNative(t)
	data := stream{40, 120, chroma420, 0, 0.1, 8, 20, sof0}.encode(3)
	want, err := picture.Decode(data, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Open(m, data, Options{MaxBytes: unlimited})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][2]int{{3, 4}, {6, 1}, {6, 20}, {25, 2}, {70, 10}, {79, 41}, {119, 1}} {
		got := make([]byte, rows[1]*40*4)
		if err := im.Rows(got, rows[0], rows[1]); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Pix[rows[0]*40*4:][:len(got)]) {
			t.Errorf("rows %v differ", rows)
		}
	}
}

// TestIrregular finds everything that is left to image/jpeg.
func TestIrregular(t *testing.T) {
	m := newNative(t)
	plain := stream{40, 40, chroma420, 3, 0.1, 8, 20, sof0}
	data := plain.encode(1)
	// edit replaces the body of the first segment with that marker.
	edit := func(marker byte, change func([]byte) []byte) []byte {
		var out []byte
		for at := 2; ; {
			n := int(data[at+2])<<8 | int(data[at+3])
			if data[at+1] == marker {
				e := &encoder{}
				e.segment(marker, change(bytes.Clone(data[at+4:at+2+n])))
				out = append(append(bytes.Clone(data[:at]), e.out...), data[at+2+n:]...)
				return out
			}
			at += 2 + n
		}
	}
	set := func(i int, v byte) func([]byte) []byte {
		return func(b []byte) []byte { b[i] = v; return b }
	}
	rst := bytes.Index(data, []byte{0xff, rst0 + 1})
	scan := bytes.Index(data, []byte{0xff, sos})
	tests := map[string][]byte{
		"empty":                  nil,
		"two bytes":              data[:2],
		"no end":                 data[:len(data)-2],
		"half":                   data[:len(data)/2],
		"half, with an end":      append(bytes.Clone(data[:len(data)/2]), 0xff, eoi),
		"end in a code":          append(bytes.Clone(data[:len(data)-40]), 0xff, eoi),
		"12 bits":                edit(sof0, set(0, 12)),
		"four components":        edit(sof0, set(5, 4)),
		"no width":               edit(sof0, func(b []byte) []byte { b[3], b[4] = 0, 0; return b }),
		"no height":              edit(sof0, func(b []byte) []byte { b[1], b[2] = 0, 0; return b }),
		"same component twice":   edit(sof0, set(9, 1)),
		"sampling 4x1":           edit(sof0, set(7, 0x41)),
		"chroma 2x1":             edit(sof0, set(10, 0x21)),
		"missing quantization":   edit(sof0, set(8, 3)),
		"quantization table 4":   edit(dqt, set(0, 4)),
		"short quantization":     edit(dqt, func(b []byte) []byte { return b[:60] }),
		"Huffman table 2":        edit(dht, set(0, 2)),
		"short Huffman table":    edit(dht, func(b []byte) []byte { return b[:len(b)-1] }),
		"too many codes":         edit(dht, set(1, 3)),
		"DC of 16 bits":          edit(dht, set(17, 16)),
		"restart of 3 bytes":     edit(dri, func(b []byte) []byte { return append(b, 0) }),
		"other restart interval": edit(dri, set(1, 4)),
		"no restart interval":    edit(dri, set(1, 0)),
		"one component":          edit(sos, func([]byte) []byte { return []byte{1, 1, 0, 0, 63, 0} }),
		"components exchanged":   edit(sos, func(b []byte) []byte { b[3], b[5] = b[5], b[3]; return b }),
		"missing Huffman table":  edit(sos, set(2, 0x22)),
		"spectral selection":     edit(sos, set(8, 5)),
		"restart out of order":   append(append(bytes.Clone(data[:rst]), 0xff, rst0+2), data[rst+2:]...),
		"missing restart":        append(bytes.Clone(data[:rst]), data[rst+2:]...),
		"byte before restart":    append(append(bytes.Clone(data[:rst]), 0x55), data[rst:]...),
		"fill before restart":    append(append(bytes.Clone(data[:rst]), 0xff), data[rst:]...),
		"byte before end":        append(bytes.Clone(data[:len(data)-2]), 0x55, 0xff, eoi),
		"second scan":            append(bytes.Clone(data[:len(data)-2]), data[scan:]...),
		"RGB by name":            bytes.Replace(bytes.Replace(data, []byte("\x01\x22\x00\x02\x11\x01\x03\x11\x01"), []byte("R\x22\x00G\x11\x01B\x11\x01"), 1), []byte("\x03\x01\x00\x02\x11\x03\x11"), []byte("\x03R\x00G\x11B\x11"), 1),
		"RGB by Adobe":           append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]...),
		"unknown marker":         append([]byte("\xff\xd8\xff\xc8\x00\x02"), data[2:]...),
	}
	for name, broken := range tests {
		if bytes.Equal(broken, data) {
			t.Fatalf("%s: nothing is changed", name)
		}
		im, err := Open(m, broken, Options{MaxBytes: unlimited})
		if err == nil {
			err = im.Close()
		}
		if err != ErrIrregular {
			t.Errorf("%s: %v, want %v", name, err, ErrIrregular)
		}
	}
	check(t, m, data, 8) // the machine still works
	check(t, m, append([]byte("\xff\xd8\xff\xe0\x00\x07JFIF\x00\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]...), 8)
}

// TestScans takes a file of as many scans as are allowed, and leaves one of more to
// package picture, which refuses it.
func TestScans(t *testing.T) {
	m := newNative(t)
	check(t, m, apitest.ScansJPEG(t, maxScans), 8)
	if _, err := Open(m, apitest.ScansJPEG(t, maxScans+1), Options{1, unlimited}); err != ErrIrregular {
		t.Errorf("%v, want %v", err, ErrIrregular)
	}
}

// TestIrregularScans changes a progressive file: most of what is done to it makes
// another picture or none, and in either case package picture agrees.
func TestIrregularScans(t *testing.T) {
	m := newNative(t)
	data, err := os.ReadFile("testdata/420_45x37_92.jpg")
	if err != nil {
		t.Fatal(err)
	}
	var scans []int
	for at := 0; ; {
		n := bytes.Index(data[at:], []byte{0xff, sos})
		if n < 0 {
			break
		}
		at += n + 2
		scans = append(scans, at)
	}
	if len(scans) < 8 {
		t.Fatalf("%d scans", len(scans))
	}
	irregular, damaged := 0, 0
	try := func(changed []byte) {
		t.Helper()
		if _, err := decodeAll(m, changed, 8); err != nil {
			irregular++
			if err == ErrDamaged {
				damaged++
			}
			return
		}
		check(t, m, changed, 8)
	}
	for _, at := range scans {
		end := at + int(data[at+1])
		for i := at + 2; i < end; i++ { // every byte of the scans' headers
			for _, v := range []byte{0, 1, 2, 3, 5, 0x10, 0x11, 0x21, 63, 64, 0xff} {
				changed := bytes.Clone(data)
				changed[i] = v
				try(changed)
			}
		}
		for i := range 40 { // and bits of their streams
			changed := bytes.Clone(data)
			changed[end+i/8] ^= 1 << (i % 8)
			try(changed)
		}
	}
	if irregular < 300 || damaged < 20 {
		t.Errorf("only %d changes are noticed, %d in the streams", irregular, damaged)
	}
	restart := append(append(bytes.Clone(data[:2]), 0xff, dri, 0, 4, 0, 3), data[2:]...)
	if _, err := decodeAll(m, restart, 8); err != ErrIrregular {
		t.Errorf("restart markers: %v, want %v", err, ErrIrregular)
	}
	check(t, m, data, 8)
}

func TestMemory(t *testing.T) {
	m := newNative(t)
	data := stream{160, 320, chroma420, 0, 0.01, 8, 20, sof0}.encode(1)
	limit := int64(100_000 + len(data))
	if _, err := Open(m, data, Options{1, limit}); err != nil {
		t.Errorf("by rows: %v", err)
	}
	if _, err := Open(m, data, Options{6, limit}); !errors.Is(err, ErrMemory) {
		t.Errorf("turned: %v, want %v", err, ErrMemory)
	}
}

// FuzzDecode compares every file that is decoded with package picture; the
// module never traps.
func FuzzDecode(f *testing.F) {
	for i, sampling := range [][][2]int{grayOnly, chroma444, chroma422, chroma420} {
		f.Add(stream{17, 19, sampling, 2, 0.1, 8, 20, sof0}.encode(uint64(i)))
	}
	for _, name := range files(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	m := newNative(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := picture.Probe(data, 1<<16); err != nil || info.Format != "JPEG" {
			return
		}
		if _, err := decodeAll(m, data, 9); err != nil {
			return
		}
		check(t, m, data, 16)
	})
}

func BenchmarkDecode(b *testing.B) {
	m := newNative(b)
	data := stream{640, 480, chroma420, 0, 0.12, 6, 20, sof0}.encode(1)
	b.SetBytes(640 * 480)
	for b.Loop() {
		if _, err := decodeAll(m, data, 64); err != nil {
			b.Fatal(err)
		}
	}
}
