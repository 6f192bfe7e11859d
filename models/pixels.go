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
