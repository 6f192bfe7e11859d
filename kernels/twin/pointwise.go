package twin

import (
	"unsafe"

	"glance/kernels"
)

func (w *worker) pointwise(c *call, o kernels.Pointwise) kernels.Status {
	extent := strided(o.M, o.N, o.YStride)
	x := c.in(o.X, area(o.M, o.K))
	panels := c.in(o.Weights, panelArea(o.N, o.K))
	y := c.out(o.Y, extent)
	residual := y
	if o.Residual != 0 && o.Residual != o.Y {
		residual = c.in(o.Residual, extent)
	}
	c.require(o.K > 0 && o.YStride >= o.N && known(o.Act))
	if c.bad {
		return kernels.StatusInvalid
	}
	m, k, n, stride := int(o.M), int(o.K), int(o.N), int(o.YStride)
	for first := 0; first < m; first += blockRows {
		rows := min(blockRows, m-first)
		input := x[first*k:][:rows*k]
		if o.Residual == 0 {
			block := y[first*stride:]
			w.product(input, panels, block, rows, k, n, stride)
			for i := range rows {
				activate(o.Act, block[i*stride:][:n])
			}
			continue
		}
		w.rows = resize(w.rows, rows*n)
		w.product(input, panels, w.rows, rows, k, n, n)
		activate(o.Act, w.rows)
		for i := range rows {
			at := (first + i) * stride
			add(y[at:][:n], w.rows[i*n:][:n], residual[at:][:n])
		}
	}
	return kernels.StatusOK
}

// add sets dst to a + b.
func add(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v + b[i]
	}
}

func (w *worker) dense(c *call, o kernels.Dense) kernels.Status {
	x := c.in(o.X, uint64(o.K))
	y := c.out(o.Y, uint64(o.N))
	c.require(o.Half <= 1 && known(o.Act))
	if o.Half == 1 {
		panels := c.bytes(o.Weights, times(panelCount(o.N), halfPanelBytes(o.K)))
		c.require(o.Weights%4 == 0)
		if c.bad {
			return kernels.StatusInvalid
		}
		w.denseHalf(x, panels, y)
	} else {
		panels := c.in(o.Weights, panelArea(o.N, o.K))
		if c.bad {
			return kernels.StatusInvalid
		}
		w.product(x, panels, y, 1, int(o.K), int(o.N), int(o.N))
	}
	activate(o.Act, y)
	return kernels.StatusOK
}

// denseHalf converts one panel after the other, so that a buffer of one is enough.
func (w *worker) denseHalf(x []float32, panels []byte, y []float32) {
	k := len(x)
	values, stride := halfTable(), int(halfPanelBytes(uint32(k)))
	w.panels = resize(w.panels, (1+k)*kernels.Panel)
	for p := 0; p < len(y); p += kernels.Panel {
		panel := panels[p/kernels.Panel*stride:][:stride]
		copy(w.panels, unsafe.Slice((*float32)(unsafe.Pointer(&panel[0])), kernels.Panel))
		weights := unsafe.Slice((*uint16)(unsafe.Pointer(&panel[kernels.Panel*4])), k*kernels.Panel)
		for i, h := range weights {
			w.panels[kernels.Panel+i] = values[h]
		}
		var sums eight
		dotPanel(&sums, x, w.panels)
		copy(y[p:], sums[:])
	}
}
