//go:build !amd64 || noasm || safe

package twin

// product runs in plain Go where gonum has no assembly.
func (w *worker) product(x, panels, y []float32, m, k, n, ldy int) {
	productPanels(x, panels, y, m, k, n, ldy)
}
