package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// Conv3x3Config is how [kernels.Conv3x3] is computed.
type Conv3x3Config struct {
	Columns int // output columns of the register tile, at most
	Ahead   int // inputs that are in registers at the same time
}

const (
	convChannels = 3
	convTaps     = 27
	convStride   = 2
)

func (c Conv3x3Config) name(columns int, t Target) string {
	return fmt.Sprintf("f32_conv_hwc_3x3s2c3_ukernel_%dx%d__%s_loadsplat", columns, kernels.Panel, t.isa())
}

// convTile is the micro-kernel of a tile of output columns of one row, for all
// outputs, a panel at a time. A row of the window is nine floats that lie side
// by side, and the windows of neighbouring columns lie six floats apart, so that
// the input is read in place, by constant offsets from one address a row.
func (b *builder) convTile(c Conv3x3Config, columns int) *asm.Func {
	storePartial := b.storePartial()
	f := b.Func(c.name(columns, b.target))
	x := f.ParamI32("x")                                   // first window's first row and column, maybe outside the input
	rowBytes := f.ParamI32("row_bytes")                    // of x
	from, to := f.ParamI32("from"), f.ParamI32("to")       // rows of the window inside the input
	left, right := f.ParamI32("left"), f.ParamI32("right") // columns outside it, of the first and the last window
	w, y, n, act := f.ParamI32("w"), f.ParamI32("y"), f.ParamI32("n"), f.ParamI32("act")
	pixel := f.Let("pixel", n.ShlI(2)) // bytes of an output pixel
	x0 := f.Let("x0", x.Add(from.Mul(rowBytes)))

	xi, wi, i, out := f.I32("xi"), f.I32("wi"), f.I32("i"), f.I32("out")
	acc := make([]asm.V128, 2*columns)
	for i := range acc {
		acc[i] = f.V128(fmt.Sprintf("acc%d%d", i/2, i%2))
	}
	w0, w1, s := f.V128("w0"), f.V128("w1"), make([]asm.V128, c.Ahead)
	for i := range s {
		s[i] = f.V128(fmt.Sprintf("s%d", i))
	}
	const panel = 4 * kernels.Panel
	f.Loop(func(nextPanel asm.Label) {
		for q := range columns {
			acc[2*q].Set(w.V128Load(0))
			acc[2*q+1].Set(w.V128Load(16))
		}
		wi.Set(w.Add(from.MulI(panel * convTaps / 3)))
		xi.Set(x0)
		i.Set(from)
		f.Block(func(done asm.Label) {
			f.Loop(func(nextRow asm.Label) {
				f.BrIf(done, i.GeS(to))
				for t := range convTaps / 3 {
					w0.Set(wi.V128Load(uint32(panel * (t + 1))))
					w1.Set(wi.V128Load(uint32(panel*(t+1) + 16)))
					// An input outside the row is read, and not used.
					splat := func(q int) {
						s[q%c.Ahead].Set(xi.V128Load32Splat(uint32(4 * (convStride*convChannels*q + t))))
					}
					for q := range min(c.Ahead-1, columns) {
						splat(q)
					}
					for q := range columns {
						if q+c.Ahead-1 < columns {
							splat(q + c.Ahead - 1)
						}
						use := func() {
							acc[2*q].Set(b.madd(acc[2*q], s[q%c.Ahead], w0))
							acc[2*q+1].Set(b.madd(acc[2*q+1], s[q%c.Ahead], w1))
						}
						column := t / convChannels
						if q == columns-1 && column > 0 {
							inner := use
							use = func() { f.If(right.LtUI(int32(3-column)), inner) }
						}
						if q == 0 && column == 0 {
							inner := use
							use = func() { f.If(left.Eqz(), inner) }
						}
						use()
					}
				}
				xi.Set(xi.Add(rowBytes))
				wi.Set(wi.AddI(panel * convTaps / 3))
				i.Set(i.AddI(1))
				f.Br(nextRow)
			})
		})
		b.activate(f, act, acc)
		out.Set(y)
		f.If(n.LtSI(kernels.Panel), func() {
			for q := range columns {
				f.Call(storePartial, out, n, acc[2*q], acc[2*q+1])
				out.Set(out.Add(pixel))
			}
			f.Return()
		})
		for q := range columns {
			out.V128Store(0, acc[2*q])
			out.V128Store(16, acc[2*q+1])
			if q < columns-1 {
				out.Set(out.Add(pixel))
			}
		}
		w.Set(w.AddI(panel * (1 + convTaps)))
		y.Set(y.AddI(panel))
		n.Set(n.AddI(-kernels.Panel))
		f.BrIf(nextPanel, n)
	})
	return f
}

// conv3x3 runs a [kernels.Conv3x3] record.
func (b *builder) conv3x3(c Conv3x3Config) *asm.Func {
	tiles := make([]*asm.Func, c.Columns)
	for i := range tiles {
		tiles[i] = b.convTile(c, i+1)
	}
	f := b.Func("f32_conv3x3")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, weights, y := let("x", 1), let("w", 2), let("y", 3)
	h, w, outW, n := let("h", 4), let("w", 5), let("out_w", 6), let("n", 7)
	row0, rows, padTop, padLeft, act := let("row0", 8), let("rows", 9), let("pad_top", 10), let("pad_left", 11), let("act", 12)
	bad := h.Eqz().Or(w.Eqz()).Or(outW.Eqz()).Or(n.Eqz()).Or(rows.Eqz())
	bad = bad.Or(padTop.GtUI(1)).Or(padLeft.GtUI(1)).Or(act.GtUI(int32(kernels.HardSigmoid)))
	bad = bad.Or(outW.AddI(-1).ShlI(1).Sub(padLeft).GeS(w))
	f.If(bad, func() { f.Return(invalid(f)) })

	const pixel = 4 * convChannels
	rowBytes := f.Let("row_bytes", w.MulI(pixel))
	tileCount := f.Let("tile_count", outW.AddI(int32(c.Columns-1)).DivUI(int32(c.Columns)))
	width := f.Let("width", outW.DivU(tileCount))
	extra := f.Let("extra", outW.Sub(width.Mul(tileCount)))
	top, from, to := f.I32("top"), f.I32("from"), f.I32("to")
	q, index, columns, first, right := f.I32("q"), f.I32("index"), f.I32("columns"), f.I32("first"), f.I32("right")
	f.Loop(func(nextRow asm.Label) {
		top.Set(row0.ShlI(1).Sub(padTop))
		from.Set(top.LtSI(0))
		to.Set(h.Sub(top))
		to.Set(to.Select(to.LtSI(3), f.I32Const(3)))
		q.Set(f.I32Const(0))
		index.Set(f.I32Const(0))
		f.Loop(func(nextTile asm.Label) {
			columns.Set(width.Add(index.LtU(extra)))
			first.Set(q.ShlI(1).Sub(padLeft))
			right.Set(first.Add(columns.AddI(-1).ShlI(1)).AddI(3).Sub(w))
			right.Set(right.Select(right.GtSI(0), f.I32Const(0)))
			args := []asm.Value{x.Add(top.Mul(rowBytes)).Add(first.MulI(pixel)), rowBytes, from, to, first.LtSI(0), right,
				weights, y, n, act}
			cases := make([]func(), c.Columns)
			for i, tile := range tiles {
				cases[i] = func() { f.Call(tile, args...) }
			}
			f.Switch(columns.AddI(-1), f.Unreachable, cases...)
			y.Set(y.Add(columns.Mul(n).ShlI(2)))
			q.Set(q.Add(columns))
			index.Set(index.AddI(1))
			f.BrIf(nextTile, index.LtU(tileCount))
		})
		row0.Set(row0.AddI(1))
		rows.Set(rows.AddI(-1))
		f.BrIf(nextRow, rows)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}
