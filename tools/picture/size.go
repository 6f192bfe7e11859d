package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"iter"
	"strconv"

	"golang.org/x/image/riff"
	"golang.org/x/image/webp"
)

// The markers of a JPEG that are told apart here (ITU-T T.81, table B.1).
const (
	sof0 = 0xc0
	sof2 = 0xc2
	rst0 = 0xd0
	rst7 = 0xd7
	eoi  = 0xd9
	sos  = 0xda
	app1 = 0xe1
)

// maxScans is how many scans a JPEG may have. Encoders write about ten for a
// progressive file. Each may be a few bytes that decoding goes over the whole
// picture for.
const maxScans = 100

// segments walks a JPEG as image/jpeg reads it: the markers and what is in their
// segments, without the length; EOI, which has nothing, is the last. It leaves out
// streams, restart markers and fill bytes, and ends where the file is cut off.
func segments(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for at := min(2, len(data)); ; {
			n := bytes.IndexByte(data[at:], 0xff)
			if at += n + 1; n < 0 || at == len(data) {
				return
			}
			switch marker := data[at]; {
			case marker == 0xff: // fill, before a marker
			case marker == 0 || marker >= rst0 && marker <= rst7:
				at++
			case marker == eoi:
				yield(marker, nil)
				return
			default:
				if len(data)-at < 3 {
					return
				}
				end := at + 1 + int(binary.BigEndian.Uint16(data[at+1:]))
				if end < at+3 || end > len(data) || !yield(marker, data[at+3:end]) {
					return
				}
				at = end
			}
		}
	}
}

// jpegSize reads a JPEG's size, and counts its scans.
func jpegSize(data []byte) (image.Config, error) {
	size, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return size, err
	}
	scans := 0
	for marker := range segments(data) {
		if marker == sos {
			scans++
		}
		if scans > maxScans {
			return size, &Error{Code: Damaged, Detail: "JPEG of more than " + strconv.Itoa(maxScans) + " scans"}
		}
	}
	return size, nil
}

// webpSize returns the size that the decoder allocates by: the canvas of an
// extended file, in which alpha comes and which the image must fill, else that of
// the image. The colour model is YCbCr only for a lossy image without alpha.
func webpSize(data []byte) (image.Config, error) {
	if webpChunk(data, "ANMF") != nil {
		return image.Config{}, &Error{Code: Unsupported, Detail: "an animated WebP; save one frame of it"}
	}
	size, err := webp.DecodeConfig(bytes.NewReader(data))
	if err == nil && size.ColorModel == color.YCbCrModel && !webpLossy(data) {
		size.ColorModel = color.NRGBAModel
	}
	return size, err
}

// webpLossy reports whether the image that the decoder will take is a lossy one.
// A file whose head has no flag for alpha may hold either.
func webpLossy(data []byte) bool {
	_, chunks, err := riff.NewReader(bytes.NewReader(data))
	for err == nil {
		var id riff.FourCC
		id, _, _, err = chunks.Next()
		if kind := string(id[:]); kind == "VP8 " || kind == "VP8L" {
			return kind == "VP8 "
		}
	}
	return false
}

// Complete reports whether a JPEG or a PNG has its end, which [Decode] insists on.
// For other formats it is true.
func Complete(data []byte) bool {
	switch sniff(data) {
	case "JPEG":
		for marker := range segments(data) {
			if marker == eoi {
				return true
			}
		}
		return false
	case "PNG":
		return pngChunk(data, "IEND") != nil
	}
	return true
}
