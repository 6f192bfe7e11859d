package models

// Flatten composites straight RGBA pixels over white and writes opaque ones to
// dst, which is as long and may be the same slice. White is what a page and a
// viewer show behind a transparent picture, and so what a person who labelled it
// saw; what lies hidden under transparent pixels, often black, was never meant to
// be seen. It is done before resampling, so that hidden colours do not bleed in.
func Flatten(dst, rgba []byte) {
	for i := 0; i+3 < len(rgba); i += 4 {
		a := uint32(rgba[i+3])
		for ch := range 3 {
			dst[i+ch] = byte((uint32(rgba[i+ch])*a + 255*(255-a) + 127) / 255)
		}
		dst[i+3] = 255
	}
}

func opaque(rgba []byte) bool {
	for i := 3; i < len(rgba); i += 4 {
		if rgba[i] != 255 {
			return false
		}
	}
	return true
}

// Orient returns RGBA pixels turned upright, and their width and height, for a
// picture stored with the given EXIF orientation (Exif 2.3, tag 0x0112):
//
//	1 as it is       2 mirrored left-right   3 turned by 180 degrees   4 mirrored top-bottom
//	5 transposed     6 turn clockwise        7 transposed, turned 180  8 turn counter-clockwise
//
// Other values count as 1, for which the same slice is returned.
func Orient(rgba []byte, width, height, orientation int) ([]byte, int, int) {
	if orientation < 2 || orientation > 8 {
		return rgba, width, height
	}
	outW, outH := width, height
	if orientation >= 5 {
		outW, outH = height, width
	}
	out := make([]byte, len(rgba))
	for y := range outH {
		for x := range outW {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = width - 1 - x
			case 3:
				sx, sy = width-1-x, height-1-y
			case 4:
				sy = height - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, height-1-x
			case 7:
				sx, sy = width-1-y, height-1-x
			case 8:
				sx, sy = width-1-y, x
			}
			copy(out[(y*outW+x)*4:][:4], rgba[(sy*width+sx)*4:][:4])
		}
	}
	return out, outW, outH
}
