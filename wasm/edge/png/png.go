// Package png decodes PNG files to RGBA a row at a time, so that a picture of 16
// megapixels takes two rows of memory and not 64 MB, and without the detour by
// color.Color that costs more than inflating.
//
// It takes 8-bit gray, gray with alpha, RGB, RGBA and palettes, not interlaced,
// in files that are regular in every respect. For everything else the error is
// [ErrIrregular], and image/png decides what to make of it. What is decoded here
// are the pixels of image/png, bit for bit; tests hold it to that.
package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Error is an error constant of this package.
type Error string

func (e Error) Error() string { return string(e) }

const (
	// ErrIrregular says that a file is not one of those this package decodes; it may
	// still be a proper picture.
	ErrIrregular = Error("png: not a plain file")
	// ErrDamaged says that a checksum is wrong, which image/png does not pass either.
	ErrDamaged = Error("png: a wrong checksum")
)

// The colour types (PNG specification, third edition, table 12).
const (
	gray      = 0
	rgb       = 2
	indexed   = 3
	grayAlpha = 4
	rgba      = 6
)

// channels is the bytes of a pixel of each colour type.
var channels = map[byte]int{gray: 1, rgb: 3, indexed: 1, grayAlpha: 2, rgba: 4}

// Image is a file being decoded, from top to bottom.
type Image struct {
	Width, Height int

	kind     byte
	bpp      int         // bytes of a pixel
	palette  [256]uint32 // RGBA, red lowest
	alphas   bool        // the palette has some that is not 255
	idat     *chunks
	inflate  io.Reader
	row      int    // rows decoded
	current  []byte // the last of them, after its filter byte
	previous []byte
}

// Open checks all chunks and reads the head. The image reads data as long as it
// decodes.
func Open(data []byte) (*Image, error) {
	im := &Image{idat: &chunks{}}
	if err := im.parse(data); err != nil {
		return nil, err
	}
	var err error
	if im.inflate, err = zlib.NewReader(im.idat); err != nil {
		return nil, ErrIrregular
	}
	im.current = make([]byte, 1+im.Width*im.bpp)
	im.previous = make([]byte, 1+im.Width*im.bpp)
	return im, nil
}

// parse walks the chunks: IHDR, PLTE and tRNS for palettes, IDAT in one run, IEND,
// and others that do not matter.
func (im *Image) parse(data []byte) error {
	const signature = "\x89PNG\r\n\x1a\n"
	if !bytes.HasPrefix(data, []byte(signature)) {
		return ErrIrregular
	}
	colors, done, first := 0, false, true
	for rest := data[len(signature):]; len(rest) >= 12; first = false {
		n := binary.BigEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-12) {
			return ErrIrregular
		}
		kind, body := string(rest[4:8]), rest[8:8+n]
		if crc32.ChecksumIEEE(rest[4:8+n]) != binary.BigEndian.Uint32(rest[8+n:]) {
			return ErrDamaged
		}
		if first != (kind == "IHDR") {
			return ErrIrregular
		}
		rest = rest[12+n:]
		if kind != "IDAT" && im.idat.any() {
			done = true
		}
		switch kind {
		case "IHDR":
			if !im.head(body) {
				return ErrIrregular
			}
		case "PLTE":
			if im.kind != indexed || colors > 0 || im.idat.any() || n == 0 || n%3 != 0 || n > 3*256 {
				return ErrIrregular
			}
			colors = int(n / 3)
			for i := range im.palette {
				im.palette[i] = 255 << 24
			}
			for i := range colors {
				im.palette[i] |= uint32(body[3*i]) | uint32(body[3*i+1])<<8 | uint32(body[3*i+2])<<16
			}
		case "tRNS":
			if im.kind != indexed || im.alphas || im.idat.any() || int(n) > colors {
				return ErrIrregular
			}
			for i, a := range body {
				im.palette[i] = im.palette[i]&0xffffff | uint32(a)<<24
			}
			im.alphas = true
		case "IDAT":
			if done || im.kind == indexed && colors == 0 {
				return ErrIrregular
			}
			im.idat.add(body)
		case "IEND":
			if n == 0 && im.idat.any() {
				return nil
			}
			return ErrIrregular
		}
	}
	return ErrIrregular
}

// head reads IHDR (section 11.2.1).
func (im *Image) head(b []byte) bool {
	if len(b) != 13 || b[8] != 8 || b[10] != 0 || b[11] != 0 || b[12] != 0 {
		return false
	}
	im.Width, im.Height = int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
	im.kind, im.bpp = b[9], channels[b[9]]
	const limit = 1 << 24
	return im.bpp > 0 && im.Width > 0 && im.Height > 0 && im.Width < limit && im.Height < limit
}

// Opaque says that every alpha is 255.
func (im *Image) Opaque() bool {
	return im.kind == gray || im.kind == rgb || im.kind == indexed && !im.alphas
}

// Rows writes pixel rows [row, row+rows) to dst as RGBA. They are asked for from
// top to bottom; rows may be left out, and the last one may be asked for again.
func (im *Image) Rows(dst []byte, row, rows int) error {
	for y := row; y < row+rows; y++ {
		for im.row <= y {
			if !im.next() {
				return ErrIrregular
			}
		}
		im.convert(dst[:4*im.Width])
		dst = dst[4*im.Width:]
	}
	return nil
}

// Close decodes what is left, to find damage there.
func (im *Image) Close() error {
	for im.row < im.Height {
		if !im.next() {
			return ErrIrregular
		}
	}
	// There is nothing more, and the checksum is right.
	if n, err := im.inflate.Read(im.previous[:1]); n != 0 || err != io.EOF || im.idat.any() {
		return ErrIrregular
	}
	return nil
}

// next decodes a row.
func (im *Image) next() bool {
	im.previous, im.current = im.current, im.previous
	if _, err := io.ReadFull(im.inflate, im.current); err != nil {
		return false
	}
	im.row++
	if im.row == 1 {
		clear(im.previous)
	}
	return unfilter(im.current[0], im.current[1:], im.previous[1:], im.bpp)
}

// convert writes the current row as RGBA.
func (im *Image) convert(dst []byte) {
	src, le := im.current[1:], binary.LittleEndian
	switch im.kind {
	case rgba:
		copy(dst, src)
	case rgb:
		for i := range im.Width {
			p := src[3*i : 3*i+3 : 3*i+3]
			le.PutUint32(dst[4*i:], uint32(p[0])|uint32(p[1])<<8|uint32(p[2])<<16|255<<24)
		}
	case gray:
		for i, v := range src {
			le.PutUint32(dst[4*i:], uint32(v)*0x10101|255<<24)
		}
	case grayAlpha:
		for i := range im.Width {
			le.PutUint32(dst[4*i:], uint32(src[2*i])*0x10101|uint32(src[2*i+1])<<24)
		}
	case indexed:
		for i, v := range src {
			le.PutUint32(dst[4*i:], im.palette[v])
		}
	}
}

// chunks reads the contents of the IDAT chunks one after another.
type chunks struct {
	parts [][]byte
	at    int // bytes read of the first
}

func (c *chunks) add(b []byte) {
	if len(b) > 0 {
		c.parts = append(c.parts, b)
	}
}

// any says whether there is something left.
func (c *chunks) any() bool { return len(c.parts) > 0 }

func (c *chunks) Read(p []byte) (int, error) {
	if !c.any() {
		return 0, io.EOF
	}
	n := copy(p, c.parts[0][c.at:])
	c.skip(n)
	return n, nil
}

// ReadByte makes package flate read no more than it needs.
func (c *chunks) ReadByte() (byte, error) {
	if !c.any() {
		return 0, io.EOF
	}
	b := c.parts[0][c.at]
	c.skip(1)
	return b, nil
}

func (c *chunks) skip(n int) {
	if c.at += n; c.at == len(c.parts[0]) {
		c.parts, c.at = c.parts[1:], 0
	}
}
