package models

import (
	"strconv"

	"glance/kernels"
)

// design is a network's table after the width multiplier: what [build] walks.
type design struct {
	stem    int // channels of the first convolution
	stemAct kernels.Activation
	blocks  []block
	last    int // channels of the 1x1 convolution before the pool; 0 for none
	lastAct kernels.Activation
	head    []HeadLayer
	// squeezeNorm says that squeezes have a batch norm between their dense layers.
	squeezeNorm bool
}

// block is one row of a table: an optional 1x1 expansion, a depthwise
// convolution, an optional squeeze-and-excite and a 1x1 convolution.
type block struct {
	kernel   int
	expanded int // channels of the depthwise; there is no expansion where they are the input's
	out      int
	squeeze  bool
	act      kernels.Activation // of expansion and depthwise
	stride   int
	// separable marks V1's blocks, whose 1x1 convolution is followed by act and
	// has no residual; in V2 and V3 it is linear.
	separable bool
}

// makeDivisible rounds v to the nearest multiple of 8 (up from half, at least
// 8), one up where that would lose more than a tenth of it, as the reference
// implementations of V2 and V3 do (tensorflow/models, slim/nets/mobilenet).
func makeDivisible(v float64) int {
	n := max(8, int(v+4)/8*8)
	if float64(n) < 0.9*v {
		n += 8
	}
	return n
}

// New derives a network from its configuration. The error is a [*ConfigError].
func New(c Config) (*Network, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	var d design
	switch c.Arch {
	case MobileNetV1:
		d = mobileNetV1(c)
	case MobileNetV2:
		d = mobileNetV2(c)
	case MobileNetV3Small:
		d = mobileNetV3(c, smallRows, 1024)
	case MobileNetV3Large:
		rows := largeRows
		if c.Variant == VariantArticle {
			rows = largeRowsArticle
		}
		d = mobileNetV3(c, rows, 1280)
	}
	if c.StemAct != nil {
		d.stemAct = *c.StemAct
	}
	if c.NoHead {
		d.head = nil
	} else if c.Head != nil {
		d.head = c.Head
	}
	return build(c, d), nil
}

// builder appends layers, each to the end of the one before.
type builder struct {
	net   *Network
	shape Shape // output so far
	block int
}

func build(c Config, d design) *Network {
	b := builder{net: &Network{Config: c}, shape: Shape{c.Height, c.Width, 3}, block: -1}
	b.conv("stem", KindConv, 3, 2, d.stem, d.stemAct)
	for i, row := range d.blocks {
		b.block = i
		b.row("blocks."+strconv.Itoa(i)+".", row, d.squeezeNorm)
	}
	b.block = -1
	if d.last > 0 {
		b.conv("last", KindPointwise, 1, 1, d.last, d.lastAct)
	}
	b.net.Output = len(b.net.Layers) - 1
	b.net.Embedding = b.add(Layer{Name: "pool", Kind: KindPool, Out: Shape{1, 1, b.shape.C}})
	for i, h := range d.head {
		b.add(Layer{Name: "classifier." + strconv.Itoa(i), Kind: KindDense, Out: Shape{1, 1, h.Units}, Act: h.Act})
	}
	if c.Variant != VariantFeatures {
		b.net.Output = len(b.net.Layers) - 1
	}
	return b.net
}

// row appends the layers of one block.
func (b *builder) row(prefix string, r block, squeezeNorm bool) {
	in, source := b.shape, len(b.net.Layers)-1
	if r.expanded != in.C {
		b.conv(prefix+"expand", KindPointwise, 1, 1, r.expanded, r.act)
	}
	b.conv(prefix+"depthwise", KindDepthwise, r.kernel, r.stride, r.expanded, r.act)
	if r.squeeze {
		b.add(Layer{Name: prefix + "squeeze", Kind: KindSqueeze, Out: b.shape,
			Squeezed: makeDivisible(float64(r.expanded / 4)), SqueezeNorm: squeezeNorm})
	}
	if r.separable {
		b.conv(prefix+"pointwise", KindPointwise, 1, 1, r.out, r.act)
		return
	}
	i := b.conv(prefix+"project", KindPointwise, 1, 1, r.out, kernels.Identity)
	if r.stride == 1 && r.out == in.C {
		b.net.Layers[i].Residual = source
	}
}

// conv appends a convolution with a batch norm.
func (b *builder) conv(name string, kind Kind, kernel, stride, channels int, act kernels.Activation) int {
	l := Layer{Name: name, Kind: kind, Kernel: kernel, Stride: stride, Act: act, BatchNorm: true}
	l.Out.C = channels
	l.Out.H, l.PadTop = window(b.shape.H, kernel, stride, b.net.Config.Padding)
	l.Out.W, l.PadLeft = window(b.shape.W, kernel, stride, b.net.Config.Padding)
	return b.add(l)
}

// window returns how many outputs a window of k at the given stride has over n
// inputs, and the zeros before the first input.
func window(n, k, stride int, p Padding) (outputs, before int) {
	outputs = (n + stride - 1) / stride
	if p == Symmetric {
		return outputs, (k - 1) / 2
	}
	return outputs, max(0, (outputs-1)*stride+k-n) / 2
}

// add appends a layer that reads what came before it and returns its index.
func (b *builder) add(l Layer) int {
	l.Block, l.In, l.Residual = b.block, b.shape, -1
	l.Kernel, l.Stride = max(1, l.Kernel), max(1, l.Stride)
	if l.BatchNorm || l.SqueezeNorm {
		l.BNEpsilon = b.net.Config.BNEpsilon
	}
	if l.SqueezeNorm {
		l.BNEpsilon = squeezeEpsilon
	}
	b.shape = l.Out
	b.net.Layers = append(b.net.Layers, l)
	return len(b.net.Layers) - 1
}

// squeezeEpsilon is what the batch norm inside a squeeze adds to its variance
// (PyTorch's default, as the article leaves it).
const squeezeEpsilon = 1e-5
