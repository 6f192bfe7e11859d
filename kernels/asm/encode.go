package asm

import "encoding/binary"

// Encode validates the module and returns it in the binary format, or the
// mistakes made in building it.
func (m *Module) Encode() ([]byte, error) {
	m.validate()
	if err := m.Err(); err != nil {
		return nil, err
	}
	e := &encoder{m: m}
	for _, f := range m.funcs {
		e.typeIndex(f.Signature())
		for _, in := range f.code {
			if in.sig != nil {
				e.typeIndex(*in.sig)
			}
		}
	}
	out := writer("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id   byte
		body writer
	}{
		{1, e.types()}, {2, e.imports()}, {3, e.functions()}, {4, e.tables()}, {5, e.memories()},
		{6, e.globals()}, {7, e.exports()}, {9, e.elements()}, {10, e.code()}, {11, e.data()}, {0, e.names()},
	} {
		if len(s.body) > 0 {
			out.byte(s.id)
			out.bytes(s.body)
		}
	}
	return out, nil
}

// writer appends the primitives of the binary format (section 5.2).
type writer []byte

func (w *writer) byte(b ...byte) { *w = append(*w, b...) }

func (w *writer) u32(n uint32) { *w = binary.AppendUvarint(*w, uint64(n)) }

func (w *writer) s64(n int64) {
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			w.byte(b)
			return
		}
		w.byte(b | 0x80)
	}
}

func (w *writer) bytes(b []byte) {
	w.u32(uint32(len(b)))
	*w = append(*w, b...)
}

func (w *writer) name(s string) { w.bytes([]byte(s)) }

type encoder struct {
	m    *Module
	sigs []Signature
}

func (e *encoder) typeIndex(s Signature) uint32 {
	for i, t := range e.sigs {
		if t.equal(s) {
			return uint32(i)
		}
	}
	e.sigs = append(e.sigs, s)
	return uint32(len(e.sigs) - 1)
}

func (e *encoder) types() writer {
	var w writer
	w.u32(uint32(len(e.sigs)))
	for _, s := range e.sigs {
		w.byte(0x60)
		for _, list := range [][]Type{s.Params, s.Results} {
			w.u32(uint32(len(list)))
			for _, t := range list {
				w.byte(byte(t))
			}
		}
	}
	return w
}

func (w *writer) limits(l Limits) {
	var flags byte
	if l.Max != 0 {
		flags |= 1
	}
	if l.Shared {
		flags |= 2
	}
	w.byte(flags)
	w.u32(l.Min)
	if l.Max != 0 {
		w.u32(l.Max)
	}
}

func (e *encoder) imports() writer {
	mem := e.m.memory
	if mem.module == "" {
		return nil
	}
	var w writer
	w.u32(1)
	w.name(mem.module)
	w.name(mem.field)
	w.byte(2)
	w.limits(mem.limits)
	return w
}

func (e *encoder) functions() writer {
	var w writer
	w.u32(uint32(len(e.m.funcs)))
	for _, f := range e.m.funcs {
		w.u32(e.typeIndex(f.Signature()))
	}
	return w
}

func (e *encoder) tables() writer {
	n := uint32(len(e.m.table))
	if n == 0 {
		return nil
	}
	var w writer
	w.u32(1)
	w.byte(0x70, 1)
	w.u32(n)
	w.u32(n)
	return w
}

func (e *encoder) memories() writer {
	if !e.m.memory.defined || e.m.memory.module != "" {
		return nil
	}
	var w writer
	w.u32(1)
	w.limits(e.m.memory.limits)
	return w
}

func (e *encoder) globals() writer {
	if len(e.m.globals) == 0 {
		return nil
	}
	var w writer
	w.u32(uint32(len(e.m.globals)))
	for _, g := range e.m.globals {
		w.byte(byte(TypeI32), 0)
		if g.mutable {
			w[len(w)-1] = 1
		}
		w.byte(byte(opI32Const.code))
		w.s64(int64(g.init))
		w.byte(byte(opEnd.code))
	}
	return w
}

func (e *encoder) exports() writer {
	var list writer
	n := uint32(0)
	add := func(name string, kind byte, index uint32) {
		n++
		list.name(name)
		list.byte(kind)
		list.u32(index)
	}
	if e.m.memory.export != "" {
		add(e.m.memory.export, 2, 0)
	}
	for i, g := range e.m.globals {
		if g.export != "" {
			add(g.export, 3, uint32(i))
		}
	}
	for _, f := range e.m.funcs {
		if f.export != "" {
			add(f.export, 0, f.index)
		}
	}
	if n == 0 {
		return nil
	}
	var w writer
	w.u32(n)
	return append(w, list...)
}

func (e *encoder) elements() writer {
	if len(e.m.table) == 0 {
		return nil
	}
	var w writer
	w.byte(1, 0, byte(opI32Const.code), 0, byte(opEnd.code))
	w.u32(uint32(len(e.m.table)))
	for _, f := range e.m.table {
		w.u32(f.index)
	}
	return w
}

func (e *encoder) data() writer {
	if len(e.m.data) == 0 {
		return nil
	}
	var w writer
	w.u32(uint32(len(e.m.data)))
	for _, d := range e.m.data {
		w.byte(0, byte(opI32Const.code))
		w.s64(int64(int32(d.offset)))
		w.byte(byte(opEnd.code))
		w.bytes(d.bytes)
	}
	return w
}

// names is the name section with the function names (appendix "Custom Sections").
func (e *encoder) names() writer {
	var list writer
	list.u32(uint32(len(e.m.funcs)))
	for _, f := range e.m.funcs {
		list.u32(f.index)
		list.name(f.name)
	}
	var w writer
	w.name("name")
	w.byte(1)
	w.bytes(list)
	return w
}

func (e *encoder) code() writer {
	var w writer
	w.u32(uint32(len(e.m.funcs)))
	for _, f := range e.m.funcs {
		var body writer
		body.locals(f.locals)
		for i := range f.code {
			e.instruction(&body, &f.code[i])
		}
		body.byte(byte(opEnd.code))
		w.bytes(body)
	}
	return w
}

// locals writes runs of equal type.
func (w *writer) locals(list []local) {
	var runs writer
	n := uint32(0)
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j].typ == list[i].typ {
			j++
		}
		runs.u32(uint32(j - i))
		runs.byte(byte(list[i].typ))
		n++
		i = j
	}
	w.u32(n)
	*w = append(*w, runs...)
}

func (e *encoder) instruction(w *writer, in *instr) {
	if in.op.prefix != 0 {
		w.byte(in.op.prefix)
		w.u32(in.op.code)
	} else {
		w.byte(byte(in.op.code))
	}
	switch in.op.imm {
	case immMemory, immMemoryLane:
		w.u32(uint32(in.op.hint()))
		w.u32(in.index)
		if in.op.imm == immMemoryLane {
			w.byte(in.lane)
		}
	case immLane:
		w.byte(in.lane)
	case immShuffle, immV128:
		w.byte(in.wide[:]...)
	case immBlock:
		w.byte(0x40)
	case immLabel, immLocal, immGlobal, immFunc:
		w.u32(in.index)
	case immLabels:
		w.u32(uint32(len(in.labels) - 1))
		for _, l := range in.labels {
			w.u32(l)
		}
	case immIndirect:
		w.u32(e.typeIndex(*in.sig))
		w.u32(0)
	case immI32:
		w.s64(int64(int32(in.index)))
	case immI64:
		w.s64(int64(binary.LittleEndian.Uint64(in.wide[:])))
	case immF32:
		*w = binary.LittleEndian.AppendUint32(*w, in.index)
	case immZero:
		w.byte(0)
	case immZero2:
		w.byte(0, 0)
	}
}

// hint is the alignment promised: that of the access, at most 4 bytes.
func (o *opcode) hint() uint8 { return min(o.width, 2) }
