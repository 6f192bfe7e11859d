package convert

import (
	"fmt"

	"glance/models"
)

// torchvision is torchvision.models: mobilenet_v2, mobilenet_v3_small and
// mobilenet_v3_large (torchvision/models/mobilenetv2.py and mobilenetv3.py).
var torchvision = family{
	name: Torchvision,
	variants: map[models.Arch][]string{models.MobileNetV2: published, models.MobileNetV3Small: published,
		models.MobileNetV3Large: published},
	layout:     torchLayout,
	leaves:     torchNorm,
	epsilon:    paperEpsilon,
	padding:    models.Symmetric,
	preprocess: models.DefaultPreprocess,
	names: func(n *models.Network) names {
		blocks := len(blockParts(n))
		ns := names{stem: pair("features.0"), last: pair(fmt.Sprintf("features.%d", blocks+1)), head: []string{"classifier.1"}}
		ns.block = func(i int, p parts) blockRefs {
			c := counter{prefix: fmt.Sprintf("features.%d.conv", i+1)}
			var b blockRefs
			if p.expand {
				b.expand = pair(c.next())
			}
			b.depthwise = pair(c.next())
			project := c.next()
			b.project = torchConv(project, c.next())
			return b
		}
		if n.Config.Arch != models.MobileNetV2 {
			ns.head = []string{"classifier.0", "classifier.3"}
			ns.block = func(i int, p parts) blockRefs {
				c := counter{prefix: fmt.Sprintf("features.%d.block", i+1)}
				var b blockRefs
				if p.expand {
					b.expand = pair(c.next())
				}
				b.depthwise = pair(c.next())
				if p.squeeze {
					se := c.next()
					b.reduce, b.excite = torchDense(se+".fc1"), torchDense(se+".fc2")
				}
				b.project = pair(c.next())
				return b
			}
		}
		return ns
	},
}

// sequential is MobileNetV1 as one torch.nn.Sequential of (convolution, batch
// norm, activation) called features, and a linear layer called classifier. Its
// batch norms have Google's epsilon.
var sequential = family{
	name:       Sequential,
	variants:   map[models.Arch][]string{models.MobileNetV1: published},
	layout:     torchLayout,
	leaves:     torchNorm,
	epsilon:    always(1e-3),
	padding:    models.Symmetric,
	preprocess: models.DefaultPreprocess,
	names: func(*models.Network) names {
		return names{
			stem: pair("features.0"),
			block: func(i int, _ parts) blockRefs {
				return blockRefs{depthwise: pair(fmt.Sprintf("features.%d", 2*i+1)), project: pair(fmt.Sprintf("features.%d", 2*i+2))}
			},
			head: []string{"classifier"},
		}
	},
}

// torchConv is a convolution followed by a batch norm.
func torchConv(conv, norm string) ref {
	return ref{weight: conv + ".weight", bias: conv + ".bias", norm: norm, free: true}
}

// pair is a convolution and its batch norm as children 0 and 1 of a Sequential.
func pair(prefix string) ref { return torchConv(prefix+".0", prefix+".1") }

// torchDense is a layer with a bias and no batch norm.
func torchDense(prefix string) ref { return ref{weight: prefix + ".weight", bias: prefix + ".bias"} }

// counter numbers the children of a Sequential.
type counter struct {
	prefix string
	n      int
}

func (c *counter) next() string {
	c.n++
	return fmt.Sprintf("%s.%d", c.prefix, c.n-1)
}
