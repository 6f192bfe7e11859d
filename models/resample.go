package models

import "math"

// frame is where the network's input lies in a resized image: the image is brought
// to reducedW x reducedH, where that is not 0, then to resizedW x resizedH, and the
// input is the window that starts at (left, top), which may begin before the image or
// end after it.
type frame struct {
	reducedW, reducedH int
	resizedW, resizedH int
	left, top          int
}

// frameOf follows torchvision's Resize(n) and CenterCrop (functional.py:
// _compute_resized_output_size, center_crop): the longer side is truncated, the
// offset rounded half to even, a window larger than the image is centred on it.
func (p Preprocess) frameOf(width, height int, input Shape) frame {
	var f frame
	if p.Reduce > 0 && min(width, height) > p.Reduce {
		f.reducedW, f.reducedH = shorterSide(p.Reduce, width, height)
		width, height = f.reducedW, f.reducedH
	}
	if p.Resize == 0 {
		f.resizedW, f.resizedH = input.W, input.H
		return f
	}
	f.resizedW, f.resizedH = shorterSide(p.Resize, width, height)
	f.left, f.top = centre(f.resizedW, input.W), centre(f.resizedH, input.H)
	return f
}

// shorterSide is the size of an image whose shorter side is brought to side.
func shorterSide(side, width, height int) (int, int) {
	if width <= height {
		return side, int(float64(side) * float64(height) / float64(width))
	}
	return int(float64(side) * float64(width) / float64(height)), side
}

func centre(image, window int) int {
	if window > image {
		return -((window - image) / 2)
	}
	return int(math.RoundToEven(float64(image-window) / 2))
}

// taps are the weights that make each output of an axis from a range of inputs,
// in the fixed point of Pillow's 8-bit resampling.
type taps struct {
	n      int      // weights for each output
	starts []uint32 // first input of each output, relative to lo
	coeffs []int32  // [len(starts)][n], 22 fractional bits
	lo, hi int      // the range of inputs that are read at all
}

// precisionBits are the fractional bits of a coefficient: 8 for the value and 2
// for overshoot are left of 32 (Pillow, src/libImaging/Resample.c).
const precisionBits = 32 - 8 - 2

// pilTaps computes the weights for outputs [first, first+count) of an axis of
// size in resized to size out, as Pillow's precompute_coeffs and
// normalize_coeffs_8bpc do in double precision. Outputs outside [0, out) get
// weights of zero, which make black: what torchvision pads with.
func pilTaps(filter Filter, in, out, first, count int) taps {
	kernel, radius := triangle, 1.0
	if filter == PILBicubic {
		kernel, radius = cubic, 2.0
	}
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := radius * stretch
	inverse := 1 / stretch
	bounds := func(o int) (centre float64, lo, hi int) {
		centre = float64((float64(o) + 0.5) * scale)
		lo = max(0, int(float64(centre-support)+0.5))
		hi = min(in, int(float64(centre+support)+0.5))
		return centre, lo, hi
	}
	t := taps{lo: in, hi: 0}
	from, to := max(first, 0), min(first+count, out)
	for o := from; o < to; o++ {
		_, lo, hi := bounds(o)
		t.n, t.lo, t.hi = max(t.n, hi-lo), min(t.lo, lo), max(t.hi, hi)
	}
	t.starts = make([]uint32, count)
	t.coeffs = make([]int32, count*t.n)
	weights := make([]float64, t.n)
	for o := from; o < to; o++ {
		centre, lo, hi := bounds(o)
		sum := 0.0
		for i := range hi - lo {
			w := kernel(float64((float64(i+lo) - centre + 0.5) * inverse))
			weights[i] = w
			sum += w
		}
		// The last outputs start earlier, so that all their taps are inside.
		start := min(lo, t.hi-t.n)
		row := t.coeffs[(o-first)*t.n+lo-start:]
		for i := range hi - lo {
			row[i] = fixed(weights[i] / sum)
		}
		t.starts[o-first] = uint32(start - t.lo)
	}
	return t
}

// reducedTaps computes the weights of two steps at once: from in to between, and from
// that to out. Pillow would round what lies between to 8 bits.
func reducedTaps(filter Filter, in, between, out, first, count int) taps {
	if between == 0 {
		return pilTaps(filter, in, out, first, count)
	}
	a, b := pilTaps(filter, in, between, 0, between), pilTaps(filter, between, out, first, count)
	// An output takes inputs from the first of its first value between to the last of
	// its last one.
	from := func(o int) int { return a.lo + int(a.starts[b.lo+int(b.starts[o])]) }
	to := func(o int) int { return a.lo + int(a.starts[b.lo+int(b.starts[o])+b.n-1]) + a.n }
	t := taps{lo: in, hi: 0, starts: make([]uint32, count)}
	for o := range count {
		t.n, t.lo, t.hi = max(t.n, to(o)-from(o)), min(t.lo, from(o)), max(t.hi, to(o))
	}
	t.coeffs = make([]int32, count*t.n)
	for o := range count {
		start := min(from(o), t.hi-t.n)
		t.starts[o] = uint32(start - t.lo)
		sums := make([]float64, t.n)
		for i, outer := range b.coeffs[o*b.n : (o+1)*b.n] {
			value := b.lo + int(b.starts[o]) + i
			at := a.lo + int(a.starts[value]) - start
			for j, inner := range a.coeffs[value*a.n : (value+1)*a.n] {
				sums[at+j] += float64(float64(outer) * float64(inner))
			}
		}
		for i, v := range sums {
			t.coeffs[o*t.n+i] = fixed(v / (1 << (2 * precisionBits)))
		}
	}
	return t
}

func fixed(v float64) int32 {
	v *= 1 << precisionBits
	if v < 0 {
		return int32(v - 0.5)
	}
	return int32(v + 0.5)
}

// triangle is Pillow's bilinear_filter.
func triangle(x float64) float64 {
	return max(0, 1-math.Abs(x))
}

// cubic is Pillow's bicubic_filter: Keys' kernel with a = -0.5. The conversions
// keep the compiler from fusing a product into a sum, which would round
// differently.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(float64((x-5)*x)+8)*x)-4) * a)
	}
	return 0
}

// sample is what one output of an axis interpolates between.
type sample struct {
	first, second int
	fraction      float32 // of second
}

// tfSamples computes outputs [first, first+count) of an axis of size in resized
// to size out, as TensorFlow's ResizeBilinear does (core/kernels/image:
// compute_interpolation_weights with its three scalers).
func tfSamples(filter Filter, in, out, first, count int) []sample {
	scale := float64(in) / float64(out)
	if filter == TFBilinearCorner && out > 1 {
		scale = float64(in-1) / float64(out-1)
	}
	samples := make([]sample, count)
	for i := range samples {
		at := float64(first+i) * scale
		if filter == TFBilinearCenter {
			at = (float64(first+i)+0.5)*scale - 0.5
		}
		at = min(max(at, 0), float64(in-1))
		floor := math.Floor(at)
		samples[i] = sample{int(floor), int(math.Ceil(at)), float32(at - floor)}
	}
	return samples
}

// table returns what each channel's byte becomes: (v/255 - Mean) / Std in
// float32, step by step as torchvision's ToTensor and Normalize compute it.
func (p Preprocess) table() [3][256]float32 {
	var t [3][256]float32
	for ch := range t {
		mean, std := float32(p.Mean[ch]), float32(p.Std[ch])
		for v := range t[ch] {
			t[ch][v] = float32(float32(v)/255-mean) / std
		}
	}
	return t
}

// affine returns the same as v*scale + shift.
func (p Preprocess) affine() (scale, shift [3]float32) {
	for ch := range scale {
		scale[ch] = float32(1 / (255 * p.Std[ch]))
		shift[ch] = float32(-p.Mean[ch] / p.Std[ch])
	}
	return scale, shift
}
