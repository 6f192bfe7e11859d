package convert

import (
	"fmt"
	"strings"

	"glance/tools/quantize/checkpoint"
)

// Code classifies why a checkpoint cannot be converted.
type Code string

// The codes of an [Error].
const (
	Unknown    Code = "unknown"    // not a checkpoint of one of the networks
	Missing    Code = "missing"    // a tensor the network needs is not there
	Unexpected Code = "unexpected" // a tensor the network has no place for
	BadShape   Code = "shape"      // a tensor of another shape than the network's
	NotFinite  Code = "not-finite" // NaN or infinity among the values
	BadNorm    Code = "batch-norm" // statistics that cannot be folded
	Overflow   Code = "overflow"   // a value beyond float16
	BadOption  Code = "option"     // options that contradict the checkpoint or each other
)

// Error says what about a checkpoint, or about the options, does not fit.
type Error struct {
	Code   Code
	Tensor string // name in the checkpoint; "" where none is concerned
	Detail string // what was expected, what came, and what to do
}

// Error returns "convert: TENSOR: DETAIL", without the tensor where none is
// concerned.
func (e *Error) Error() string {
	if e.Tensor == "" {
		return "convert: " + e.Detail
	}
	return "convert: " + checkpoint.Printable(e.Tensor) + ": " + e.Detail
}

func fail(code Code, tensor, format string, args ...any) *Error {
	return &Error{Code: code, Tensor: tensor, Detail: fmt.Sprintf(format, args...)}
}

// leaf is the last part of a tensor's name.
func leaf(name string) string { return name[strings.LastIndexAny(name, "./")+1:] }
