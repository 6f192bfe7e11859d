package checkpointtest

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"glance/weights"
)

// Pickle assembles a pickle of protocol 2. Its methods append opcodes.
type Pickle struct{ bytes.Buffer }

// NewPickle starts a pickle.
func NewPickle() *Pickle {
	p := new(Pickle)
	p.WriteString("\x80\x02")
	return p
}

// Op appends opcodes without arguments.
func (p *Pickle) Op(codes string) { p.WriteString(codes) }

// Global appends a reference to a Python object.
func (p *Pickle) Global(module, name string) { fmt.Fprintf(p, "c%s\n%s\n", module, name) }

// String appends a string.
func (p *Pickle) String(s string) {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

// Int appends an integer.
func (p *Pickle) Int(n int) {
	if n == int(int32(n)) {
		p.WriteByte('J')
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		return
	}
	p.WriteString("\x8a\x08")
	p.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// Ints appends a tuple of integers.
func (p *Pickle) Ints(list []int) {
	p.Op("(")
	for _, n := range list {
		p.Int(n)
	}
	p.Op("t")
}

// View describes a tensor as torch._utils._rebuild_tensor_v2 takes it.
type View struct {
	DType    weights.DType
	Key      string // of the storage
	Elements int    // of the storage
	Offset   int
	Shape    []int
	Strides  []int // row-major where nil
}

// Tensor appends a tensor.
func (p *Pickle) Tensor(v View) {
	class := map[weights.DType]string{"": "Float", weights.F32: "Float", weights.F64: "Double", weights.F16: "Half",
		weights.BF16: "BFloat16", weights.I64: "Long", weights.Bool: "Bool"}[v.DType]
	p.Global("torch._utils", "_rebuild_tensor_v2")
	p.Op("((")
	p.String("storage")
	p.Global("torch", class+"Storage")
	p.String(v.Key)
	p.String("cpu")
	p.Int(v.Elements)
	p.Op("tQ")
	p.Int(v.Offset)
	p.Ints(v.Shape)
	if v.Strides == nil {
		v.Strides = make([]int, len(v.Shape))
		for i, step := len(v.Shape)-1, 1; i >= 0; i-- {
			v.Strides[i] = step
			step *= v.Shape[i]
		}
	}
	p.Ints(v.Strides)
	p.Op("\x89") // requires_grad = False
	p.Global("collections", "OrderedDict")
	p.Op(")RtR") // backward_hooks = OrderedDict()
}

// stateDict returns the pickle of an OrderedDict of tensors, one storage each
// with its index as key, below the given keys.
func stateDict(arrays []Array, wrap []string) []byte {
	p := NewPickle()
	for _, key := range wrap {
		p.Op("}")
		p.String("epoch")
		p.Int(3)
		p.Op("s")
		p.String(key)
	}
	p.Global("collections", "OrderedDict")
	p.Op(")R(")
	for i, a := range arrays {
		p.String(a.Name)
		p.Tensor(View{DType: a.DType, Key: fmt.Sprint(i), Elements: len(a.Values), Shape: a.Shape})
	}
	p.Op("u")
	for range wrap {
		p.Op("s")
	}
	p.Op(".")
	return p.Bytes()
}
