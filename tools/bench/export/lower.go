// Package export writes a network of ours, with its folded weights, in the
// formats other engines read: ONNX for onnxruntime-web, TFLite for LiteRT.js
// and MediaPipe, and a flat list of operators for TensorFlow.js. All of them
// compute the same function, so that engines can be timed and compared on it.
package export

import (
	"encoding/binary"
	"fmt"
	"math"

	"glance/kernels"
	"glance/models"
	"glance/weights"

	"github.com/x448/float16"
)

// kind is an operator of the lowered form. Activations are NHWC.
type kind string

const (
	conv     kind = "conv"     // weight [O k k I], bias [O]
	dwconv   kind = "dwconv"   // weight [k k C], bias [C]
	dense    kind = "dense"    // weight [O I], bias [O]
	add      kind = "add"      // two inputs of one shape
	mul      kind = "mul"      // the second input is 1x1xC
	gap      kind = "gap"      // global average pool to 1x1xC
	hswish   kind = "hswish"   // x * relu6(x+3)/6
	hsigmoid kind = "hsigmoid" // relu6(x+3)/6
)

// op is one operator. Values are numbered; value 0 is the input.
type op struct {
	kind   kind
	in     []int
	out    int
	kernel int
	stride int
	pad    [4]int // top, left, bottom, right
	act    kernels.Activation
	weight []float32
	shape  []int // of weight
	bias   []float32
}

// graph is a lowered network; shapes[v] is the shape of value v.
type graph struct {
	name   string
	ops    []op
	shapes []models.Shape
}

func (g *graph) emit(o op, shape models.Shape) int {
	g.shapes = append(g.shapes, shape)
	o.out = len(g.shapes) - 1
	g.ops = append(g.ops, o)
	return o.out
}

// activate appends a hard-swish or hard-sigmoid as an operator of its own, as
// the peers' formats have it; ReLU and ReLU6 stay with the operator before.
func (g *graph) activate(v int, act kernels.Activation) int {
	switch act {
	case kernels.HardSwish:
		return g.emit(op{kind: hswish, in: []int{v}}, g.shapes[v])
	case kernels.HardSigmoid:
		return g.emit(op{kind: hsigmoid, in: []int{v}}, g.shapes[v])
	}
	return v
}

// clamp is the part of an activation that the formats fuse.
func clamp(act kernels.Activation) kernels.Activation {
	if act == kernels.ReLU || act == kernels.ReLU6 {
		return act
	}
	return kernels.Identity
}

// lower turns a network and its blob into the flat form.
func lower(n *models.Network, blob []byte) (*graph, error) {
	w, err := tensors(blob)
	if err != nil {
		return nil, err
	}
	in := n.InputShape()
	g := &graph{name: string(n.Config.Arch), shapes: []models.Shape{in}}
	outputs := make([]int, len(n.Layers)) // the value each layer makes
	v := 0
	for i, l := range n.Layers {
		o := op{in: []int{v}, kernel: l.Kernel, stride: l.Stride, act: clamp(l.Act),
			weight: w[l.Name+".weight"], bias: w[l.Name+".bias"]}
		if l.Kernel > 1 {
			o.pad = [4]int{l.PadTop, l.PadLeft,
				max(0, (l.Out.H-1)*l.Stride+l.Kernel-l.In.H-l.PadTop), max(0, (l.Out.W-1)*l.Stride+l.Kernel-l.In.W-l.PadLeft)}
		}
		switch l.Kind {
		case models.KindConv:
			o.kind, o.shape = conv, []int{l.Out.C, 3, 3, 3}
		case models.KindPointwise:
			o.kind, o.shape = conv, []int{l.Out.C, 1, 1, l.In.C}
		case models.KindDepthwise:
			k := l.Kernel
			o.kind, o.shape = dwconv, []int{k, k, l.Out.C}
			o.weight = transpose(o.weight, l.Out.C, k*k)
		case models.KindDense:
			o.kind, o.shape = dense, []int{l.Out.C, l.In.C}
		case models.KindPool:
			v = g.emit(op{kind: gap, in: []int{v}}, l.Out)
			outputs[i] = v
			continue
		case models.KindSqueeze:
			v = g.squeeze(v, l, w)
			outputs[i] = v
			continue
		default:
			return nil, fmt.Errorf("export: %s: layer kind %q has no counterpart", l.Name, l.Kind)
		}
		v = g.activate(g.emit(o, l.Out), l.Act)
		if l.Residual >= 0 {
			v = g.emit(op{kind: add, in: []int{outputs[l.Residual], v}}, l.Out)
		}
		outputs[i] = v
	}
	return g, nil
}

func (g *graph) squeeze(v int, l models.Layer, w map[string][]float32) int {
	mid := models.Shape{H: 1, W: 1, C: l.Squeezed}
	full := models.Shape{H: 1, W: 1, C: l.In.C}
	s := g.emit(op{kind: gap, in: []int{v}}, full)
	s = g.emit(op{kind: conv, in: []int{s}, kernel: 1, stride: 1, act: kernels.ReLU, shape: []int{mid.C, 1, 1, full.C},
		weight: w[l.Name+".0.weight"], bias: w[l.Name+".0.bias"]}, mid)
	s = g.emit(op{kind: conv, in: []int{s}, kernel: 1, stride: 1, shape: []int{full.C, 1, 1, mid.C},
		weight: w[l.Name+".1.weight"], bias: w[l.Name+".1.bias"]}, full)
	s = g.activate(s, kernels.HardSigmoid)
	return g.emit(op{kind: mul, in: []int{v, s}}, l.Out)
}

// tensors decodes every tensor of a blob to float32.
func tensors(blob []byte) (map[string][]float32, error) {
	f, err := weights.ParseHeader(blob, int64(len(blob)))
	if err != nil {
		return nil, err
	}
	out := map[string][]float32{}
	for _, t := range f.Tensors {
		b := blob[f.DataOffset+t.Offset:][:t.Size]
		var v []float32
		switch t.DType {
		case "F16":
			for i := 0; i < len(b); i += 2 {
				v = append(v, float16.Frombits(binary.LittleEndian.Uint16(b[i:])).Float32())
			}
		case "F32":
			for i := 0; i < len(b); i += 4 {
				v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(b[i:])))
			}
		default:
			return nil, fmt.Errorf("export: %s: dtype %s, want F16 or F32", t.Name, t.DType)
		}
		out[t.Name] = v
	}
	return out, nil
}

// transpose turns [rows][cols] into [cols][rows].
func transpose(v []float32, rows, cols int) []float32 {
	out := make([]float32, len(v))
	for r := range rows {
		for c := range cols {
			out[c*rows+r] = v[r*cols+c]
		}
	}
	return out
}

// bytesOf lays floats out as little-endian bytes.
func bytesOf(v []float32) []byte {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}
