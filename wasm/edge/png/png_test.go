package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	stdpng "image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"glance/tools/picture"
)

func decodeAll(data []byte, strip int) ([]byte, error) {
	im, err := Open(data)
	if err != nil {
		return nil, err
	}
	pixels := make([]byte, im.Width*im.Height*4)
	for y := 0; y < im.Height; y += strip {
		if err := im.Rows(pixels[y*im.Width*4:], y, min(strip, im.Height-y)); err != nil {
			return nil, err
		}
	}
	return pixels, im.Close()
}

func check(t *testing.T, data []byte, strip int) {
	t.Helper()
	got, err := decodeAll(data, strip)
	if err != nil {
		t.Fatal(err)
	}
	want, err := picture.Decode(data, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Pix) {
		t.Fatal("pixels differ from package picture's")
	}
	opaque := true
	for i := 3; i < len(got); i += 4 {
		opaque = opaque && got[i] == 255
	}
	im, err := Open(data)
	if err != nil || im.Opaque() && !opaque {
		t.Errorf("%v, opaque %v, pixels opaque %v", err, im.Opaque(), opaque)
	}
}

func encode(t testing.TB, img image.Image, level stdpng.CompressionLevel) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&stdpng.Encoder{CompressionLevel: level}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictures are of every kind that Go writes and this package reads.
func pictures() map[string]image.Image {
	random := rand.New(rand.NewPCG(1, 1))
	bounds := image.Rect(0, 0, 61, 43)
	g, c, a := image.NewGray(bounds), image.NewRGBA(bounds), image.NewNRGBA(bounds)
	palette := make(color.Palette, 200)
	for i := range palette {
		palette[i] = color.NRGBA{uint8(i), uint8(3 * i), uint8(7 * i), uint8(255 - i/100*i)}
	}
	p := image.NewPaletted(bounds, palette)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			v := uint8(3*x + 2*y + random.IntN(6))
			g.SetGray(x, y, color.Gray{v})
			c.SetRGBA(x, y, color.RGBA{v, uint8(4 * y), uint8(x * y), 255})
			a.SetNRGBA(x, y, color.NRGBA{v, uint8(4 * y), uint8(x * y), uint8(2 * x)})
			p.SetColorIndex(x, y, v%200)
		}
	}
	return map[string]image.Image{"gray": g, "RGB": c, "RGBA": a, "palette": p}
}

func TestDecode(t *testing.T) {
	for name, img := range pictures() {
		for _, level := range []stdpng.CompressionLevel{stdpng.NoCompression, stdpng.BestSpeed, stdpng.BestCompression} {
			t.Run(fmt.Sprint(name, level), func(t *testing.T) { check(t, encode(t, img, level), 7) })
		}
	}
}

// file makes a PNG of random rows, with a given filter each.
func file(kind byte, width, height int, filters []byte, extra ...[]byte) []byte {
	random := rand.New(rand.NewPCG(uint64(kind), 5))
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows)
	for y := range height {
		z.Write([]byte{filters[y%len(filters)]})
		row := make([]byte, width*channels[kind])
		for i := range row {
			row[i] = byte(random.Uint32())
		}
		z.Write(row)
	}
	z.Close()
	head := binary.BigEndian.AppendUint32(nil, uint32(width))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, kind, 0, 0, 0))...)
	for _, e := range extra {
		b = append(b, e...)
	}
	half := rows.Len() / 2
	b = append(b, chunk("IDAT", rows.Bytes()[:half])...)
	b = append(b, chunk("IDAT", rows.Bytes()[half:])...)
	return append(b, chunk("IEND", nil)...)
}

func chunk(kind string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// TestFilters decodes all filters on noise, the first row's too.
func TestFilters(t *testing.T) {
	palette := chunk("PLTE", bytes.Repeat([]byte{1, 2, 3, 200, 100, 50}, 60))
	for _, kind := range []byte{gray, rgb, indexed, grayAlpha, rgba} {
		for first := range byte(5) {
			filters := []byte{first, 4, 3, 2, 1, 0, 4}
			var extra [][]byte
			if kind == indexed {
				extra = [][]byte{palette, chunk("tRNS", []byte{0, 100, 200})}
			}
			check(t, file(kind, 23, 17, filters, extra...), 5)
			check(t, file(kind, 1, 3, filters, append(extra, chunk("tEXt", []byte("a\x00b")))...), 2)
		}
	}
}

// TestFiles decodes what Pillow wrote, or leaves it to image/png.
func TestFiles(t *testing.T) {
	for _, name := range []string{"rgba", "rgb", "grey"} {
		data, err := os.ReadFile("../../../tools/picture/testdata/" + name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		check(t, data, 9)
	}
}

func TestRows(t *testing.T) {
	data := encode(t, pictures()["RGB"], stdpng.DefaultCompression)
	want, err := picture.Decode(data, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][2]int{{2, 3}, {4, 1}, {4, 6}, {20, 2}, {21, 22}} {
		got := make([]byte, rows[1]*61*4)
		if err := im.Rows(got, rows[0], rows[1]); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Pix[rows[0]*61*4:][:len(got)]) {
			t.Errorf("rows %v differ", rows)
		}
	}
	if err := im.Close(); err != nil {
		t.Error(err)
	}
}

func TestIrregular(t *testing.T) {
	none := []byte{0}
	data := file(rgb, 20, 10, none)
	edit := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(data)) }
	head := func(i int, v byte) []byte {
		return edit(func(b []byte) []byte {
			b[16+i] = v
			binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
			return b
		})
	}
	palette := chunk("PLTE", []byte{1, 2, 3})
	tests := map[string][]byte{
		"empty":              nil,
		"signature":          data[:8],
		"no end":             data[:len(data)-12],
		"half":               data[:len(data)/2],
		"wrong sum":          edit(func(b []byte) []byte { b[len(b)-20] ^= 1; return b }),
		"no width":           head(3, 0),
		"huge":               head(0, 0x7f),
		"16 bits":            head(8, 16),
		"1 bit":              head(8, 1),
		"interlaced":         head(12, 1),
		"compression":        head(10, 1),
		"filter method":      head(11, 1),
		"kind":               head(9, 5),
		"rows missing":       head(7, 11),
		"rows left":          head(7, 9),
		"filter 5":           file(rgb, 20, 10, []byte{5}),
		"second head":        file(rgb, 20, 10, none, data[8:33]),
		"palette of RGB":     file(rgb, 20, 10, none, palette),
		"transparent RGB":    file(rgb, 20, 10, none, chunk("tRNS", make([]byte, 6))),
		"no palette":         file(indexed, 20, 10, none),
		"two palettes":       file(indexed, 20, 10, none, palette, palette),
		"odd palette":        file(indexed, 20, 10, none, chunk("PLTE", []byte{1, 2})),
		"empty palette":      file(indexed, 20, 10, none, chunk("PLTE", nil)),
		"long transparency":  file(indexed, 20, 10, none, palette, chunk("tRNS", []byte{1, 2})),
		"not the first":      append(append(bytes.Clone(data[:8]), chunk("tEXt", nil)...), data[8:]...),
		"data in two places": append(append(bytes.Clone(data[:len(data)-12]), chunk("tEXt", nil)...), chunk("IDAT", []byte{0})...),
		"data of nothing":    append(append(bytes.Clone(data[:33]), chunk("IDAT", nil)...), chunk("IEND", nil)...),
		"data of anything":   append(append(bytes.Clone(data[:33]), chunk("IDAT", []byte("anything"))...), chunk("IEND", nil)...),
		"more data":          append(append(bytes.Clone(data[:len(data)-12]), chunk("IDAT", []byte{0})...), chunk("IEND", nil)...),
	}
	for name, broken := range tests {
		im, err := Open(broken)
		if err == nil {
			err = im.Close()
		}
		want := ErrIrregular
		if name == "wrong sum" {
			want = ErrDamaged
		}
		if err != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	check(t, data, 4)
}

// FuzzDecode compares every file that is decoded with package picture.
func FuzzDecode(f *testing.F) {
	for _, img := range pictures() {
		f.Add(encode(f, img, stdpng.DefaultCompression))
	}
	f.Add(file(grayAlpha, 5, 9, []byte{4, 3, 2, 1, 0}))
	names, err := filepath.Glob("../../../tools/picture/testdata/*.png")
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
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := picture.Probe(data, 1<<16); err != nil || info.Orientation != 1 {
			return
		}
		if _, err := decodeAll(data, 9); err == nil {
			check(t, data, 16)
		}
	})
}
