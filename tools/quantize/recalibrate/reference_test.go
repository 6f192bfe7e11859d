package recalibrate_test

import (
	"math"

	"glance/kernels"
	"glance/models"
	"glance/tools/quantize/convert"
)

// reference computes a network in training mode the long way round: every
// convolution as nested loops in float64, all images at once, each batch norm with
// the statistics of what reaches it. It returns the means and the unbiased
// variances, by the names of the weight matrices.
func reference(n *models.Network, params []*convert.Params, images [][]float32) (mean, variance map[string][]float64) {
	mean, variance = make(map[string][]float64), make(map[string][]float64)
	batch := make([][]float64, len(images))
	for i, image := range images {
		for _, v := range image {
			batch[i] = append(batch[i], float64(v))
		}
	}
	at := 0
	next := func() *convert.Params { at++; return params[at-1] }
	outputs := make([][][]float64, len(n.Layers))
	for i, l := range n.Layers {
		switch l.Kind {
		case models.KindPool:
			return mean, variance
		case models.KindSqueeze:
			reduce, excite := next(), next()
			pooled := make([][]float64, len(batch))
			for b, x := range batch {
				pooled[b] = make([]float64, l.In.C)
				for k, v := range x {
					pooled[b][k%l.In.C] += v / float64(l.In.Pixels())
				}
			}
			one := models.Shape{H: 1, W: 1}
			in, hidden := one, one
			in.C, hidden.C = l.In.C, l.Squeezed
			dense := models.Layer{Kind: models.KindPointwise, In: in, Out: hidden, Kernel: 1, Stride: 1, Act: kernels.ReLU}
			pooled = trainingMode(dense, reduce, pooled, mean, variance)
			dense.In, dense.Out, dense.Act = hidden, in, kernels.HardSigmoid
			pooled = trainingMode(dense, excite, pooled, mean, variance)
			scaled := make([][]float64, len(batch))
			for b, x := range batch {
				for k, v := range x {
					scaled[b] = append(scaled[b], v*pooled[b][k%l.In.C])
				}
			}
			batch = scaled
		default:
			batch = trainingMode(l, next(), batch, mean, variance)
			if l.Residual >= 0 {
				for b := range batch {
					for k, v := range outputs[l.Residual][b] {
						batch[b][k] += v
					}
				}
			}
		}
		outputs[i] = batch
	}
	return mean, variance
}

// trainingMode computes a convolution, its batch norm and its activation for a
// batch.
func trainingMode(l models.Layer, p *convert.Params, batch [][]float64, means, variances map[string][]float64) [][]float64 {
	out := make([][]float64, len(batch))
	for b, x := range batch {
		out[b] = make([]float64, l.Out.Size())
		for y := range l.Out.H {
			for q := range l.Out.W {
				for c := range l.Out.C {
					sum := 0.0
					if p.Bias != nil {
						sum = float64(p.Bias[c])
					}
					for i := range l.Kernel {
						for j := range l.Kernel {
							row, column := y*l.Stride-l.PadTop+i, q*l.Stride-l.PadLeft+j
							if row < 0 || row >= l.In.H || column < 0 || column >= l.In.W {
								continue
							}
							pixel := (row*l.In.W + column) * l.In.C
							if l.Kind == models.KindDepthwise {
								sum += x[pixel+c] * float64(p.Weight[(c*l.Kernel+i)*l.Kernel+j])
								continue
							}
							for k := range l.In.C {
								sum += x[pixel+k] * float64(p.Weight[((c*l.Kernel+i)*l.Kernel+j)*l.In.C+k])
							}
						}
					}
					out[b][(y*l.Out.W+q)*l.Out.C+c] = sum
				}
			}
		}
	}
	for c := range l.Out.C {
		scale, shift := 1.0, 0.0
		if p.Norm != nil {
			var values []float64
			for _, y := range out {
				for k := c; k < len(y); k += l.Out.C {
					values = append(values, y[k])
				}
			}
			mean, squares := 0.0, 0.0
			for _, v := range values {
				mean += v / float64(len(values))
			}
			for _, v := range values {
				squares += (v - mean) * (v - mean)
			}
			means[p.Name] = append(means[p.Name], mean)
			variances[p.Name] = append(variances[p.Name], squares/float64(len(values)-1))
			scale = float64(p.Norm.Gamma[c]) / math.Sqrt(squares/float64(len(values))+p.Norm.Epsilon)
			shift = float64(p.Norm.Beta[c]) - mean*scale
		}
		for _, y := range out {
			for k := c; k < len(y); k += l.Out.C {
				v := y[k]*scale + shift
				sigmoid := min(max(v+3, 0), 6) / 6
				switch l.Act {
				case kernels.ReLU:
					v = max(v, 0)
				case kernels.ReLU6:
					v = min(max(v, 0), 6)
				case kernels.HardSigmoid:
					v = sigmoid
				case kernels.HardSwish:
					v *= sigmoid
				}
				y[k] = v
			}
		}
	}
	return out
}
