//go:build js

package main

import (
	"errors"
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
		var img *jpeg.Image
		img, err = jpeg.Open(d.machine, data, jpeg.Options{Orientation: info.Orientation, MaxBytes: jpegBytes})
		if errors.Is(err, jpeg.ErrMemory) {
			return nil, api.MemoryError(info)
		}
		if err == nil {
			p.rows, p.width, p.height = img, img.Width, img.Height
			return p, nil
		}
	case info.Format == "PNG" && info.Orientation == 1:
		var img *png.Image
		if img, err = png.Open(data); err == nil {
			p.rows, p.width, p.height, p.opaque = img, img.Width, img.Height, img.Opaque()
			return p, nil
		}
	}
	broken := errors.Is(err, jpeg.ErrDamaged) || errors.Is(err, png.ErrDamaged) || !picture.Complete(data)
	if info.Memory > l.Decode && broken {
		return nil, damaged(info)
	}
	return decodeWhole(data, info, l)
}

// collectFrom is how many bytes a picture takes for which it is worth a
// millisecond or two to collect garbage first.
const collectFrom = 4 << 20

// decodeWhole decodes the picture at once.
func decodeWhole(data []byte, info picture.Info, l api.Limits) (api.Picture, error) {
	if info.Memory > collectFrom && info.Memory <= l.Decode {
		runtime.GC() // WebAssembly memory does not shrink: make room before it grows
	}
	return api.Decode(data, l)
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

// fallBack decodes the whole picture. Where that takes too much memory, what stopped
// the decoding by rows is all there is to say.
func (p *byRows) fallBack() (err error) {
	if p.info.Memory > p.limits.Decode {
		return damaged(p.info)
	}
	p.whole, err = decodeWhole(p.data, p.info, p.limits)
	return err
}

func damaged(info picture.Info) error {
	return api.Refuse(api.DamagedImage, "the %s is cut off or damaged", info.Format)
}
