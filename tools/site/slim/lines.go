package slim

import (
	"bytes"
	"encoding/binary"
)

// Go's function table (runtime/symtab.go and runtime2.go): a header, then, at
// offsets it gives, the names, the files, the pc-value tables, and a list of
// {entry, offset} pairs with the functions' records.
const (
	headerBytes  = 72
	pairBytes    = 8
	recordBytes  = 44 // without the lists at its end
	pcfileField  = 20
	pclnField    = 24
	npcdataField = 28
	cuField      = 32
	startField   = 36
)

// tableStart is what the header begins with: the magic number since Go 1.20, two
// zeros, the instruction size 1 and the pointer size 8.
var tableStart = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// lineTable is a function table found in the data.
type lineTable struct {
	values    []byte // pc-value tables, from offset 0 on
	functions []byte // pairs and records
	count     int
}

// findLineTable looks for the header, checking every field of it.
func findLineTable(data []byte) (lineTable, bool) {
	le := binary.LittleEndian
	for at := 0; ; at++ {
		found := bytes.Index(data[at:], tableStart)
		if at += found; found < 0 || at+headerBytes > len(data) {
			return lineTable{}, false
		}
		var field [8]uint64
		for i := range field {
			field[i] = le.Uint64(data[at+8+8*i:])
		}
		names, units, files, values, functions := field[3], field[4], field[5], field[6], field[7]
		whole := data[at:]
		if !(headerBytes <= names && names <= units && units <= files && files <= values && values <= functions && functions <= uint64(len(whole))) {
			continue
		}
		t := lineTable{values: whole[values:functions], functions: whole[functions:], count: int(field[0])}
		if field[0] < uint64(len(t.functions)/pairBytes) {
			return t, true
		}
	}
}

// record returns the record of function i.
func (t lineTable) record(i int) ([]byte, bool) {
	offset := uint64(binary.LittleEndian.Uint32(t.functions[i*pairBytes+4:]))
	if offset+recordBytes > uint64(len(t.functions)) {
		return nil, false
	}
	record := t.functions[offset:]
	n := uint64(binary.LittleEndian.Uint32(record[npcdataField:]))
	if recordBytes+4*n > uint64(len(record)) {
		return nil, false
	}
	return record[:recordBytes+4*n], true
}

// span is the extent of the pc-value table at an offset: pairs of variable-length
// numbers that end with a zero in the place of a value, other than the first.
func (t lineTable) span(offset uint32) ([]byte, bool) {
	if uint64(offset) >= uint64(len(t.values)) {
		return nil, false
	}
	table := t.values[offset:]
	at := 0
	skip := func() (first byte, ok bool) {
		start := at
		for at < len(table) && table[at] >= 0x80 {
			at++
		}
		at++
		if at > len(table) {
			return 0, false
		}
		return table[start], true
	}
	for pair := 0; ; pair++ {
		value, ok := skip()
		if !ok {
			return nil, false
		}
		if value == 0 && pair > 0 {
			return table[:at], true
		}
		if _, ok := skip(); !ok {
			return nil, false
		}
	}
}

// dropLines empties the tables that map program counters to files and lines, in
// place, where data holds a function table. The offset 0 in their stead is the
// runtime's own way to say that a function has none: tracebacks then print "?:0"
// behind its name. A table of unknown form is left as it is.
func dropLines(data []byte) {
	t, ok := findLineTable(data)
	if !ok {
		return
	}
	le := binary.LittleEndian
	kept := map[uint32]bool{0: true} // tables that the garbage collector and the stack walk read
	dropped := map[uint32][]byte{}
	for i := range t.count {
		record, ok := t.record(i)
		if !ok {
			return
		}
		kept[le.Uint32(record[16:])] = true // pcsp
		for at := recordBytes; at < len(record); at += 4 {
			kept[le.Uint32(record[at:])] = true // pcdata
		}
		for _, field := range []int{pcfileField, pclnField} {
			offset := le.Uint32(record[field:])
			if dropped[offset], ok = t.span(offset); !ok {
				return
			}
		}
	}
	for i := range t.count {
		record, _ := t.record(i)
		for _, field := range []int{pcfileField, pclnField, cuField, startField} {
			le.PutUint32(record[field:], 0)
		}
	}
	for offset, table := range dropped {
		if !kept[offset] {
			clear(table)
		}
	}
}
