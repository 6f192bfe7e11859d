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
		b := resize(w.panels, k*columns)
		w.panels = b
		for p := 0; p < columns; p += kernels.Panel {
			panel := panels[(n0+p)*(1+k):][:(1+k)*kernels.Panel]
			live := min(kernels.Panel, columns-p)
			for i := range m {
				for j, v := range panel[:live] {
					y[i*ldy+n0+p+j] = v + 0 // +0 for -0, see dotPanel
				}
			}
			for i := range k {
				copy(b[i*columns+p:][:live], panel[(1+i)*kernels.Panel:])
			}
		}
		gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, m, columns, k,
			1, x, k, b, columns, 1, y[n0:], ldy)
	}
}
