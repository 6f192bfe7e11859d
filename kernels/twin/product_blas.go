//go:build amd64 && !noasm && !safe

package twin

import (
	"glance/kernels"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// From these sizes on, unpacking pays: measured on Zen 5, Sgemm on 64 columns
// does 4.2-5.0 GMAC/s where productPanels does 3.1-3.6; on 16 columns 2.7
// against 3.3.
const (
	blasRows    = 8
	blasColumns = 32
)

// product unpacks 64 columns of weights at a time to the row-major [k][64] that
// Sgemm reads fastest. They are unpacked anew for every call: a copy kept beside
// the panels would go stale when ScalePanels rewrites them.
func (w *worker) product(x, panels, y []float32, m, k, n, ldy int) {
	const width = 64
	if m < blasRows || n < blasColumns {
		productPanels(x, panels, y, m, k, n, ldy)
		return
	}
	for n0 := 0; n0 < n; n0 += width {
		columns := min(width, n-n0)
		if columns < blasColumns {
			productPanels(x, panels[n0*(1+k):], y[n0:], m, k, columns, ldy)
			return
		}
		// Row 0 is the biases, the others the weights.
		w.panels = resize(w.panels, (1+k)*columns)
		for p := 0; p < columns; p += kernels.Panel {
			panel := panels[(n0+p)*(1+k):][:(1+k)*kernels.Panel]
			live := min(kernels.Panel, columns-p)
			for i := range 1 + k {
				copy(w.panels[i*columns+p:][:live], panel[i*kernels.Panel:])
			}
		}
		bias, b := w.panels[:columns], w.panels[columns:]
		for i := range bias {
			bias[i] += 0 // -0 to +0, see dotPanel
		}
		for i := range m {
			copy(y[i*ldy+n0:], bias)
		}
		gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, m, columns, k,
			1, x, k, b, columns, 1, y[n0:], ldy)
	}
}
