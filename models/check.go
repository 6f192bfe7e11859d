package models

import (
	"slices"
	"strconv"

	"glance/weights"
)

// Check compares a blob's header with what the network needs: every tensor
// there, of the right shape, weights float16 or float32, biases float32, and
// nothing besides. It allocates nothing but the list of names. The error is a
// [*weights.Error] that names the tensor, what the blob holds and what the
// architecture wants.
func (n *Network) Check(f *weights.File) error {
	found := make(map[string]weights.Tensor, len(f.Tensors))
	for _, t := range f.Tensors {
		found[t.Name] = t
	}
	arch := string(n.Config.Arch)
	for _, want := range n.Tensors() {
		t, ok := found[want.Name]
		if !ok {
			return &weights.Error{Code: weights.Missing, Tensor: want.Name,
				Detail: "not in the blob, " + arch + " wants it with shape " + formatShape(want.Shape)}
		}
		if err := checkTensor(t, want, arch); err != nil {
			return err
		}
		delete(found, want.Name)
	}
	for _, t := range f.Tensors {
		if _, extra := found[t.Name]; extra {
			return &weights.Error{Code: weights.Unexpected, Tensor: t.Name, Detail: "in the blob, but " + arch +
				" has no such tensor (another variant, head or number of blocks?)"}
		}
	}
	return nil
}

// checkTensor compares a tensor of a blob with what an architecture wants.
func checkTensor(t weights.Tensor, want Tensor, arch string) error {
	if !slices.Equal(t.Shape, want.Shape) {
		return &weights.Error{Code: weights.BadShape, Tensor: want.Name,
			Detail: "shape " + formatShape(t.Shape) + " in blob, " + arch + " wants " + formatShape(want.Shape)}
	}
	switch {
	case t.DType == weights.F32, t.DType == weights.F16 && !want.Bias:
	case want.Bias:
		return &weights.Error{Code: weights.BadDType, Tensor: want.Name,
			Detail: "dtype " + string(t.DType) + " in blob, a bias has F32"}
	default:
		return &weights.Error{Code: weights.BadDType, Tensor: want.Name,
			Detail: "dtype " + string(t.DType) + " in blob, weights have F16 or F32 (tools/quantize convert makes them so)"}
	}
	if size := int64(t.DType.Size()); t.Offset%size != 0 {
		return &weights.Error{Code: weights.BadOffsets, Tensor: want.Name,
			Detail: "starts at byte " + strconv.FormatInt(t.Offset, 10) + ", want a multiple of " + strconv.FormatInt(size, 10)}
	}
	return nil
}

// formatShape writes a shape as [a b c].
func formatShape(shape []int) string {
	b := []byte{'['}
	for i, n := range shape {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, ']'))
}
