package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// packPanels runs a [kernels.PackPanels] record. Whole panels are transposed in
// registers, 8 rows by 8 float16 or by 4 float32 values; what is left of their
// rows, and a last panel with fewer outputs, goes value by value.
func (b *builder) packPanels() *asm.Func {
	f := b.Func("packpanels")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	src, bias, dst, k, n := let("src", 1), let("bias", 2), let("dst", 3), let("k", 4), let("n", 5)
	halfIn, halfOut := let("half_in", 6), let("half_out", 7)
	f.If(k.Eqz().Or(n.Eqz()).Or(halfIn.GtUI(1)).Or(halfOut.GtU(halfIn)), func() { f.Return(invalid(f)) })

	p := packer{f: f, halfIn: halfIn, halfOut: halfOut, bad: f.V128("bad"), h: f.V128("h"), t: f.V128("t")}
	for i := range p.v {
		p.v[i], p.u[i], p.row[i] = f.V128(fmt.Sprintf("v%d", i)), f.V128(fmt.Sprintf("u%d", i)), f.I32(fmt.Sprintf("row%d", i))
	}
	rowBytes := f.Let("row_bytes", k.ShlI(2).Select(halfIn.Eqz(), k.ShlI(1)))
	p.column = f.Let("column", f.I32Const(32).Select(halfOut.Eqz(), f.I32Const(16)))
	r, out, at, x, left := f.I32("r"), f.I32("out"), f.I32("at"), f.I32("x"), f.I32("left")
	whole := f.I32("whole") // inner indices done by transposing
	f.Loop(func(nextPanel asm.Label) {
		dst.V128Store(0, f.I32x4All(0))
		dst.V128Store(16, f.I32x4All(0))
		f.If(bias, func() {
			r.Set(f.I32Const(0))
			f.Loop(func(next asm.Label) {
				p.h.Set(bias.V128Load32Splat(0))
				p.checkFloats(p.h)
				dst.Add(r.ShlI(2)).V128Store32Lane(0, 0, p.h)
				bias.Set(bias.AddI(4))
				r.Set(r.AddI(1))
				f.BrIf(next, r.LtUI(kernels.Panel).And(r.LtU(n)))
			})
		})
		dst.Set(dst.AddI(32))
		p.row[0].Set(src)
		for i := 1; i < kernels.Panel; i++ {
			p.row[i].Set(p.row[i-1].Add(rowBytes))
		}
		whole.Set(f.I32Const(0))
		f.If(n.GeUI(kernels.Panel), func() {
			whole.Set(k.AndI(-4).Select(halfIn.Eqz(), k.AndI(-8)))
		})
		out.Set(dst)
		left.Set(whole)
		f.Block(func(done asm.Label) {
			f.BrIf(done, left.Eqz())
			f.IfElse(halfIn, func() {
				f.Loop(func(next asm.Label) {
					p.halves(out)
					p.advance(16)
					out.Set(out.Add(p.column.ShlI(3)))
					left.Set(left.AddI(-8))
					f.BrIf(next, left)
				})
			}, func() {
				f.Loop(func(next asm.Label) {
					p.floats(out)
					p.advance(16)
					out.Set(out.AddI(4 * 32))
					left.Set(left.AddI(-4))
					f.BrIf(next, left)
				})
			})
		})
		r.Set(f.I32Const(0))
		f.Loop(func(nextRow asm.Label) {
			at.Set(dst.Add(whole.Mul(p.column)).Add(r.ShlI(2).Select(halfOut.Eqz(), r.ShlI(1))))
			x.Set(src.Add(r.Mul(rowBytes)).Add(whole.ShlI(2).Select(halfIn.Eqz(), whole.ShlI(1))))
			left.Set(k.Sub(whole))
			f.Block(func(done asm.Label) {
				f.Loop(func(next asm.Label) {
					f.BrIf(done, left.Eqz())
					p.value(x, at, r.LtU(n))
					at.Set(at.Add(p.column))
					left.Set(left.AddI(-1))
					f.Br(next)
				})
			})
			r.Set(r.AddI(1))
			f.BrIf(nextRow, r.LtUI(kernels.Panel))
		})
		src.Set(src.Add(rowBytes.ShlI(3)))
		dst.Set(dst.Add(k.Mul(p.column)))
		n.Set(n.AddI(-kernels.Panel))
		f.BrIf(nextPanel, n.GtSI(0))
	})
	f.Return(f.I32Const(int32(kernels.StatusNotFinite)).Select(p.bad.AnyTrue(), f.I32Const(int32(kernels.StatusOK))))
	return f
}

// packer holds the locals of packPanels that its parts share.
type packer struct {
	f               *asm.Func
	halfIn, halfOut asm.I32
	column          asm.I32  // bytes of one inner index of a panel
	bad             asm.V128 // not zero once a value was not finite
	h, t            asm.V128
	v, u            [kernels.Panel]asm.V128
	row             [kernels.Panel]asm.I32 // next values of the source's rows
}

func (p *packer) advance(bytes int32) {
	for _, r := range p.row {
		r.Set(r.AddI(bytes))
	}
}

func (p *packer) checkFloats(v asm.V128) {
	exponent := p.f.I32x4All(0x7f800000)
	p.bad.Set(p.bad.Or(v.And(exponent).I32x4Eq(exponent)))
}

func (p *packer) checkHalves(v asm.V128) {
	p.bad.Set(p.bad.Or(v.And(p.f.I32x4All(0x7fff7fff)).I16x8GeU(p.f.I32x4All(0x7c007c00))))
}

// halves packs eight inner indices from float16 rows.
func (p *packer) halves(out asm.I32) {
	low, high := [8]byte{0, 8, 1, 9, 2, 10, 3, 11}, [8]byte{4, 12, 5, 13, 6, 14, 7, 15}
	for i, v := range p.v {
		v.Set(p.row[i].V128Load(0))
		p.checkHalves(v)
	}
	// Three rounds of interleaving row i with row i+4 transpose the matrix.
	from, to := p.v, p.u
	for range 3 {
		for i := range 4 {
			to[2*i].Set(from[i].ShuffleI16x8(from[i+4], low))
			to[2*i+1].Set(from[i].ShuffleI16x8(from[i+4], high))
		}
		from, to = to, from
	}
	p.f.IfElse(p.halfOut, func() {
		for i, v := range from {
			out.V128Store(uint32(16*i), v)
		}
	}, func() {
		for i, v := range from {
			p.h.Set(v.I32x4ExtendLowS())
			out.V128Store(uint32(32*i), floatsOfHalves(p.f, p.h, p.t))
			p.h.Set(v.I32x4ExtendHighS())
			out.V128Store(uint32(32*i+16), floatsOfHalves(p.f, p.h, p.t))
		}
	})
}

// floats packs four inner indices from float32 rows.
func (p *packer) floats(out asm.I32) {
	for i, v := range p.v {
		v.Set(p.row[i].V128Load(0))
		p.checkFloats(v)
	}
	for half := range 2 {
		v, u := p.v[4*half:], p.u[4*half:]
		for i := range 2 {
			u[2*i].Set(v[i].ShuffleI32x4(v[i+2], 0, 4, 1, 5))
			u[2*i+1].Set(v[i].ShuffleI32x4(v[i+2], 2, 6, 3, 7))
		}
		for i := range 2 {
			v[2*i].Set(u[i].ShuffleI32x4(u[i+2], 0, 4, 1, 5))
			v[2*i+1].Set(u[i].ShuffleI32x4(u[i+2], 2, 6, 3, 7))
		}
		for i := range 4 {
			out.V128Store(uint32(32*i+16*half), v[i])
		}
	}
}

// value packs one value, or a zero where the output does not exist.
func (p *packer) value(x, at, exists asm.I32) {
	f := p.f
	f.IfElse(p.halfIn, func() {
		p.h.Set(f.I32x4All(0))
		f.If(exists, func() {
			p.h.Set(x.Load16U(0).I16x8Splat())
			p.checkHalves(p.h)
		})
		f.IfElse(p.halfOut, func() { at.V128Store16Lane(0, 0, p.h) }, func() {
			p.h.Set(p.h.I32x4ExtendLowS())
			at.V128Store32Lane(0, 0, floatsOfHalves(f, p.h, p.t))
		})
		x.Set(x.AddI(2))
	}, func() {
		p.h.Set(f.I32x4All(0))
		f.If(exists, func() {
			p.h.Set(x.V128Load32Splat(0))
			p.checkFloats(p.h)
		})
		at.V128Store32Lane(0, 0, p.h)
		x.Set(x.AddI(4))
	})
}
