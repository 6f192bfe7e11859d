package jpeg

import (
	"bytes"
	"encoding/binary"
	"slices"

	"glance/wasm/edge/jpeg/internal/layout"
)

// The markers that are told apart (table B.1).
const (
	sof0 = 0xc0
	sof1 = 0xc1
	sof2 = 0xc2
	dht  = 0xc4
	rst0 = 0xd0
	soi  = 0xd8
	eoi  = 0xd9
	sos  = 0xda
	dqt  = 0xdb
	dri  = 0xdd
	app0 = 0xe0
	appE = 0xee
	appF = 0xef
	com  = 0xfe
)

// maxDC is the most bits a difference of DC coefficients may have here. 8-bit
// samples need 11.
const maxDC = 15

// maxScans is how many scans a file may have here: each costs memory and a way over
// the whole picture, and encoders write about ten.
const maxScans = 100

// maxShift is the most low bits that a progressive scan may leave out here.
const maxShift = 13

type component struct {
	id    byte
	h, v  int // blocks in an MCU
	quant int
}

// header is everything but the streams.
type header struct {
	width, height int
	progressive   bool
	components    []component
	restart       int // MCUs between restart markers; 0: none
	quant         [4][]byte
	huffman       [2][2][]byte // class (DC, AC), number
	scans         []scan
}

// scan is a stream and what its header says.
type scan struct {
	components []int    // indices into the frame's
	tables     [][2]int // numbers of the DC and the AC table of each component
	huffman    [2][2][]byte
	first      int // coefficients first to last, in zigzag order
	last       int
	refine     bool
	shift      int // of the coefficients' bits
	stream     []byte
}

// parse reads a whole file, but for what is in the streams. It refuses whatever
// is not plain.
func parse(data []byte) (*header, bool) {
	h := &header{}
	if len(data) < 4 || data[0] != 0xff || data[1] != soi {
		return nil, false
	}
	data = data[2:]
	jfif, ycc := false, true
	for {
		if len(data) >= 2 && data[0] == 0xff && data[1] == eoi {
			return h, len(h.scans) > 0 && (jfif || ycc && !h.rgb()) && h.complete()
		}
		if len(data) < 4 || data[0] != 0xff {
			return nil, false
		}
		marker, n := data[1], int(binary.BigEndian.Uint16(data[2:]))
		if n < 2 || 2+n > len(data) {
			return nil, false
		}
		body := data[4 : 2+n]
		data = data[2+n:]
		ok := true
		switch marker {
		case sof0, sof1, sof2:
			h.progressive = marker == sof2
			ok = h.components == nil && h.frame(body)
		case dht:
			ok = h.huffmanTables(body)
		case dqt:
			ok = len(h.scans) == 0 && h.quantTables(body)
		case dri:
			if ok = len(body) == 2 && len(h.scans) == 0; ok {
				h.restart = int(binary.BigEndian.Uint16(body))
			}
		case sos:
			s, known := h.scan(body)
			s.stream, data, ok = cutStream(data)
			h.scans = append(h.scans, s)
			ok = ok && known && len(h.scans) <= maxScans
		case app0:
			jfif = len(body) >= 5 && string(body[:5]) == "JFIF\x00"
		case appE:
			// Adobe's marker says how colours are coded; 1 is YCbCr.
			if len(body) >= 12 && string(body[:5]) == "Adobe" {
				ycc = body[11] == 1
			}
		default:
			ok = marker > app0 && marker <= appF || marker == com
		}
		if !ok {
			return nil, false
		}
	}
}

// cutStream cuts data before the marker that ends a scan's stream.
func cutStream(data []byte) (stream, rest []byte, ok bool) {
	for at := 0; ; at += 2 {
		n := bytes.IndexByte(data[at:], 0xff)
		if at += n; n < 0 || at+1 >= len(data) {
			return nil, nil, false
		}
		if marker := data[at+1]; marker != 0 && (marker < rst0 || marker >= soi) {
			return data[:at], data[at:], true
		}
	}
}

func (h *header) rgb() bool {
	c := h.components
	return len(c) == 3 && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
}

// frame reads SOF (annex B.2.2).
func (h *header) frame(b []byte) bool {
	if len(b) < 6 || b[0] != 8 || len(b) != 6+3*int(b[5]) || b[5] != 1 && b[5] != 3 {
		return false
	}
	h.height, h.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	for b := b[6:]; len(b) > 0; b = b[3:] {
		c := component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), quant: int(b[2])}
		for _, other := range h.components {
			if other.id == c.id {
				return false
			}
		}
		if c.quant > 3 {
			return false
		}
		h.components = append(h.components, c)
	}
	c := h.components
	if len(c) == 1 {
		known := func(n int) bool { return n == 1 || n == 2 || n == 4 }
		ok := known(c[0].h) && known(c[0].v)
		c[0].h, c[0].v = 1, 1 // one component is not interleaved (annex A.2.2)
		return ok && h.width > 0 && h.height > 0
	}
	plain := c[1].h == 1 && c[1].v == 1 && c[2].h == 1 && c[2].v == 1
	size := [2]int{c[0].h, c[0].v}
	return h.width > 0 && h.height > 0 && plain &&
		(size == [2]int{1, 1} || size == [2]int{2, 1} || size == [2]int{2, 2})
}

// quantTables reads DQT (annex B.2.4.1) into the module's layout.
func (h *header) quantTables(b []byte) bool {
	for len(b) > 0 {
		wide, n := int(b[0]>>4), b[0]&15
		size := 64 << wide
		if wide > 1 || n > 3 || len(b) < 1+size {
			return false
		}
		table := make([]byte, 256)
		for k, place := range zigzag {
			step := uint32(b[1+k])
			if wide == 1 {
				step = uint32(binary.BigEndian.Uint16(b[1+2*k:]))
			}
			transposed := uint32(place%8*8 + place/8)
			binary.LittleEndian.PutUint32(table[4*k:], step<<layout.QuantShift|transposed*4)
		}
		h.quant[n] = table
		b = b[1+size:]
	}
	return true
}

// huffmanTables reads DHT (annex B.2.4.2).
func (h *header) huffmanTables(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 {
			return false
		}
		class, n, total := b[0]>>4, b[0]&15, 0
		for _, c := range b[1:17] {
			total += int(c)
		}
		if class > 1 || n > 1 || total == 0 || total > 256 || len(b) < 17+total {
			return false
		}
		if class == 0 && slices.Max(b[17:17+total]) > maxDC {
			return false
		}
		table, ok := huffmanTable(b[1:17], b[17:17+total])
		if !ok {
			return false
		}
		h.huffman[class][n] = table
		b = b[17+total:]
	}
	return true
}

// scan reads SOS (annex B.2.3): one component, or all in the frame's order, with
// tables that are there.
func (h *header) scan(b []byte) (s scan, ok bool) {
	if len(b) < 1 || len(b) != 4+2*int(b[0]) || h.components == nil {
		return s, false
	}
	n := int(b[0])
	for i := range n {
		index := slices.IndexFunc(h.components, func(c component) bool { return c.id == b[1+2*i] })
		dc, ac := int(b[2+2*i]>>4), int(b[2+2*i]&15)
		if index < 0 || n > 1 && index != i || dc > 1 || ac > 1 || h.quant[h.components[index].quant] == nil {
			return s, false
		}
		s.components = append(s.components, index)
		s.tables = append(s.tables, [2]int{dc, ac})
	}
	s.huffman = h.huffman
	s.first, s.last = int(b[1+2*n]), int(b[2+2*n])
	s.refine, s.shift = b[3+2*n]>>4 > 0, int(b[3+2*n]&15)
	for _, t := range s.tables {
		if s.first == 0 && !s.refine && h.huffman[0][t[0]] == nil || s.last > 0 && h.huffman[1][t[1]] == nil {
			return s, false
		}
	}
	if !h.progressive {
		return s, n == len(h.components) && len(h.scans) == 0 && s.first == 0 && s.last == 63 && !s.refine && s.shift == 0
	}
	// Annex G.1.1.1. Restart markers are left to image/jpeg.
	high := int(b[3+2*n] >> 4)
	return s, (n == 1 || n == len(h.components)) && h.restart == 0 && s.last < 64 && s.shift <= maxShift &&
		(high == 0 || high == s.shift+1) && (s.first == 0 && s.last == 0 || s.first > 0 && s.first <= s.last && n == 1)
}

// complete says whether every component has a scan.
func (h *header) complete() bool {
	var there [3]bool
	for _, s := range h.scans {
		for _, i := range s.components {
			there[i] = true
		}
	}
	for i := range h.components {
		if !there[i] {
			return false
		}
	}
	return true
}

// zigzag is the place, 8*row + column, of each coefficient (figure A.6).
var zigzag = makeZigzag()

func makeZigzag() (z [64]int) {
	row, column := 0, 0
	for k := range z {
		z[k] = 8*row + column
		switch up := (row+column)%2 == 0; {
		case up && column == 7, !up && row == 7:
			if up {
				row++
			} else {
				column++
			}
		case up && row == 0:
			column++
		case !up && column == 0:
			row++
		case up:
			row, column = row-1, column+1
		default:
			row, column = row+1, column-1
		}
	}
	return z
}
