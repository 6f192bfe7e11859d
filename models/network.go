package models

import "glance/kernels"

// Shape is the size of an activation: height, width, channels.
type Shape struct{ H, W, C int }

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
	// Residual is the index of the layer whose input is added to this layer's
	// output, or -1.
	Residual int
	// BatchNorm says that a training framework follows this layer with a batch
	// norm, which the blob's weights have folded in. (The first dense layer of a
	// squeeze has one in some variants: SqueezeNorm.)
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
}
