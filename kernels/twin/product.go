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
	for p := 0; p < n; p += kernels.Panel {
		panel := panels[p*(1+k):][:kernels.Panel*(1+k)]
		if p+kernels.Panel <= n {
			for i := range m {
				dotPanel((*eight)(y[i*ldy+p:]), x[i*k:][:k], panel)
			}
			continue
		}
		var sums eight
		for i := range m {
			dotPanel(&sums, x[i*k:][:k], panel)
			copy(y[i*ldy+p:][:n-p], sums[:])
		}
	}
}

// eight is one value for each output of a panel.
type eight = [kernels.Panel]float32

// dotPanel sets dst to one panel's biases plus its products with x. The
// conversions keep a compiler from fusing multiplication and addition; adding
// zero turns a bias of -0 into +0, from where no order of summing leads back, so
// that skipping zero activations changes nothing.
func dotPanel(dst *eight, x, panel []float32) {
	b := (*eight)(panel)
	s0, s1, s2, s3 := b[0]+0, b[1]+0, b[2]+0, b[3]+0
	s4, s5, s6, s7 := b[4]+0, b[5]+0, b[6]+0, b[7]+0
	rest := panel[kernels.Panel:]
	for _, v := range x {
		if len(rest) < kernels.Panel {
			break // never: it tells the compiler the bounds
		}
		w := (*eight)(rest)
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
	dst[0], dst[1], dst[2], dst[3] = s0, s1, s2, s3
	dst[4], dst[5], dst[6], dst[7] = s4, s5, s6, s7
}
