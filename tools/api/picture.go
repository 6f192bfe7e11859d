package api

import (
	"encoding/binary"
	"errors"

	"glance/tools/picture"
)

// Picture is an image whose pixels are handed out row by row, so that a decoder
// may produce them as they are asked for.
type Picture interface {
	// Size is the picture's size in pixels, upright.
	Size() (width, height int)
	// Opaque says that every alpha is 255.
	Opaque() bool
	// Rows writes rows [row, row+rows) to dst as straight RGBA. Rows are asked for
	// from top to bottom; some may be left out, and the last one may be asked for
	// again.
	Rows(dst []byte, row, rows int) error
	// Close reads what is left, to find damage there.
	Close() error
}

// Limits bound what a request may cost.
type Limits struct {
	Body   int64 // bytes of a body
	Pixels int   // of a picture
	Decode int64 // bytes that decoding a picture may take; 0 for any number
}

// Decoder recognises a picture file and prepares to decode it. It checks the
// limits first. Errors are *[Error]s, with [UnsupportedType], [DamagedImage] or
// [ImageTooLarge].
type Decoder func(data []byte, l Limits) (Picture, error)

// Decode is the [Decoder] on package picture, which decodes the whole picture at
// once.
func Decode(data []byte, l Limits) (Picture, error) {
	info, err := picture.Probe(data, l.Pixels)
	if err != nil {
		return nil, PictureError(err)
	}
	if l.Decode > 0 && info.Memory > l.Decode {
		return nil, MemoryError(info)
	}
	img, err := picture.Decode(data, l.Pixels)
	if err != nil {
		return nil, PictureError(err)
	}
	return &whole{img}, nil
}

// PictureError gives an error of package picture its code.
func PictureError(err error) error {
	var e *picture.Error
	if !errors.As(err, &e) {
		return err
	}
	code := map[picture.Code]Code{
		picture.Unsupported: UnsupportedType,
		picture.TooLarge:    ImageTooLarge,
		picture.Damaged:     DamagedImage,
	}[e.Code]
	detail := e.Detail
	if e.Err != nil {
		detail += ": " + e.Err.Error()
	}
	return Refuse(code, "%s", detail)
}

// MemoryError refuses a picture that takes more than the limit to decode.
func MemoryError(info picture.Info) *Error {
	return Refuse(ImageTooLarge, "a %s of this kind with %d x %d pixels takes too much memory to decode here; scale it down first",
		info.Format, info.Width, info.Height)
}

// whole is a picture that lies in memory.
type whole struct{ *picture.Image }

func (w *whole) Size() (int, int) { return w.Width, w.Height }

func (w *whole) Opaque() bool {
	for i := 3; i < len(w.Pix); i += 4 {
		if w.Pix[i] != 255 {
			return false
		}
	}
	return true
}

func (w *whole) Rows(dst []byte, row, rows int) error {
	copy(dst, w.Pix[row*w.Width*4:(row+rows)*w.Width*4])
	return nil
}

func (w *whole) Close() error { return nil }

// raw is a picture sent as RGB or RGBA bytes.
type raw struct {
	width, height int
	channels      int
	pixels        []byte
}

// newRaw checks that the body is as long as the size given says.
func newRaw(body []byte, width, height int, l Limits) (Picture, error) {
	if width > l.Pixels/height {
		return nil, Refuse(ImageTooLarge, "raw pixels of %d x %d, the limit is %d pixels", width, height, l.Pixels)
	}
	switch len(body) {
	case 3 * width * height:
		return &raw{width, height, 3, body}, nil
	case 4 * width * height:
		return &raw{width, height, 4, body}, nil
	}
	return nil, Refuse(BadRequest, "the body has %d bytes; raw pixels of %d x %d have %d (RGB) or %d (RGBA)",
		len(body), width, height, 3*width*height, 4*width*height)
}

func (r *raw) Size() (int, int) { return r.width, r.height }

func (r *raw) Opaque() bool { return r.channels == 3 }

func (r *raw) Rows(dst []byte, row, rows int) error {
	from, n := row*r.width, rows*r.width
	if r.channels == 4 {
		copy(dst, r.pixels[4*from:4*(from+n)])
		return nil
	}
	src := r.pixels[3*from:]
	for i := range n {
		p := src[3*i : 3*i+3 : 3*i+3]
		binary.LittleEndian.PutUint32(dst[4*i:], uint32(p[0])|uint32(p[1])<<8|uint32(p[2])<<16|255<<24)
	}
	return nil
}

func (r *raw) Close() error { return nil }
