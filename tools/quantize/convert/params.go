package convert

import (
	"context"
	"errors"
	"math"

	"glance/models"
	"glance/tools/quantize/checkpoint"
)

// Params are the parameters of one weight matrix of a network, as trained.
type Params struct {
	Layer  *models.Layer
	Name   string    // in the blob, without ".weight"
	Shape  []int     // of the weight in the blob; the output channel comes first
	Weight []float32 // in the blob's order
	Bias   []float32 // nil where the layer has none
	// Norm is the batch norm that follows the layer, nil for none.
	Norm *models.BatchNorm
	// NormName is the batch norm's prefix in the checkpoint.
	NormName string
}

// Len is how many weight matrices the network has.
func (m *Match) Len() int { return len(m.matrices) }

// Source returns the name of the i-th weight matrix in the blob, without
// ".weight", and of the weight in the checkpoint that it is made of.
func (m *Match) Source(i int) (blob, weight string) {
	x := m.matrices[i]
	return x.name, m.index.byName[x.ref.weight].Name
}

// Params reads the parameters of the i-th weight matrix, in execution order. All
// values are finite.
func (m *Match) Params(i int) (*Params, error) {
	x := m.matrices[i]
	p := &Params{Layer: x.layer, Name: x.name, Shape: x.shape}
	values, err := m.read(x.ref.weight)
	if err != nil {
		return nil, err
	}
	p.Weight = m.layout.reorder(x.layer.Kind, values, x.shape)
	if m.index.byName[x.ref.bias] != nil {
		if p.Bias, err = m.read(x.ref.bias); err != nil {
			return nil, err
		}
	}
	if x.ref.norm == "" {
		return p, nil
	}
	p.Norm, p.NormName = &models.BatchNorm{Epsilon: x.ref.epsilon}, x.ref.norm
	if p.Norm.Epsilon == 0 {
		p.Norm.Epsilon = m.epsilon
	}
	for _, v := range []struct {
		leaf string
		dst  *[]float32
	}{{m.leaves.gamma, &p.Norm.Gamma}, {m.leaves.beta, &p.Norm.Beta}, {m.leaves.mean, &p.Norm.Mean}, {m.leaves.variance, &p.Norm.Var}} {
		if *v.dst, err = m.read(x.ref.norm + v.leaf); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// ReadAll reads the parameters of every weight matrix.
func (m *Match) ReadAll(ctx context.Context) ([]*Params, error) {
	list := make([]*Params, m.Len())
	for i := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if list[i], err = m.Params(i); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// read returns a tensor's values, which must be finite.
func (m *Match) read(name string) ([]float32, error) {
	t := m.index.byName[name]
	values, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fail(NotFinite, t.Name, "element %d of %d is %g: the training diverged, or the file is damaged", i, len(values), v)
		}
	}
	return values, nil
}

// Fold returns the weight and bias with the batch norm folded in. A layer
// without a bias gets one of zeros.
func (p *Params) Fold() (weight, bias []float32, err error) {
	if p.Norm == nil {
		if p.Bias == nil {
			return p.Weight, make([]float32, p.Shape[0]), nil
		}
		return p.Weight, p.Bias, nil
	}
	weight, bias, err = p.Norm.Fold(p.Weight, p.Bias)
	var e *models.FoldError
	if errors.As(err, &e) {
		return nil, nil, fail(BadNorm, p.NormName, "%s of channel %d: %s", e.Field, e.Channel, checkpoint.Printable(e.Detail))
	}
	return weight, bias, err
}
