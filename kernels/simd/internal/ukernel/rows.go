package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// sumRows runs a [kernels.SumRows] record: 16 columns at a time from the first
// row to the last, then 4 at a time.
func (b *builder) sumRows() *asm.Func {
	storePartial := b.storePartial()
	f := b.Func("f32_sumrows")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, y, m, n, stride := let("x", 1), let("y", 2), let("m", 3), let("n", 4), let("stride", 5)
	f.If(m.Eqz().Or(n.Eqz()).Or(stride.LtU(n)), func() { f.Return(invalid(f)) })
	scale := f.LetV128("scale", record.V128Load32Splat(4*6))
	stride.Set(stride.ShlI(2))
	at, left := f.I32("at"), f.I32("left")
	acc := make([]asm.V128, 4)
	for i := range acc {
		acc[i] = f.V128(fmt.Sprintf("acc%d", i))
	}
	columns := func(vectors int) {
		for i := range vectors {
			acc[i].Set(x.V128Load(uint32(16 * i)))
		}
		at.Set(x)
		left.Set(m.AddI(-1))
		f.Block(func(done asm.Label) {
			f.Loop(func(next asm.Label) {
				f.BrIf(done, left.Eqz())
				at.Set(at.Add(stride))
				for i := range vectors {
					acc[i].Set(acc[i].F32x4Add(at.V128Load(uint32(16 * i))))
				}
				left.Set(left.AddI(-1))
				f.Br(next)
			})
		})
		for i := range vectors {
			acc[i].Set(acc[i].F32x4Mul(scale))
		}
	}
	for _, vectors := range []int{4, 1} {
		f.Block(func(done asm.Label) {
			f.Loop(func(next asm.Label) {
				f.BrIf(done, n.LtSI(int32(4*vectors)))
				columns(vectors)
				for i := range vectors {
					y.V128Store(uint32(16*i), acc[i])
				}
				x.Set(x.AddI(int32(16 * vectors)))
				y.Set(y.AddI(int32(16 * vectors)))
				n.Set(n.AddI(int32(-4 * vectors)))
				f.Br(next)
			})
		})
	}
	f.If(n, func() {
		columns(1)
		f.Call(storePartial, y, n, acc[0], acc[0])
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}

// scaleRows runs a [kernels.ScaleRows] record.
func (b *builder) scaleRows() *asm.Func {
	storePartial := b.storePartial()
	f := b.Func("f32_scalerows")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, s, y, m, c := let("x", 1), let("s", 2), let("y", 3), let("m", 4), let("c", 5)
	f.If(m.Eqz().Or(c.Eqz()), func() { f.Return(invalid(f)) })
	at, left := f.I32("at"), f.I32("left")
	product := func(i int) asm.V128 { return x.V128Load(uint32(16 * i)).F32x4Mul(at.V128Load(uint32(16 * i))) }
	f.Loop(func(nextRow asm.Label) {
		at.Set(s)
		left.Set(c)
		for _, vectors := range []int{4, 1} {
			f.Block(func(done asm.Label) {
				f.Loop(func(next asm.Label) {
					f.BrIf(done, left.LtSI(int32(4*vectors)))
					for i := range vectors {
						y.V128Store(uint32(16*i), product(i))
					}
					for _, p := range []asm.I32{x, y, at} {
						p.Set(p.AddI(int32(16 * vectors)))
					}
					left.Set(left.AddI(int32(-4 * vectors)))
					f.Br(next)
				})
			})
		}
		f.If(left, func() {
			f.Call(storePartial, y, left, product(0), product(0))
			x.Set(x.Add(left.ShlI(2)))
			y.Set(y.Add(left.ShlI(2)))
		})
		m.Set(m.AddI(-1))
		f.BrIf(nextRow, m)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}

// scalePanels runs a [kernels.ScalePanels] record.
func (b *builder) scalePanels() *asm.Func {
	f := b.Func("f32_scalepanels")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	src, s, dst, k, n := let("src", 1), let("s", 2), let("dst", 3), let("k", 4), let("n", 5)
	f.If(k.Eqz().Or(n.Eqz()), func() { f.Return(invalid(f)) })
	panels := f.Let("panels", n.AddI(kernels.Panel-1).DivUI(kernels.Panel))
	at, left, factor := f.I32("at"), f.I32("left"), f.V128("factor")
	f.Loop(func(nextPanel asm.Label) {
		dst.V128Store(0, src.V128Load(0))
		dst.V128Store(16, src.V128Load(16))
		at.Set(s)
		left.Set(k)
		f.Loop(func(next asm.Label) {
			src.Set(src.AddI(32))
			dst.Set(dst.AddI(32))
			factor.Set(at.V128Load32Splat(0))
			dst.V128Store(0, src.V128Load(0).F32x4Mul(factor))
			dst.V128Store(16, src.V128Load(16).F32x4Mul(factor))
			at.Set(at.AddI(4))
			left.Set(left.AddI(-1))
			f.BrIf(next, left)
		})
		src.Set(src.AddI(32))
		dst.Set(dst.AddI(32))
		panels.Set(panels.AddI(-1))
		f.BrIf(nextPanel, panels)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}
