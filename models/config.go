package models

import (
	"math"
	"slices"
	"strconv"

	"glance/kernels"
)

// Arch names a network family.
type Arch string

// The architectures.
const (
	MobileNetV1      Arch = "mobilenet_v1"       // Howard et al. 2017, arXiv:1704.04861, table 1
	MobileNetV2      Arch = "mobilenet_v2"       // Sandler et al. 2018, arXiv:1801.04381, table 2
	MobileNetV3Small Arch = "mobilenet_v3_small" // Howard et al. 2019, arXiv:1905.02244, table 2
	MobileNetV3Large Arch = "mobilenet_v3_large" // Howard et al. 2019, arXiv:1905.02244, table 1
)

// Archs lists the architectures.
func Archs() []Arch {
	return []Arch{MobileNetV1, MobileNetV2, MobileNetV3Small, MobileNetV3Large}
}

// Padding is how a convolution's border zeros are placed.
type Padding string

// The padding styles. Both give ceil(n/stride) outputs for n inputs.
const (
	// Symmetric pads (k-1)/2 on every side, as PyTorch's models do.
	Symmetric Padding = "symmetric"
	// Same is TensorFlow's 'same': the zeros that ceil(n/stride) outputs need, and
	// where their number is odd the extra one goes to the bottom and right. Keras'
	// V2 and V3 pad explicitly before a convolution with stride 2, which comes to
	// the same zeros for every n; Keras' V1 pads ((0, 1), (0, 1)) there, which does
	// so for even n only (its outputs for odd n are one row and column smaller).
	Same Padding = "same"
)

// The variants of a network's block table. The empty string is the published
// network.
const (
	// VariantArticle is the network as a widely copied PyTorch walk-through
	// writes it. V1: the stem's activation is ReLU. V2: as published. V3-large:
	// two rows of the table differ. V3: squeeze-and-excite has a batch norm
	// between its dense layers, which have no biases.
	VariantArticle = "article"
	// VariantFeatures is V2 cut after its last block, without the last 1x1
	// convolution and classifier: the output is the whole feature map,
	// [H][W][C] flattened, and the embedding is its average over pixels.
	VariantFeatures = "features"
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
	Variant string  // "" as published, or one of the Variant constants
	Alpha   float64 // width multiplier, 0.1 to 2; 1
	Classes int     // outputs of the last layer; 1000
	Height  int     // input height in pixels, at least 32; 224
	Width   int     // input width in pixels, at least 32; 224
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

// Limits on what a configuration may ask for. The published networks use alphas
// from 0.25 (V1) to 1.4 (V2); beyond the limits nothing has been trained.
const (
	minAlpha  = 0.1
	maxAlpha  = 2
	minSide   = 32
	maxPixels = 4 << 20 // input height times width
	maxUnits  = 1 << 17 // outputs of a dense layer
	maxHead   = 8       // dense layers
)

// ConfigError says which field of a configuration cannot be and what can.
type ConfigError struct {
	Field string // name as in a blob's metadata: "arch", "alpha", "classes", ...
	Value string // what came
	Want  string // what is allowed
}

func (e *ConfigError) Error() string {
	return "models: " + e.Field + ": " + strconv.Quote(e.Value) + " given, want " + e.Want
}

func (c Config) withDefaults() Config {
	if c.Alpha == 0 {
		c.Alpha = 1
	}
	if c.Height == 0 {
		c.Height = 224
	}
	if c.Width == 0 {
		c.Width = 224
	}
	if c.Padding == "" {
		c.Padding = Symmetric
	}
	if c.BNEpsilon == 0 {
		c.BNEpsilon = 1e-5
		if c.Arch == MobileNetV3Small || c.Arch == MobileNetV3Large {
			c.BNEpsilon = 1e-3
		}
	}
	if c.Variant == VariantFeatures {
		c.NoHead = true
	}
	if c.Classes == 0 && !c.NoHead {
		c.Classes = 1000
		if len(c.Head) > 0 {
			c.Classes = c.Head[len(c.Head)-1].Units
		}
	}
	return c
}

// check reports the first field outside its range, after defaults.
func (c Config) check() error {
	variants := map[Arch][]string{
		MobileNetV1:      {"", VariantArticle},
		MobileNetV2:      {"", VariantArticle, VariantFeatures},
		MobileNetV3Small: {"", VariantArticle},
		MobileNetV3Large: {"", VariantArticle},
	}[c.Arch]
	if variants == nil {
		return &ConfigError{"arch", string(c.Arch), "mobilenet_v1, mobilenet_v2, mobilenet_v3_small or mobilenet_v3_large"}
	}
	if !slices.Contains(variants, c.Variant) {
		want := "none"
		for _, v := range variants[1:] {
			want += " or " + strconv.Quote(v)
		}
		return &ConfigError{"variant", c.Variant, want}
	}
	if !(c.Alpha >= minAlpha && c.Alpha <= maxAlpha) {
		return &ConfigError{"alpha", strconv.FormatFloat(c.Alpha, 'g', -1, 64), "0.1 to 2"}
	}
	if c.Height < minSide || c.Height > maxPixels {
		return &ConfigError{"height", strconv.Itoa(c.Height), "32 pixels or more"}
	}
	if c.Width < minSide || c.Width > maxPixels {
		return &ConfigError{"width", strconv.Itoa(c.Width), "32 pixels or more"}
	}
	if c.Height*c.Width > maxPixels {
		return &ConfigError{"height", strconv.Itoa(c.Height), "at most " + strconv.Itoa(maxPixels) + " pixels in all, width being " + strconv.Itoa(c.Width)}
	}
	if c.Padding != Symmetric && c.Padding != Same {
		return &ConfigError{"padding", string(c.Padding), "symmetric or same"}
	}
	if c.StemAct != nil && *c.StemAct > kernels.HardSigmoid {
		return &ConfigError{"stem_act", c.StemAct.String(), activationList}
	}
	if !(c.BNEpsilon > 0 && c.BNEpsilon <= 1) || math.IsNaN(c.BNEpsilon) {
		return &ConfigError{"bn_eps", strconv.FormatFloat(c.BNEpsilon, 'g', -1, 64), "above 0, at most 1"}
	}
	return c.checkHead()
}

func (c Config) checkHead() error {
	if c.NoHead {
		if len(c.Head) > 0 {
			return &ConfigError{"head", formatHead(c.Head), "none, as the network has no classifier"}
		}
		if c.Classes != 0 {
			return &ConfigError{"classes", strconv.Itoa(c.Classes), "none, as the network has no classifier"}
		}
		return nil
	}
	if c.Classes < 1 || c.Classes > maxUnits {
		return &ConfigError{"classes", strconv.Itoa(c.Classes), "1 to " + strconv.Itoa(maxUnits)}
	}
	if len(c.Head) > maxHead {
		return &ConfigError{"head", strconv.Itoa(len(c.Head)) + " layers", "at most " + strconv.Itoa(maxHead)}
	}
	for _, h := range c.Head {
		if h.Units < 1 || h.Units > maxUnits {
			return &ConfigError{"head", strconv.Itoa(h.Units) + " units", "1 to " + strconv.Itoa(maxUnits)}
		}
		if h.Act > kernels.HardSigmoid {
			return &ConfigError{"head", h.Act.String(), activationList}
		}
	}
	if n := len(c.Head); n > 0 && c.Head[n-1].Units != c.Classes {
		return &ConfigError{"head", formatHead(c.Head), "its last layer to have the " + strconv.Itoa(c.Classes) + " classes"}
	}
	return nil
}
