package models

import "glance/kernels"

// panels is a packed weight matrix [n][k] in machine memory.
type panels struct {
	ptr  kernels.Ptr
	n, k int
	half bool // its weights are float16
}

// from returns where the panels from output n on lie; n is a multiple of
// [kernels.Panel].
func (w panels) from(n int) kernels.Ptr {
	return w.ptr + kernels.Ptr(kernels.PanelBytes(n, w.k, w.half))
}

// emitter writes a plan's program once it is known where everything lies.
type emitter struct {
	plan    *Plan
	base    kernels.Ptr // the arena
	packed  [][]panels  // [layer][matrix]
	program kernels.Program
	steps   []Step
}

func (e *emitter) at(buffer int) kernels.Ptr {
	return e.base + kernels.Ptr(e.plan.arena.buffers[buffer].offset)
}

// tensor returns where the output of a layer is stored.
func (e *emitter) tensor(layer int) kernels.Ptr { return e.at(e.plan.tensors[layer]) }

// weights returns a layer's packed matrix.
func (e *emitter) weights(layer, matrix int) panels { return e.packed[layer][matrix] }

// step starts a step; the phases up to the next one belong to it.
func (e *emitter) step(s Step) {
	s.From = len(e.program.Phases)
	s.To = s.From
	e.steps = append(e.steps, s)
}

// phase appends a phase of so many parts, at most as many as there are lanes, asking
// for the records of each. Fewer parts than lanes are spread evenly over the lanes,
// since each thread begins with a range of them.
func (e *emitter) phase(parts int, records func(part int, add func(kernels.Op))) {
	ph := kernels.Phase{Lanes: make([][]kernels.Record, e.program.Lanes)}
	for i := range parts {
		lane := &ph.Lanes[i*e.program.Lanes/parts]
		records(i, func(o kernels.Op) { *lane = append(*lane, o.Record()) })
	}
	e.program.Phases = append(e.program.Phases, ph)
	e.steps[len(e.steps)-1].To = len(e.program.Phases)
}

// emit appends the chain's phases.
func (c *chain) emit(e *emitter) {
	if c.gate != nil && c.gate.shared {
		c.gate.emit(e)
	}
	e.step(c.step(e.plan.Network))
	e.phase(c.parts, func(part int, add func(kernels.Op)) {
		if c.gate != nil && !c.gate.shared {
			c.gate.whole(e, part, add)
		}
		c.emitPart(e, part, add)
	})
}

// emitPart appends the records of one part.
func (c *chain) emitPart(e *emitter, part int, add func(kernels.Op)) {
	out := c.spans[part]
	if out.lo >= out.hi {
		return
	}
	first, last := c.first(), c.last()
	if c.outputs {
		add(c.some(e, part, out))
		return
	}
	need := c.needs(out)
	buffers := make([]rowBuffer, len(c.ops)+1) // buffers[i] is read by op i
	buffers[0] = rowBuffer{e.tensor(first.source), first.in.H, 0, first.in.W * first.inStride * 4}
	buffers[len(c.ops)] = rowBuffer{e.tensor(last.layer), last.out.H, 0, last.out.W * last.outStride * 4}
	for i, rows := range c.rings {
		o := &c.ops[i]
		b := rowBuffer{e.at(c.ring[part][i]), rows, need[i].lo, o.out.W * o.outStride * 4}
		if c.ops[i+1].code == kernels.OpDepthwise {
			b.origin = 0 // the operator's own rule: row i at slot i mod rows
		}
		buffers[i+1] = b
	}
	c.walk(out, func(i int, rows, _ span) {
		o := &c.ops[i]
		for row := rows.lo; row < rows.hi; {
			dst, n := buffers[i+1].at(row)
			n = min(n, rows.hi-row)
			if !o.windowed() {
				_, contiguous := buffers[i].at(row)
				n = min(n, contiguous)
			}
			add(c.record(e, o, part, buffers[i], dst, span{row, row + n}))
			row += n
		}
	})
}

// record is op o over output rows that are contiguous at dst and, for an op
// without a window, in src.
func (c *chain) record(e *emitter, o *op, part int, src rowBuffer, dst kernels.Ptr, rows span) kernels.Op {
	n := rows.hi - rows.lo
	switch o.code {
	case kernels.OpConv3x3:
		return kernels.Conv3x3{X: src.base, Weights: e.weights(o.layer, 0).ptr, Y: dst, H: u32(o.in.H), W: u32(o.in.W),
			OutW: u32(o.out.W), N: u32(o.out.C), Row0: u32(rows.lo), Rows: u32(n), PadTop: u32(o.padTop),
			PadLeft: u32(o.padLeft), Act: o.act}
	case kernels.OpDepthwise:
		d := kernels.Depthwise{X: src.base, Weights: e.weights(o.layer, 0).ptr, Y: dst, Ring: u32(src.rows),
			H: u32(o.in.H), W: u32(o.in.W), OutW: u32(o.out.W), C: u32(o.out.C), XStride: u32(o.inStride), Kernel: u32(o.kernel),
			Stride: u32(o.stride), Row0: u32(rows.lo), Rows: u32(n), PadTop: u32(o.padTop), PadLeft: u32(o.padLeft), Act: o.act}
		if o.sums {
			d.Sums = e.at(e.plan.sums[o.layer]) + kernels.Ptr(rows.lo*o.out.C*4)
		}
		return d
	}
	x, _ := src.at(rows.lo)
	if o.code == kernels.OpScaleRows {
		return kernels.ScaleRows{X: x, S: e.at(c.gate.factors[part]), Y: dst, M: u32(n * o.out.W), C: u32(o.out.C)}
	}
	return c.pointwise(e, o, part, x, dst, rows)
}

// pointwise is op o over output rows that are contiguous at dst and in x.
func (c *chain) pointwise(e *emitter, o *op, part int, x, dst kernels.Ptr, rows span) kernels.Pointwise {
	n := rows.hi - rows.lo
	pw := kernels.Pointwise{X: x, Weights: e.weights(o.layer, 0).ptr, Y: dst, M: u32(n * o.out.W), K: u32(o.in.C),
		N: u32(o.out.C), YStride: u32(o.outStride), Act: o.act}
	if o.squeeze >= 0 {
		pw.Weights = e.at(c.gate.scaled[part])
	}
	if o.residual >= 0 {
		pw.Residual = e.tensor(o.residual) + kernels.Ptr(rows.lo*o.out.W*o.out.C*4)
	}
	return pw
}

// some is the chain's only op over all rows and some of its outputs.
func (c *chain) some(e *emitter, part int, out span) kernels.Op {
	o := c.first()
	pw := c.pointwise(e, o, part, e.tensor(o.source), e.tensor(o.layer), span{0, o.out.H})
	offset := kernels.Ptr(4 * out.lo)
	w := e.weights(o.layer, 0)
	pw.Weights += w.from(out.lo) - w.ptr
	pw.Y += offset
	if pw.Residual != 0 {
		pw.Residual += offset
	}
	pw.N = u32(out.hi - out.lo)
	return pw
}

func u32(n int) uint32 { return uint32(n) }
