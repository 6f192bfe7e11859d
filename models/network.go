package models

import "glance/kernels"

// Shape is the size of an activation: height, width, channels.
type Shape struct{ H, W, C int }

// Size is the number of values.
func (s Shape) Size() int { return s.H * s.W * s.C }

// Pixels is the number of positions.
func (s Shape) Pixels() int { return s.H * s.W }

// Kind says what a [Layer] computes.
type Kind string

// The kinds of layers.
const (
	KindConv      Kind = "conv"      // the stem: dense 3x3, stride 2, from 3 channels
	KindPointwise Kind = "pointwise" // 1x1 convolution
	KindDepthwise Kind = "depthwise" // kxk depthwise convolution
	KindSqueeze   Kind = "squeeze"   // squeeze-and-excite: pool, dense ReLU, dense hard-sigmoid, scale
	KindPool      Kind = "pool"      // global average pool
	KindDense     Kind = "dense"     // fully connected
)

// Layer is one node of a network, in execution order; each reads the output of
// the layer before it.
type Layer struct {
	// Name is the prefix of the layer's tensors in a blob, such as
	// "blocks.3.depthwise"; pools have a name but no tensors.
	Name    string
	Kind    Kind
	Block   int // index of the block in the paper's table it belongs to; -1 outside
	Kernel  int // 3 or 5 for convolutions with a window, else 1
	Stride  int // 1 or 2
	PadTop  int // zeros above and left of the input; below and right follow from Out
	PadLeft int
	In, Out Shape
	Act     kernels.Activation
	// Squeezed is the number of channels between the two dense layers of a
	// KindSqueeze layer.
	Squeezed int
	// Residual is the index of the layer whose output is added to this layer's
	// output, or -1.
	Residual int
	// BatchNorm says that a training framework follows this layer with a batch
	// norm, which the blob's weights have folded in. SqueezeNorm says so of the
	// first dense layer of a squeeze, whose dense layers then have no biases.
	BatchNorm   bool
	SqueezeNorm bool
	BNEpsilon   float64
}

// Tensor is one weight array of a blob: its name, shape and kind of storage.
//
//	stem.weight                  [C 3 3 3]   output, row, column, input channel (OHWI)
//	stem.bias                    [C]
//	blocks.N.expand.weight       [E I]       output, input
//	blocks.N.depthwise.weight    [E k k]     channel, row, column
//	blocks.N.squeeze.0.weight    [S E]       squeeze, and .1.weight [E S] excite
//	blocks.N.project.weight      [O E]       (V1: blocks.N.pointwise.weight)
//	last.weight                  [L O]       the 1x1 convolution before the pool (V2, V3)
//	classifier.N.weight          [U F]
//
// Each weight has a bias [out] next to it (name.bias).
type Tensor struct {
	Name  string
	Shape []int
	// Bias says that the tensor is a bias, always float32 in a blob; weights may
	// be float16.
	Bias bool
}

// Network is a resolved architecture: every layer with its shapes.
type Network struct {
	Config Config // with every default filled in
	Layers []Layer
	// Output and Embedding are the layers whose outputs [Session.Logits] and
	// [Session.Embedding] return: the last dense layer and the global pool.
	// Without a classifier both are the pool; with [VariantFeatures] the output is
	// the last block's.
	Output, Embedding int
}

// InputShape is the size of the input, with 3 channels.
func (n *Network) InputShape() Shape { return n.Layers[0].In }

// OutputShape is the size of the output: 1 x 1 x classes, or the feature map
// that [VariantFeatures] ends with.
func (n *Network) OutputShape() Shape { return n.Layers[n.Output].Out }

// OutputUnits is the number of values in the output.
func (n *Network) OutputUnits() int { return n.OutputShape().Size() }

// EmbeddingUnits is the number of values in the embedding, the features pooled
// over all pixels.
func (n *Network) EmbeddingUnits() int { return n.Layers[n.Embedding].Out.C }

// Tensors lists what a blob of this network holds, in execution order: weight,
// bias, weight, bias, and so on.
func (n *Network) Tensors() []Tensor {
	var ts []Tensor
	for i := range n.Layers {
		for _, m := range n.Layers[i].matrices() {
			ts = append(ts, Tensor{Name: m.name + ".weight", Shape: m.shape},
				Tensor{Name: m.name + ".bias", Shape: []int{m.n}, Bias: true})
		}
	}
	return ts
}

// matrix is a weight matrix [n][k] with a bias [n], as it is packed for the
// kernels, and the tensor it comes from.
type matrix struct {
	name  string
	shape []int // of the tensor, whose elements in order are the matrix
	n, k  int
}

func (l *Layer) matrices() []matrix {
	in, out := l.In.C, l.Out.C
	switch l.Kind {
	case KindConv:
		return []matrix{{l.Name, []int{out, 3, 3, in}, out, 9 * in}}
	case KindDepthwise:
		return []matrix{{l.Name, []int{out, l.Kernel, l.Kernel}, out, l.Kernel * l.Kernel}}
	case KindPointwise, KindDense:
		return []matrix{{l.Name, []int{out, in}, out, in}}
	case KindSqueeze:
		return []matrix{
			{l.Name + ".0", []int{l.Squeezed, in}, l.Squeezed, in},
			{l.Name + ".1", []int{in, l.Squeezed}, in, l.Squeezed},
		}
	}
	return nil
}

// Params is the number of trainable parameters as a training framework counts
// them, before batch norms are folded: weights, biases where the layer has no
// batch norm, and two per channel of a batch norm.
func (l *Layer) Params() int {
	total := 0
	for i, m := range l.matrices() {
		total += m.n * m.k
		switch {
		case l.BatchNorm, l.SqueezeNorm && i == 0:
			total += 2 * m.n
		case !l.SqueezeNorm:
			total += m.n
		}
	}
	return total
}

// MACs is the number of multiply-accumulates of one inference: products in
// convolutions, squeezes and dense layers. Biases, activations, pooling,
// residuals and the scaling that ends a squeeze are not counted.
func (l *Layer) MACs() int {
	total := 0
	for _, m := range l.matrices() {
		total += m.n * m.k
	}
	switch l.Kind {
	case KindConv, KindDepthwise, KindPointwise:
		total *= l.Out.Pixels()
	}
	return total
}

// Params is the number of trainable parameters of all layers.
func (n *Network) Params() int { return n.sum((*Layer).Params) }

// MACs is the number of multiply-accumulates of one inference.
func (n *Network) MACs() int { return n.sum((*Layer).MACs) }

func (n *Network) sum(of func(*Layer) int) int {
	total := 0
	for i := range n.Layers {
		total += of(&n.Layers[i])
	}
	return total
}
