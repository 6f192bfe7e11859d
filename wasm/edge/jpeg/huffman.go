package jpeg

import (
	"encoding/binary"

	"glance/wasm/edge/jpeg/internal/layout"
)

// huffmanTable builds a table in the module's layout from the counts of codes
// of each length, 1 to 16, and the symbols in the order of their codes (annex
// C.2). It fails where the counts are no prefix code, or use the code of all
// ones, which the standard leaves out.
func huffmanTable(counts, symbols []byte) ([]byte, bool) {
	le := binary.LittleEndian
	b := make([]byte, layout.TableBytes)
	copy(b[layout.Symbols:], symbols)
	code, next := 0, 0
	for length := 1; length <= 16; length++ {
		n := int(counts[length-1])
		if code+n > 1<<length {
			return nil, false
		}
		if length > layout.LookupBits {
			at := layout.Longer + 8*(length-layout.LookupBits-1)
			le.PutUint32(b[at:], uint32(code+n)<<(16-length))
			le.PutUint32(b[at+4:], uint32(next-code))
		} else {
			for i := range n {
				fill(b, code+i, length, symbols[next+i])
			}
		}
		code, next = (code+n)<<1, next+n
	}
	return b, code>>1 < 1<<16
}

// fill writes the look-up entries of every bit pattern that starts with the code.
func fill(b []byte, code, length int, symbol byte) {
	free := layout.LookupBits - length
	for rest := range 1 << free {
		entry := uint32(symbol)<<8 | uint32(length)
		// Where the bits of the value are in the pattern too, the entry holds it.
		// Symbols without value (end of block, sixteen zeros) are left to the module.
		if size := int(symbol & 15); size > 0 && size <= free {
			value := rest >> (free - size)
			if value < 1<<(size-1) {
				value += -1<<size + 1
			}
			entry = uint32(value)<<16 | uint32(symbol)<<8 | layout.Whole | uint32(length+size)
		}
		binary.LittleEndian.PutUint32(b[4*(code<<free|rest):], entry)
	}
}
