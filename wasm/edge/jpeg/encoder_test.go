package jpeg

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// stream describes a file of random coefficients: every symbol, code length and
// overflow that a decoder may meet, and photographs do not have.
type stream struct {
	width, height int
	sampling      [][2]int // of each component
	restart       int      // MCUs between restart markers; 0: none
	dense         float64  // share of coefficients that are not 0
	maxBits       int      // of a coefficient
	steps         int      // largest quantization step; beyond 255 the tables are 16-bit
	sof           byte
}

// encoder writes a file as annex B and F of the standard say.
type encoder struct {
	random *rand.Rand
	out    []byte
	acc    uint64
	n      uint
	dc, ac [2]map[byte]code
}

type code struct {
	bits   uint32
	length int
}

func (s stream) encode(seed uint64) []byte {
	e := &encoder{random: rand.New(rand.NewPCG(seed, 7))}
	e.out = []byte{0xff, soi}
	for n := range 2 {
		e.quantTable(n, s.steps)
	}
	sof := []byte{8, byte(s.height >> 8), byte(s.height), byte(s.width >> 8), byte(s.width), byte(len(s.sampling))}
	components := []byte{byte(len(s.sampling))}
	for i, hv := range s.sampling {
		sof = append(sof, byte(i+1), byte(hv[0]<<4|hv[1]), byte(min(i, 1)))
		components = append(components, byte(i+1), byte(min(i, 1)*0x11))
	}
	e.segment(s.sof, sof)
	for n := range 2 {
		var dc, ac []byte
		for size := range s.maxBits + 1 {
			dc = append(dc, byte(size))
			for run := range 16 {
				if size > 0 || run == 0 || run == 15 {
					ac = append(ac, byte(run<<4|size))
				}
			}
		}
		e.dc[n] = e.huffmanTable(n, dc)
		e.ac[n] = e.huffmanTable(0x10|n, ac)
	}
	if s.restart > 0 {
		e.segment(dri, []byte{byte(s.restart >> 8), byte(s.restart)})
	}
	e.segment(sos, append(components, 0, 63, 0))
	e.scan(s)
	e.out = append(e.out, 0xff, eoi)
	return e.out
}

func (e *encoder) segment(marker byte, body []byte) {
	e.out = append(e.out, 0xff, marker)
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(2+len(body)))
	e.out = append(e.out, body...)
}

func (e *encoder) quantTable(n, steps int) {
	body := []byte{byte(n)}
	if steps > 255 {
		body[0] |= 0x10
	}
	for range 64 {
		step := uint16(1 + e.random.IntN(steps))
		if steps > 255 {
			body = binary.BigEndian.AppendUint16(body, step)
		} else {
			body = append(body, byte(step))
		}
	}
	e.segment(dqt, body)
}

// huffmanTable gives the symbols random codes: one of 2 bits, one of 3, the others
// long enough to fit, up to 16.
func (e *encoder) huffmanTable(id int, symbols []byte) map[byte]code {
	e.random.Shuffle(len(symbols), func(i, j int) { symbols[i], symbols[j] = symbols[j], symbols[i] })
	shortest := bits.Len(uint(len(symbols))) + 1
	lengths := make([]byte, 16)
	for i := range symbols {
		length := min(i, 2) + 2
		if i >= 2 {
			length = shortest + e.random.IntN(17-shortest)
		}
		lengths[length-1]++
	}
	codes := map[byte]code{}
	next, at := uint32(0), 0
	for i, n := range lengths {
		for range n {
			codes[symbols[at]] = code{next, i + 1}
			next, at = next+1, at+1
		}
		next <<= 1
	}
	e.segment(dht, append(append([]byte{byte(id)}, lengths...), symbols...))
	return codes
}

func (e *encoder) put(v uint32, n int) {
	e.acc = e.acc<<n | uint64(v)
	for e.n += uint(n); e.n >= 8; e.n -= 8 {
		b := byte(e.acc >> (e.n - 8))
		if e.out = append(e.out, b); b == 0xff {
			e.out = append(e.out, 0)
		}
	}
}

func (e *encoder) align() {
	if e.n > 0 {
		e.put(1<<(8-e.n)-1, int(8-e.n))
	}
}

func (e *encoder) scan(s stream) {
	first := s.sampling[0]
	if len(s.sampling) == 1 {
		first = [2]int{1, 1}
	}
	across := (s.width + 8*first[0] - 1) / (8 * first[0])
	down := (s.height + 8*first[1] - 1) / (8 * first[1])
	for mcu := range across * down {
		if s.restart > 0 && mcu > 0 && mcu%s.restart == 0 {
			e.align()
			e.out = append(e.out, 0xff, rst0+byte(mcu/s.restart-1)&7)
		}
		for i, hv := range s.sampling {
			if len(s.sampling) == 1 {
				hv = first
			}
			for range hv[0] * hv[1] {
				e.block(s, min(i, 1))
			}
		}
	}
	e.align()
}

// value writes size random bits behind a code.
func (e *encoder) value(c code, size int) {
	e.put(c.bits, c.length)
	e.put(uint32(e.random.IntN(1<<size)), size)
}

func (e *encoder) block(s stream, table int) {
	size := func() int { return min(1+int(e.random.ExpFloat64()*2), s.maxBits) }
	n := size() - 1
	e.value(e.dc[table][byte(n)], n)
	run := 0
	for k := 1; k < 64; k++ {
		if e.random.Float64() >= s.dense {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			c := e.ac[table][0xf0]
			e.put(c.bits, c.length)
		}
		n = size()
		e.value(e.ac[table][byte(run<<4|n)], n)
		run = 0
	}
	if run > 0 {
		c := e.ac[table][0]
		e.put(c.bits, c.length)
	}
}
