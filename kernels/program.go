package kernels

import "encoding/binary"

// Program is a list of phases for a number of lanes.
type Program struct {
	Lanes  int
	Phases []Phase
}

// Phase holds, for each lane, the records that are run before the next phase. Threads
// begin with a range of lanes each: lane i of L is of thread i*T/L of T.
type Phase struct {
	Lanes [][]Record // [Program.Lanes][...]
}

// The encoded form, which machines read: all words little-endian uint32.
//
//	word 0        lanes L
//	word 1        phases P
//	words 2..     P*L pairs {records Ptr, count}: pair phase*L + lane
//	padding to a multiple of Align bytes
//	records       RecordBytes each
const programHeaderWords = 2

// Size returns the number of bytes [Program.Encode] writes.
func (p *Program) Size() int {
	n := 0
	for _, ph := range p.Phases {
		for _, lane := range ph.Lanes {
			n += len(lane)
		}
	}
	return p.tableBytes() + n*RecordBytes
}

func (p *Program) tableBytes() int {
	n := (programHeaderWords + 2*len(p.Phases)*p.Lanes) * 4
	return (n + Align - 1) / Align * Align
}

// encode writes the record's words. Its loop is a function of its own, as those of
// package weights' parser are.
//
//go:noinline
func (r *Record) encode(b []byte) {
	for i, w := range r {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

// Encode lays the program out as it must lie at base.
func (p *Program) Encode(base Ptr) []byte {
	b := make([]byte, p.Size())
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(p.Lanes))
	le.PutUint32(b[4:], uint32(len(p.Phases)))
	pair, rec := programHeaderWords*4, p.tableBytes()
	for _, ph := range p.Phases {
		for lane := range p.Lanes {
			var list []Record
			if lane < len(ph.Lanes) {
				list = ph.Lanes[lane]
			}
			le.PutUint32(b[pair:], uint32(base)+uint32(rec))
			le.PutUint32(b[pair+4:], uint32(len(list)))
			pair += 8
			for i := range list {
				list[i].encode(b[rec:])
				rec += RecordBytes
			}
		}
	}
	return b
}
