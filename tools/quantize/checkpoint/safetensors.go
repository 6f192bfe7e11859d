package checkpoint

import (
	"errors"
	"io"

	"glance/weights"
)

// readSafetensors reads a safetensors file through package weights.
func readSafetensors(r io.ReaderAt, size int64) (*Checkpoint, error) {
	f, err := weights.ReadHeader(r, size)
	if err != nil {
		return nil, fromWeights(err)
	}
	c := &Checkpoint{Format: Safetensors, Metadata: f.Metadata, Tensors: make([]*Tensor, 0, len(f.Tensors))}
	for _, t := range f.Tensors {
		data := &storage{r: io.NewSectionReader(r, f.DataOffset+t.Offset, t.Size), bytes: t.Size}
		tensor, err := newTensor(t.Name, t.DType, t.Shape, nil, 0, data, size)
		if err != nil {
			return nil, err
		}
		c.Tensors = append(c.Tensors, tensor)
	}
	return c, nil
}

// fromWeights turns an error of package weights into this package's.
func fromWeights(err error) error {
	var e *weights.Error
	if !errors.As(err, &e) {
		return err
	}
	code := BadFormat
	switch e.Code {
	case weights.Truncated:
		code = Truncated
	case weights.Oversized:
		code = Oversized
	case weights.BadDType:
		code = BadDType
	case weights.BadShape, weights.BadOffsets:
		code = BadShape
	}
	return &Error{Code: code, Tensor: e.Tensor, Detail: e.Detail}
}
