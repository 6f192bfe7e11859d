package export

import (
	"fmt"
	"math"

	"glance/kernels"
	"glance/models"

	"google.golang.org/protobuf/encoding/protowire"
)

// ONNX writes the network as an ONNX model, opset 17: input "input"
// [1 3 H W], output "logits" [1 classes], NCHW throughout. Field numbers are
// those of onnx.proto3.
func ONNX(n *models.Network, blob []byte) ([]byte, error) {
	g, err := lower(n, blob)
	if err != nil {
		return nil, err
	}
	var x onnxGraph
	for i, o := range g.ops {
		x.node(i, o, g)
	}
	in := g.shapes[0]
	out := g.ops[len(g.ops)-1]
	x.input = valueInfo("input", 1, 3, in.H, in.W)
	x.output = valueInfo("logits", 1, g.shapes[out.out].C)
	x.rename = map[int]string{out.out: "logits"}

	var model msg
	model.varint(1, 8) // ir_version
	model.str(2, "glance")
	model.bytes(7, x.finish(g.name))
	var opset msg
	opset.varint(2, 17)
	model.bytes(8, opset)
	return model, nil
}

// msg is a protobuf message being written.
type msg []byte

func (m *msg) varint(field int, v uint64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, protowire.Number(field), protowire.VarintType), v)
}

func (m *msg) bytes(field int, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, protowire.Number(field), protowire.BytesType), b)
}

func (m *msg) str(field int, s string) { m.bytes(field, []byte(s)) }

func (m *msg) float(field int, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, protowire.Number(field), protowire.Fixed32Type), math.Float32bits(v))
}

// onnxNode is a NodeProto before its names are final.
type onnxNode struct {
	op     string
	inVals []int
	out    int
	consts []string
	attrs  []msg
}

type onnxGraph struct {
	nodes         []onnxNode
	initializers  []msg
	input, output msg
	rename        map[int]string
}

func (x *onnxGraph) node(i int, o op, g *graph) {
	name := fmt.Sprintf("%s%d", o.kind, i)
	n := onnxNode{inVals: o.in, out: o.out}
	switch o.kind {
	case conv, dwconv:
		n.op = "Conv"
		k, c, in := o.kernel, g.shapes[o.out].C, g.shapes[o.in[0]].C
		group := 1
		if o.kind == dwconv {
			group = c
			x.constant(name+"w", transpose(o.weight, k*k, c), c, 1, k, k)
		} else { // OHWI -> OIHW
			w := make([]float32, len(o.weight))
			for out := range c {
				copy(w[out*k*k*in:], transpose(o.weight[out*k*k*in:(out+1)*k*k*in], k*k, in))
			}
			x.constant(name+"w", w, c, in, k, k)
		}
		x.constant(name+"b", o.bias, c)
		n.consts = []string{name + "w", name + "b"}
		n.attrs = []msg{attrInts("kernel_shape", k, k), attrInts("strides", o.stride, o.stride),
			attrInts("pads", o.pad[0], o.pad[1], o.pad[2], o.pad[3]), attrInt("group", group)}
	case dense:
		flat := len(g.shapes)
		g.shapes = append(g.shapes, g.shapes[o.in[0]])
		x.nodes = append(x.nodes, onnxNode{op: "Flatten", inVals: o.in, out: flat})
		n.op, n.inVals = "Gemm", []int{flat}
		x.constant(name+"w", o.weight, o.shape...)
		x.constant(name+"b", o.bias, o.shape[0])
		n.consts = []string{name + "w", name + "b"}
		n.attrs = []msg{attrInt("transB", 1)}
	case add:
		n.op = "Add"
	case mul:
		n.op = "Mul"
	case gap:
		n.op = "GlobalAveragePool"
	case hswish:
		n.op = "HardSwish"
	case hsigmoid:
		n.op, n.attrs = "HardSigmoid", []msg{attrFloat("alpha", 1.0/6), attrFloat("beta", 0.5)}
	}
	if o.act == kernels.Identity {
		x.nodes = append(x.nodes, n)
		return
	}
	pre := len(g.shapes)
	g.shapes = append(g.shapes, g.shapes[o.out])
	n.out = pre
	x.nodes = append(x.nodes, n)
	act := onnxNode{op: "Relu", inVals: []int{pre}, out: o.out}
	if o.act == kernels.ReLU6 {
		x.scalar("zero", 0)
		x.scalar("six", 6)
		act.op, act.consts = "Clip", []string{"zero", "six"}
	}
	x.nodes = append(x.nodes, act)
}

// constant adds an initializer; TensorProto: dims 1, data_type 2, name 8, raw_data 9.
func (x *onnxGraph) constant(name string, v []float32, dims ...int) {
	var t msg
	for _, d := range dims {
		t.varint(1, uint64(d))
	}
	t.varint(2, 1)
	t.str(8, name)
	t.bytes(9, bytesOf(v))
	x.initializers = append(x.initializers, t)
}

// scalar adds a rank 0 initializer, once.
func (x *onnxGraph) scalar(name string, v float32) {
	var t msg
	t.varint(2, 1)
	t.str(8, name)
	t.bytes(9, bytesOf([]float32{v}))
	for _, have := range x.initializers {
		if string(have) == string(t) {
			return
		}
	}
	x.initializers = append(x.initializers, t)
}

// finish writes the GraphProto: node 1, name 2, initializer 5, input 11, output 12.
func (x *onnxGraph) finish(name string) msg {
	value := func(v int) string {
		if s, ok := x.rename[v]; ok {
			return s
		}
		if v == 0 {
			return "input"
		}
		return fmt.Sprintf("v%d", v)
	}
	var m msg
	for i, n := range x.nodes { // NodeProto: input 1, output 2, name 3, op_type 4, attribute 5
		var p msg
		for _, v := range n.inVals {
			p.str(1, value(v))
		}
		for _, c := range n.consts {
			p.str(1, c)
		}
		p.str(2, value(n.out))
		p.str(3, fmt.Sprintf("%s_%d", n.op, i))
		p.str(4, n.op)
		for _, a := range n.attrs {
			p.bytes(5, a)
		}
		m.bytes(1, p)
	}
	m.str(2, name)
	for _, t := range x.initializers {
		m.bytes(5, t)
	}
	m.bytes(11, x.input)
	m.bytes(12, x.output)
	return m
}

// Attributes: name 1, f 2, i 3, ints 8, type 20 (FLOAT 1, INT 2, INTS 7).
func attrInt(name string, v int) msg {
	var m msg
	m.str(1, name)
	m.varint(3, uint64(v))
	m.varint(20, 2)
	return m
}

func attrInts(name string, v ...int) msg {
	var m msg
	m.str(1, name)
	for _, x := range v {
		m.varint(8, uint64(x))
	}
	m.varint(20, 7)
	return m
}

func attrFloat(name string, v float32) msg {
	var m msg
	m.str(1, name)
	m.float(2, v)
	m.varint(20, 1)
	return m
}

// valueInfo is a float tensor's ValueInfoProto: name 1, type 2 {tensor_type 1
// {elem_type 1, shape 2 {dim 1 {dim_value 1}}}}.
func valueInfo(name string, dims ...int) msg {
	var shape msg
	for _, d := range dims {
		var dim msg
		dim.varint(1, uint64(d))
		shape.bytes(1, dim)
	}
	var tensor, typ, m msg
	tensor.varint(1, 1)
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	m.str(1, name)
	m.bytes(2, typ)
	return m
}
