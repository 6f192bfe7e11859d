package main

import "glance/kernels/asm"

// converter is a function that turns samples into RGBA, eight pixels at a time.
// The arithmetic is libjpeg's (jdcolor.c), JFIF's matrix in 16-bit fixed point:
//
//	r = clamp(y + (91881*cr + half) >> 16)
//	g = clamp(y + (-22554*cb - 46802*cr + half) >> 16)
//	b = clamp(y + (116130*cb + half) >> 16)
//
// with cb and cr centred on 0 and half = 1 << 15.
type converter struct {
	f      *asm.Func
	cb, cr [2]asm.V128 // left and right four pixels
	y      [2]asm.V128
	u, v   asm.V128
}

func newConverter(f *asm.Func) *converter {
	c := &converter{f: f, u: f.V128("u"), v: f.V128("v")}
	for i, side := range []string{"left", "right"} {
		c.y[i], c.cb[i], c.cr[i] = f.V128("y."+side), f.V128("cb."+side), f.V128("cr."+side)
	}
	return c
}

// store converts the samples in cb and cr, with luma from y, to eight pixels at to.
func (c *converter) store(y, to asm.I32) {
	f := c.f
	times := func(v asm.V128, n int32) asm.V128 { return v.I32x4Mul(f.I32x4All(uint32(n))) }
	half := f.I32x4All(1 << 15)
	channel := func(chroma func(side int) asm.V128) asm.V128 {
		var sides [2]asm.V128
		for i := range sides {
			sides[i] = c.y[i].I32x4Add(chroma(i).I32x4Add(half).I32x4ShrS(16))
		}
		return sides[0].I16x8NarrowS(sides[1])
	}
	c.u.Set(y.V128Load8x8U(0))
	c.y[0].Set(c.u.I32x4ExtendLowU())
	c.y[1].Set(c.u.I32x4ExtendHighU())
	for i := range 2 {
		c.cb[i].Set(c.cb[i].I32x4Sub(f.I32x4All(128)))
		c.cr[i].Set(c.cr[i].I32x4Sub(f.I32x4All(128)))
	}
	r := channel(func(i int) asm.V128 { return times(c.cr[i], 91881) })
	g := channel(func(i int) asm.V128 { return times(c.cb[i], -22554).I32x4Sub(times(c.cr[i], 46802)) })
	b := channel(func(i int) asm.V128 { return times(c.cb[i], 116130) })
	// u is r0..r7 g0..g7, v is b0..b7 and eight times 255.
	c.u.Set(r.I8x16NarrowU(g))
	c.v.Set(b.I8x16NarrowU(f.I32x4All(0x00ff00ff)))
	to.V128Store(0, c.u.Shuffle(c.v, [16]byte{0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27}))
	to.V128Store(16, c.u.Shuffle(c.v, [16]byte{4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31}))
}

// full declares full(y, cb, cr, to, width): a row of RGBA pixels with chroma at
// full resolution. Up to seven pixels more than width are written.
func full(m *asm.Module) {
	f := m.Func("full")
	f.Export("full")
	y, cb, cr := f.ParamI32("y"), f.ParamI32("cb"), f.ParamI32("cr")
	to, width := f.ParamI32("to"), f.ParamI32("width")
	c := newConverter(f)
	f.Loop(func(next asm.Label) {
		c.u.Set(cb.V128Load8x8U(0))
		c.cb[0].Set(c.u.I32x4ExtendLowU())
		c.cb[1].Set(c.u.I32x4ExtendHighU())
		c.u.Set(cr.V128Load8x8U(0))
		c.cr[0].Set(c.u.I32x4ExtendLowU())
		c.cr[1].Set(c.u.I32x4ExtendHighU())
		c.store(y, to)
		cb.Set(cb.AddI(8))
		cr.Set(cr.AddI(8))
		y.Set(y.AddI(8))
		to.Set(to.AddI(32))
		width.Set(width.AddI(-8))
		f.BrIf(next, width.GtSI(0))
	})
}

// halved declares halved(y, cb, cr, far, to, width, even, odd): as full, with
// chroma at half the width, upsampled by the triangle filter that libjpeg calls
// fancy (jdsample.c). far is the distance from a chroma row to the next one that
// the luma row leans on, a quarter, or 0; even and odd are what is added before
// the division by 16. The samples before the first and behind the last one of
// both rows must be there, as copies.
//
//	p[2j]   = (9*near[j] + 3*far[j] + 3*near[j-1] + far[j-1] + even) >> 4
//	p[2j+1] = (9*near[j] + 3*far[j] + 3*near[j+1] + far[j+1] + odd) >> 4
func halved(m *asm.Module) {
	f := m.Func("halved")
	f.Export("halved")
	y, cb, cr, far := f.ParamI32("y"), f.ParamI32("cb"), f.ParamI32("cr"), f.ParamI32("far")
	to, width := f.ParamI32("to"), f.ParamI32("width")
	even, odd := f.ParamI32("even"), f.ParamI32("odd")
	c := newConverter(f)
	near, other, own, side := f.V128("near"), f.V128("other"), f.V128("own"), f.V128("side")

	// pairs is near and far samples j..j+3 as eight 16-bit numbers; the vectors
	// start at j-1 and are 0 from byte 8 on.
	pairs := func(first byte) asm.V128 {
		var pick [16]byte
		for i := range byte(4) {
			copy(pick[4*i:], []byte{first + i, 8, 16 + first + i, 8})
		}
		return near.Shuffle(other, pick)
	}
	weigh := func(v asm.V128, n, o uint32) asm.V128 { return v.I32x4Dot(f.I32x4All(o<<16 | n)) }
	upsample := func(row asm.I32, out [2]asm.V128) {
		near.Set(row.AddI(-1).V128Load64Zero(0))
		other.Set(row.Add(far).AddI(-1).V128Load64Zero(0))
		own.Set(weigh(pairs(1), 9, 3))
		side.Set(own.I32x4Add(weigh(pairs(2), 3, 1)).I32x4Add(odd.I32x4Splat()).I32x4ShrU(4))
		own.Set(own.I32x4Add(weigh(pairs(0), 3, 1)).I32x4Add(even.I32x4Splat()).I32x4ShrU(4))
		out[0].Set(own.ShuffleI32x4(side, 0, 4, 1, 5))
		out[1].Set(own.ShuffleI32x4(side, 2, 6, 3, 7))
	}
	f.Loop(func(next asm.Label) {
		upsample(cb, c.cb)
		upsample(cr, c.cr)
		c.store(y, to)
		cb.Set(cb.AddI(4))
		cr.Set(cr.AddI(4))
		y.Set(y.AddI(8))
		to.Set(to.AddI(32))
		width.Set(width.AddI(-8))
		f.BrIf(next, width.GtSI(0))
	})
}

// gray declares gray(y, to, width): as full, without chroma.
func gray(m *asm.Module) {
	f := m.Func("gray")
	f.Export("gray")
	y, to, width := f.ParamI32("y"), f.ParamI32("to"), f.ParamI32("width")
	v := f.V128("v")
	const opaque = 16
	f.Loop(func(next asm.Label) {
		v.Set(y.V128Load64Zero(0))
		for quad := range byte(2) {
			var pick [16]byte
			for i := range byte(4) {
				p := 4*quad + i
				copy(pick[4*i:], []byte{p, p, p, opaque})
			}
			to.V128Store(uint32(16*quad), v.Shuffle(f.I32x4All(0xffffffff), pick))
		}
		y.Set(y.AddI(8))
		to.Set(to.AddI(32))
		width.Set(width.AddI(-8))
		f.BrIf(next, width.GtSI(0))
	})
}

// scatter declares scatter(from, to, n, step): n pixels one after another go to
// places step bytes apart.
func scatter(m *asm.Module) {
	f := m.Func("scatter")
	f.Export("scatter")
	from, to := f.ParamI32("from"), f.ParamI32("to")
	n, step := f.ParamI32("n"), f.ParamI32("step")
	f.Loop(func(next asm.Label) {
		to.Store(0, from.Load(0))
		from.Set(from.AddI(4))
		to.Set(to.Add(step))
		n.Set(n.AddI(-1))
		f.BrIf(next, n.GtSI(0))
	})
}
