package apitest

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"
)

// HugeWebP returns WebP files of less than 100 bytes, by name, that make a decoder
// allocate gigabytes. Each has a lossy image of 1x1 pixels too, which a reader of
// sizes may take for all there is.
func HugeWebP() map[string][]byte {
	const side = 1 << 14 // of the largest image a bitstream can have
	image := chunk("VP8 ", []byte("\x70\x01\x00\x9d\x01\x2a\x01\x00\x01\x00"))
	lossless := binary.LittleEndian.AppendUint32([]byte{0x2f}, side-1|(side-1)<<14)
	return map[string][]byte{
		"plain alpha":      riff(canvas(46340), chunk("ALPH", []byte{0, 0}), image),
		"compressed alpha": riff(canvas(side), chunk("ALPH", []byte{1, 0}), image),
		"two images":       riff(chunk("VP8L", append(lossless, 0)), image),
	}
}

// riff puts chunks together as a WebP file.
func riff(chunks ...[]byte) []byte {
	return chunk("RIFF", append([]byte("WEBP"), bytes.Join(chunks, nil)...))
}

// chunk makes a chunk of an even number of bytes.
func chunk(kind string, content []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(content)))
	return append(b, content...)
}

// canvas is the head of a WebP of side x side pixels with alpha.
func canvas(side int) []byte {
	n := side - 1
	return chunk("VP8X", []byte{1 << 4, 0, 0, 0, byte(n), byte(n >> 8), byte(n >> 16), byte(n), byte(n >> 8), byte(n >> 16)})
}

// ScansJPEG returns a progressive JPEG of so many scans. All but the first hold
// what an encoder writes where nothing is to be said of a band of coefficients: a
// table and a run to the end of the picture.
func ScansJPEG(t testing.TB, scans int) []byte {
	t.Helper()
	b := JPEG(t, image.NewGray(image.Rect(0, 0, 8, 8)))
	frame := bytes.Index(b, []byte("\xff\xc0"))
	scan := bytes.Index(b, []byte("\xff\xda"))
	b[frame+1] = 0xc2
	head := b[:scan:scan]
	head = append(head, "\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"...) // DC, of one component
	head = append(head, "\x00"...)                                     // the shortest code: no difference
	for range scans - 1 {
		head = append(head, "\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...) // AC table 0: code 0 ends a block
		head = append(head, "\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x7f"...)
	}
	return append(head, "\xff\xd9"...)
}
