// Package checkpointtest writes checkpoints for tests, as PyTorch and
// TensorFlow.js would write them: there is no Python where the tests run.
package checkpointtest

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"

	"glance/weights"
)

// Array is a tensor to write.
type Array struct {
	Name   string
	DType  weights.DType // F32 where empty
	Shape  []int
	Values []float32 // in row-major order
}

// Encode returns values as stored elements of a type.
func Encode(dtype weights.DType, values []float32) []byte {
	le := binary.LittleEndian
	var b []byte
	for _, v := range values {
		switch dtype {
		case weights.F32, "":
			b = le.AppendUint32(b, math.Float32bits(v))
		case weights.F64:
			b = le.AppendUint64(b, math.Float64bits(float64(v)))
		case weights.F16:
			b = le.AppendUint16(b, float16.Fromfloat32(v).Bits())
		case weights.BF16:
			b = le.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		case weights.I64:
			b = le.AppendUint64(b, uint64(int64(v)))
		default:
			panic(fmt.Sprintf("checkpointtest: no encoding of %s", dtype))
		}
	}
	return b
}
