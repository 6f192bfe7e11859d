package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// DepthwiseConfig is how [kernels.Depthwise] is computed.
type DepthwiseConfig struct {
	Columns int  // output columns of the register tile, at most
	Unroll  bool // rows of the window unrolled rather than looped over
}

// A table of the input rows of each output row lies in the scratch memory of
// the thread, one entry an output row:
//
//	word 0      first row of the window inside the input
//	word 1      one past the last
//	words 2..6  addresses of the window's rows, column 0
const (
	rowEntry  = 32
	tableRows = scratchBytes / rowEntry
)

func (c DepthwiseConfig) name(kernel, stride, columns int, t Target) string {
	return fmt.Sprintf("f32_depthwise_ukernel_%dp%dx4s%d__%s", kernel*kernel, columns, stride, t.isa())
}

// depthwiseTile is the micro-kernel of one tile of output columns: for every row
// of the table and every four channels it keeps one sum for each column in a
// register, loads each input once and each weight once, and uses an input for
// all outputs whose windows it lies in.
func (b *builder) depthwiseTile(c DepthwiseConfig, kernel, stride, columns int) *asm.Func {
	storePartial := b.storePartial()
	f := b.Func(c.name(kernel, stride, columns, b.target))
	table, rows := f.ParamI32("table"), f.ParamI32("rows")
	xOffset := f.ParamI32("x_offset") // bytes from column 0 to the tile's first input column
	w0, y0 := f.ParamI32("w0"), f.ParamI32("y0")
	sums, first := f.ParamI32("sums"), f.ParamI32("first") // whether the tile is a row's first
	channels := f.ParamI32("channels")
	xPixel := f.ParamI32("x_pixel")                        // bytes from pixel to pixel of x
	rowStride := f.ParamI32("row_stride")                  // bytes from row to row of y
	left, right := f.ParamI32("left"), f.ParamI32("right") // input columns of the tile that are outside the input
	act := f.ParamI32("act")

	inputs := stride*(columns-1) + kernel
	pixel := f.Let("pixel", channels.ShlI(2)) // bytes of a pixel
	from, to := f.I32("from"), f.I32("to")
	row := make([]asm.I32, kernel)
	for i := range row {
		row[i] = f.I32(fmt.Sprintf("row%d", i))
	}
	x, w, y, wi := f.I32("x"), f.I32("w"), f.I32("y"), f.I32("wi")
	toNext := f.I32("to_next") // bytes to the weights of the next four channels
	at := f.I32("at")          // bytes of the channels done
	restC := f.I32("rest")     // channels left
	sum := f.I32("sum")
	acc, weights := make([]asm.V128, columns), make([]asm.V128, kernel)
	for i := range acc {
		acc[i] = f.V128(fmt.Sprintf("acc%d", i))
	}
	for j := range weights {
		weights[j] = f.V128(fmt.Sprintf("w%d", j))
	}
	v := f.V128("v")

	// windowRow adds the products of one row of the window. Columns that may lie
	// outside the input are skipped by branches that a CPU predicts.
	windowRow := func(x asm.I32, w asm.I32, offset int) {
		for j, wj := range weights {
			wj.Set(w.V128Load(uint32(offset + 32*j)))
		}
		for m := range inputs {
			use := func() {
				v.Set(x.V128Load(0))
				for t := range acc {
					if j := m - stride*t; j >= 0 && j < kernel {
						acc[t].Set(b.madd(acc[t], v, weights[j]))
					}
				}
			}
			if m >= inputs-(kernel-1) {
				inner := use
				use = func() { f.If(right.LtUI(int32(inputs-m)), inner) }
			}
			if m < kernel-1 {
				inner := use
				use = func() { f.If(left.LtUI(int32(m+1)), inner) }
			}
			use()
			if m < inputs-1 {
				x.Set(x.Add(xPixel))
			}
		}
	}

	const panel = 4 * kernels.Panel
	panelBytes := (1 + kernel*kernel) * panel
	f.Loop(func(nextRow asm.Label) {
		from.Set(table.Load(0))
		to.Set(table.Load(4))
		for i := range row {
			row[i].Set(table.Load(uint32(8 + 4*i)).Add(xOffset))
		}
		w.Set(w0)
		toNext.Set(f.I32Const(16))
		at.Set(f.I32Const(0))
		restC.Set(channels)
		y.Set(y0)
		f.Loop(func(nextChannels asm.Label) {
			acc[0].Set(w.V128Load(0))
			for _, a := range acc[1:] {
				a.Set(acc[0])
			}
			if c.Unroll {
				for i := range kernel {
					f.If(f.I32Const(int32(i)).Sub(from).LtU(to.Sub(from)), func() {
						x.Set(row[i].Add(at))
						windowRow(x, w, panel*(1+kernel*i))
					})
				}
			} else {
				i := f.I32("i")
				i.Set(from)
				wi.Set(w.Add(from.MulI(int32(panel * kernel))))
				f.Block(func(done asm.Label) {
					f.Loop(func(next asm.Label) {
						f.BrIf(done, i.GeS(to))
						x.Set(table.Add(i.ShlI(2)).Load(8).Add(xOffset).Add(at))
						windowRow(x, wi, panel)
						wi.Set(wi.AddI(int32(panel * kernel)))
						i.Set(i.AddI(1))
						f.Br(next)
					})
				})
			}
			b.activate(f, act, acc)
			f.IfElse(restC.GeSI(4), func() {
				x.Set(y)
				for t, a := range acc {
					x.V128Store(0, a)
					if t < len(acc)-1 {
						x.Set(x.Add(pixel))
					}
				}
			}, func() {
				x.Set(y)
				for _, a := range acc {
					f.Call(storePartial, x, restC, a, a)
					x.Set(x.Add(pixel))
				}
			})
			f.If(sums, func() {
				sum.Set(sums.Add(at))
				v.Set(f.F32x4All(0))
				f.If(first.Eqz(), func() { v.Set(sum.V128Load(0)) })
				for _, a := range acc {
					v.Set(v.F32x4Add(a))
				}
				f.IfElse(restC.GeSI(4), func() { sum.V128Store(0, v) },
					func() { f.Call(storePartial, sum, restC, v, v) })
			})
			y.Set(y.AddI(16))
			at.Set(at.AddI(16))
			w.Set(w.Add(toNext))
			toNext.Set(f.I32Const(int32(panelBytes)).Sub(toNext))
			restC.Set(restC.AddI(-4))
			f.BrIf(nextChannels, restC.GtSI(0))
		})
		y0.Set(y0.Add(rowStride))
		f.If(sums, func() { sums.Set(sums.Add(pixel)) })
		table.Set(table.AddI(rowEntry))
		rows.Set(rows.AddI(-1))
		f.BrIf(nextRow, rows)
	})
	return f
}

// depthwiseTable declares the function that fills the table for rows output
// rows from row0 on.
func (b *builder) depthwiseTable() *asm.Func {
	f := b.Func("depthwise_table")
	record, row0, rows, table := f.ParamI32("record"), f.ParamI32("row0"), f.ParamI32("rows"), f.ParamI32("table")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, ring, h := let("x", 1), let("ring", 5), let("h", 6)
	kernel, stride, padTop := let("kernel", 11), let("stride", 12), let("pad_top", 15)
	rowBytes := f.Let("row_bytes", field(record, 7).Mul(field(record, 10)).ShlI(2))
	top, from, to, i := f.I32("top"), f.I32("from"), f.I32("to"), f.I32("i")
	f.Loop(func(next asm.Label) {
		top.Set(row0.Mul(stride).Sub(padTop))
		from.Set(f.I32Const(0).Sub(top))
		from.Set(from.Select(from.GtSI(0), f.I32Const(0)))
		to.Set(h.Sub(top))
		to.Set(to.Select(to.LtS(kernel), kernel))
		to.Set(to.Select(to.GtS(from), from))
		table.Store(0, from)
		table.Store(4, to)
		i.Set(from)
		f.Block(func(done asm.Label) {
			f.Loop(func(nextRow asm.Label) {
				f.BrIf(done, i.GeS(to))
				table.Add(i.ShlI(2)).Store(8, x.Add(top.Add(i).RemU(ring).Mul(rowBytes)))
				i.Set(i.AddI(1))
				f.Br(nextRow)
			})
		})
		row0.Set(row0.AddI(1))
		table.Set(table.AddI(rowEntry))
		rows.Set(rows.AddI(-1))
		f.BrIf(next, rows)
	})
	return f
}

// depthwise runs a [kernels.Depthwise] record: rows in chunks of the table's
// size, and in each chunk one tile of columns after the other, top to bottom, so
// that a tile's input rows are read once and found in the first-level cache by
// the windows below.
func (b *builder) depthwise(c DepthwiseConfig) *asm.Func {
	fill := b.depthwiseTable()
	type shape struct{ kernel, stride int }
	shapes := []shape{{3, 1}, {3, 2}, {5, 1}, {5, 2}}
	var tiles []*asm.Func
	for _, s := range shapes {
		for columns := range c.Columns {
			tiles = append(tiles, b.depthwiseTile(c, s.kernel, s.stride, columns+1))
		}
	}
	base := len(b.table)
	b.table = append(b.table, tiles...)

	f := b.Func("f32_depthwise")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	weights, y0, sums := let("w", 2), let("y0", 3), let("sums", 4)
	ring, h, w, outW, channels := let("ring", 5), let("h", 6), let("w", 7), let("out_w", 8), let("channels", 9)
	xStride, kernel, stride := let("x_stride", 10), let("kernel", 11), let("stride", 12)
	row0, rows := let("row0", 13), let("rows", 14)
	padTop, padLeft, act := let("pad_top", 15), let("pad_left", 16), let("act", 17)
	bad := ring.Eqz().Or(h.Eqz()).Or(w.Eqz()).Or(outW.Eqz()).Or(channels.Eqz()).Or(rows.Eqz())
	bad = bad.Or(kernel.NeI(3).And(kernel.NeI(5))).Or(stride.AddI(-1).GtUI(1))
	bad = bad.Or(padTop.GeU(kernel)).Or(padLeft.GeU(kernel)).Or(act.GtUI(int32(kernels.HardSigmoid)))
	bad = bad.Or(xStride.LtU(channels)).Or(outW.AddI(-1).Mul(stride).Sub(padLeft).GeS(w))
	f.If(bad, func() { f.Return(invalid(f)) })

	table := f.Let("table", f.Get(b.scratch))
	// Tiles of this kernel and stride follow one another in the function table.
	tile0 := f.Let("tile0", kernel.AddI(-3).Add(stride).AddI(-1).MulI(int32(c.Columns)).AddI(int32(base-1)))
	tileCount := f.Let("tile_count", outW.AddI(int32(c.Columns-1)).DivUI(int32(c.Columns)))
	width := f.Let("width", outW.DivU(tileCount))
	extra := f.Let("extra", outW.Sub(width.Mul(tileCount)))
	pixel, xPixel := f.Let("pixel", channels.ShlI(2)), f.Let("x_pixel", xStride.ShlI(2))
	rowStride := f.Let("row_stride", outW.Mul(pixel))
	chunk, q, columns, x, y := f.I32("chunk"), f.I32("q"), f.I32("columns"), f.I32("x"), f.I32("y")
	left, right, index := f.I32("left"), f.I32("right"), f.I32("index")
	f.Loop(func(nextChunk asm.Label) {
		chunk.Set(rows.Select(rows.LtUI(tableRows), f.I32Const(tableRows)))
		f.Call(fill, record, row0, chunk, table)
		q.Set(f.I32Const(0))
		index.Set(f.I32Const(0))
		y.Set(y0)
		f.Loop(func(nextTile asm.Label) {
			columns.Set(width.Add(index.LtU(extra)))
			x.Set(q.Mul(stride).Sub(padLeft)) // first input column
			left.Set(f.I32Const(0).Sub(x))
			left.Set(left.Select(left.GtSI(0), f.I32Const(0)))
			right.Set(x.Add(columns.AddI(-1).Mul(stride)).Add(kernel).Sub(w))
			right.Set(right.Select(right.GtSI(0), f.I32Const(0)))
			f.CallIndirect(tiles[0].Signature(), tile0.Add(columns), table, chunk, x.Mul(xPixel), weights, y, sums,
				q.Eqz(), channels, xPixel, rowStride, left, right, act)
			y.Set(y.Add(columns.Mul(pixel)))
			q.Set(q.Add(columns))
			index.Set(index.AddI(1))
			f.BrIf(nextTile, index.LtU(tileCount))
		})
		y0.Set(y0.Add(chunk.Mul(rowStride)))
		f.If(sums, func() { sums.Set(sums.Add(chunk.Mul(pixel))) })
		row0.Set(row0.Add(chunk))
		rows.Set(rows.Sub(chunk))
		f.BrIf(nextChunk, rows)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}
