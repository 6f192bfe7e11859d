package models

import (
	"glance/kernels"
	"glance/weights"
)

// layoutWeights gives every packed matrix its place, relative to the first one,
// and returns the bytes they take. half says of a tensor whether its weights
// stay float16.
func layoutWeights(n *Network, half func(tensor string) bool) (packed [][]panels, bytes int) {
	packed = make([][]panels, len(n.Layers))
	for i := range n.Layers {
		l := &n.Layers[i]
		for _, m := range l.matrices() {
			w := panels{ptr: kernels.Ptr(bytes), n: m.n, k: m.k}
			w.half = l.Kind == KindDense && half(m.name+".weight")
			packed[i] = append(packed[i], w)
			bytes += align(kernels.PanelBytes(w.n, w.k, w.half) + kernels.Slack)
		}
	}
	return packed, bytes
}

// place moves a layout to base.
func place(packed [][]panels, base kernels.Ptr) {
	for _, ws := range packed {
		for i := range ws {
			ws[i].ptr += base
		}
	}
}

// packing is the program that turns a blob's data section at staging into packed
// panels: one phase, every lane with its share of each matrix. With only >= 0 it
// packs only that layer.
func packing(n *Network, f *weights.File, staging kernels.Ptr, packed [][]panels, lanes, only int) *kernels.Program {
	ph := kernels.Phase{Lanes: make([][]kernels.Record, lanes)}
	for i := range n.Layers {
		if only >= 0 && i != only {
			continue
		}
		for j, m := range n.Layers[i].matrices() {
			weight, _ := f.Tensor(m.name + ".weight")
			bias, _ := f.Tensor(m.name + ".bias")
			w := packed[i][j]
			for lane, out := range splitEven(m.n, lanes, kernels.Panel) {
				if out.lo >= out.hi {
					continue
				}
				o := kernels.PackPanels{
					Src:  staging + kernels.Ptr(weight.Offset+int64(out.lo*m.k*weight.DType.Size())),
					Bias: staging + kernels.Ptr(bias.Offset+int64(out.lo*4)),
					Dst:  w.from(out.lo), K: u32(m.k), N: u32(out.hi - out.lo),
				}
				if weight.DType == weights.F16 {
					o.HalfIn = 1
				}
				if w.half {
					o.HalfOut = 1
				}
				ph.Lanes[lane] = append(ph.Lanes[lane], o.Record())
			}
		}
	}
	return &kernels.Program{Lanes: lanes, Phases: []kernels.Phase{ph}}
}
