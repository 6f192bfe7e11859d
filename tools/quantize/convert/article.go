package convert

import (
	"fmt"
	"regexp"
	"strconv"

	"glance/models"
)

// articleSqueezeEpsilon is what the batch norm inside the article's
// squeeze-and-excite adds to the variance: PyTorch's default, where all others of
// its V3 have 1e-3.
const articleSqueezeEpsilon = 1e-5

// article is the classes of a walk-through of MobileNetV1 to V3 in PyTorch that
// many people train with. What sets its checkpoints apart:
//
//	V1   every depthwise and pointwise convolution has a bias, which the batch norm
//	     after it makes redundant; a block registers both convolutions and then both
//	     batch norms, so that the state dict is not in execution order; the stem ends
//	     in ReLU
//	V2   projections have such a bias
//	V2   features only: no classifier and no last convolution; every block is
//	     registered twice, as inverted_residuals.N and inverted_residual_T_C_N.I
//	V3   squeeze-and-excite is two convolutions without biases and a batch norm after
//	     the first; two rows of V3-large's table differ from the paper's
var article = family{
	name: Article,
	variants: map[models.Arch][]string{
		models.MobileNetV1:      {models.VariantArticle, ""},
		models.MobileNetV2:      {models.VariantArticle, "", models.VariantFeatures},
		models.MobileNetV3Small: {models.VariantArticle, ""},
		models.MobileNetV3Large: {models.VariantArticle, ""},
	},
	layout:     torchLayout,
	leaves:     torchNorm,
	epsilon:    paperEpsilon,
	padding:    models.Symmetric,
	preprocess: models.DefaultPreprocess,
	canonical:  articleCanonical,
	names: func(n *models.Network) names {
		switch {
		case n.Config.Arch == models.MobileNetV1:
			return articleV1
		case n.Config.Arch == models.MobileNetV2:
			return articleV2(n)
		}
		return articleV3
	},
}

var articleV1 = names{
	stem: pair("conv_bn"),
	block: func(i int, _ parts) blockRefs {
		prefix := fmt.Sprintf("dwmodule.%d.", i)
		return blockRefs{
			depthwise: torchConv(prefix+"depthwise", prefix+"batch_norm1"),
			project:   torchConv(prefix+"pointwise", prefix+"batch_norm2"),
		}
	},
	head: []string{"fc"},
}

func articleV2(n *models.Network) names {
	first, block := "features.0", func(i int) string { return fmt.Sprintf("features.%d.conv", i+1) }
	if n.Config.Variant == models.VariantFeatures {
		first, block = "conv1", func(i int) string { return fmt.Sprintf("inverted_residuals.%d.conv", i) }
	}
	return names{
		stem: pair(first + ".convbnrelu6"),
		block: func(i int, p parts) blockRefs {
			c := counter{prefix: block(i)}
			var b blockRefs
			if p.expand {
				b.expand = pair(c.next() + ".convbnrelu6")
			}
			b.depthwise = pair(c.next() + ".convbnrelu6")
			project := c.next()
			b.project = torchConv(project, c.next())
			return b
		},
		last: pair(fmt.Sprintf("features.%d.convbnrelu6", len(blockParts(n))+1)),
		head: []string{"classifier.1"},
	}
}

var articleV3 = names{
	stem: pair("features.0.convbnact"),
	block: func(i int, p parts) blockRefs {
		c := counter{prefix: fmt.Sprintf("features.1.%d.block", i)}
		var b blockRefs
		if p.expand {
			b.expand = pair(c.next() + ".convbnact")
		}
		b.depthwise = pair(c.next() + ".convbnact")
		if p.squeeze {
			se := c.next() + ".se."
			b.reduce = torchConv(se+"1", se+"2")
			b.reduce.epsilon = articleSqueezeEpsilon
			b.excite = ref{weight: se + "4.weight", bias: se + "4.bias", free: true}
		}
		b.project = pair(c.next() + ".convbnact")
		return b
	},
	last: pair("features.2.convbnact"),
	head: []string{"classifier.0", "classifier.3"},
}

// secondName is how the features-only network registers a row of its table a
// second time: inverted_residual_T_C_N with N blocks.
var secondName = regexp.MustCompile(`^inverted_residual_(\d+)_(\d+)_(\d+)\.(\d+)(\..+)$`)

// articleCanonical maps the second name of a block of the features-only network
// to its first.
func articleCanonical(name string) string {
	m := secondName.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	// The rows of V2's table by their output channels: the index of the first block.
	first, ok := map[string]int{"16": 0, "24": 1, "32": 3, "64": 6, "96": 10, "160": 13, "320": 16}[m[2]]
	i, err := strconv.Atoi(m[4])
	if !ok || err != nil {
		return name
	}
	return fmt.Sprintf("inverted_residuals.%d%s", first+i, m[5])
}
