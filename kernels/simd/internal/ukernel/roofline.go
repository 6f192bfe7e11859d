package ukernel

import (
	"fmt"

	"glance/kernels/asm"
)

// Roofline returns a small module whose functions bound what any kernel can
// reach on one thread. Each export NAME(n i32) does n rounds and has beside it a
// constant NAME_macs, the multiply-adds of a round:
//
//	peak    12 independent accumulators, no loads
//	gemmRx8 a register tile of R rows over weights that stay in the first-level cache
//
// Names end in _madd where relaxed is true.
func Roofline(relaxed bool) *asm.Module {
	features := asm.SIMD
	suffix := ""
	if relaxed {
		features |= asm.Relaxed
		suffix = "_madd"
	}
	b := &builder{Module: asm.NewModule(features), target: Target{Relaxed: relaxed}}
	b.DefineMemory(asm.Limits{Min: 1, Max: 1})
	b.rooflinePeak("peak" + suffix)
	for _, rows := range []int{4, 5, 6} {
		b.rooflineTile(fmt.Sprintf("gemm%dx8%s", rows, suffix), rows)
	}
	return b.Module
}

func (b *builder) rooflinePeak(name string) {
	const accumulators, unroll = 12, 4
	f := b.Func(name)
	f.Export(name)
	b.Constant(name+"_macs", accumulators*unroll*4)
	n := f.ParamI32("n")
	at := f.I32("at")
	x := f.LetV128("x", at.V128Load32Splat(0))
	acc := make([]asm.V128, accumulators)
	for i := range acc {
		acc[i] = f.LetV128(fmt.Sprintf("acc%d", i), f.F32x4All(float32(i+1)/16))
	}
	f.Loop(func(next asm.Label) {
		for i := range accumulators * unroll {
			// The product has the accumulator in it: no compiler can hoist it.
			y := acc[i%accumulators]
			y.Set(b.madd(x, y, x))
		}
		n.Set(n.AddI(-1))
		f.BrIf(next, n)
	})
	for i, y := range acc {
		at.V128Store(uint32(64+16*i), y)
	}
}

func (b *builder) rooflineTile(name string, rows int) {
	const inner = 256
	f := b.Func(name)
	f.Export(name)
	b.Constant(name+"_macs", int32(inner*rows*8))
	n := f.ParamI32("n")
	k, x, w, y := f.I32("k"), f.I32("x"), f.I32("w"), f.I32("y")
	w0, w1, s := f.V128("w0"), f.V128("w1"), f.V128("s")
	acc := make([]asm.V128, 2*rows)
	for i := range acc {
		acc[i] = f.V128(fmt.Sprintf("acc%d%d", i/2, i%2))
	}
	y.Set(f.I32Const(32768))
	f.Loop(func(tile asm.Label) {
		x.Set(f.I32Const(1024))
		w.Set(f.I32Const(16384))
		k.Set(f.I32Const(inner))
		for _, a := range acc {
			a.Set(w.V128Load(0))
		}
		f.Loop(func(next asm.Label) {
			w0.Set(w.V128Load(0))
			w1.Set(w.V128Load(16))
			for r := range rows {
				s.Set(x.V128Load32Splat(uint32(4 * r)))
				acc[2*r].Set(b.madd(acc[2*r], s, w0))
				acc[2*r+1].Set(b.madd(acc[2*r+1], s, w1))
			}
			x.Set(x.AddI(int32(4 * rows)))
			w.Set(w.AddI(32))
			k.Set(k.AddI(-1))
			f.BrIf(next, k)
		})
		for i, a := range acc {
			y.V128Store(uint32(16*i), a)
		}
		n.Set(n.AddI(-1))
		f.BrIf(tile, n)
	})
}
