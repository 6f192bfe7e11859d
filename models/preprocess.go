package models

import (
	"math"
	"strconv"
	"strings"
)

// Filter is how an image is resampled to the network's input size.
type Filter string

// The filters. The first two antialias when they shrink and work in 8-bit fixed
// point, as Pillow does; the others sample four pixels in float32, whatever the
// scale, as TensorFlow's ResizeBilinear does.
const (
	PILBilinear      Filter = "pil-bilinear"              // Image.resize(size, BILINEAR): torchvision's default
	PILBicubic       Filter = "pil-bicubic"               // Image.resize(size, BICUBIC): timm's default
	TFBilinear       Filter = "tf-bilinear"               // half_pixel_centers=False, align_corners=False
	TFBilinearCorner Filter = "tf-bilinear-align-corners" // align_corners=True
	TFBilinearCenter Filter = "tf-bilinear-half-pixel"    // half_pixel_centers=True: tf.image.resize
)

// Filters lists the filters.
func Filters() []Filter {
	return []Filter{PILBilinear, PILBicubic, TFBilinear, TFBilinearCorner, TFBilinearCenter}
}

func (f Filter) pil() bool { return f == PILBilinear || f == PILBicubic }

// Preprocess is how an image becomes a network's input. It is part of a model:
// weights trained with one recipe lose accuracy with another. Its metadata keys:
//
//	preprocess.reduce  shorter side in pixels that larger images are reduced to first; absent: none
//	preprocess.resize  shorter side in pixels, or "exact" for the input's size whatever the aspect
//	preprocess.crop    "center", or "none" with "exact"
//	preprocess.filter  one of the filters
//	preprocess.mean    three numbers, subtracted from v/255 of red, green and blue
//	preprocess.std     three numbers, what the difference is divided by
type Preprocess struct {
	// Reduce is the length in pixels that the shorter side of larger images is brought
	// to before everything else, or 0: the size of the images that the weights were
	// trained on, where those were scaled up. Sharper ones would look unlike them.
	// Only with the filters of Pillow.
	Reduce int
	// Resize is the length in pixels that the image's shorter side is brought to
	// before the centre of the input's size is cropped, as torchvision's
	// Resize(n), CenterCrop do. 0 resizes to the input's size, ignoring aspect.
	Resize int
	Filter Filter
	// Mean and Std normalise each channel: (v/255 - Mean) / Std for v in 0..255.
	Mean, Std [3]float64
}

// DefaultPreprocess is torchvision's evaluation recipe for ImageNet classifiers,
// scaled to the input's size: shorter side to 8/7 of the input's longer side
// (256 for 224), centre crop, bilinear with antialias, ImageNet's mean and
// standard deviation.
func DefaultPreprocess(c Config) Preprocess {
	c = c.withDefaults()
	return Preprocess{
		Resize: max(c.Height, c.Width) * 8 / 7,
		Filter: PILBilinear,
		Mean:   [3]float64{0.485, 0.456, 0.406},
		Std:    [3]float64{0.229, 0.224, 0.225},
	}
}

// maxResize bounds the shorter side, and with it the length of the tables.
const maxResize = 1 << 16

// check reports the first field that cannot be, for inputs of c's size.
func (p Preprocess) check(c Config) error {
	if p.Resize < 0 || p.Resize > maxResize {
		return &ConfigError{"preprocess.resize", strconv.Itoa(p.Resize), `"exact" or 1 to ` + strconv.Itoa(maxResize) + " pixels"}
	}
	if p.Reduce < 0 || p.Reduce > maxResize {
		return &ConfigError{"preprocess.reduce", strconv.Itoa(p.Reduce), "1 to " + strconv.Itoa(maxResize) + " pixels"}
	}
	known := false
	var names []string
	for _, f := range Filters() {
		known = known || f == p.Filter
		names = append(names, string(f))
	}
	if !known {
		return badValue("preprocess.filter", string(p.Filter), strings.Join(names, ", "))
	}
	if p.Reduce > 0 && !p.Filter.pil() {
		return &ConfigError{"preprocess.reduce", strconv.Itoa(p.Reduce), "to be absent, as " + string(p.Filter) + " does not antialias"}
	}
	if side := max(c.Height, c.Width); !p.Filter.pil() && p.Resize > 0 && p.Resize < side {
		return &ConfigError{"preprocess.resize", strconv.Itoa(p.Resize), "at least " + strconv.Itoa(side) +
			", the input's longer side, as " + string(p.Filter) + " cannot pad"}
	}
	for i := range 3 {
		if m := p.Mean[i]; math.IsNaN(m) || math.Abs(m) > 1e6 {
			return &ConfigError{"preprocess.mean", formatTriple(p.Mean), "finite numbers"}
		}
		if s := p.Std[i]; !(s >= 1e-6 && s <= 1e6) {
			return &ConfigError{"preprocess.std", formatTriple(p.Std), "numbers from 1e-6 to 1e6"}
		}
	}
	return nil
}

func (r *metadataReader) preprocess(c Config) Preprocess {
	p := DefaultPreprocess(c)
	p.Reduce = r.int("preprocess.reduce", 0)
	if s := r.md["preprocess.resize"]; s == "exact" {
		p.Resize = 0
	} else {
		p.Resize = r.int("preprocess.resize", p.Resize)
	}
	switch s := r.md["preprocess.crop"]; {
	case s == "", s == "center", s == "none" && p.Resize == 0:
	case s == "none":
		r.fail("preprocess.crop", s, `"center", as preprocess.resize keeps the aspect; "none" only goes with "exact"`)
	default:
		r.fail("preprocess.crop", s, `"center" or "none"`)
	}
	if s := r.md["preprocess.filter"]; s != "" {
		p.Filter = Filter(s)
	}
	p.Mean = r.floats("preprocess.mean", p.Mean)
	p.Std = r.floats("preprocess.std", p.Std)
	return p
}

func (p Preprocess) metadata(md map[string]string) {
	md["preprocess.resize"], md["preprocess.crop"] = "exact", "none"
	if p.Resize > 0 {
		md["preprocess.resize"], md["preprocess.crop"] = strconv.Itoa(p.Resize), "center"
	}
	if p.Reduce > 0 {
		md["preprocess.reduce"] = strconv.Itoa(p.Reduce)
	}
	md["preprocess.filter"] = string(p.Filter)
	md["preprocess.mean"] = formatTriple(p.Mean)
	md["preprocess.std"] = formatTriple(p.Std)
}

func formatTriple(v [3]float64) string {
	return formatFloat(v[0]) + "," + formatFloat(v[1]) + "," + formatFloat(v[2])
}
