package main

import (
	"math/big"

	"glance/kernels/asm"
	"glance/wasm/edge/jpeg/internal/layout"
)

// The inverse transform is Loeffler, Ligtenberg and Moschytz, "Practical Fast
// 1-D DCT Algorithms with 11 Multiplications", ICASSP 1989, run backwards, over
// rows and then columns, in 32-bit fixed point. Precisions and shifts are those
// of Go's image/jpeg (dct.go), so that samples are the same to the bit; here
// four rows, then four columns are transformed at the same time.

// fixed is the real number named, cos(pi*n/16) or sin(pi*n/16) times a root of
// 2 to the power root, rounded to so many fractional bits.
type angle struct {
	n    int // in units of pi/16
	sin  bool
	root int // 1: times sqrt(2), -1: divided by it, 0: neither
}

func (a angle) fixed(bits uint) int32 {
	const precision = 200
	x := cosine(a.n, a.sin, precision)
	if a.root != 0 {
		root := new(big.Float).SetPrec(precision).Sqrt(big.NewFloat(2).SetPrec(precision))
		if a.root > 0 {
			x.Mul(x, root)
		} else {
			x.Quo(x, root)
		}
	}
	x.SetMantExp(x, int(bits))
	x.Add(x, big.NewFloat(0.5))
	n, _ := x.Int64()
	return int32(n)
}

// cosine is cos(pi*n/16), or the sine, by its Taylor series.
func cosine(n int, sin bool, precision uint) *big.Float {
	pi, _, err := big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459", 10, precision, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	x := pi.Mul(pi, big.NewFloat(float64(n)/16))
	square := new(big.Float).SetPrec(precision).Mul(x, x)
	term, first := big.NewFloat(1).SetPrec(precision), 1
	if sin {
		term, first = new(big.Float).SetPrec(precision).Set(x), 2
	}
	sum := new(big.Float).SetPrec(precision).Set(term)
	for i := first; i < 60; i += 2 {
		term.Mul(term, square)
		term.Quo(term, big.NewFloat(float64(-i*(i+1))))
		sum.Add(sum, term)
	}
	return sum
}

// box rotates and scales (x0, x1) in place with three multiplications:
// x0' = x0*kcos + x1*ksin, x1' = -x0*ksin + x1*kcos.
func box(f *asm.Func, x0, x1, tmp asm.V128, kcos, ksin int32) {
	times := func(v asm.V128, n int32) asm.V128 { return v.I32x4Mul(f.I32x4All(uint32(n))) }
	tmp.Set(times(x0.I32x4Add(x1), kcos))
	x1.Set(times(x1, ksin-kcos))
	x0.Set(times(x0, kcos+ksin))
	// x1 holds what completes y0, x0 what completes y1: exchange them.
	x1.Set(tmp.I32x4Add(x1))
	tmp.Set(tmp.I32x4Sub(x0))
	x0.Set(x1)
	x1.Set(tmp)
}

// butterfly is x0, x1 = x0+x1, x0-x1.
func butterfly(x0, x1, tmp asm.V128) {
	tmp.Set(x0.I32x4Sub(x1))
	x0.Set(x0.I32x4Add(x1))
	x1.Set(tmp)
}

var (
	rootHalf = angle{0, false, -1} // 1/sqrt 2
	cos6     = angle{6, false, -1} // cos(6*pi/16)/sqrt 2
	sin6     = angle{6, true, -1}
	cos3     = angle{3, false, 0}
	sin3     = angle{3, true, 0}
	cos1     = angle{1, false, 0}
	sin1     = angle{1, true, 0}
)

// pass is one dimension of the inverse transform: x holds the coefficients in
// the order of frequency, the result names the same locals in the order of
// place. first says that it is the pass over rows.
func pass(f *asm.Func, x [8]asm.V128, tmp asm.V128, first bool) [8]asm.V128 {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
	shift := func(v asm.V128, n int32) { v.Set(v.I32x4ShrS(n)) }
	scale := func(v asm.V128, bits uint) { v.Set(v.I32x4Mul(f.I32x4All(uint32(rootHalf.fixed(bits))))) }

	even := uint(18) // fractional bits of the constants of the even half
	if first {
		x0.Set(x0.I32x4Shl(17))
		x1.Set(x1.I32x4Shl(17))
		butterfly(x0, x1, tmp)
	} else {
		even = 12
		x0.Set(x0.I32x4Add(f.I32x4All(1 << 19))) // a half, for the last shift to round
		butterfly(x0, x1, tmp)
		shift(x0, 2)
		shift(x1, 2)
		shift(x2, 13)
		shift(x3, 13)
	}
	box(f, x2, x3, tmp, cos6.fixed(even), -sin6.fixed(even))
	butterfly(x1, x2, tmp)
	butterfly(x0, x3, tmp)

	if first {
		x4.Set(x4.I32x4Shl(7))
		x7.Set(x7.I32x4Shl(7))
	} else {
		shift(x5, 13)
		shift(x6, 13)
	}
	butterfly(x7, x4, tmp)
	odd, cut := uint(8), int32(2)
	if !first {
		odd, cut = 14, 14
	}
	scale(x6, odd)
	scale(x5, odd)
	butterfly(x7, x5, tmp)
	butterfly(x4, x6, tmp)
	for _, v := range []asm.V128{x4, x7, x5, x6} {
		shift(v, cut)
	}
	box(f, x4, x7, tmp, cos3.fixed(12), -sin3.fixed(12))
	box(f, x5, x6, tmp, cos1.fixed(12), -sin1.fixed(12))

	butterfly(x0, x7, tmp)
	butterfly(x1, x6, tmp)
	butterfly(x2, x5, tmp)
	butterfly(x3, x4, tmp)
	return [8]asm.V128{x0, x1, x2, x3, x4, x5, x6, x7}
}

// inverse declares inverse(to, stride, last): the block in the scratch area,
// transposed, becomes 8 rows of 8 samples at to, level-shifted and clamped.
func inverse(m *asm.Module) *asm.Func {
	f := m.Func("inverse")
	to, stride, last := f.ParamI32("to"), f.ParamI32("stride"), f.ParamI32("last")
	scratch := f.I32Const(layout.Scratch)
	var x [8]asm.V128
	for i := range x {
		x[i] = f.V128("x" + string(rune('0'+i)))
	}
	tmp, low := f.V128("tmp"), f.V128("low")

	// samples is the two halves of a row, as bytes.
	samples := func(a, b asm.V128) asm.V128 {
		level := f.I32x4All(128)
		v := a.I32x4Add(level).I16x8NarrowS(b.I32x4Add(level))
		return v.I8x16NarrowU(v)
	}
	f.If(last.Eqz(), func() { // a block of one value
		tmp.Set(scratch.V128Load32Splat(0).I32x4Shl(17).I32x4Add(f.I32x4All(1 << 19)).I32x4ShrS(20))
		tmp.Set(samples(tmp, tmp))
		for range 8 {
			to.V128Store64Lane(0, 0, tmp)
			to.Set(to.Add(stride))
		}
		f.Return()
	})

	rows := func(half uint32) {
		for i := range x {
			x[i].Set(scratch.V128Load(uint32(i)*32 + half*16))
		}
		for i, v := range pass(f, x, tmp, true) {
			scratch.V128Store(uint32(i)*32+half*16, v)
		}
	}
	rows(0)
	f.If(last.GtSI(9), func() { rows(1) }) // the first coefficient of row 4 has number 10

	columns := func(half uint32) [8]asm.V128 {
		for part := range uint32(2) {
			a := x[4*part : 4*part+4]
			for i := range uint32(4) {
				a[i].Set(scratch.V128Load((4*half+i)*32 + part*16))
			}
			transpose(a, tmp, low)
		}
		y := pass(f, x, tmp, false)
		for _, v := range y {
			v.Set(v.I32x4ShrS(18))
		}
		return y
	}
	y := columns(0)
	left := make([]asm.V128, 4)
	for i := range left { // the left halves of the rows, as 16-bit numbers, two rows in one
		left[i] = f.LetV128("left"+string(rune('0'+i)), y[2*i].I16x8NarrowS(y[2*i+1]))
	}
	for i, right := range columns(1) {
		a := left[i/2].I32x4ExtendLowS()
		if i%2 == 1 {
			a = left[i/2].I32x4ExtendHighS()
		}
		to.V128Store64Lane(0, 0, samples(a, right))
		if i < 7 {
			to.Set(to.Add(stride))
		}
	}
	return f
}

// transpose exchanges rows and columns of a 4x4 block.
func transpose(a []asm.V128, t, u asm.V128) {
	t.Set(a[0].ShuffleI32x4(a[1], 0, 4, 1, 5))
	a[1].Set(a[0].ShuffleI32x4(a[1], 2, 6, 3, 7))
	u.Set(a[2].ShuffleI32x4(a[3], 0, 4, 1, 5))
	a[3].Set(a[2].ShuffleI32x4(a[3], 2, 6, 3, 7))
	a[0].Set(t.ShuffleI32x4(u, 0, 1, 4, 5))
	t.Set(t.ShuffleI32x4(u, 2, 3, 6, 7))
	a[2].Set(a[1].ShuffleI32x4(a[3], 0, 1, 4, 5))
	a[3].Set(a[1].ShuffleI32x4(a[3], 2, 3, 6, 7))
	a[1].Set(t)
}
