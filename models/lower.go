package models

import "glance/kernels"

// op is a convolution, or the scaling that ends a squeeze, as work on rows: it
// can compute any range of output rows from a range of input rows.
type op struct {
	code    kernels.Opcode // OpConv3x3, OpPointwise, OpDepthwise or OpScaleRows
	layer   int            // the layer whose output this is
	source  int            // the layer whose output it reads; inputLayer for the network's input
	in, out Shape

	inStride, outStride int // floats from pixel to pixel of the input and the output

	kernel, stride, padTop, padLeft int // the window; 1, 1, 0, 0 for pointwise and scaling
	act                             kernels.Activation

	residual int  // layer whose output is added, or -1
	squeeze  int  // layer whose factors it applies, to its input or its weights, or -1
	sums     bool // a squeeze follows: the rows' channel sums are kept
}

// inputLayer stands for the network's input where a layer is named by index.
const inputLayer = -1

// windowed says that an output row takes several input rows.
func (o *op) windowed() bool { return o.code == kernels.OpDepthwise || o.code == kernels.OpConv3x3 }

// inputRows is the range of input rows that output rows [lo, hi) take.
func (o *op) inputRows(lo, hi int) (int, int) {
	return max(0, lo*o.stride-o.padTop), min(o.in.H, (hi-1)*o.stride-o.padTop+o.kernel)
}

// lower turns the layers up to the pool into ops. A squeeze becomes a scaling of
// the activations where they are fewer than the weights of the layer that reads
// them, and otherwise a scaling of that layer's weights. The choice depends on
// shapes only, since the two round differently.
func lower(n *Network) []op {
	var ops []op
	source, squeeze := inputLayer, -1
	for i := range n.Embedding {
		l := &n.Layers[i]
		o := op{layer: i, source: source, in: l.In, out: l.Out, kernel: l.Kernel, stride: l.Stride,
			padTop: l.PadTop, padLeft: l.PadLeft, act: l.Act, residual: l.Residual, squeeze: -1}
		switch l.Kind {
		case KindConv:
			o.code = kernels.OpConv3x3
		case KindDepthwise:
			o.code = kernels.OpDepthwise
		case KindPointwise:
			o.code = kernels.OpPointwise
			o.squeeze, squeeze = squeeze, -1
		case KindSqueeze:
			ops[len(ops)-1].sums = true
			if outputs := n.Layers[i+1].Out.C; l.In.Pixels() >= outputs {
				squeeze = i
				continue
			}
			o.code, o.squeeze = kernels.OpScaleRows, i
		}
		o.inStride, o.outStride = o.in.C, o.out.C
		ops = append(ops, o)
		source = i
	}
	spread(ops, kept(n, ops))
	return ops
}

// spread moves the pixels between a pointwise and a depthwise op apart where they are
// a power of two apart, or close to that. The columns and rows of a depthwise tile
// would share a few sets of the first-level cache otherwise and push each other out:
// of 14x14 pixels of 512 channels, that took 1.7 times the time, of 1024, 2.7 times.
func spread(ops []op, keep map[int]bool) {
	const (
		conflict = 256 // floats whose multiples conflict
		gap      = 16  // a cache line
	)
	for i := range len(ops) - 1 {
		o, next := &ops[i], &ops[i+1]
		if o.code == kernels.OpPointwise && next.code == kernels.OpDepthwise && !keep[o.layer] && o.out.C%conflict == 0 {
			o.outStride += gap
			next.inStride = o.outStride
		}
	}
}

// kept marks the layers whose output must be stored whole: what more than the
// next op reads, or another unit.
func kept(n *Network, ops []op) map[int]bool {
	keep := map[int]bool{n.Output: true, ops[len(ops)-1].layer: true}
	for i := range ops {
		if ops[i].residual >= 0 {
			keep[ops[i].residual] = true
		}
		if ops[i].squeeze >= 0 {
			keep[ops[i].source] = true
		}
	}
	return keep
}
