package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation reads the Orientation tag (0x0112) of the first directory in EXIF
// data, which is laid out as a TIFF file (CIPA DC-008, section 4.6). It returns 1
// to 8, and 1, the upright, wherever the tag is not there or not readable: a
// photo with a damaged note is still a photo.
func orientation(tiff []byte) int {
	var order binary.ByteOrder
	switch {
	case len(tiff) < 8:
		return 1
	case string(tiff[:4]) == "II*\x00":
		order = binary.LittleEndian
	case string(tiff[:4]) == "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	start := uint64(order.Uint32(tiff[4:]))
	if start+2 > uint64(len(tiff)) {
		return 1
	}
	entries := int(order.Uint16(tiff[start:]))
	const size = 12 // bytes of an entry: tag, type, count, value
	for dir := tiff[start+2:]; entries > 0 && len(dir) >= size; entries, dir = entries-1, dir[size:] {
		if order.Uint16(dir) != 0x0112 {
			continue
		}
		value := 0
		switch order.Uint16(dir[2:]) {
		case 3: // SHORT
			value = int(order.Uint16(dir[8:]))
		case 4: // LONG, which some writers use
			value = int(order.Uint32(dir[8:]))
		}
		if value >= 1 && value <= 8 && order.Uint32(dir[4:]) == 1 {
			return value
		}
		return 1
	}
	return 1
}

// jpegEXIF returns the EXIF data of a JPEG: the segment APP1 that starts with
// "Exif", before the first scan.
func jpegEXIF(data []byte) []byte {
	for marker, body := range segments(data) {
		if marker == sos {
			break
		}
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == app1 {
			return tiff
		}
	}
	return nil
}

// pngChunk returns the content of a PNG's first chunk of a kind; nil if there is
// none, or the file is cut off before its end.
func pngChunk(data []byte, kind string) []byte {
	for rest := data[8:]; len(rest) >= 12; {
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-12) {
			return nil
		}
		if string(rest[4:8]) == kind {
			return rest[8 : 8+n]
		}
		rest = rest[12+n:]
	}
	return nil
}

func pngEXIF(data []byte) []byte { return pngChunk(data, "eXIf") }

// webpChunk returns the content of the first RIFF chunk of a kind.
func webpChunk(data []byte, kind string) []byte {
	for rest := data[12:]; len(rest) >= 8; {
		n := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if n > uint64(len(rest)-8) {
			return nil
		}
		if string(rest[:4]) == kind {
			return rest[8 : 8+n]
		}
		rest = rest[min(8+n+n&1, uint64(len(rest))):]
	}
	return nil
}

func webpEXIF(data []byte) []byte {
	return bytes.TrimPrefix(webpChunk(data, "EXIF"), []byte("Exif\x00\x00"))
}

// upright turns an image as its EXIF orientation says (CIPA DC-008, table 6): the
// value names where the first row and the first column of the stored pixels lie.
func upright(img *image.NRGBA, orientation int) *Image {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if orientation == 1 {
		return &Image{Width: w, Height: h, Pix: img.Pix}
	}
	// The stored pixel (x, y) goes to start + x*alongRow + y*alongColumn.
	var start, alongRow, alongColumn int
	out := &Image{Width: w, Height: h, Pix: make([]byte, len(img.Pix))}
	if orientation >= 5 {
		out.Width, out.Height = h, w
	}
	right, down := 1, out.Width
	lastX, lastY := out.Width-1, (out.Height-1)*out.Width
	switch orientation {
	case 2: // top, right
		start, alongRow, alongColumn = lastX, -right, down
	case 3: // bottom, right
		start, alongRow, alongColumn = lastX+lastY, -right, -down
	case 4: // bottom, left
		start, alongRow, alongColumn = lastY, right, -down
	case 5: // left, top
		start, alongRow, alongColumn = 0, down, right
	case 6: // right, top
		start, alongRow, alongColumn = lastX, down, -right
	case 7: // right, bottom
		start, alongRow, alongColumn = lastX+lastY, -down, -right
	case 8: // left, bottom
		start, alongRow, alongColumn = lastY, -down, right
	}
	for y := range h {
		row := img.Pix[y*img.Stride:][:4*w]
		to := start + y*alongColumn
		for x := 0; x < len(row); x += 4 {
			copy(out.Pix[4*to:][:4], row[x:])
			to += alongRow
		}
	}
	return out
}
