package main

import (
	"glance/kernels/asm"
	"glance/wasm/edge/jpeg/internal/layout"
)

// reader is the bit reader of a function: a window of at least 25 bits.
type reader struct {
	f        *asm.Func
	top, pos asm.I32
	win      asm.I32
}

// look fills the window with the bits from pos on, the first on top.
func (r *reader) look() {
	word := r.top.Sub(r.pos.ShrUI(3)).AddI(-4).Load(0)
	r.win.Set(word.Shl(r.pos.AndI(7)))
}

// symbol decodes the code at pos into sym and moves pos behind it; entry is what
// the look-up gave for it. A code that is not in the table makes the function
// return -1. (JPEG, annex F.2.2.3, DECODE.)
func (r *reader) symbol(table, entry, sym, long asm.I32) {
	f := r.f
	f.IfElse(entry, func() {
		sym.Set(entry.ShrUI(8).AndI(255))
		r.pos.Set(r.pos.Add(entry.AndI(31)))
	}, func() {
		long.Set(r.win.ShrUI(16))
		f.Block(func(found asm.Label) {
			for length := int32(layout.LookupBits + 1); length <= 16; length++ {
				at := uint32(layout.Longer + 8*(length-layout.LookupBits-1))
				f.If(long.LtU(table.Load(at)), func() {
					sym.Set(long.ShrUI(16 - length).Add(table.Load(at + 4)).Add(table).Load8U(layout.Symbols))
					r.pos.Set(r.pos.AddI(length))
					f.Br(found)
				})
			}
			f.Return(f.I32Const(-1))
		})
	})
}

// value reads size bits, 1 to 16, and extends their sign (annex F.2.2.1, RECEIVE
// and EXTEND). The shifts are by size of a 16-bit number, never by 32.
func (r *reader) value(size, v asm.I32) {
	f := r.f
	r.look()
	v.Set(r.win.ShrUI(16).Shl(size).ShrUI(16))
	f.If(v.LtU(f.I32Const(1).Shl(size.AddI(-1))), func() {
		v.Set(v.Add(f.I32Const(-1).Shl(size)).AddI(1))
	})
	r.pos.Set(r.pos.Add(size))
}

// entropy declares entropy(block): decode and dequantize one block into the
// scratch area, transposed. It returns the zigzag number of the last coefficient
// that is there, or -1 for anything a regular stream does not hold.
func entropy(m *asm.Module) *asm.Func {
	f := m.Func("entropy")
	f.Result(asm.TypeI32)
	block := f.ParamI32("block")
	scan, scratch, failed := f.I32Const(0), f.I32Const(layout.Scratch), f.I32Const(-1)
	r := &reader{f: f, top: f.I32("top"), pos: f.I32("pos"), win: f.I32("win")}
	table, quant := f.I32("table"), f.I32("quant")
	entry, sym, v, tmp := f.I32("entry"), f.I32("symbol"), f.I32("value"), f.I32("tmp")
	k, last := f.I32("k"), f.I32("last")

	for offset := uint32(0); offset < 256; offset += 16 {
		scratch.V128Store(offset, f.I32x4All(0))
	}
	r.top.Set(scan.Load(layout.ScanTop))
	r.pos.Set(scan.Load(layout.ScanBit))
	quant.Set(block.Load(layout.BlockQuant))
	lookUp := func() {
		r.look()
		entry.Set(table.Add(r.win.ShrUI(32 - layout.LookupBits).ShlI(2)).Load(0))
	}
	whole := func(then func(), otherwise func()) {
		f.IfElse(entry.AndI(layout.Whole), func() {
			r.pos.Set(r.pos.Add(entry.AndI(31)))
			v.Set(entry.ShrSI(16))
			then()
		}, func() {
			r.symbol(table, entry, sym, tmp)
			otherwise()
		})
	}

	table.Set(block.Load(layout.BlockDC))
	lookUp()
	whole(func() {}, func() {
		v.Set(f.I32Const(0))
		f.If(sym, func() { r.value(sym, v) })
	})
	tmp.Set(block.Load(layout.BlockPred))
	v.Set(v.Add(tmp.Load(0)))
	tmp.Store(0, v)
	scratch.Store(0, v.Mul(quant.Load(0).ShrUI(layout.QuantShift)))

	table.Set(block.Load(layout.BlockAC))
	k.Set(f.I32Const(1))
	f.Block(func(done asm.Label) {
		f.Loop(func(next asm.Label) {
			lookUp()
			whole(func() {
				k.Set(k.Add(entry.ShrUI(12).AndI(15)))
			}, func() {
				f.If(sym.AndI(15).Eqz(), func() {
					f.BrIf(done, sym.Eqz())
					f.If(sym.NeI(0xf0), func() { f.Return(failed) })
					k.Set(k.AddI(16))
					f.BrIf(next, k.LtUI(64))
					f.Return(failed)
				})
				k.Set(k.Add(sym.ShrUI(4)))
				sym.Set(sym.AndI(15))
				r.value(sym, v)
			})
			f.If(k.GtUI(63), func() { f.Return(failed) })
			tmp.Set(quant.Add(k.ShlI(2)).Load(0))
			tmp.AndI(1<<layout.QuantShift-1).Store(layout.Scratch, v.Mul(tmp.ShrUI(layout.QuantShift)))
			last.Set(k)
			k.Set(k.AddI(1))
			f.BrIf(next, k.LtUI(64))
		})
	})
	scan.Store(layout.ScanBit, r.pos)
	f.If(r.pos.GtU(scan.Load(layout.ScanEnd)), func() { f.Return(failed) })
	f.Return(last)
	return f
}

// decode declares decode(mcus): decode so many MCUs, each block to its place.
// It returns 0, or 1 for a stream that is not regular.
func decode(m *asm.Module, entropy, transform *asm.Func) {
	f := m.Func("decode")
	f.Export("decode")
	f.Result(asm.TypeI32)
	mcus := f.ParamI32("mcus")
	scan := f.I32Const(0)
	block, last, to := f.I32("block"), f.I32("last"), f.I32("to")
	f.Loop(func(next asm.Label) {
		block.Set(scan.Load(layout.ScanBlocks))
		f.Loop(func(more asm.Label) {
			last.Set(f.CallI32(entropy, block))
			f.If(last.LtSI(0), func() { f.Return(f.I32Const(1)) })
			to.Set(block.Load(layout.BlockTo))
			f.Call(transform, to, block.Load(layout.BlockStride), last)
			block.Store(layout.BlockTo, to.Add(block.Load(layout.BlockStep)))
			block.Set(block.AddI(layout.BlockBytes))
			f.BrIf(more, block.LtU(scan.Load(layout.ScanLast)))
		})
		mcus.Set(mcus.AddI(-1))
		f.BrIf(next, mcus.GtSI(0))
	})
	f.Return(f.I32Const(0))
}

// segment declares segment(from, to): go on at bit from, up to bit to, with
// predictions of 0. It returns 0, or 1 where a byte or more of the segment before
// has not been read, or blocks were to come.
func segment(m *asm.Module) {
	f := m.Func("segment")
	f.Export("segment")
	f.Result(asm.TypeI32)
	from, to := f.ParamI32("from"), f.ParamI32("to")
	scan, zero := f.I32Const(0), f.I32Const(0)
	rest := f.Let("rest", scan.Load(layout.ScanEnd).Sub(scan.Load(layout.ScanBit)))
	scan.Store(layout.ScanBit, from)
	scan.Store(layout.ScanEnd, to)
	for i := range uint32(3) {
		scan.Store(layout.ScanDC+4*i, zero)
	}
	run := f.Let("run", scan.Load(layout.ScanRun))
	scan.Store(layout.ScanRun, zero)
	f.Return(rest.GtUI(7).Or(run.NeI(0)))
}
