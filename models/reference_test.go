package models

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"glance/kernels"
	"glance/weights"

	"github.com/x448/float16"
)

// checkpoint is a network's weights by tensor name, as the blob stores them.
type checkpoint map[string][]float32

// randomCheckpoint draws weights that keep activations near 1 through the
// network. With half, weights are rounded to float16.
func randomCheckpoint(n *Network, seed uint64, half bool) checkpoint {
	r := rand.New(rand.NewPCG(seed, 1))
	c := checkpoint{}
	for _, t := range n.Tensors() {
		size, fan := 1, 1
		for i, d := range t.Shape {
			size *= d
			if i > 0 {
				fan *= d
			}
		}
		values := make([]float32, size)
		for i := range values {
			switch {
			case t.Bias:
				values[i] = float32(r.NormFloat64() * 0.3)
			default:
				values[i] = float32(r.NormFloat64() * math.Sqrt(2/float64(fan)))
				if half {
					values[i] = float16.Fromfloat32(values[i]).Float32()
				}
			}
		}
		c[t.Name] = values
	}
	return c
}

// blob writes the weights as a blob of the network.
func (c checkpoint) blob(t testing.TB, n *Network, p Preprocess, half bool) []byte {
	t.Helper()
	var data []weights.Data
	for _, tensor := range n.Tensors() {
		d := weights.Data{Name: tensor.Name, DType: weights.F32, Shape: tensor.Shape}
		for _, v := range c[tensor.Name] {
			if half && !tensor.Bias {
				d.DType = weights.F16
				d.Bytes = binary.LittleEndian.AppendUint16(d.Bytes, float16.Fromfloat32(v).Bits())
			} else {
				d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(v))
			}
		}
		data = append(data, d)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, Metadata(n.Config, p), data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func randomInput(n *Network, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 2))
	x := make([]float32, n.InputShape().Size())
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// reference computes every layer's output in float64, one loop nest each, from
// the definitions in Layer and nothing of the planner.
func reference(n *Network, c checkpoint, input []float32) [][]float64 {
	outputs := make([][]float64, len(n.Layers))
	x := make([]float64, len(input))
	for i, v := range input {
		x[i] = float64(v)
	}
	for i, l := range n.Layers {
		var y []float64
		switch l.Kind {
		case KindConv:
			y = refWindow(l, c, x, true)
		case KindDepthwise:
			y = refWindow(l, c, x, false)
		case KindPointwise, KindDense:
			y = refDense(x, c[l.Name+".weight"], c[l.Name+".bias"], l.In.C, l.Act)
		case KindPool:
			y = refPool(x, l.In.C)
		case KindSqueeze:
			hidden := refDense(refPool(x, l.In.C), c[l.Name+".0.weight"], c[l.Name+".0.bias"], l.In.C, kernels.ReLU)
			factors := refDense(hidden, c[l.Name+".1.weight"], c[l.Name+".1.bias"], l.Squeezed, kernels.HardSigmoid)
			y = make([]float64, len(x))
			for j := range x {
				y[j] = x[j] * factors[j%l.In.C]
			}
		}
		if l.Residual >= 0 {
			for j, v := range outputs[l.Residual] {
				y[j] += v
			}
		}
		outputs[i], x = y, y
	}
	return outputs
}

func refWindow(l Layer, c checkpoint, x []float64, full bool) []float64 {
	w, b := c[l.Name+".weight"], c[l.Name+".bias"]
	y := make([]float64, l.Out.Size())
	for r := range l.Out.H {
		for q := range l.Out.W {
			for n := range l.Out.C {
				sum := float64(b[n])
				for i := range l.Kernel {
					for j := range l.Kernel {
						row, col := l.Stride*r-l.PadTop+i, l.Stride*q-l.PadLeft+j
						if row < 0 || row >= l.In.H || col < 0 || col >= l.In.W {
							continue
						}
						at := (row*l.In.W + col) * l.In.C
						tap := (n*l.Kernel+i)*l.Kernel + j
						if full {
							for ch := range l.In.C {
								sum += x[at+ch] * float64(w[tap*l.In.C+ch])
							}
						} else {
							sum += x[at+n] * float64(w[tap])
						}
					}
				}
				y[(r*l.Out.W+q)*l.Out.C+n] = refAct(l.Act, sum)
			}
		}
	}
	return y
}

func refDense(x []float64, w, b []float32, k int, act kernels.Activation) []float64 {
	y := make([]float64, 0, len(x)/k*len(b))
	for m := 0; m < len(x); m += k {
		for n := range b {
			sum := float64(b[n])
			for i, v := range w[n*k : (n+1)*k] {
				sum += x[m+i] * float64(v)
			}
			y = append(y, refAct(act, sum))
		}
	}
	return y
}

func refPool(x []float64, channels int) []float64 {
	y := make([]float64, channels)
	for i, v := range x {
		y[i%channels] += v / float64(len(x)/channels)
	}
	return y
}

func refAct(a kernels.Activation, x float64) float64 {
	switch a {
	case kernels.ReLU:
		return max(x, 0)
	case kernels.ReLU6:
		return min(max(x, 0), 6)
	case kernels.HardSigmoid:
		return min(max(x+3, 0), 6) / 6
	case kernels.HardSwish:
		return x * min(max(x+3, 0), 6) / 6
	}
	return x
}

// near fails where got is further from want than float32 arithmetic explains.
func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 1e-4*scale) {
			t.Fatalf("%s: value %d is %v, want %v (largest %v)", what, i, got[i], want[i], scale)
		}
	}
}

// testConfigs are networks small enough to be computed often, one for each
// feature of the architectures.
func testConfigs() map[string]Config {
	relu := kernels.ReLU
	return map[string]Config{
		"v1":           {Arch: MobileNetV1, Alpha: 0.25, Classes: 10, Height: 64, Width: 64},
		"v1 article":   {Arch: MobileNetV1, Variant: VariantArticle, Alpha: 0.3, Classes: 4, Height: 45, Width: 33},
		"v1 same":      {Arch: MobileNetV1, Alpha: 0.27, Classes: 9, Height: 32, Width: 51, Padding: Same, StemAct: &relu},
		"v2":           {Arch: MobileNetV2, Alpha: 0.35, Classes: 11, Height: 64, Width: 48},
		"v2 same":      {Arch: MobileNetV2, Alpha: 0.5, Classes: 17, Height: 37, Width: 70, Padding: Same},
		"v2 head":      {Arch: MobileNetV2, Alpha: 0.35, Height: 33, Width: 40, Head: []HeadLayer{{40, kernels.ReLU}, {13, kernels.HardSwish}, {5, kernels.Identity}}},
		"v2 features":  {Arch: MobileNetV2, Variant: VariantFeatures, Alpha: 0.35, Height: 70, Width: 41},
		"v2 no head":   {Arch: MobileNetV2, Alpha: 0.4, NoHead: true, Height: 40, Width: 40},
		"small":        {Arch: MobileNetV3Small, Classes: 7, Height: 64, Width: 80},
		"small 0.75":   {Arch: MobileNetV3Small, Alpha: 0.75, Classes: 12, Height: 97, Width: 35, Padding: Same},
		"small big":    {Arch: MobileNetV3Small, Alpha: 0.3, Classes: 3, Height: 200, Width: 161},
		"large":        {Arch: MobileNetV3Large, Alpha: 0.5, Classes: 6, Height: 39, Width: 65},
		"large artic.": {Arch: MobileNetV3Large, Variant: VariantArticle, Alpha: 0.35, Classes: 4, Height: 96, Width: 64},
	}
}

func isMismatch(err error, text string) bool {
	return err == nil || !strings.Contains(err.Error(), text)
}
