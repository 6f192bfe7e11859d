package assemble

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"golang.org/x/image/vector"
)

// The icons that site/manifest.webmanifest and site/index.html name. A maskable
// icon fills its square, as systems cut their own shape out of it, and keeps what
// counts within the middle 80 % (Web Application Manifest, "icon masks").
var icons = []struct {
	file   string
	size   int     // pixels
	eye    float32 // its width as a part of the icon's
	corner float32 // radius of the background's corners, as a part of the size
}{
	{"icons/icon-192.png", 192, 0.76, 0.22},
	{"icons/icon-512.png", 512, 0.76, 0.22},
	{"icons/maskable-512.png", 512, 0.6, 0},
	{"icons/touch-180.png", 180, 0.7, 0},
}

// addIcons draws the icons in the shapes and colours of site/icon.svg.
func addIcons(files map[string][]byte) error {
	ground, eye := color.NRGBA{0x0b, 0x6e, 0x69, 0xff}, color.White
	for _, icon := range icons {
		m := image.NewNRGBA(image.Rect(0, 0, icon.size, icon.size))
		size := float32(icon.size)
		s := sketch{m, 1, 0}
		s.fill(ground, func(p *pen) { p.square(size, icon.corner*size) })
		// The drawing is 32 units wide, of which the eye takes 28.
		s.scale = icon.eye * size / 28
		s.shift = size/2 - 16*s.scale
		s.fill(eye, (*pen).eye)
		s.fill(ground, func(p *pen) { p.circle(16, 16, 5.5) })
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, m); err != nil {
			return err
		}
		files[icon.file] = b.Bytes()
	}
	return nil
}

// sketch fills shapes, given in units of a drawing, on an image.
type sketch struct {
	image        *image.NRGBA
	scale, shift float32 // pixels a unit; where the drawing's origin lies
}

func (s *sketch) fill(c color.Color, shape func(*pen)) {
	bounds := s.image.Bounds()
	p := pen{vector.NewRasterizer(bounds.Dx(), bounds.Dy()), s}
	shape(&p)
	p.z.ClosePath()
	p.z.Draw(s.image, bounds, image.NewUniform(c), image.Point{})
}

// pen draws the outline of a shape.
type pen struct {
	z *vector.Rasterizer
	s *sketch
}

func (p *pen) at(v float32) float32 { return v*p.s.scale + p.s.shift }
func (p *pen) moveTo(x, y float32)  { p.z.MoveTo(p.at(x), p.at(y)) }
func (p *pen) lineTo(x, y float32)  { p.z.LineTo(p.at(x), p.at(y)) }
func (p *pen) curve(v ...[6]float32) { // cubic, absolute
	for _, c := range v {
		p.z.CubeTo(p.at(c[0]), p.at(c[1]), p.at(c[2]), p.at(c[3]), p.at(c[4]), p.at(c[5]))
	}
}

// eye is the path of icon.svg.
func (p *pen) eye() {
	p.moveTo(2, 16)
	p.curve(
		[6]float32{6, 8.5, 11, 5, 16, 5},
		[6]float32{21, 5, 26, 8.5, 30, 16},
		[6]float32{26, 23.5, 21, 27, 16, 27},
		[6]float32{11, 27, 6, 23.5, 2, 16},
	)
}

// arc is how far the control points of a quarter of a circle lie from its ends.
const arc = 0.5523

func (p *pen) circle(x, y, r float32) {
	k := arc * r
	p.moveTo(x-r, y)
	p.curve(
		[6]float32{x - r, y - k, x - k, y - r, x, y - r},
		[6]float32{x + k, y - r, x + r, y - k, x + r, y},
		[6]float32{x + r, y + k, x + k, y + r, x, y + r},
		[6]float32{x - k, y + r, x - r, y + k, x - r, y},
	)
}

// square has its corners rounded by r.
func (p *pen) square(size, r float32) {
	k := r - arc*r
	p.moveTo(r, 0)
	p.lineTo(size-r, 0)
	p.curve([6]float32{size - k, 0, size, k, size, r})
	p.lineTo(size, size-r)
	p.curve([6]float32{size, size - k, size - k, size, size - r, size})
	p.lineTo(r, size)
	p.curve([6]float32{k, size, 0, size - k, 0, size - r})
	p.lineTo(0, r)
	p.curve([6]float32{0, k, k, 0, r, 0})
}
