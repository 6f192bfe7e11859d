package jpeg

import "encoding/binary"

// BytesPerPixel is what image/jpeg allocates for a pixel of a file, at most:
// samples, all coefficients where the file is progressive, and for files that are
// not YCbCr a converted copy. Of a file whose head cannot be read it is what the
// worst takes.
func BytesPerPixel(data []byte) int64 {
	const sample, coefficient, converted = 1, 4, 4
	for at := 2; at+10 <= len(data) && data[at] == 0xff; {
		marker, body := data[at+1], data[at+4:]
		if marker != sof0 && marker != sof1 && marker != sof2 {
			at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
			continue
		}
		components := int(body[5])
		if components < 1 || components > 4 || len(body) < 6+3*components {
			break
		}
		blocks, first := int64(0), int64(0)
		for i := range components {
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
