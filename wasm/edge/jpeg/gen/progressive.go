package main

import (
	"glance/kernels/asm"
	"glance/wasm/edge/jpeg/internal/layout"
)

// In a progressive file a block's coefficients come in several scans (annex G).
// They are kept as 16-bit numbers in zigzag order; a value that does not fit ends
// the scan as irregular, like anything else that no encoder writes.

// progressive is what the functions of the four kinds of scans share.
type progressive struct {
	*reader
	scan, to               asm.I32 // to is the address of the block's coefficients
	table, entry, sym, tmp asm.I32
	v                      asm.I32
	failed                 asm.I32
}

func newProgressive(m *asm.Module, name string) (*progressive, asm.I32) {
	f := m.Func(name)
	f.Result(asm.TypeI32)
	block := f.ParamI32("block")
	p := &progressive{
		reader: &reader{f: f, top: f.I32("top"), pos: f.I32("pos"), win: f.I32("win")},
		scan:   f.I32Const(0), to: f.I32("to"),
		table: f.I32("table"), entry: f.I32("entry"), sym: f.I32("symbol"), tmp: f.I32("tmp"),
		v: f.I32("value"), failed: f.I32Const(-1),
	}
	p.top.Set(p.scan.Load(layout.ScanTop))
	p.pos.Set(p.scan.Load(layout.ScanBit))
	p.to.Set(block.Load(layout.BlockTo))
	return p, block
}

// end stores the reader's position and returns 0, or -1 past the segment's end.
func (p *progressive) end() *asm.Func {
	p.scan.Store(layout.ScanBit, p.pos)
	p.f.Return(p.pos.GtU(p.scan.Load(layout.ScanEnd)).Mul(p.failed))
	return p.f
}

// code reads a code, and the value behind it where the look-up has both.
func (p *progressive) code(whole, otherwise func()) {
	p.look()
	p.entry.Set(p.table.Add(p.win.ShrUI(32 - layout.LookupBits).ShlI(2)).Load(0))
	p.f.IfElse(p.entry.AndI(layout.Whole), func() {
		p.pos.Set(p.pos.Add(p.entry.AndI(31)))
		p.sym.Set(p.entry.ShrUI(8).AndI(255))
		p.v.Set(p.entry.ShrSI(16))
		whole()
	}, func() {
		p.symbol(p.table, p.entry, p.sym, p.tmp)
		otherwise()
	})
}

// bit reads one bit.
func (p *progressive) bit() asm.I32 {
	p.look()
	p.tmp.Set(p.win.ShrUI(31))
	p.pos.Set(p.pos.AddI(1))
	return p.tmp
}

// store stores v as a coefficient.
func (p *progressive) store(at, v asm.I32) {
	p.f.If(v.ShlI(16).ShrSI(16).Ne(v), func() { p.f.Return(p.failed) })
	at.Store16(0, v)
}

// run sets the number of blocks, this one included, that have no more coefficients
// in the scan, from the symbol's high half and the bits behind it.
func (p *progressive) run(bands asm.I32) {
	bands.Set(p.f.I32Const(1).Shl(p.sym))
	p.f.If(p.sym, func() {
		p.look()
		bands.Set(bands.Add(p.win.ShrUI(16).Shl(p.sym).ShrUI(16)))
		p.pos.Set(p.pos.Add(p.sym))
	})
}

// dcFirst declares the function for a first scan of DC coefficients (G.1.2.1).
func dcFirst(m *asm.Module) *asm.Func {
	p, block := newProgressive(m, "dc_first")
	p.table.Set(block.Load(layout.BlockDC))
	p.code(func() {}, func() {
		p.v.Set(p.f.I32Const(0))
		p.f.If(p.sym, func() { p.value(p.sym, p.v) })
	})
	p.tmp.Set(block.Load(layout.BlockPred))
	p.v.Set(p.v.Add(p.tmp.Load(0)))
	p.tmp.Store(0, p.v)
	p.v.Set(p.v.Shl(p.scan.Load(layout.ScanShift)))
	p.store(p.to, p.v)
	return p.end()
}

// dcRefine declares the function for a further bit of them.
func dcRefine(m *asm.Module) *asm.Func {
	p, _ := newProgressive(m, "dc_refine")
	p.to.Store16(0, p.to.Load16U(0).Or(p.bit().Shl(p.scan.Load(layout.ScanShift))))
	return p.end()
}

// acFirst declares the function for a first scan of AC coefficients (G.1.2.2).
func acFirst(m *asm.Module) *asm.Func {
	p, block := newProgressive(m, "ac_first")
	f := p.f
	k, last, shift, bands := f.I32("k"), f.I32("last"), f.I32("shift"), f.I32("bands")
	bands.Set(p.scan.Load(layout.ScanRun))
	f.If(bands, func() {
		p.scan.Store(layout.ScanRun, bands.AddI(-1))
		f.Return(f.I32Const(0))
	})
	p.table.Set(block.Load(layout.BlockAC))
	shift.Set(p.scan.Load(layout.ScanShift))
	last.Set(p.scan.Load(layout.ScanUpTo))
	k.Set(p.scan.Load(layout.ScanFrom))
	f.Block(func(done asm.Label) {
		f.Loop(func(next asm.Label) {
			p.code(func() {
				k.Set(k.Add(p.sym.ShrUI(4)))
			}, func() {
				p.tmp.Set(p.sym.AndI(15))
				p.sym.Set(p.sym.ShrUI(4))
				f.If(p.tmp.Eqz(), func() {
					f.If(p.sym.NeI(15), func() {
						p.run(bands)
						p.scan.Store(layout.ScanRun, bands.AddI(-1))
						f.Br(done)
					})
					k.Set(k.AddI(16))
					f.BrIf(next, k.LeU(last))
					f.Return(p.failed)
				})
				k.Set(k.Add(p.sym))
				p.value(p.tmp, p.v)
			})
			f.If(k.GtU(last), func() { f.Return(p.failed) })
			p.v.Set(p.v.Shl(shift))
			p.store(p.to.Add(k.ShlI(1)), p.v)
			k.Set(k.AddI(1))
			f.BrIf(next, k.LeU(last))
		})
	})
	return p.end()
}

// acRefine declares the function for a further bit of them (G.1.2.3).
func acRefine(m *asm.Module) *asm.Func {
	p, block := newProgressive(m, "ac_refine")
	f := p.f
	k, last, bands, delta := f.I32("k"), f.I32("last"), f.I32("bands"), f.I32("delta")
	zeros, at, old, fresh := f.I32("zeros"), f.I32("at"), f.I32("old"), f.I32("fresh")
	p.table.Set(block.Load(layout.BlockAC))
	delta.Set(f.I32Const(1).Shl(p.scan.Load(layout.ScanShift)))
	last.Set(p.scan.Load(layout.ScanUpTo))
	k.Set(p.scan.Load(layout.ScanFrom))
	bands.Set(p.scan.Load(layout.ScanRun))

	// correct reads a bit for every coefficient that is not 0, and stops at the one
	// that is after so many others: zeros, or none for -1.
	correct := func() {
		f.Block(func(found asm.Label) {
			f.Loop(func(next asm.Label) {
				f.BrIf(found, k.GtU(last))
				at.Set(p.to.Add(k.ShlI(1)))
				old.Set(at.Load16U(0).ShlI(16).ShrSI(16))
				f.IfElse(old, func() {
					f.If(p.bit(), func() {
						f.IfElse(old.LtSI(0), func() { old.Set(old.Sub(delta)) }, func() { old.Set(old.Add(delta)) })
						p.store(at, old)
					})
				}, func() {
					f.BrIf(found, zeros.Eqz())
					zeros.Set(zeros.AddI(-1))
				})
				k.Set(k.AddI(1))
				f.Br(next)
			})
		})
	}
	f.If(bands.Eqz(), func() {
		f.Block(func(done asm.Label) {
			f.Loop(func(next asm.Label) {
				p.code(func() {
					// A new coefficient is 1 or -1.
					f.If(p.sym.AndI(15).NeI(1), func() { f.Return(p.failed) })
					fresh.Set(p.v.Mul(delta))
					p.sym.Set(p.sym.ShrUI(4))
				}, func() {
					p.tmp.Set(p.sym.AndI(15))
					p.sym.Set(p.sym.ShrUI(4))
					f.If(p.tmp.GtUI(1), func() { f.Return(p.failed) })
					fresh.Set(f.I32Const(0))
					f.IfElse(p.tmp, func() {
						fresh.Set(delta.Mul(p.bit().ShlI(1).AddI(-1)))
					}, func() {
						f.If(p.sym.NeI(15), func() {
							p.run(bands)
							f.Br(done)
						})
					})
				})
				zeros.Set(p.sym)
				correct()
				f.If(k.GtU(last), func() { f.Return(p.failed) })
				f.If(fresh, func() { p.store(p.to.Add(k.ShlI(1)), fresh) })
				k.Set(k.AddI(1))
				f.BrIf(next, k.LeU(last))
			})
		})
	})
	f.If(bands, func() {
		bands.Set(bands.AddI(-1))
		zeros.Set(f.I32Const(-1))
		correct()
	})
	p.scan.Store(layout.ScanRun, bands)
	return p.end()
}

// progress declares progress(kind, mcus): decode so many MCUs of a scan. Kinds are
// the functions in their order here. It returns 0, or 1 for a stream that is not
// regular.
func progress(m *asm.Module, kinds ...*asm.Func) {
	f := m.Func("progress")
	f.Export("progress")
	f.Result(asm.TypeI32)
	kind, mcus := f.ParamI32("kind"), f.ParamI32("mcus")
	scan := f.I32Const(0)
	block, status := f.I32("block"), f.I32("status")
	f.Loop(func(next asm.Label) {
		block.Set(scan.Load(layout.ScanBlocks))
		f.Loop(func(more asm.Label) {
			var cases []func()
			for _, k := range kinds {
				cases = append(cases, func() { status.Set(f.CallI32(k, block)) })
			}
			f.Switch(kind, f.Unreachable, cases...)
			f.If(status, func() { f.Return(f.I32Const(1)) })
			block.Store(layout.BlockTo, block.Load(layout.BlockTo).Add(block.Load(layout.BlockStep)))
			block.Set(block.AddI(layout.BlockBytes))
			f.BrIf(more, block.LtU(scan.Load(layout.ScanLast)))
		})
		mcus.Set(mcus.AddI(-1))
		f.BrIf(next, mcus.GtSI(0))
	})
	f.Return(f.I32Const(0))
}

// rebuild declares rebuild(mcus): dequantize and transform the coefficients of so
// many MCUs.
func rebuild(m *asm.Module, transform *asm.Func) {
	f := m.Func("rebuild")
	f.Export("rebuild")
	mcus := f.ParamI32("mcus")
	scan, scratch := f.I32Const(0), f.I32Const(layout.Scratch)
	block, from, to, quant := f.I32("block"), f.I32("from"), f.I32("to"), f.I32("quant")
	k, v, step, last := f.I32("k"), f.I32("v"), f.I32("step"), f.I32("last")
	const group = 8 // coefficients that are looked at together
	f.Loop(func(next asm.Label) {
		block.Set(scan.Load(layout.ScanBlocks))
		f.Loop(func(more asm.Label) {
			for offset := uint32(0); offset < 256; offset += 16 {
				scratch.V128Store(offset, f.I32x4All(0))
			}
			from.Set(block.Load(layout.BlockFrom))
			quant.Set(block.Load(layout.BlockQuant))
			k.Set(f.I32Const(0))
			last.Set(f.I32Const(0))
			f.Loop(func(groups asm.Label) {
				f.If(from.V128Load(0).AnyTrue(), func() {
					for i := range int32(group) {
						v.Set(from.Load16U(uint32(2 * i)).ShlI(16).ShrSI(16))
						f.If(v, func() {
							step.Set(quant.Load(uint32(4 * i)))
							step.AndI(1<<layout.QuantShift-1).Store(layout.Scratch, v.Mul(step.ShrUI(layout.QuantShift)))
							last.Set(k.AddI(i))
						})
					}
				})
				from.Set(from.AddI(2 * group))
				quant.Set(quant.AddI(4 * group))
				k.Set(k.AddI(group))
				f.BrIf(groups, k.LtUI(64))
			})
			to.Set(block.Load(layout.BlockTo))
			f.Call(transform, to, block.Load(layout.BlockStride), last)
			block.Store(layout.BlockTo, to.Add(block.Load(layout.BlockStep)))
			block.Store(layout.BlockFrom, block.Load(layout.BlockFrom).Add(block.Load(layout.BlockNext)))
			block.Set(block.AddI(layout.BlockBytes))
			f.BrIf(more, block.LtU(scan.Load(layout.ScanLast)))
		})
		mcus.Set(mcus.AddI(-1))
		f.BrIf(next, mcus.GtSI(0))
	})
}

// blank declares blank(at, n): set n bytes to 0.
func blank(m *asm.Module) {
	f := m.Func("blank")
	f.Export("blank")
	at, n := f.ParamI32("at"), f.ParamI32("n")
	at.MemoryFill(f.I32Const(0), n)
}
