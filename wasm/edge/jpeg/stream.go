package jpeg

import (
	"bytes"
	"encoding/binary"

	"glance/wasm/edge/jpeg/internal/layout"
)

// load copies the stream without stuffing to below top, backwards, and finds its
// segments. It fails where markers are not in order, or there is no end.
func (im *Image) load(staging, top uint32) bool {
	total := im.across * im.down
	want := 1
	if im.header.restart > 0 {
		want = (total + im.header.restart - 1) / im.header.restart
	}
	buf := make([]byte, 0, chunk)
	written := uint32(0)
	flush := func() {
		im.m.Write(staging, buf)
		im.m.Reverse(staging, top-written, uint32(len(buf)))
		written += uint32(len(buf))
		buf = buf[:0]
	}
	put := func(b []byte) {
		for len(b) > 0 {
			n := min(len(b), chunk-len(buf))
			buf = append(buf, b[:n]...)
			b = b[n:]
			if len(buf) == chunk {
				flush()
			}
		}
	}
	start := uint32(0)
	for s := im.header.stream; ; {
		n := bytes.IndexByte(s, 0xff)
		if n < 0 || n+1 >= len(s) {
			return false
		}
		marker := s[n+1]
		if marker == 0 {
			put(s[:n+1])
			s = s[n+2:]
			continue
		}
		put(s[:n])
		s = s[n+2:]
		end := 8 * (written + uint32(len(buf)))
		im.segments = append(im.segments, segment{start, end})
		start = end
		if marker == eoi {
			flush()
			return len(im.segments) == want
		}
		if marker != rst0+byte(len(im.segments)-1)&7 || len(im.segments) == want {
			return false
		}
	}
}

// tables writes the tables and the state of the scan.
func (im *Image) tables(top uint32) {
	for class := range im.header.huffman {
		for n, table := range im.header.huffman[class] {
			if table != nil {
				im.m.Write(uint32(layout.Tables+(2*class+n)*layout.TableBytes), table)
			}
		}
	}
	for n, table := range im.header.quant {
		if table != nil {
			im.m.Write(uint32(layout.Quant+256*n), table)
		}
	}
	blocks := 0
	for _, c := range im.header.components {
		blocks += c.h * c.v
	}
	var scan []byte
	for _, word := range []uint32{top, 0, 0, im.blocks, im.blocks + uint32(blocks*layout.BlockBytes)} {
		scan = binary.LittleEndian.AppendUint32(scan, word)
	}
	im.m.Write(layout.Scan, scan)
}
