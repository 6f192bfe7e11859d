package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// Pillow's fixed point has 22 fractional bits; half of the last one rounds.
const (
	fractionBits = 22
	roundingHalf = 1 << (fractionBits - 1)
)

// pixelLanes is one RGBA pixel as four 32-bit lanes.
func pixelLanes(x asm.I32, offset uint32) asm.V128 {
	return x.V128Load32Zero(offset).I16x8ExtendLowU().I32x4ExtendLowU()
}

// resampleRowsTile is the micro-kernel of a number of rows, which share the
// coefficients of a column.
func (b *builder) resampleRowsTile(rows int) *asm.Func {
	f := b.Func(fmt.Sprintf("u8_resamplerows_ukernel_%dx1", rows))
	x, xStride := f.ParamI32("x"), f.ParamI32("x_stride")
	starts, coeffs := f.ParamI32("starts"), f.ParamI32("coeffs")
	y, outW, taps := f.ParamI32("y"), f.ParamI32("out_w"), f.ParamI32("taps")
	yStride := f.Let("y_stride", outW.ShlI(2))
	line, left, out := make([]asm.I32, rows), f.I32("left"), f.I32("out")
	acc, c := make([]asm.V128, rows), f.V128("c")
	for r := range rows {
		line[r], acc[r] = f.I32(fmt.Sprintf("line%d", r)), f.V128(fmt.Sprintf("acc%d", r))
	}
	f.Loop(func(nextColumn asm.Label) {
		for r := range rows {
			if r == 0 {
				line[r].Set(x.Add(starts.Load(0).ShlI(2)))
			} else {
				line[r].Set(line[r-1].Add(xStride))
			}
			acc[r].Set(f.I32x4All(roundingHalf))
		}
		left.Set(taps)
		f.Loop(func(nextTap asm.Label) {
			c.Set(coeffs.V128Load32Splat(0))
			for r := range rows {
				acc[r].Set(acc[r].I32x4Add(pixelLanes(line[r], 0).I32x4Mul(c)))
				line[r].Set(line[r].AddI(4))
			}
			coeffs.Set(coeffs.AddI(4))
			left.Set(left.AddI(-1))
			f.BrIf(nextTap, left)
		})
		out.Set(y)
		for _, a := range acc {
			a.Set(a.I32x4ShrS(fractionBits))
			a.Set(a.I16x8NarrowS(a))
			out.V128Store32Lane(0, 0, a.I8x16NarrowU(a))
			out.Set(out.Add(yStride))
		}
		starts.Set(starts.AddI(4))
		y.Set(y.AddI(4))
		outW.Set(outW.AddI(-1))
		f.BrIf(nextColumn, outW)
	})
	return f
}

// resampleRows runs a [kernels.ResampleRows] record.
func (b *builder) resampleRows(rows int) *asm.Func {
	f := b.Func("u8_resamplerows")
	many, one := b.resampleRowsTile(rows), b.resampleRowsTile(1)
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, starts, coeffs, y := let("x", 1), let("starts", 2), let("coeffs", 3), let("y", 4)
	xStride, outW, taps, left := let("x_stride", 5), let("out_w", 6), let("taps", 7), let("left", 8)
	f.If(outW.Eqz().Or(taps.Eqz()).Or(left.Eqz()), func() { f.Return(invalid(f)) })
	for _, tile := range []struct {
		rows int32
		f    *asm.Func
	}{{int32(rows), many}, {1, one}} {
		f.Block(func(done asm.Label) {
			f.Loop(func(next asm.Label) {
				f.BrIf(done, left.LtUI(tile.rows))
				f.Call(tile.f, x, xStride, starts, coeffs, y, outW, taps)
				x.Set(x.Add(xStride.MulI(tile.rows)))
				y.Set(y.Add(outW.MulI(4 * tile.rows)))
				left.Set(left.AddI(-tile.rows))
				f.Br(next)
			})
		})
	}
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}

// resampleCols runs a [kernels.ResampleCols] record, four pixels at a time.
func (b *builder) resampleCols() *asm.Func {
	f := b.Func("u8_f32_resamplecols")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, starts, coeffs, table := let("x", 1), let("starts", 2), let("coeffs", 3), let("table", 4)
	y, w, taps, rows := let("y", 5), let("w", 6), let("taps", 7), let("rows", 8)
	f.If(w.Eqz().Or(taps.Eqz()).Or(rows.Eqz()), func() { f.Return(invalid(f)) })
	lineBytes := f.Let("line_bytes", w.ShlI(2))
	first, at, c, left, columns, word := f.I32("first"), f.I32("at"), f.I32("c"), f.I32("left"), f.I32("columns"), f.I32("word")
	acc := make([]asm.V128, 4)
	for i := range acc {
		acc[i] = f.V128(fmt.Sprintf("acc%d", i))
	}
	v, wide, factor := f.V128("v"), f.V128("wide"), f.V128("factor")
	look := func(lane int) { // one pixel's three channels through the table
		word.Set(v.I32x4Extract(lane))
		for ch := range 3 {
			// A byte of the word, times the size of an entry.
			index := word.ShlI(2)
			if ch > 0 {
				index = word.ShrUI(int32(8*ch - 2))
			}
			y.StoreF32(uint32(4*ch), table.Add(index.AndI(255*4)).LoadF32(uint32(1024*ch)))
		}
		y.Set(y.AddI(12))
	}
	f.Loop(func(nextRow asm.Label) {
		first.Set(x.Add(starts.Load(0).Mul(lineBytes)))
		columns.Set(w)
		f.Loop(func(nextColumns asm.Label) {
			for _, a := range acc {
				a.Set(f.I32x4All(roundingHalf))
			}
			at.Set(first)
			c.Set(coeffs)
			left.Set(taps)
			f.Loop(func(nextTap asm.Label) {
				factor.Set(c.V128Load32Splat(0))
				for half := range 2 {
					wide.Set(at.V128Load8x8U(uint32(8 * half)))
					acc[2*half].Set(acc[2*half].I32x4Add(wide.I32x4ExtendLowU().I32x4Mul(factor)))
					acc[2*half+1].Set(acc[2*half+1].I32x4Add(wide.I32x4ExtendHighU().I32x4Mul(factor)))
				}
				at.Set(at.Add(lineBytes))
				c.Set(c.AddI(4))
				left.Set(left.AddI(-1))
				f.BrIf(nextTap, left)
			})
			for _, a := range acc {
				a.Set(a.I32x4ShrS(fractionBits))
			}
			v.Set(acc[0].I16x8NarrowS(acc[1]).I8x16NarrowU(acc[2].I16x8NarrowS(acc[3])))
			f.Block(func(done asm.Label) {
				for lane := range 4 {
					if lane > 0 {
						f.BrIf(done, columns.LeSI(int32(lane)))
					}
					look(lane)
				}
			})
			first.Set(first.AddI(16))
			columns.Set(columns.AddI(-4))
			f.BrIf(nextColumns, columns.GtSI(0))
		})
		starts.Set(starts.AddI(4))
		coeffs.Set(c)
		rows.Set(rows.AddI(-1))
		f.BrIf(nextRow, rows)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}

// bilinear runs a [kernels.Bilinear] record, a pixel at a time.
func (b *builder) bilinear() *asm.Func {
	f := b.Func("u8_f32_bilinear")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, columns0, lines, y := let("x", 1), let("columns0", 2), let("lines", 3), let("y", 4)
	xStride, outW, rows := let("x_stride", 5), let("out_w", 6), let("rows", 7)
	f.If(outW.Eqz().Or(rows.Eqz()), func() { f.Return(invalid(f)) })
	scale, shift := f.LetV128("scale", record.V128Load(4*8)), f.LetV128("shift", record.V128Load(4*11))
	above, below, columns, left := f.I32("above"), f.I32("below"), f.I32("columns"), f.I32("left")
	x0, x1 := f.I32("x0"), f.I32("x1")
	fx, fy, top, bottom := f.V128("fx"), f.V128("fy"), f.V128("top"), f.V128("bottom")
	pixel := func(line, column asm.I32) asm.V128 { return pixelLanes(line.Add(column), 0).F32x4ConvertS() }
	// mix is a + (b-a)*t, each operation rounded.
	mix := func(a, b, t asm.V128) asm.V128 { return a.F32x4Add(b.F32x4Sub(a).F32x4Mul(t)) }
	f.Loop(func(nextRow asm.Label) {
		above.Set(x.Add(lines.Load(0).Mul(xStride)))
		below.Set(x.Add(lines.Load(4).Mul(xStride)))
		fy.Set(lines.V128Load32Splat(8))
		columns.Set(columns0)
		left.Set(outW)
		f.Loop(func(nextColumn asm.Label) {
			x0.Set(columns.Load(0).ShlI(2))
			x1.Set(columns.Load(4).ShlI(2))
			fx.Set(columns.V128Load32Splat(8))
			top.Set(pixel(above, x0))
			top.Set(mix(top, pixel(above, x1), fx))
			bottom.Set(pixel(below, x0))
			bottom.Set(mix(bottom, pixel(below, x1), fx))
			top.Set(mix(top, bottom, fy).F32x4Mul(scale).F32x4Add(shift))
			y.V128Store64Lane(0, 0, top)
			y.V128Store32Lane(8, 2, top)
			y.Set(y.AddI(12))
			columns.Set(columns.AddI(12))
			left.Set(left.AddI(-1))
			f.BrIf(nextColumn, left)
		})
		lines.Set(lines.AddI(12))
		rows.Set(rows.AddI(-1))
		f.BrIf(nextRow, rows)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}
