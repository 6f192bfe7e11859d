package kernels

import (
	"encoding/binary"
	"testing"
)

func TestProgramEncode(t *testing.T) {
	record := func(i uint32) Record { return ScaleRows{X: 64, S: 128, Y: 192, M: i, C: i}.Record() }
	const base = 0x4000
	for name, c := range map[string]struct {
		program Program
		header  []uint32 // up to the padding; records are counted from 0
		records int
	}{
		"empty":     {Program{Lanes: 1}, []uint32{1, 0}, 0},
		"no phases": {Program{Lanes: 3}, []uint32{3, 0}, 0},
		"one record": {
			Program{Lanes: 1, Phases: []Phase{{[][]Record{{record(0)}}}}},
			[]uint32{1, 1, 0, 1}, 1,
		},
		"lanes and phases": {
			Program{Lanes: 2, Phases: []Phase{{[][]Record{{record(0), record(1)}, {record(2)}}}, {[][]Record{{record(3)}, {record(4)}}}}},
			[]uint32{2, 2, 0, 2, 2, 1, 3, 1, 4, 1}, 5,
		},
		"lanes without records": {
			Program{Lanes: 3, Phases: []Phase{{[][]Record{nil, {record(0)}}}, {}}},
			[]uint32{3, 2, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0}, 1,
		},
		"table of one line more": {
			Program{Lanes: 8, Phases: []Phase{{[][]Record{{record(0)}}}}},
			[]uint32{8, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.program.Encode(base)
			if len(b) != c.program.Size() {
				t.Fatalf("encoded to %d bytes, Size is %d", len(b), c.program.Size())
			}
			table := (4*len(c.header) + Align - 1) / Align * Align
			if want := table + c.records*RecordBytes; len(b) != want {
				t.Fatalf("encoded to %d bytes, want %d", len(b), want)
			}
			word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
			for i, want := range c.header {
				if i >= programHeaderWords && i%2 == 0 { // a pointer to a record
					want = base + uint32(table) + want*RecordBytes
				}
				if got := word(4 * i); got != want {
					t.Errorf("word %d is %d, want %d", i, got, want)
				}
			}
			for at := 4 * len(c.header); at < table; at += 4 {
				if word(at) != 0 {
					t.Errorf("padding at byte %d is %#x, want 0", at, word(at))
				}
			}
			for i := range c.records {
				for j, want := range record(uint32(i)) {
					if got := word(table + i*RecordBytes + 4*j); got != want {
						t.Errorf("record %d, word %d is %d, want %d", i, j, got, want)
					}
				}
			}
		})
	}
}
