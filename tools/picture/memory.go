package picture

import "image/color"

// decodeBytes is what the decoders of the standard library and of this package
// allocate for a pixel, at most.
func decodeBytes(data []byte, info Info, colors color.Model) int64 {
	const rgba = 4 // the result
	n := int64(rgba)
	if info.Orientation > 1 {
		n += rgba
	}
	switch info.Format {
	case "JPEG":
		return n + jpegBytes(data)
	case "GIF":
		return n + 1
	case "WebP":
		if colors == color.YCbCrModel { // lossy, without alpha
			return n + 2
		}
		return n + 2*4 // lossless, with its transforms
	}
	switch colors {
	case color.NRGBAModel:
		return n // as it is
	case color.RGBAModel:
		return n + 4
	case color.NRGBA64Model, color.RGBA64Model:
		return n + 8
	}
	return n + 2 // gray or palette
}

// jpegBytes is what image/jpeg allocates for a pixel of a file, at most: samples,
// all coefficients where the file is progressive, and for files that are not YCbCr
// a converted copy. Of a file whose head cannot be read it is what the worst takes.
func jpegBytes(data []byte) int64 {
	const sample, coefficient, converted = 1, 4, 4
	for marker, body := range segments(data) {
		if marker < sof0 || marker > sof2 {
			continue
		}
		if len(body) < 6 || body[5] < 1 || body[5] > 4 || len(body) < 6+3*int(body[5]) {
			break
		}
		blocks, first := int64(0), int64(0)
		for i := range int(body[5]) {
			hv := body[7+3*i]
			n := int64(hv>>4) * int64(hv&15)
			if blocks += n; i == 0 {
				first = n
			}
		}
		if first == 0 {
			break
		}
		each := int64(sample)
		if marker == sof2 {
			each += coefficient
		}
		return (blocks*each+first-1)/first + converted
	}
	return 4*(sample+coefficient) + converted
}
