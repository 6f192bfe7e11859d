package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strconv"

	"golang.org/x/image/webp"
)

// Image is a decoded picture, upright.
type Image struct {
	Width, Height int
	// Pix holds red, green, blue and alpha of each pixel, row by row from the top
	// left; colours are not multiplied by alpha.
	Pix []byte
}

// Code classifies what is wrong with a picture.
type Code string

// The codes of an [Error].
const (
	Unsupported Code = "unsupported" // not one of the formats, or a kind of it that is not decoded
	TooLarge    Code = "too-large"   // more pixels than the caller allows
	Damaged     Code = "damaged"     // the decoder gave up
)

// Error is what [Decode] reports.
type Error struct {
	Code   Code
	Detail string
	Err    error // the decoder's error for Damaged, else nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return "picture: " + e.Detail + ": " + e.Err.Error()
	}
	return "picture: " + e.Detail
}

// Unwrap returns the decoder's error.
func (e *Error) Unwrap() error { return e.Err }

// format is one kind of file.
type format struct {
	name   string
	size   func(data []byte) (image.Config, error)
	decode func(data []byte) (*image.NRGBA, error)
	tiff   func(data []byte) []byte // the EXIF data in it, nil if there is none
}

var formats = map[string]format{
	"JPEG": {"JPEG", jpegSize, decodeJPEG, jpegEXIF},
	"PNG":  {"PNG", reading(png.DecodeConfig), decodePNG, pngEXIF},
	"GIF":  {"GIF", reading(gif.DecodeConfig), decodeGIF, func([]byte) []byte { return nil }},
	"WebP": {"WebP", webpSize, decodeWebP, webpEXIF},
}

// Info is what the head of a file says.
type Info struct {
	Format        string // "JPEG", "PNG", "GIF" or "WebP"
	Width, Height int    // as stored, in pixels
	Orientation   int    // how EXIF says the stored pixels lie, 1 to 8; 1 is upright
	Memory        int64  // bytes that [Decode] allocates, at most
}

// Probe reads the head of a file of at most maxPixels pixels, and decodes
// nothing.
//
// Errors are of type *[Error].
func Probe(data []byte, maxPixels int) (Info, error) {
	f, ok := formats[sniff(data)]
	if !ok {
		return Info{}, &Error{Code: Unsupported, Detail: describe(data) + "; JPEG, PNG, GIF and WebP can be read"}
	}
	size, err := f.size(data)
	if err != nil {
		return Info{}, damaged(f.name, err)
	}
	if size.Width <= 0 || size.Height <= 0 {
		return Info{}, &Error{Code: Damaged, Detail: f.name + " without any pixels"}
	}
	if size.Width > maxPixels/size.Height {
		return Info{}, &Error{Code: TooLarge, Detail: f.name + " of " + strconv.Itoa(size.Width) + "x" + strconv.Itoa(size.Height) +
			" pixels, the limit is " + strconv.Itoa(maxPixels)}
	}
	info := Info{Format: f.name, Width: size.Width, Height: size.Height, Orientation: orientation(f.tiff(data))}
	info.Memory = int64(size.Width) * int64(size.Height) * decodeBytes(data, info, size.ColorModel)
	return info, nil
}

// Decode decodes a file of at most maxPixels pixels.
//
// Errors are of type *[Error].
func Decode(data []byte, maxPixels int) (*Image, error) {
	info, err := Probe(data, maxPixels)
	if err != nil {
		return nil, err
	}
	img, err := formats[info.Format].decode(data)
	if err != nil {
		return nil, damaged(info.Format, err)
	}
	return upright(img, info.Orientation), nil
}

func damaged(name string, err error) error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Code: Damaged, Detail: name + " cannot be decoded", Err: err}
}

// sniff names a file's format by its first bytes.
func sniff(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "JPEG"
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "PNG"
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return "GIF"
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "WebP"
	}
	return ""
}

// describe says what a file that is none of the formats may be.
func describe(data []byte) string {
	switch {
	case len(data) == 0:
		return "the file is empty"
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return "a HEIC, AVIF or video file (brand " + strconv.Quote(string(data[8:12])) + ")"
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")):
		return "a TIFF or raw photo"
	case bytes.HasPrefix(data, []byte("BM")):
		return "a BMP"
	case bytes.HasPrefix(bytes.TrimSpace(data[:min(len(data), 64)]), []byte("<")):
		return "a web page or SVG"
	}
	return "not a picture of a known format"
}

// reading adapts the standard library's DecodeConfig functions.
func reading(decode func(io.Reader) (image.Config, error)) func([]byte) (image.Config, error) {
	return func(data []byte) (image.Config, error) { return decode(bytes.NewReader(data)) }
}

func decodeJPEG(data []byte) (*image.NRGBA, error) {
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if ycc, ok := img.(*image.YCbCr); ok {
		return fromJPEG(ycc), nil
	}
	return convert(img), nil
}

func decodePNG(data []byte) (*image.NRGBA, error) {
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return convert(img), nil
}

// decodeGIF decodes the first frame, which may cover only part of the canvas; the
// rest is transparent black.
func decodeGIF(data []byte) (*image.NRGBA, error) {
	img, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	size, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	canvas := image.Rect(0, 0, size.Width, size.Height)
	if img.Bounds() == canvas {
		return convert(img), nil
	}
	out := image.NewNRGBA(canvas)
	draw.Draw(out, img.Bounds(), img, img.Bounds().Min, draw.Src)
	return out, nil
}

func decodeWebP(data []byte) (*image.NRGBA, error) {
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		return fromVP8(img, nil, 0), nil
	case *image.NYCbCrA:
		return fromVP8(&img.YCbCr, img.A, img.AStride), nil
	}
	return convert(img), nil
}

// convert turns any image into one whose colours are not multiplied by alpha and
// whose bounds start at the origin.
func convert(img image.Image) *image.NRGBA {
	b := img.Bounds()
	if n, ok := img.(*image.NRGBA); ok && b.Min == (image.Point{}) && n.Stride == 4*b.Dx() {
		return n
	}
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if p, ok := img.(*image.Paletted); ok {
		fromPalette(out, p)
		return out
	}
	for y := range b.Dy() {
		row := out.Pix[y*out.Stride:][:out.Stride]
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
	return out
}

func fromPalette(out *image.NRGBA, p *image.Paletted) {
	var palette [256]color.NRGBA
	for i, c := range p.Palette {
		palette[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	w := out.Rect.Dx()
	for y := range out.Rect.Dy() {
		row := out.Pix[y*out.Stride:][:out.Stride]
		for x, index := range p.Pix[y*p.Stride:][:w] {
			c := palette[index]
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
}
