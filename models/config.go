package models

import "glance/kernels"

// Arch names a network family.
type Arch string

// The architectures.
const (
	MobileNetV1      Arch = "mobilenet_v1"       // Howard et al. 2017, arXiv:1704.04861, table 1
	MobileNetV2      Arch = "mobilenet_v2"       // Sandler et al. 2018, arXiv:1801.04381, table 2
	MobileNetV3Small Arch = "mobilenet_v3_small" // Howard et al. 2019, arXiv:1905.02244, table 2
	MobileNetV3Large Arch = "mobilenet_v3_large" // Howard et al. 2019, arXiv:1905.02244, table 1
)

// Padding is how a convolution's border zeros are placed.
type Padding string

// The padding styles.
const (
	// Symmetric pads (k-1)/2 on every side, as PyTorch's models do.
	Symmetric Padding = "symmetric"
	// Same is TensorFlow's 'same': ceil(n/stride) outputs, and where the total is
	// odd the extra zero goes to the bottom and right.
	Same Padding = "same"
)

// HeadLayer is one dense layer of the classifier.
type HeadLayer struct {
	Units int
	Act   kernels.Activation
}

// Config is everything a network is derived from. The zero value of each field
// but Arch means the architecture's default, so Config{Arch: MobileNetV2} is
// the published network for ImageNet-1k at 224x224.
type Config struct {
	Arch    Arch
	Variant string  // "" as published; others are listed with their block tables
	Alpha   float64 // width multiplier; 1
	Classes int     // outputs of the last layer; 1000
	Height  int     // input height in pixels; 224; at least 32
	Width   int     // input width in pixels; 224; at least 32
	Padding Padding // Symmetric
	// Head lists the dense layers between the pooled features and the logits.
	// nil means the architecture's own: one linear layer, or V3's two. Where it is
	// given, its last entry's Units is the number of classes.
	Head []HeadLayer
	// NoHead leaves the classifier out: the output is the pooled features.
	NoHead bool
	// StemAct overrides the first convolution's activation; nil is the
	// architecture's.
	StemAct *kernels.Activation
	// BNEpsilon is what a checkpoint's batch norms add to the variance: 1e-5 for V1
	// and V2 as PyTorch writes them, 1e-3 for V3 and for everything from Keras.
	BNEpsilon float64
}
