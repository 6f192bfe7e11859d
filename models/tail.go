package models

import "glance/kernels"

// tail is the global average pool, together with the 1x1 convolution before it
// where there is one. Lanes split the channels, so that each pools what it has
// computed and needs no barrier between.
type tail struct {
	op    *op // the convolution, or nil
	pool  int // the pool's layer
	input int // the layer the pool reads
}

func (u *tail) reads() []int {
	if u.op == nil {
		return []int{u.input}
	}
	if u.op.residual >= 0 {
		return []int{u.op.source, u.op.residual}
	}
	return []int{u.op.source}
}

func (u *tail) reserve(p *Plan, t int) {
	if u.op != nil {
		p.keep(u.op.layer, t)
	}
	p.keep(u.pool, t)
}

func (u *tail) emit(e *emitter) {
	n := e.plan.Network
	pool := &n.Layers[u.pool]
	if u.op != nil {
		l := &n.Layers[u.op.layer]
		e.step(newStep(layerPart(l), layerPart(pool)).touching(l.In.Size() + l.Out.Size() + pool.Out.Size()))
	} else {
		e.step(newStep(layerPart(pool)).touching(pool.In.Size() + pool.Out.Size()))
	}
	e.phase(func(lane int, add func(kernels.Op)) {
		out := splitEven(pool.In.C, e.program.Lanes, kernels.Panel)[lane]
		if out.lo >= out.hi {
			return
		}
		offset := kernels.Ptr(4 * out.lo)
		if o := u.op; o != nil {
			pw := kernels.Pointwise{X: e.tensor(o.source), Weights: e.weights(o.layer, 0).from(out.lo),
				Y: e.tensor(o.layer) + offset, M: u32(o.out.Pixels()), K: u32(o.in.C), N: u32(out.hi - out.lo),
				YStride: u32(o.out.C), Act: o.act}
			if o.residual >= 0 {
				pw.Residual = e.tensor(o.residual) + offset
			}
			add(pw)
		}
		add(kernels.SumRows{X: e.tensor(u.input) + offset, Y: e.tensor(u.pool) + offset, M: u32(pool.In.Pixels()),
			N: u32(out.hi - out.lo), Stride: u32(pool.In.C), Scale: float32(1 / float64(pool.In.Pixels()))})
	})
}

// dense is one dense layer of the classifier, or several small ones in a row that
// the first lane computes alone.
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
		p.keep(l, t)
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
	e.phase(func(lane int, add func(kernels.Op)) {
		for _, i := range u.layers {
			l := &n.Layers[i]
			lanes := e.program.Lanes
			if u.single {
				lanes = 1
			}
			if lane >= lanes {
				return
			}
			if out := splitEven(l.Out.C, lanes, kernels.Panel)[lane]; out.lo < out.hi {
				add(denseOp(e.weights(i, 0), e.tensor(i-1), e.tensor(i), l.Act, out))
			}
		}
	})
}
