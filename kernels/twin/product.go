package twin

import "glance/kernels"

// A product is the part that Pointwise, Dense and Conv3x3 share:
//
//	y[i, n] = bias[n] + sum over k of x[i, k] * w[n, k]
//
// with x [m][k] contiguous, w in panels, and rows of y ldy apart. Callers pass at
// most blockRows rows at a time.

// blockRows keeps a block of results in the cache until its activation is
// applied, and a call of Sgemm on 64 columns on the calling goroutine: gonum
// starts goroutines of its own from four blocks of 64 x 64 results.
const blockRows = 3 * 64

// productPanels is the product, panel by panel in plain Go.
func productPanels(x, panels, y []float32, m, k, n, ldy int) {
	const width = kernels.Panel
	for p := 0; p < n; p += width {
		panel := panels[p*(1+k):][:width*(1+k)]
		live := min(width, n-p)
		for i := range m {
			sums := dotPanel(x[i*k:][:k], panel)
			copy(y[i*ldy+p:][:live], sums[:])
		}
	}
}

// dotPanel returns one panel's eight biases plus its products with x. The
// conversions keep a compiler from fusing multiplication and addition; adding
// zero turns a bias of -0 into +0, from where no order of summing leads back, so
// that skipping zero activations changes nothing.
func dotPanel(x, panel []float32) [kernels.Panel]float32 {
	b := (*[kernels.Panel]float32)(panel)
	s0, s1, s2, s3 := b[0]+0, b[1]+0, b[2]+0, b[3]+0
	s4, s5, s6, s7 := b[4]+0, b[5]+0, b[6]+0, b[7]+0
	rest := panel[kernels.Panel:]
	for _, v := range x {
		if len(rest) < kernels.Panel {
			break // never: it tells the compiler the bounds
		}
		w := (*[kernels.Panel]float32)(rest)
		rest = rest[kernels.Panel:]
		s0 += float32(v * w[0])
		s1 += float32(v * w[1])
		s2 += float32(v * w[2])
		s3 += float32(v * w[3])
		s4 += float32(v * w[4])
		s5 += float32(v * w[5])
		s6 += float32(v * w[6])
		s7 += float32(v * w[7])
	}
	return [kernels.Panel]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}
