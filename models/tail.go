package models

import "glance/kernels"

// tail is the 1x1 convolution before the global average pool, and the pool. (In
// all networks the pool follows one, without a squeeze or a residual.) Its
// parts are of the channels, so that each pools what it has computed and needs no
// phase between.
type tail struct {
	op   op  // the convolution
	pool int // the pool's layer
}

func (u *tail) reads() []int { return []int{u.op.source} }

func (u *tail) reserve(p *Plan, t int) {
	p.keep(u.op.layer, u.op.outStride, t)
	p.keep(u.pool, p.Network.Layers[u.pool].Out.C, t)
}

func (u *tail) emit(e *emitter) {
	n := e.plan.Network
	l, pool := &n.Layers[u.op.layer], &n.Layers[u.pool]
	e.step(newStep(layerPart(l), layerPart(pool)).touching(l.In.Size() + l.Out.Size() + pool.Out.Size()))
	e.phase(e.program.Lanes, func(part int, add func(kernels.Op)) {
		out := splitTapered(l.Out.C, e.program.Lanes, e.plan.Options.Threads, kernels.Panel)[part]
		if out.lo >= out.hi {
			return
		}
		offset, channels, pixels := kernels.Ptr(4*out.lo), u32(out.hi-out.lo), u32(l.Out.Pixels())
		add(kernels.Pointwise{X: e.tensor(u.op.source), Weights: e.weights(u.op.layer, 0).from(out.lo),
			Y: e.tensor(u.op.layer) + offset, M: pixels, K: u32(l.In.C), N: channels, YStride: u32(l.Out.C), Act: l.Act})
		add(kernels.SumRows{X: e.tensor(u.op.layer) + offset, Y: e.tensor(u.pool) + offset, M: pixels, N: channels,
			Stride: u32(l.Out.C), Scale: float32(1 / float64(l.Out.Pixels()))})
	})
}

// dense is one dense layer of the classifier, or several small ones in a row that
// one lane computes alone.
type dense struct {
	layers []int
	single bool
}

// newDense groups the dense layers from index first on.
func newDense(n *Network, first int) []*dense {
	var units []*dense
	for i := first; i < len(n.Layers); i++ {
		single := n.Layers[i].MACs() <= smallDense
		if last := len(units) - 1; single && last >= 0 && units[last].single {
			units[last].layers = append(units[last].layers, i)
			continue
		}
		units = append(units, &dense{layers: []int{i}, single: single})
	}
	return units
}

func (u *dense) reads() []int { return []int{u.layers[0] - 1} }

func (u *dense) reserve(p *Plan, t int) {
	for _, l := range u.layers {
		p.keep(l, p.Network.Layers[l].Out.C, t)
	}
}

func (u *dense) emit(e *emitter) {
	n := e.plan.Network
	var parts []part
	values := n.Layers[u.layers[0]].In.C
	for _, i := range u.layers {
		parts = append(parts, layerPart(&n.Layers[i]))
		values += n.Layers[i].Out.C
	}
	e.step(newStep(parts...).touching(values))
	shares, threads := e.program.Lanes, e.plan.Options.Threads
	if u.single {
		shares, threads = 1, 1
	}
	e.phase(shares, func(part int, add func(kernels.Op)) {
		for _, i := range u.layers {
			l := &n.Layers[i]
			if out := splitTapered(l.Out.C, shares, threads, densePanels*kernels.Panel)[part]; out.lo < out.hi {
				add(denseOp(e.weights(i, 0), e.tensor(i-1), e.tensor(i), l.Act, out))
			}
		}
	})
}
