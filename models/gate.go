package models

import "glance/kernels"

// gate is a squeeze-and-excite up to its channel factors: the mean over pixels
// of the depthwise's output, from its row sums; a dense layer with ReLU; a dense
// layer with hard-sigmoid; and, where the weights of the next layer are fewer
// than the activations, the scaling of those weights. (Scaled activations are an
// op of the chain.)
//
// The chain's parts share the work, a phase a step, or each does all
// of it for itself. There are as many as threads.
type gate struct {
	layer  int // the squeeze
	source int // the depthwise whose sums it takes
	scales int // the pointwise layer whose weights it scales, or -1
	shared bool

	// Arena buffers for each part: where they share, all but mean are the same one.
	mean, hidden, factors, scaled []int
}

// newGate returns the gate that the chain's first op needs, or nil.
func newGate(n *Network, c *chain, threads int) *gate {
	o := c.first()
	if o.squeeze < 0 {
		return nil
	}
	g := &gate{layer: o.squeeze, source: o.source, scales: -1}
	scaledWeights := 0
	if o.code == kernels.OpPointwise {
		g.scales = o.layer
		scaledWeights = o.in.C * o.out.C
	}
	g.shared = shareSqueeze(&n.Layers[g.layer], scaledWeights, threads)
	return g
}

func (g *gate) reserve(p *Plan, t int) {
	l := &p.Network.Layers[g.layer]
	each := func(bytes int, shared bool) []int {
		buffers := make([]int, p.Options.Threads)
		for part := range buffers {
			if part > 0 && shared {
				buffers[part] = buffers[0]
			} else {
				buffers[part] = p.arena.add(bytes, t, t)
			}
		}
		return buffers
	}
	g.mean = each(l.In.C*4, false)
	g.hidden = each(l.Squeezed*4, g.shared)
	g.factors = each(l.In.C*4, g.shared)
	if g.scales >= 0 {
		m := p.Network.Layers[g.scales].matrices()[0]
		g.scaled = each(kernels.PanelBytes(m.n, m.k, false), g.shared)
	}
}

// average is the mean of the depthwise's output over pixels.
func (g *gate) average(e *emitter, part int) kernels.Op {
	in := e.plan.Network.Layers[g.layer].In
	return kernels.SumRows{X: e.at(e.plan.sums[g.source]), Y: e.at(g.mean[part]), M: u32(in.H), N: u32(in.C),
		Stride: u32(in.C), Scale: float32(1 / float64(in.Pixels()))}
}

// squeeze, excite and scale are the other steps, for outputs [lo, hi) with lo a
// multiple of a panel.
func (g *gate) squeeze(e *emitter, part int, out span) kernels.Op {
	return denseOp(e.weights(g.layer, 0), e.at(g.mean[part]), e.at(g.hidden[part]), kernels.ReLU, out)
}

func (g *gate) excite(e *emitter, part int, out span) kernels.Op {
	return denseOp(e.weights(g.layer, 1), e.at(g.hidden[part]), e.at(g.factors[part]), kernels.HardSigmoid, out)
}

func (g *gate) scale(e *emitter, part int, out span) kernels.Op {
	w := e.weights(g.scales, 0)
	return kernels.ScalePanels{Src: w.from(out.lo), S: e.at(g.factors[part]),
		Dst: e.at(g.scaled[part]) + w.from(out.lo) - w.ptr, K: u32(w.k), N: u32(out.hi - out.lo)}
}

// denseOp is a dense layer's outputs [out.lo, out.hi), lo a multiple of a panel.
func denseOp(w panels, x, y kernels.Ptr, act kernels.Activation, out span) kernels.Op {
	d := kernels.Dense{X: x, Weights: w.from(out.lo), Y: y + kernels.Ptr(4*out.lo), K: u32(w.k), N: u32(out.hi - out.lo), Act: act}
	if w.half {
		d.Half = 1
	}
	return d
}

// whole appends all of the gate to one part.
func (g *gate) whole(e *emitter, part int, add func(kernels.Op)) {
	l := &e.plan.Network.Layers[g.layer]
	add(g.average(e, part))
	add(g.squeeze(e, part, span{0, l.Squeezed}))
	add(g.excite(e, part, span{0, l.Out.C}))
	if g.scales >= 0 {
		add(g.scale(e, part, span{0, e.weights(g.scales, 0).n}))
	}
}

// emit appends the gate's own phases, where the parts share it.
func (g *gate) emit(e *emitter) {
	l := &e.plan.Network.Layers[g.layer]
	e.step(newStep(layerPart(l)).touching(l.In.H*l.In.C + l.Out.C))
	parts := e.plan.Options.Threads
	e.phase(parts, func(part int, add func(kernels.Op)) {
		if out := splitEven(l.Squeezed, parts, kernels.Panel)[part]; out.lo < out.hi {
			add(g.average(e, part))
			add(g.squeeze(e, part, out))
		}
	})
	e.phase(parts, func(part int, add func(kernels.Op)) {
		if out := splitEven(l.Out.C, parts, kernels.Panel)[part]; out.lo < out.hi {
			add(g.excite(e, part, out))
		}
	})
	if g.scales < 0 {
		return
	}
	e.phase(parts, func(part int, add func(kernels.Op)) {
		if out := splitEven(e.weights(g.scales, 0).n, parts, kernels.Panel)[part]; out.lo < out.hi {
			add(g.scale(e, part, out))
		}
	})
}
