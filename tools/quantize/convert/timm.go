package convert

import (
	"fmt"

	"glance/models"
)

// timmStages is how timm groups the blocks of each network.
var timmStages = map[models.Arch][]int{
	models.MobileNetV1:      {1, 2, 2, 6, 2},
	models.MobileNetV2:      {1, 2, 3, 4, 3, 3, 1},
	models.MobileNetV3Small: {1, 2, 3, 2, 3},
	models.MobileNetV3Large: {1, 2, 3, 4, 2, 3},
}

// timm is timm's mobilenetv1_100, mobilenetv2_100, mobilenetv3_small_100,
// mobilenetv3_large_100 and their other widths (timm/models/mobilenetv3.py,
// efficientnet.py and _efficientnet_blocks.py). Every batch norm has PyTorch's
// epsilon, V3's too; only the weights that timm ported from TensorFlow (tf_...)
// have 1e-3.
var timm = family{
	name: Timm,
	variants: map[models.Arch][]string{models.MobileNetV1: published, models.MobileNetV2: published,
		models.MobileNetV3Small: published, models.MobileNetV3Large: published},
	layout:  torchLayout,
	leaves:  torchNorm,
	epsilon: always(1e-5),
	padding: models.Symmetric,
	preprocess: func(c models.Config) models.Preprocess {
		p := models.DefaultPreprocess(c)
		p.Filter = models.PILBicubic
		return p
	},
	names: func(n *models.Network) names {
		stages := timmStages[n.Config.Arch]
		ns := names{stem: torchConv("conv_stem", "bn1"), head: []string{"classifier"}}
		switch n.Config.Arch {
		case models.MobileNetV2:
			ns.last = torchConv("conv_head", "bn2")
		case models.MobileNetV3Small, models.MobileNetV3Large:
			stage := fmt.Sprintf("blocks.%d.0", len(stages))
			ns.last = torchConv(stage+".conv", stage+".bn1")
			ns.head = []string{"conv_head", "classifier"}
		}
		ns.block = func(i int, p parts) blockRefs {
			stage := 0
			for i >= stages[stage] {
				i -= stages[stage]
				stage++
			}
			prefix := fmt.Sprintf("blocks.%d.%d.", stage, i)
			b := blockRefs{
				reduce: torchDense(prefix + "se.conv_reduce"),
				excite: torchDense(prefix + "se.conv_expand"),
			}
			if p.expand {
				b.expand = torchConv(prefix+"conv_pw", prefix+"bn1")
				b.depthwise = torchConv(prefix+"conv_dw", prefix+"bn2")
				b.project = torchConv(prefix+"conv_pwl", prefix+"bn3")
			} else {
				b.depthwise = torchConv(prefix+"conv_dw", prefix+"bn1")
				b.project = torchConv(prefix+"conv_pw", prefix+"bn2")
			}
			return b
		}
		return ns
	},
}
