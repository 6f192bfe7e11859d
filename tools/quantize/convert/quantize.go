package convert

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/x448/float16"

	"glance/weights"
)

// TensorReport is what rounding did to a tensor.
type TensorReport struct {
	Name  string
	DType weights.DType
	Shape []int
	// Worst is the largest absolute difference between a value and what is stored.
	Worst float64
	// SNR is the signal-to-noise ratio in decibels, 10 log10(sum of v^2 / sum of
	// (v - stored)^2); +Inf where every value is stored exactly.
	SNR float64
	// Flushed is how many values other than zero are stored as zero.
	Flushed int
}

// quantize folds the parameters and returns the tensors of the blob.
func (r *Report) quantize(ctx context.Context, list []*Params, o Options) ([]weights.Data, error) {
	dtype := o.DType
	switch dtype {
	case "":
		dtype = weights.F16
	case weights.F16, weights.F32:
	default:
		return nil, fail(BadOption, "", "weights of type %s, want F16 or F32", dtype)
	}
	var data []weights.Data
	for i, p := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		weight, bias, err := p.Fold()
		if err != nil {
			return nil, err
		}
		for _, t := range []struct {
			name   string
			dtype  weights.DType
			shape  []int
			values []float32
		}{{p.Name + ".weight", dtype, p.Shape, weight}, {p.Name + ".bias", weights.F32, p.Shape[:1], bias}} {
			bytes, report, err := encode(t.name, t.dtype, t.values)
			if err != nil {
				return nil, err
			}
			report.Shape = t.shape
			r.Tensors = append(r.Tensors, report)
			r.Parameters += len(t.values)
			data = append(data, weights.Data{Name: t.name, DType: t.dtype, Shape: t.shape, Bytes: bytes})
		}
		if o.Progress != nil {
			o.Progress(i+1, len(list))
		}
	}
	return data, nil
}

// encode stores values, rounding to nearest even, and measures what that costs.
func encode(name string, dtype weights.DType, values []float32) ([]byte, TensorReport, error) {
	r := TensorReport{Name: name, DType: dtype, SNR: math.Inf(1)}
	bytes := make([]byte, 0, len(values)*dtype.Size())
	var signal, noise float64
	for i, v := range values {
		if dtype == weights.F32 {
			bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(v))
			continue
		}
		h := float16.Fromfloat32(v)
		if h.IsInf(0) {
			return nil, r, fail(Overflow, name, "element %d is %g after folding, float16 ends at 65504: convert with -dtype f32, or look at the batch norm before it (a variance near zero?)", i, v)
		}
		bytes = binary.LittleEndian.AppendUint16(bytes, h.Bits())
		d := float64(v) - float64(h.Float32())
		r.Worst = max(r.Worst, math.Abs(d))
		signal += float64(v) * float64(v)
		noise += d * d
		if v != 0 && h.Float32() == 0 {
			r.Flushed++
		}
	}
	if noise > 0 {
		r.SNR = 10 * math.Log10(signal/noise)
	}
	return bytes, r, nil
}
