package convert

import (
	"fmt"

	"glance/models"
)

// keras is keras.applications' MobileNet and MobileNetV2, and networks trained on
// top of them, as TensorFlow.js layers-models
// (keras/src/applications/mobilenet.py and mobilenet_v2.py).
var keras = family{
	name:     Keras,
	variants: map[models.Arch][]string{models.MobileNetV1: published, models.MobileNetV2: published},
	layout:   kerasLayout,
	leaves:   kerasNorm,
	epsilon:  always(1e-3),
	padding:  models.Same,
	// preprocess is what Google's TensorFlow.js demos of these models do: resize to
	// the input whatever the aspect, values to [-1, 1].
	preprocess: func(models.Config) models.Preprocess {
		return models.Preprocess{Filter: models.TFBilinearCorner, Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5}}
	},
	names: func(n *models.Network) names {
		if n.Config.Arch == models.MobileNetV1 {
			return names{
				stem: kerasConv("conv1", "conv1_bn"),
				block: func(i int, _ parts) blockRefs {
					depthwise, pointwise := fmt.Sprintf("conv_dw_%d", i+1), fmt.Sprintf("conv_pw_%d", i+1)
					return blockRefs{depthwise: kerasDepthwise(depthwise, depthwise+"_bn"), project: kerasConv(pointwise, pointwise+"_bn")}
				},
				head: []string{"conv_preds"},
			}
		}
		return names{
			stem: kerasConv("Conv1", "bn_Conv1"),
			block: func(i int, _ parts) blockRefs {
				prefix := fmt.Sprintf("block_%d_", i)
				if i == 0 {
					prefix = "expanded_conv_"
				}
				return blockRefs{
					expand:    kerasConv(prefix+"expand", prefix+"expand_BN"),
					depthwise: kerasDepthwise(prefix+"depthwise", prefix+"depthwise_BN"),
					project:   kerasConv(prefix+"project", prefix+"project_BN"),
				}
			},
			last: kerasConv("Conv_1", "Conv_1_bn"),
			head: []string{"predictions"},
		}
	},
}

func kerasConv(conv, norm string) ref {
	return ref{weight: conv + "/kernel", bias: conv + "/bias", norm: norm, free: true}
}

func kerasDepthwise(conv, norm string) ref {
	return ref{weight: conv + "/depthwise_kernel", bias: conv + "/bias", norm: norm, free: true}
}
