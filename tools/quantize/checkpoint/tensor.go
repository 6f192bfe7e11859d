package checkpoint

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"

	"github.com/x448/float16"

	"glance/weights"
)

// slack is what a tensor's or an index's memory may exceed the size of its file
// by: small files expand more than large ones.
const slack = 1 << 20

// maxRank is the highest number of dimensions a tensor may have.
const maxRank = 8

// Tensor is one array of a checkpoint: a view of stored elements.
type Tensor struct {
	Name  string
	DType weights.DType // of the stored elements
	Shape []int         // empty for a scalar

	data    *storage
	offset  int64   // of the first element in the storage, in elements
	strides []int64 // in elements; nil where the elements lie in row-major order
	affine  *affine // TF.js: how integers stand for floats
}

// storage is a run of elements that one or more tensors are views of.
type storage struct {
	r     io.ReaderAt
	bytes int64
}

// affine is TF.js's quantization: value = stored*scale + min.
type affine struct{ min, scale float64 }

// newTensor returns the tensor after checking that the storage holds all of its
// elements. fileSize bounds what reading its values may allocate.
func newTensor(name string, dtype weights.DType, shape []int, strides []int64, offset int64, data *storage, fileSize int64) (*Tensor, error) {
	if dtype.Size() == 0 || decoders[dtype] == nil {
		return nil, fail(BadDType, name, "element type %q is not one this tool reads", dtype)
	}
	if len(shape) > maxRank {
		return nil, fail(BadShape, name, "%d dimensions, the limit is %d", len(shape), maxRank)
	}
	size := int64(dtype.Size())
	elements := int64(1)
	for _, n := range shape {
		if n < 0 {
			return nil, fail(BadShape, name, "shape %v has a negative dimension", shape)
		}
		hi, lo := bits.Mul64(uint64(elements), uint64(n))
		if hi != 0 || lo > math.MaxInt64/8 {
			return nil, fail(Oversized, name, "shape %v has too many elements", shape)
		}
		elements = int64(lo)
	}
	if elements*size > fileSize+slack {
		return nil, fail(Oversized, name, "shape %v takes %d bytes, the file has %d", shape, elements*size, fileSize)
	}
	t := &Tensor{Name: name, DType: dtype, Shape: shape, data: data, offset: offset}
	last := elements - 1 // of the view, relative to offset
	if strides != nil && !rowMajor(shape, strides) {
		t.strides = strides
		last = 0
		for i, n := range shape {
			if strides[i] < 0 {
				return nil, fail(BadShape, name, "negative stride %d", strides[i])
			}
			if n == 0 {
				continue
			}
			hi, lo := bits.Mul64(uint64(n-1), uint64(strides[i]))
			if hi != 0 || lo > math.MaxInt64/16 || last > math.MaxInt64/16 {
				return nil, fail(BadShape, name, "shape %v with strides %v reaches outside its storage", shape, strides)
			}
			last += int64(lo)
		}
	}
	stored := data.bytes / size
	if offset < 0 || offset > stored || (elements > 0 && last >= stored-offset) {
		return nil, fail(BadShape, name, "shape %v from element %d on does not fit its storage of %d elements", shape, offset, stored)
	}
	return t, nil
}

// rowMajor reports whether strides are those of a contiguous tensor.
// Dimensions of 1 may have any stride.
func rowMajor(shape []int, strides []int64) bool {
	want := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 && strides[i] != want {
			return false
		}
		want *= int64(shape[i])
	}
	return true
}

// Elements is the number of elements, the product of Shape.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Alias reports whether t and u are the same view of the same stored elements,
// as those of a module that is registered under two names are.
func (t *Tensor) Alias(u *Tensor) bool {
	if t.data != u.data || t.offset != u.offset || t.DType != u.DType || len(t.Shape) != len(u.Shape) {
		return false
	}
	for i := range t.Shape {
		if t.Shape[i] != u.Shape[i] || (t.strides == nil) != (u.strides == nil) ||
			(t.strides != nil && t.strides[i] != u.strides[i]) {
			return false
		}
	}
	return true
}

// Float32s returns the values in row-major order. Stored float64 and integers
// are rounded to float32.
func (t *Tensor) Float32s() ([]float32, error) {
	dst := make([]float32, 0, t.Elements())
	err := t.Visit(func(chunk []float32) error {
		dst = append(dst, chunk...)
		return nil
	})
	return dst, err
}

// chunkElements is how many values Visit hands over at a time.
const chunkElements = 1 << 13

// Visit calls f with the values in row-major order, some thousand at a time. The
// slice is only valid during the call.
func (t *Tensor) Visit(f func(chunk []float32) error) error {
	elements := t.Elements()
	if elements == 0 {
		return nil
	}
	chunk := make([]float32, min(elements, chunkElements))
	if t.strides != nil {
		return t.gather(chunk, f)
	}
	size := int64(t.DType.Size())
	raw := make([]byte, len(chunk)*int(size))
	for at := 0; at < elements; at += len(chunk) {
		chunk = chunk[:min(len(chunk), elements-at)]
		raw = raw[:len(chunk)*int(size)]
		if err := t.data.readAt(raw, (t.offset+int64(at))*size); err != nil {
			return t.readError(err)
		}
		t.decode(chunk, raw)
		if err := f(chunk); err != nil {
			return err
		}
	}
	return nil
}

// gather visits a strided view. It reads the part of the storage the view spans,
// which the file is large enough for.
func (t *Tensor) gather(chunk []float32, f func([]float32) error) error {
	size := int64(t.DType.Size())
	span := int64(1)
	for i, n := range t.Shape {
		span += int64(n-1) * t.strides[i]
	}
	raw := make([]byte, span*size)
	if err := t.data.readAt(raw, t.offset*size); err != nil {
		return t.readError(err)
	}
	index := make([]int, len(t.Shape))
	at, n := int64(0), 0
	for {
		t.decode(chunk[n:n+1], raw[at*size:(at+1)*size])
		if n++; n == len(chunk) {
			if err := f(chunk); err != nil {
				return err
			}
			n = 0
		}
		d := len(index) - 1
		for ; d >= 0; d-- {
			index[d]++
			at += t.strides[d]
			if index[d] < t.Shape[d] {
				break
			}
			at -= int64(index[d]) * t.strides[d]
			index[d] = 0
		}
		if d < 0 {
			break
		}
	}
	if n > 0 {
		return f(chunk[:n])
	}
	return nil
}

func (t *Tensor) readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(Truncated, t.Name, "the file ends inside this tensor")
	}
	var typed *Error
	if errors.As(err, &typed) {
		return err
	}
	return fail(BadFormat, t.Name, "%v", err)
}

func (s *storage) readAt(p []byte, off int64) error {
	if off < 0 || int64(len(p)) > s.bytes-off {
		return io.ErrUnexpectedEOF
	}
	n, err := s.r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	return err
}

// decode turns stored elements into floats.
func (t *Tensor) decode(dst []float32, raw []byte) {
	if t.affine != nil {
		for i := range dst {
			stored := float64(raw[i])
			if t.DType == weights.U16 {
				stored = float64(binary.LittleEndian.Uint16(raw[2*i:]))
			} else if t.DType != weights.U8 {
				panic("checkpoint: quantized tensor of type " + t.DType)
			}
			dst[i] = float32(stored*t.affine.scale + t.affine.min)
		}
		return
	}
	decoders[t.DType](dst, raw)
}

var decoders = map[weights.DType]func(dst []float32, raw []byte){
	weights.F32: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	},
	weights.F64: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	},
	weights.F16: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float16.Frombits(binary.LittleEndian.Uint16(raw[2*i:])).Float32()
		}
	},
	weights.BF16: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		}
	},
	weights.I64: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float32(int64(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	},
	weights.I32: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float32(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	},
	weights.I16: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:])))
		}
	},
	weights.U16: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float32(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	},
	weights.I8: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = float32(int8(raw[i]))
		}
	},
	weights.U8:   bytesToFloats,
	weights.Bool: bytesToFloats,
}

func bytesToFloats(dst []float32, raw []byte) {
	for i := range dst {
		dst[i] = float32(raw[i])
	}
}
