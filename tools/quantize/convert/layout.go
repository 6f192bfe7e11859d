package convert

import (
	"slices"

	"glance/models"
)

// layout is how a framework orders the axes of weights. Blobs have the output
// channel first and the input channel last (see models.Tensor).
type layout uint8

const (
	torchLayout layout = iota // OIHW; depthwise [C 1 k k]; dense [out in]
	kerasLayout               // HWIO; depthwise [k k C 1]; dense [in out]
)

// shape returns the shape in a checkpoint of a weight that has the given shape in
// a blob.
func (l layout) shape(kind models.Kind, blob []int) []int {
	switch {
	case kind == models.KindConv && l == torchLayout:
		return []int{blob[0], blob[3], blob[1], blob[2]}
	case kind == models.KindConv:
		return []int{blob[1], blob[2], blob[3], blob[0]}
	case kind == models.KindDepthwise && l == torchLayout:
		return []int{blob[0], 1, blob[1], blob[2]}
	case kind == models.KindDepthwise:
		return []int{blob[1], blob[2], blob[0], 1}
	case kind == models.KindDense && l == torchLayout:
		return []int{blob[0], blob[1]}
	case kind == models.KindDense:
		return []int{blob[1], blob[0]}
	case l == torchLayout:
		return []int{blob[0], blob[1], 1, 1}
	}
	return []int{1, 1, blob[1], blob[0]}
}

// fits reports whether a tensor of shape found can be a weight of shape blob in a
// blob. Matrices may be stored as 1x1 convolutions and the other way round.
func (l layout) fits(kind models.Kind, found, blob []int) bool {
	if kind == models.KindConv || kind == models.KindDepthwise {
		return slices.Equal(found, l.shape(kind, blob))
	}
	m := l.matrix(found)
	return m != nil && slices.Equal(m, blob)
}

// matrix returns [out in] of a dense weight or 1x1 convolution, nil if the shape
// is neither's.
func (l layout) matrix(shape []int) []int {
	switch {
	case len(shape) == 4 && l == torchLayout && shape[2] == 1 && shape[3] == 1:
		return []int{shape[0], shape[1]}
	case len(shape) == 4 && l == kerasLayout && shape[0] == 1 && shape[1] == 1:
		return []int{shape[3], shape[2]}
	case len(shape) == 2 && l == torchLayout:
		return []int{shape[0], shape[1]}
	case len(shape) == 2:
		return []int{shape[1], shape[0]}
	}
	return nil
}

// reorder returns values, whose shape fits, in a blob's order.
func (l layout) reorder(kind models.Kind, values []float32, blob []int) []float32 {
	out := blob[0]
	per := len(values) / out
	switch {
	case l == kerasLayout:
		// The output channel comes last, what is before it is in order already.
		return transposed(values, per, out)
	case kind == models.KindConv:
		pixels, in := blob[1]*blob[2], blob[3]
		result := make([]float32, 0, len(values))
		for o := range out {
			result = append(result, transposed(values[o*per:(o+1)*per], in, pixels)...)
		}
		return result
	}
	return values
}

// transposed returns the transpose of a [rows][columns] matrix.
func transposed(m []float32, rows, columns int) []float32 {
	t := make([]float32, 0, len(m))
	for c := range columns {
		for r := range rows {
			t = append(t, m[r*columns+c])
		}
	}
	return t
}
