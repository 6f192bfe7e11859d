package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// PointwiseConfig is how [kernels.Pointwise] is computed.
type PointwiseConfig struct {
	Rows   int // of the register tile; its width is a panel
	Unroll int // inner steps a loop iteration
	Ahead  int // inputs that are in registers at the same time
	Block  int // bytes of weights that all rows pass before the next are taken

	Touch bool // in every iteration a word of the weights that come next; see [toucher]
}

// pointwiseArgs are the parameters of a pointwise micro-kernel.
type pointwiseArgs struct {
	x, w, y, residual asm.I32
	k                 asm.I32 // bytes of a row of x
	n                 asm.I32 // outputs: panels are taken until none is left
	stride            asm.I32 // bytes between rows of y
	act               asm.I32
	touch             asm.I32 // what to touch
}

func (c PointwiseConfig) name(rows int, t Target) string {
	return fmt.Sprintf("f32_pointwise_ukernel_%dx%d__%s_loadsplat_u%d", rows, kernels.Panel, t.isa(), c.Unroll)
}

// pointwiseTile is the micro-kernel of rows x 8 outputs: for one panel after the
// other it starts from the bias, adds the products of k = 0, 1, ..., activates,
// adds the residual and stores.
func (b *builder) pointwiseTile(c PointwiseConfig, rows int) *asm.Func {
	storePartial := b.storePartial()
	f := b.Func(c.name(rows, b.target))
	p := pointwiseArgs{f.ParamI32("x"), f.ParamI32("w"), f.ParamI32("y"), f.ParamI32("residual"),
		f.ParamI32("k"), f.ParamI32("n"), f.ParamI32("stride"), f.ParamI32("act"), f.ParamI32("touch")}

	x := make([]asm.I32, rows)
	for r := range x {
		x[r] = f.I32(fmt.Sprintf("x%d", r))
	}
	end := f.I32("end")
	out, res := f.I32("out"), f.I32("res")
	acc := make([]asm.V128, 2*rows)
	for i := range acc {
		acc[i] = f.V128(fmt.Sprintf("acc%d%d", i/2, i%2))
	}
	w0, w1 := f.V128("w0"), f.V128("w1")
	s := make([]asm.V128, c.Ahead)
	for i := range s {
		s[i] = f.V128(fmt.Sprintf("s%d", i))
	}

	step := func(k int) {
		splat := func(r int) { s[r%c.Ahead].Set(x[r].V128Load32Splat(uint32(4 * k))) }
		w0.Set(p.w.V128Load(uint32(32 * k)))
		w1.Set(p.w.V128Load(uint32(32*k + 16)))
		for r := range min(c.Ahead-1, rows) {
			splat(r)
		}
		for r := range rows {
			if r+c.Ahead-1 < rows {
				splat(r + c.Ahead - 1)
			}
			acc[2*r].Set(b.madd(acc[2*r], s[r%c.Ahead], w0))
			acc[2*r+1].Set(b.madd(acc[2*r+1], s[r%c.Ahead], w1))
		}
	}
	advance := func(k int) {
		for r := range rows {
			x[r].Set(x[r].AddI(int32(4 * k)))
		}
		p.w.Set(p.w.AddI(int32(32 * k)))
	}

	f.Loop(func(panel asm.Label) {
		x[0].Set(p.x)
		for r := 1; r < rows; r++ {
			x[r].Set(x[r-1].Add(p.k))
		}
		for r := range rows {
			acc[2*r].Set(p.w.V128Load(0))
			acc[2*r+1].Set(p.w.V128Load(16))
		}
		p.w.Set(p.w.AddI(32))
		end.Set(p.x.Add(p.k).AddI(int32(-4 * (c.Unroll - 1))))
		if c.Unroll > 1 {
			f.If(x[0].LtU(end), func() {
				f.Loop(func(next asm.Label) {
					if c.Touch {
						touch(f, p.touch, 32*c.Unroll)
					}
					for k := range c.Unroll {
						step(k)
					}
					advance(c.Unroll)
					f.BrIf(next, x[0].LtU(end))
				})
			})
			end.Set(end.AddI(int32(4 * (c.Unroll - 1))))
			f.If(x[0].LtU(end), func() {
				f.Loop(func(next asm.Label) {
					step(0)
					advance(1)
					f.BrIf(next, x[0].LtU(end))
				})
			})
		} else {
			f.Loop(func(next asm.Label) {
				step(0)
				advance(1)
				f.BrIf(next, x[0].LtU(end))
			})
		}

		b.activate(f, p.act, acc)
		f.If(p.residual, func() {
			res.Set(p.residual)
			for r := range rows {
				acc[2*r].Set(acc[2*r].F32x4Add(res.V128Load(0)))
				acc[2*r+1].Set(acc[2*r+1].F32x4Add(res.V128Load(16)))
				res.Set(res.Add(p.stride))
			}
			p.residual.Set(p.residual.AddI(32))
		})
		out.Set(p.y)
		f.If(p.n.LtSI(8), func() {
			for r := range rows {
				f.Call(storePartial, out, p.n, acc[2*r], acc[2*r+1])
				out.Set(out.Add(p.stride))
			}
			f.Return()
		})
		for r := range rows {
			out.V128Store(0, acc[2*r])
			out.V128Store(16, acc[2*r+1])
			if r < rows-1 {
				out.Set(out.Add(p.stride))
			}
		}
		p.y.Set(p.y.AddI(32))
		p.n.Set(p.n.AddI(-8))
		f.BrIf(panel, p.n)
	})
	return f
}

// pointwise runs a [kernels.Pointwise] record. The panels are taken in blocks
// that stay in the first-level cache while all rows pass; rows are shared out
// evenly to tiles, because a tile of one or two rows leaves the multipliers
// waiting for each other.
func (b *builder) pointwise(c PointwiseConfig) *asm.Func {
	tiles := make([]*asm.Func, c.Rows)
	for i := range tiles {
		tiles[i] = b.pointwiseTile(c, i+1)
	}
	f := b.Func("f32_pointwise")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x0, w, y0, res0 := let("x0", 1), let("w", 2), let("y0", 3), let("residual0", 4)
	m, k, n, stride, act := let("m", 5), let("k", 6), let("n", 7), let("stride", 8), let("act", 9)
	f.If(m.Eqz().Or(k.Eqz()).Or(n.Eqz()).Or(act.GtUI(int32(kernels.HardSigmoid))), func() { f.Return(invalid(f)) })

	x, y, res := f.I32("x"), f.I32("y"), f.I32("residual")
	panelBytes := f.Let("panel_bytes", k.AddI(1).ShlI(5))
	block := f.Let("block", f.I32Const(int32(c.Block)).DivU(panelBytes))
	block.Set(block.Select(block, f.I32Const(1)).ShlI(3))
	tileCount := f.Let("tile_count", m.AddI(int32(c.Rows-1)).DivUI(int32(c.Rows)))
	base := f.Let("base", m.DivU(tileCount))
	extra := f.Let("extra", m.Sub(base.Mul(tileCount)))
	left, rows, width := f.I32("left"), f.I32("rows"), f.I32("width")
	bytes, next := f.I32("bytes"), newToucher(f)
	k.Set(k.ShlI(2))
	stride.Set(stride.ShlI(2))

	f.Loop(func(nextBlock asm.Label) {
		width.Set(n.Select(n.LtU(block), block))
		x.Set(x0)
		y.Set(y0)
		res.Set(res0)
		left.Set(tileCount)
		bytes.Set(width.AddI(kernels.Panel - 1).DivUI(kernels.Panel).Mul(panelBytes))
		next.start(w.Add(bytes), bytes)
		f.Loop(func(nextTile asm.Label) {
			// The first tiles take one row more where the rows do not divide evenly.
			rows.Set(base.Add(tileCount.Sub(left).LtU(extra)))
			cases := make([]func(), c.Rows)
			for i, tile := range tiles {
				cases[i] = func() { f.Call(tile, x, w, y, res, k, width, stride, act, next.at) }
			}
			f.Switch(rows.AddI(-1), f.Unreachable, cases...)
			next.advance()
			x.Set(x.Add(rows.Mul(k)))
			y.Set(y.Add(rows.Mul(stride)))
			f.If(res0, func() { res.Set(res.Add(rows.Mul(stride))) })
			left.Set(left.AddI(-1))
			f.BrIf(nextTile, left)
		})
		w.Set(w.Add(bytes))
		y0.Set(y0.Add(width.ShlI(2)))
		f.If(res0, func() { res0.Set(res0.Add(width.ShlI(2))) })
		n.Set(n.Sub(width))
		f.BrIf(nextBlock, n)
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}
