package jpeg

import (
	"bytes"
	"encoding/binary"

	"glance/wasm/edge/jpeg/internal/layout"
)

// begin makes a scan the one that is read: its stream, tables and state.
func (im *Image) begin(s *scan) bool {
	for class := range s.huffman {
		for n, table := range s.huffman[class] {
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
	state := make([]byte, layout.ScanBytes)
	for at, word := range map[int]uint32{
		layout.ScanTop:    im.top,
		layout.ScanBlocks: im.blocks,
		layout.ScanLast:   im.blocks + uint32(im.blocksOf(s)*layout.BlockBytes),
		layout.ScanFrom:   uint32(s.first),
		layout.ScanUpTo:   uint32(s.last),
		layout.ScanShift:  uint32(s.shift),
	} {
		binary.LittleEndian.PutUint32(state[at-layout.Scan:], word)
	}
	im.m.Write(layout.Scan, state)
	return im.load(s.stream)
}

// load copies a stream without stuffing to below top, backwards, and finds its
// segments. It fails where restart markers are not in order.
func (im *Image) load(stream []byte) bool {
	want := 1
	if im.header.restart > 0 {
		want = (im.across*im.down + im.header.restart - 1) / im.header.restart
	}
	buf := make([]byte, 0, chunk)
	written := uint32(0)
	flush := func() {
		im.m.Write(im.staging, buf)
		im.m.Reverse(im.staging, im.top-written, uint32(len(buf)))
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
	im.segments = im.segments[:0]
	start := uint32(0)
	for {
		n := bytes.IndexByte(stream, 0xff)
		if n >= 0 && stream[n+1] == 0 {
			put(stream[:n+1])
			stream = stream[n+2:]
			continue
		}
		last := n < 0
		if last {
			n = len(stream)
		}
		put(stream[:n])
		end := 8 * (written + uint32(len(buf)))
		im.segments = append(im.segments, segment{start, end})
		if last {
			flush()
			return len(im.segments) == want
		}
		if stream[n+1] != rst0+byte(len(im.segments)-1)&7 || len(im.segments) == want {
			return false
		}
		stream, start = stream[n+2:], end
	}
}

// The kinds of progressive scans, for Progress.
const (
	dcFirst = iota
	dcRefine
	acFirst
	acRefine
)

// readScans reads all scans of a progressive file into the coefficients.
func (im *Image) readScans() bool {
	for i, c := range im.header.components {
		p := &im.planes[i]
		im.m.Blank(p.coefficients, uint32(p.across*c.v*im.down*coefficientBytes))
	}
	for i := range im.header.scans {
		if !im.readScan(&im.header.scans[i]) {
			return false
		}
	}
	// What follows is for all blocks of an MCU.
	end := im.blocks + uint32(im.blocksOf(nil)*layout.BlockBytes)
	im.m.Write(layout.ScanLast, binary.LittleEndian.AppendUint32(nil, end))
	return true
}

// blocksOf is the number of blocks in an MCU of a scan, or in the frame's for nil.
func (im *Image) blocksOf(s *scan) (blocks int) {
	if s != nil && im.header.progressive && len(s.components) == 1 {
		return 1 // one component is not interleaved (annex A.2.2)
	}
	for _, c := range im.header.components {
		blocks += c.h * c.v
	}
	return blocks
}

func (im *Image) readScan(s *scan) bool {
	kind := uint32(dcFirst)
	if s.first > 0 {
		kind = acFirst
	}
	if s.refine {
		kind++
	}
	if !im.begin(s) || !im.m.Segment(im.segments[0].from, im.segments[0].to) {
		return false
	}
	mcus, rows := im.across, im.down
	if len(s.components) == 1 { // the blocks that hold samples of the picture
		p := &im.planes[s.components[0]]
		mcus, rows = (p.columns+7)/8, (p.rows+7)/8
	}
	for row := range rows {
		im.m.Write(im.blocks, im.scanBlocks(s, row))
		if !im.m.Progress(kind, uint32(mcus)) {
			return false
		}
	}
	return im.m.Segment(0, 0) // what is left must be padding
}

// scanBlocks is the module's list of the blocks in the first MCU of a row.
func (im *Image) scanBlocks(s *scan, row int) (words []byte) {
	for n, i := range s.components {
		c, p := im.header.components[i], &im.planes[i]
		wide, tall := c.h, c.v
		if len(s.components) == 1 {
			wide, tall = 1, 1
		}
		for y := range tall {
			for x := range wide {
				words = appendBlock(words, [...]uint32{
					layout.BlockDC / 4:   uint32(layout.Tables + s.tables[n][0]*layout.TableBytes),
					layout.BlockAC / 4:   uint32(layout.Tables + (2+s.tables[n][1])*layout.TableBytes),
					layout.BlockPred / 4: uint32(layout.ScanDC + 4*n),
					layout.BlockTo / 4:   p.coefficient(x, row*tall+y),
					layout.BlockStep / 4: uint32(wide * coefficientBytes),
					layout.BlockNext / 4: 0,
				})
			}
		}
	}
	return words
}
