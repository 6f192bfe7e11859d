package ukernel

import (
	"glance/kernels"
	"glance/kernels/asm"
)

// builder is a module under construction: what every kernel needs to know.
type builder struct {
	*asm.Module
	target    Target
	scratch   asm.Global  // address of the thread's scratch memory
	table     []*asm.Func // micro-kernels that are called by index
	storePart *asm.Func
}

// madd is acc + a*b: fused where the target has relaxed SIMD, else rounded twice.
func (b *builder) madd(acc, x, w asm.V128) asm.V128 {
	if b.target.Relaxed {
		return x.F32x4RelaxedMadd(w, acc)
	}
	return acc.F32x4Add(x.F32x4Mul(w))
}

// activate applies the activation act to the accumulators. Constants come
// second in pmin and pmax, so that NaN stays.
func (b *builder) activate(f *asm.Func, act asm.I32, acc []asm.V128) {
	is := func(a kernels.Activation) asm.I32 { return act.EqI(int32(a)) }
	zero, six := f.F32x4All(0), f.F32x4All(6)
	f.If(act, func() {
		f.IfElse(act.LeSI(int32(kernels.ReLU6)), func() {
			for _, y := range acc {
				y.Set(y.F32x4Pmax(zero))
			}
			f.If(is(kernels.ReLU6), func() {
				for _, y := range acc {
					y.Set(y.F32x4Pmin(six))
				}
			})
		}, func() {
			gate := func(y asm.V128) asm.V128 {
				sixth := f.F32x4All(1. / 6)
				if b.target.Relaxed { // one operation less
					return y.F32x4RelaxedMadd(sixth, f.F32x4All(0.5)).F32x4Pmax(zero).F32x4Pmin(f.F32x4All(1))
				}
				return y.F32x4Add(f.F32x4All(3)).F32x4Pmax(zero).F32x4Pmin(six).F32x4Mul(sixth)
			}
			f.IfElse(is(kernels.HardSwish), func() {
				for _, y := range acc {
					y.Set(y.F32x4Mul(gate(y)))
				}
			}, func() {
				for _, y := range acc {
					y.Set(gate(y))
				}
			})
		})
	})
}

// storePartial declares the function that stores the first n of eight floats.
func (b *builder) storePartial() *asm.Func {
	if b.storePart != nil {
		return b.storePart
	}
	f := b.Func("store_partial")
	y, n := f.ParamI32("y"), f.ParamI32("n")
	lo, hi := f.ParamV128("lo"), f.ParamV128("hi")
	f.If(n.AndI(4), func() {
		y.V128Store(0, lo)
		y.Set(y.AddI(16))
		lo.Set(hi)
	})
	f.If(n.AndI(2), func() {
		y.V128Store64Lane(0, 0, lo)
		y.Set(y.AddI(8))
		lo.Set(lo.ShuffleI32x4(lo, 2, 3, 2, 3))
	})
	f.If(n.AndI(1), func() { y.V128Store32Lane(0, 0, lo) })
	b.storePart = f
	return f
}

// field is word i of a record, counted as in the operator's struct: 1 is the
// first field.
func field(record asm.I32, i int) asm.I32 { return record.Load(uint32(4 * i)) }
