package ukernel

import (
	"fmt"

	"glance/kernels"
	"glance/kernels/asm"
)

// DenseConfig is how [kernels.Dense] is computed.
type DenseConfig struct {
	Panels int // taken side by side
	Unroll int // inner steps a loop iteration
}

func (c DenseConfig) name(panels int, half bool, t Target) string {
	kind := "f32"
	if half {
		kind = "f32_f16w"
	}
	return fmt.Sprintf("%s_gemv_ukernel_1x%d__%s_u%d", kind, panels*kernels.Panel, t.isa(), c.Unroll)
}

// floatsOfHalves widens four float16 values, as sign-extended by the load, to
// float32. The exponent is rebased by an integer addition, which leaves
// subnormal values (m*2^-24) as 2^-15 + m*2^-25; adding their distance to 2^-14
// once more puts them right, and normal values have none. No float32 subnormal
// comes up, which would be slow on some CPUs.
func floatsOfHalves(f *asm.Func, h, t asm.V128) asm.V128 {
	const rebase = (127 - 15) << 23
	smallest := f.F32x4All(1. / (1 << 14))
	t.Set(h.I32x4Shl(13).And(f.I32x4All(0x0fffe000)).I32x4Add(f.I32x4All(rebase)))
	t.Set(t.F32x4Add(t.F32x4Sub(smallest).F32x4Pmin(f.F32x4All(0))))
	return t.Or(h.And(f.I32x4All(0x80000000)))
}

// denseTile is the micro-kernel of a number of panels: two sums each, bias
// first, products in the order of k.
func (b *builder) denseTile(c DenseConfig, panels int, half bool) *asm.Func {
	storePartial := b.storePartial()
	f := b.Func(c.name(panels, half, b.target))
	x, k := f.ParamI32("x"), f.ParamI32("k") // k in bytes of x
	w0 := f.ParamI32("w")
	panelBytes := f.ParamI32("panel_bytes")
	y, n, act := f.ParamI32("y"), f.ParamI32("n"), f.ParamI32("act")
	step := int32(32) // bytes of one k of a panel
	if half {
		step = 16
	}
	w := make([]asm.I32, panels)
	acc := make([]asm.V128, 2*panels)
	for p := range panels {
		w[p] = f.I32(fmt.Sprintf("w%d", p))
		acc[2*p], acc[2*p+1] = f.V128(fmt.Sprintf("acc%d0", p)), f.V128(fmt.Sprintf("acc%d1", p))
	}
	s, h, t := f.V128("s"), f.V128("h"), f.V128("t")
	end := f.I32("end")
	for p := range panels {
		if p == 0 {
			w[p].Set(w0)
		} else {
			w[p].Set(w[p-1].Add(panelBytes))
		}
		acc[2*p].Set(w[p].V128Load(0))
		acc[2*p+1].Set(w[p].V128Load(16))
	}
	loop := func(unroll int) {
		f.Loop(func(next asm.Label) {
			for u := range unroll {
				s.Set(x.V128Load32Splat(uint32(4 * u)))
				for p := range panels {
					for i := range 2 {
						offset := uint32(32 + int(step)*u + int(step)/2*i)
						if half {
							h.Set(w[p].V128Load16x4S(offset))
							acc[2*p+i].Set(b.madd(acc[2*p+i], s, floatsOfHalves(f, h, t)))
						} else {
							acc[2*p+i].Set(b.madd(acc[2*p+i], s, w[p].V128Load(offset)))
						}
					}
				}
			}
			for p := range panels {
				w[p].Set(w[p].AddI(step * int32(unroll)))
			}
			x.Set(x.AddI(int32(4 * unroll)))
			f.BrIf(next, x.LtU(end))
		})
	}
	end.Set(x.Add(k).AddI(int32(-4 * (c.Unroll - 1))))
	f.If(x.LtU(end), func() { loop(c.Unroll) })
	end.Set(end.AddI(int32(4 * (c.Unroll - 1))))
	f.If(x.LtU(end), func() { loop(1) })
	b.activate(f, act, acc)
	for p := range panels {
		if p < panels-1 {
			y.V128Store(uint32(32*p), acc[2*p])
			y.V128Store(uint32(32*p+16), acc[2*p+1])
			continue
		}
		last := n.AddI(int32(-kernels.Panel * p)) // outputs of the last panel
		f.IfElse(last.GeSI(kernels.Panel), func() {
			y.V128Store(uint32(32*p), acc[2*p])
			y.V128Store(uint32(32*p+16), acc[2*p+1])
		}, func() { f.Call(storePartial, y.AddI(int32(32*p)), last, acc[2*p], acc[2*p+1]) })
	}
	return f
}

// dense runs a [kernels.Dense] record.
func (b *builder) dense(c DenseConfig) *asm.Func {
	base := len(b.table)
	for _, half := range []bool{false, true} {
		for p := range c.Panels {
			b.table = append(b.table, b.denseTile(c, p+1, half))
		}
	}
	f := b.Func("f32_dense")
	f.Result(asm.TypeI32)
	record := f.ParamI32("record")
	let := func(name string, i int) asm.I32 { return f.Let(name, field(record, i)) }
	x, w, y, k, n, half, act := let("x", 1), let("w", 2), let("y", 3), let("k", 4), let("n", 5), let("half", 6), let("act", 7)
	f.If(k.Eqz().Or(n.Eqz()).Or(half.GtUI(1)).Or(act.GtUI(int32(kernels.HardSigmoid))), func() { f.Return(invalid(f)) })
	panelBytes := f.Let("panel_bytes", k.Shl(f.I32Const(5).Sub(half)).AddI(32))
	panels := f.I32("panels")
	f.Loop(func(next asm.Label) {
		panels.Set(n.AddI(kernels.Panel - 1).ShrUI(3))
		panels.Set(panels.Select(panels.LtUI(int32(c.Panels)), f.I32Const(int32(c.Panels))))
		f.CallIndirect(b.table[base].Signature(), half.MulI(int32(c.Panels)).Add(panels).AddI(int32(base-1)),
			x, k.ShlI(2), w, panelBytes, y, n, act)
		w.Set(w.Add(panels.Mul(panelBytes)))
		y.Set(y.Add(panels.ShlI(5)))
		n.Set(n.Sub(panels.ShlI(3)))
		f.BrIf(next, n.GtSI(0))
	})
	f.Return(f.I32Const(int32(kernels.StatusOK)))
	return f
}
