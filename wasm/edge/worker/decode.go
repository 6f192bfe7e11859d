//go:build js

package main

import (
	"bytes"
	"errors"
	"image/color"
	"runtime"

	"glance/tools/api"
	"glance/tools/picture"
	"glance/wasm/edge/jpeg"
	"glance/wasm/edge/png"
)

// jpegBytes limits the memory of the JPEG module: enough for 16 megapixels that are
// to be turned, with chroma at half size, or for 8 of a progressive file.
const jpegBytes = 26 << 20

// decoder decodes pictures within the memory of an isolate.
type decoder struct{ machine jpeg.Machine }

// rows is a decoder that goes row by row.
type rows interface {
	Rows(dst []byte, row, rows int) error
	Close() error
}

// decode implements [api.Decoder]. Most JPEG and PNG files are decoded row by row
// by packages jpeg and png, everything else by package picture, if it fits.
func (d *decoder) decode(data []byte, l api.Limits) (api.Picture, error) {
	info, err := picture.Probe(data, l.Pixels)
	if err != nil {
		return nil, api.PictureError(err)
	}
	p := &byRows{data: data, info: info, limits: l, opaque: true}
	switch {
	case info.Format == "JPEG":
		img, err := jpeg.Open(d.machine, data, jpeg.Options{Orientation: info.Orientation, MaxBytes: jpegBytes})
		if errors.Is(err, jpeg.ErrMemory) {
			return nil, tooLarge(info)
		}
		if err == nil {
			p.rows, p.width, p.height = img, img.Width, img.Height
			return p, nil
		}
	case info.Format == "PNG" && info.Orientation == 1:
		if img, err := png.Open(data); err == nil {
			p.rows, p.width, p.height, p.opaque = img, img.Width, img.Height, img.Opaque()
			return p, nil
		}
	}
	return decodeWhole(data, info, l)
}

// collectFrom is how many bytes a picture takes for which it is worth a
// millisecond or two to collect garbage first.
const collectFrom = 4 << 20

// decodeWhole decodes the picture at once.
func decodeWhole(data []byte, info picture.Info, l api.Limits) (api.Picture, error) {
	pixels := int64(info.Width) * int64(info.Height)
	need := pixels * bytesPerPixel(data, info)
	if need > l.Decode {
		return nil, tooLarge(info)
	}
	if need > collectFrom {
		runtime.GC() // WebAssembly memory does not shrink: make room before it grows
	}
	return api.Decode(data, l)
}

func tooLarge(info picture.Info) error {
	return api.Refuse(api.ImageTooLarge, "a %s of this kind with %d x %d pixels takes too much memory to decode here; scale it down first",
		info.Format, info.Width, info.Height)
}

// bytesPerPixel is what the decoders of the standard library and package picture
// allocate for a pixel, at most.
func bytesPerPixel(data []byte, info picture.Info) int64 {
	const rgba = 4 // package picture's result
	n := int64(rgba)
	if info.Orientation > 1 {
		n += rgba
	}
	switch info.Format {
	case "JPEG":
		return n + jpeg.BytesPerPixel(data)
	case "GIF":
		return n + 1
	case "WebP":
		if bytes.Contains(data[:min(len(data), 64)], []byte("VP8 ")) { // lossy, without alpha
			return n + 2
		}
		return n + 2*4 // lossless, with its transforms
	}
	switch info.Colors {
	case color.NRGBAModel:
		return n // as it is
	case color.RGBAModel:
		return n + 4
	case color.NRGBA64Model, color.RGBA64Model:
		return n + 8
	}
	return n + 2 // gray or palette
}

// byRows is a picture that is decoded as its rows are asked for. Where the file
// turns out not to be regular, all of it is decoded by package picture, whose
// rows are the same up to there.
type byRows struct {
	rows          rows
	width, height int
	opaque        bool
	data          []byte
	info          picture.Info
	limits        api.Limits
	whole         api.Picture
}

func (p *byRows) Size() (int, int) { return p.width, p.height }

func (p *byRows) Opaque() bool { return p.opaque }

func (p *byRows) Rows(dst []byte, row, rows int) error {
	if p.whole == nil {
		if p.rows.Rows(dst, row, rows) == nil {
			return nil
		}
		if err := p.fallBack(); err != nil {
			return err
		}
	}
	return p.whole.Rows(dst, row, rows)
}

func (p *byRows) Close() error {
	if p.whole != nil || p.rows.Close() == nil {
		return nil
	}
	return p.fallBack()
}

func (p *byRows) fallBack() (err error) {
	p.whole, err = decodeWhole(p.data, p.info, p.limits)
	return err
}
