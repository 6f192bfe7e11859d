package picture

import "image"

// fromJPEG converts a decoded JPEG as libjpeg does by default: chroma is
// upsampled with a triangle filter ("fancy upsampling", jdsample.c) where it was
// halved, repeated elsewhere, and converted with the full-range BT.601 matrix of
// JFIF.
func fromJPEG(img *image.YCbCr) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	up := newUpsampler(img)
	cb, cr := make([]byte, up.width), make([]byte, up.width)
	for y := range h {
		up.row(cb, img.Cb, y)
		up.row(cr, img.Cr, y)
		luma := img.Y[y*img.YStride:][:w]
		dst := out.Pix[y*out.Stride:][:4*w]
		for x, l := range luma {
			r, g, b := jfif(int32(l), int32(cb[x])-128, int32(cr[x])-128)
			dst[4*x], dst[4*x+1], dst[4*x+2], dst[4*x+3] = r, g, b, 255
		}
	}
	return out
}

// jfif converts one pixel; cb and cr are centred on 0. (JFIF 1.02, in 16-bit
// fixed point with libjpeg's rounding.)
func jfif(y, cb, cr int32) (r, g, b byte) {
	const half = 1 << 15
	return clamp(y + (91881*cr+half)>>16),
		clamp(y + (-22554*cb-46802*cr+half)>>16),
		clamp(y + (116130*cb+half)>>16)
}

func clamp(v int32) byte { return byte(min(max(v, 0), 255)) }

// upsampler brings chroma rows to the resolution of luma.
type upsampler struct {
	cols, rows, stride int // of a chroma plane
	dx, dy             int // luma columns and rows per chroma sample
	fancy              bool
	width              int   // samples written per row: whole chroma samples, so at least the image's width
	sums               []int // one row of vertically filtered samples, for dx = dy = 2
}

func newUpsampler(img *image.YCbCr) *upsampler {
	u := &upsampler{stride: img.CStride, dx: 1, dy: 1}
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		u.dx = 2
	case image.YCbCrSubsampleRatio420:
		u.dx, u.dy = 2, 2
	case image.YCbCrSubsampleRatio440:
		u.dy = 2
	case image.YCbCrSubsampleRatio411:
		u.dx = 4
	case image.YCbCrSubsampleRatio410:
		u.dx, u.dy = 4, 2
	}
	u.cols = (img.Rect.Dx() + u.dx - 1) / u.dx
	u.rows = (img.Rect.Dy() + u.dy - 1) / u.dy
	u.width = u.cols * u.dx
	u.fancy = u.dx <= 2 && (u.dx == 1 || u.cols > 2)
	u.sums = make([]int, u.cols)
	return u
}

// row writes the chroma samples of luma row y. Of two luma rows that share a
// chroma row the upper one leans on the chroma row above, the lower one on the
// one below, a quarter each; columns likewise.
func (u *upsampler) row(dst, plane []byte, y int) {
	near := plane[y/u.dy*u.stride:][:u.cols]
	if !u.fancy {
		for x := range dst {
			dst[x] = near[x/u.dx]
		}
		return
	}
	far := near
	if u.dy == 2 {
		if other := y/2 - 1 + y%2*2; other >= 0 && other < u.rows {
			far = plane[other*u.stride:][:u.cols]
		}
	}
	switch {
	case u.dx == 1 && u.dy == 1:
		copy(dst, near)
	case u.dx == 1:
		for x, v := range near {
			dst[x] = byte((3*int(v) + int(far[x]) + 1 + y%2) >> 2)
		}
	case u.dy == 1:
		last := u.cols - 1
		dst[0], dst[2*last+1] = near[0], near[last]
		for x := 1; x <= last; x++ {
			a, b := int(near[x-1]), int(near[x])
			dst[2*x-1] = byte((3*a + b + 2) >> 2)
			dst[2*x] = byte((3*b + a + 1) >> 2)
		}
	default:
		for x, v := range near {
			u.sums[x] = 3*int(v) + int(far[x])
		}
		last := u.cols - 1
		dst[0] = byte((4*u.sums[0] + 8) >> 4)
		dst[2*last+1] = byte((4*u.sums[last] + 7) >> 4)
		for x := 1; x <= last; x++ {
			a, b := u.sums[x-1], u.sums[x]
			dst[2*x-1] = byte((3*a + b + 7) >> 4)
			dst[2*x] = byte((3*b + a + 8) >> 4)
		}
	}
}

// fromVP8 converts a decoded lossy WebP as libwebp does by default: chroma,
// always halved both ways, is upsampled with the 9-3-3-1 filter of its fancy
// upsampling and converted with the limited-range BT.601 matrix that RFC 6386,
// section 9.2, prescribes. alpha may be nil.
func fromVP8(img *image.YCbCr, alpha []byte, alphaStride int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	cols, rows := (w+1)/2, (h+1)/2
	u, v := make([]byte, 2*cols), make([]byte, 2*cols)
	for y := range h {
		near := y / 2
		far := min(max(near-1+y%2*2, 0), rows-1)
		vp8Row(u, img.Cb[near*img.CStride:][:cols], img.Cb[far*img.CStride:][:cols])
		vp8Row(v, img.Cr[near*img.CStride:][:cols], img.Cr[far*img.CStride:][:cols])
		luma := img.Y[y*img.YStride:][:w]
		dst := out.Pix[y*out.Stride:][:4*w]
		for x, l := range luma {
			r, g, b := bt601(int32(l), int32(u[x]), int32(v[x]))
			dst[4*x], dst[4*x+1], dst[4*x+2], dst[4*x+3] = r, g, b, 255
			if alpha != nil {
				dst[4*x+3] = alpha[y*alphaStride+x]
			}
		}
	}
	return out
}

// vp8Row upsamples a chroma row: each result takes 9/16 of the nearest sample, 3/16
// of the next one along the row, 3/16 of the one in the far row and 1/16 of the
// last corner, with libwebp's intermediate rounding.
func vp8Row(dst, near, far []byte) {
	last := len(near) - 1
	dst[0] = byte((3*int(near[0]) + int(far[0]) + 2) >> 2)
	dst[2*last+1] = byte((3*int(near[last]) + int(far[last]) + 2) >> 2)
	for x := 1; x <= last; x++ {
		n0, n1, f0, f1 := int(near[x-1]), int(near[x]), int(far[x-1]), int(far[x])
		sum := n0 + n1 + f0 + f1 + 8
		dst[2*x-1] = byte(((sum+2*(n1+f0))>>3 + n0) >> 1)
		dst[2*x] = byte(((sum+2*(n0+f1))>>3 + n1) >> 1)
	}
}

// bt601 converts one pixel of video range, in libwebp's 14-bit fixed point.
func bt601(y, u, v int32) (r, g, b byte) {
	y = 19077 * y >> 8
	return clamp((y + 26149*v>>8 - 14234) >> 6),
		clamp((y - 6419*u>>8 - 13320*v>>8 + 8708) >> 6),
		clamp((y + 33050*u>>8 - 17685) >> 6)
}
