package export

import (
	"encoding/binary"
	"fmt"
	"math"

	"glance/kernels"
	"glance/models"

	flatbuffers "github.com/google/flatbuffers/go"
)

// TFLite writes the network as a float32 TFLite model, schema version 3: input
// [1 H W 3], output [1 classes]. Padding that SAME cannot express is an
// explicit PAD, as converters of PyTorch models write it. Metadata says that
// pixels are normalised as (v-127.5)/127.5, which MediaPipe needs. Slot numbers
// are those of the public schema.
func TFLite(n *models.Network, blob []byte) ([]byte, error) {
	g, err := lower(n, blob)
	if err != nil {
		return nil, err
	}
	t := &tflite{Builder: flatbuffers.NewBuilder(64 << 20), buffers: [][]byte{nil}, values: map[int]int{}, shared: map[string]int{}}
	in := g.shapes[0]
	t.values[0] = t.tensor("input", []int{1, in.H, in.W, in.C}, 0, 0)
	for i, o := range g.ops {
		t.op(i, o, g)
	}
	return t.finish(g.name, t.values[0], t.values[g.ops[len(g.ops)-1].out]), nil
}

// Builtin operators: code, the tag of their options in the union, the number
// of slots in the options table.
type builtin struct {
	code  int32
	tag   byte
	slots int
}

var (
	tfAdd       = builtin{0, 11, 2}
	tfConv      = builtin{3, 1, 6}
	tfDepthwise = builtin{4, 2, 7}
	tfDense     = builtin{9, 8, 4}
	tfMul       = builtin{18, 21, 1}
	tfPad       = builtin{34, 22, 0}
	tfMean      = builtin{40, 27, 1}
	tfHardSwish = builtin{117, 91, 0}
)

// Padding and type codes of the schema.
const (
	tfSame, tfValid = 0, 1
	tfFloat, tfInt  = 0, 2
)

type tfTensor struct {
	name      string
	shape     []int
	typ, data int
}

type tfOp struct {
	code    int
	in, out []int
	builtin builtin
	options func()
}

type tflite struct {
	*flatbuffers.Builder
	tensors []tfTensor
	buffers [][]byte
	codes   []builtin
	ops     []tfOp
	values  map[int]int    // lowered value -> tensor
	shared  map[string]int // constants used by many operators
}

func (t *tflite) tensor(name string, shape []int, typ, data int) int {
	t.tensors = append(t.tensors, tfTensor{name, shape, typ, data})
	return len(t.tensors) - 1
}

func (t *tflite) floats(name string, v []float32, shape ...int) int {
	t.buffers = append(t.buffers, bytesOf(v))
	return t.tensor(name, shape, tfFloat, len(t.buffers)-1)
}

// once returns the constant of a name, made at first use.
func (t *tflite) once(name string, make func() int) int {
	if i, ok := t.shared[name]; ok {
		return i
	}
	i := make()
	t.shared[name] = i
	return i
}

func (t *tflite) ints(name string, v []int32, shape ...int) int {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(x))
	}
	t.buffers = append(t.buffers, b)
	return t.tensor(name, shape, tfInt, len(t.buffers)-1)
}

func (t *tflite) call(b builtin, in []int, out int, options func()) {
	code := -1
	for i, c := range t.codes {
		if c == b {
			code = i
		}
	}
	if code < 0 {
		code = len(t.codes)
		t.codes = append(t.codes, b)
	}
	t.ops = append(t.ops, tfOp{code, in, []int{out}, b, options})
}

// fused is the schema's ActivationFunctionType.
func fused(a kernels.Activation) int8 {
	switch a {
	case kernels.ReLU:
		return 1
	case kernels.ReLU6:
		return 3
	}
	return 0
}

func (t *tflite) op(i int, o op, g *graph) {
	name := fmt.Sprintf("%s%d", o.kind, i)
	s := g.shapes[o.out]
	shape := []int{1, s.H, s.W, s.C}
	if o.kind == dense || (o.kind == hswish && g.ops[i-1].kind == dense) {
		shape = []int{1, s.C}
	}
	out := t.tensor(name, shape, tfFloat, 0)
	t.values[o.out] = out
	in := make([]int, len(o.in))
	for j, v := range o.in {
		in[j] = t.values[v]
	}
	act := fused(o.act)
	switch o.kind {
	case conv, dwconv:
		x, padding := t.pad(name, in[0], o, g)
		stride := int32(o.stride)
		b := t.floats(name+"b", o.bias, len(o.bias))
		if o.kind == conv {
			w := t.floats(name+"w", o.weight, o.shape...)
			t.call(tfConv, []int{x, w, b}, out, func() {
				t.PrependInt8Slot(0, padding, 0)
				t.PrependInt32Slot(1, stride, 0)
				t.PrependInt32Slot(2, stride, 0)
				t.PrependInt8Slot(3, act, 0)
			})
			return
		}
		w := t.floats(name+"w", o.weight, append([]int{1}, o.shape...)...)
		t.call(tfDepthwise, []int{x, w, b}, out, func() {
			t.PrependInt8Slot(0, padding, 0)
			t.PrependInt32Slot(1, stride, 0)
			t.PrependInt32Slot(2, stride, 0)
			t.PrependInt32Slot(3, 1, 0)
			t.PrependInt8Slot(4, act, 0)
		})
	case dense:
		w, b := t.floats(name+"w", o.weight, o.shape...), t.floats(name+"b", o.bias, len(o.bias))
		t.call(tfDense, []int{in[0], w, b}, out, func() { t.PrependInt8Slot(0, act, 0) })
	case add:
		t.call(tfAdd, in, out, func() {})
	case mul:
		t.call(tfMul, in, out, func() {})
	case gap:
		axes := t.once("axes", func() int { return t.ints("axes", []int32{1, 2}, 2) })
		t.call(tfMean, []int{in[0], axes}, out, func() { t.PrependBoolSlot(0, true, false) })
	case hswish:
		t.call(tfHardSwish, in, out, nil)
	case hsigmoid: // relu6(x + 3) * (1/6), as converters write it
		three := t.once("three", func() int { return t.floats("three", []float32{3}) })
		sixth := t.once("sixth", func() int { return t.floats("sixth", []float32{1.0 / 6}) })
		mid := t.tensor(name+"t", shape, tfFloat, 0)
		t.call(tfAdd, []int{in[0], three}, mid, func() { t.PrependInt8Slot(0, 3, 0) })
		t.call(tfMul, []int{mid, sixth}, out, func() {})
	}
}

// pad returns the tensor a convolution reads and its padding code, after a PAD
// where SAME means something else.
func (t *tflite) pad(name string, x int, o op, g *graph) (int, int8) {
	in := g.shapes[o.in[0]]
	same := func(n, before, after int) bool {
		out := (n + o.stride - 1) / o.stride
		total := max(0, (out-1)*o.stride+o.kernel-n)
		return before == total/2 && after == total-total/2
	}
	if same(in.H, o.pad[0], o.pad[2]) && same(in.W, o.pad[1], o.pad[3]) {
		return x, tfSame
	}
	p := o.pad
	key := fmt.Sprint("pad", p)
	widths := t.once(key, func() int {
		return t.ints(key, []int32{0, 0, int32(p[0]), int32(p[2]), int32(p[1]), int32(p[3]), 0, 0}, 4, 2)
	})
	out := t.tensor(name+"pad", []int{1, in.H + p[0] + p[2], in.W + p[1] + p[3], in.C}, tfFloat, 0)
	t.call(tfPad, []int{x, widths}, out, func() {})
	return out, tfValid
}

func (t *tflite) int32s(v []int) flatbuffers.UOffsetT {
	t.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		t.PrependInt32(int32(v[i]))
	}
	return t.EndVector(len(v))
}

func (t *tflite) offsets(v ...flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	return offsets(t.Builder, v...)
}

func offsets(b *flatbuffers.Builder, v ...flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		b.PrependUOffsetT(v[i])
	}
	return b.EndVector(len(v))
}

// finish writes the Model table.
func (t *tflite) finish(name string, in, out int) []byte {
	t.buffers = append(t.buffers, imageMetadata())
	metadata := len(t.buffers) - 1
	var bufs, tens, ops, codes []flatbuffers.UOffsetT
	for _, data := range t.buffers {
		var v flatbuffers.UOffsetT
		if data != nil {
			v = t.alignedBytes(data)
		}
		t.StartObject(3)
		t.PrependUOffsetTSlot(0, v, 0)
		bufs = append(bufs, t.EndObject())
	}
	for _, x := range t.tensors {
		n, s := t.CreateString(x.name), t.int32s(x.shape)
		t.StartObject(10)
		t.PrependUOffsetTSlot(0, s, 0)
		t.PrependInt8Slot(1, int8(x.typ), 0)
		t.PrependUint32Slot(2, uint32(x.data), 0)
		t.PrependUOffsetTSlot(3, n, 0)
		t.PrependBoolSlot(8, true, false) // has_rank
		tens = append(tens, t.EndObject())
	}
	for _, o := range t.ops {
		var options flatbuffers.UOffsetT
		if o.options != nil {
			t.StartObject(o.builtin.slots)
			o.options()
			options = t.EndObject()
		}
		i, u := t.int32s(o.in), t.int32s(o.out)
		t.StartObject(9)
		t.PrependUint32Slot(0, uint32(o.code), 0)
		t.PrependUOffsetTSlot(1, i, 0)
		t.PrependUOffsetTSlot(2, u, 0)
		if o.options != nil {
			t.PrependByteSlot(3, o.builtin.tag, 0)
			t.PrependUOffsetTSlot(4, options, 0)
		}
		ops = append(ops, t.EndObject())
	}
	for _, c := range t.codes {
		t.StartObject(4)
		t.PrependInt8Slot(0, int8(c.code), 0)
		t.PrependInt32Slot(2, 1, 1)
		t.PrependInt32Slot(3, c.code, 0)
		codes = append(codes, t.EndObject())
	}
	slots := []flatbuffers.UOffsetT{t.offsets(tens...), t.int32s([]int{in}), t.int32s([]int{out}), t.offsets(ops...), t.CreateString("main")}
	sub := t.table(slots...)
	key := t.CreateString("TFLITE_METADATA")
	t.StartObject(2)
	t.PrependUOffsetTSlot(0, key, 0)
	t.PrependUint32Slot(1, uint32(metadata), 0)
	meta := t.EndObject()
	vc, vs, vd, vb, vm := t.offsets(codes...), t.offsets(sub), t.CreateString(name), t.offsets(bufs...), t.offsets(meta)
	t.StartObject(8)
	t.PrependUint32Slot(0, 3, 0)
	t.PrependUOffsetTSlot(1, vc, 0)
	t.PrependUOffsetTSlot(2, vs, 0)
	t.PrependUOffsetTSlot(3, vd, 0)
	t.PrependUOffsetTSlot(4, vb, 0)
	t.PrependUOffsetTSlot(6, vm, 0)
	t.FinishWithFileIdentifier(t.EndObject(), []byte("TFL3"))
	return t.FinishedBytes()
}

func (t *tflite) table(slots ...flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	t.StartObject(len(slots))
	for i, v := range slots {
		t.PrependUOffsetTSlot(i, v, 0)
	}
	return t.EndObject()
}

// alignedBytes writes a byte vector on a 16-byte boundary, as the schema asks
// of buffers (force_align).
func (t *tflite) alignedBytes(data []byte) flatbuffers.UOffsetT {
	t.StartVector(1, len(data), 16)
	for i := len(data) - 1; i >= 0; i-- {
		t.PlaceByte(data[i])
	}
	return t.EndVector(len(data))
}

// imageMetadata is the TFLITE_METADATA of one RGB image input, normalised as
// (v-127.5)/127.5, and one output. ModelMetadata: name 0, subgraph_metadata 3.
func imageMetadata() []byte {
	b := flatbuffers.NewBuilder(1024)
	float := func(v float32) flatbuffers.UOffsetT {
		b.StartVector(4, 1, 4)
		b.PlaceUint32(math.Float32bits(v))
		return b.EndVector(1)
	}
	mean, std := float(127.5), float(127.5)
	b.StartObject(2) // NormalizationOptions
	b.PrependUOffsetTSlot(0, mean, 0)
	b.PrependUOffsetTSlot(1, std, 0)
	norm := b.EndObject()
	b.StartObject(2) // ProcessUnit, options_type 1 = NormalizationOptions
	b.PrependByteSlot(0, 1, 0)
	b.PrependUOffsetTSlot(1, norm, 0)
	units := offsets(b, b.EndObject())
	b.StartObject(2) // ImageProperties, color_space 1 = RGB
	b.PrependInt8Slot(0, 1, 0)
	props := b.EndObject()
	b.StartObject(3) // Content, content_properties_type 2 = ImageProperties
	b.PrependByteSlot(0, 2, 0)
	b.PrependUOffsetTSlot(1, props, 0)
	content := b.EndObject()
	inName, outName, name := b.CreateString("image"), b.CreateString("scores"), b.CreateString("classifier")
	b.StartObject(7) // TensorMetadata: name 0, content 3, process_units 4
	b.PrependUOffsetTSlot(0, inName, 0)
	b.PrependUOffsetTSlot(3, content, 0)
	b.PrependUOffsetTSlot(4, units, 0)
	input := b.EndObject()
	b.StartObject(7)
	b.PrependUOffsetTSlot(0, outName, 0)
	output := b.EndObject()
	ins, outs := offsets(b, input), offsets(b, output)
	b.StartObject(10) // SubGraphMetadata: input_tensor_metadata 2, output_tensor_metadata 3
	b.PrependUOffsetTSlot(2, ins, 0)
	b.PrependUOffsetTSlot(3, outs, 0)
	sub := offsets(b, b.EndObject())
	b.StartObject(8)
	b.PrependUOffsetTSlot(0, name, 0)
	b.PrependUOffsetTSlot(3, sub, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("M001"))
	return b.FinishedBytes()
}
