package weights

import (
	"strconv"
	"strings"
)

// Code classifies what is wrong with a blob.
type Code string

// The codes of an [Error].
const (
	Truncated  Code = "truncated"  // the file ends before what its header promises
	Oversized  Code = "oversized"  // bytes after the last tensor, or beyond a limit of this package
	BadHeader  Code = "header"     // not a safetensors header
	BadDType   Code = "dtype"      // an element type that is unknown or not the wanted one
	BadShape   Code = "shape"      // a shape that does not fit the data or the architecture
	BadOffsets Code = "offsets"    // tensors that overlap, leave gaps or lie outside the file
	Missing    Code = "missing"    // a tensor or metadata entry that should be there
	Unexpected Code = "unexpected" // a tensor the architecture does not have
	NotFinite  Code = "not-finite" // NaN or infinity among the weights
)

// Error is what this package and the checks built on it report.
type Error struct {
	Code   Code
	Tensor string // name of the tensor concerned; "" for the file as a whole
	Detail string // what was expected and what came
}

// Error returns "weights: TENSOR: DETAIL", without the tensor where none is
// concerned.
func (e *Error) Error() string {
	if e.Tensor == "" {
		return "weights: " + e.Detail
	}
	return "weights: " + printable(e.Tensor) + ": " + e.Detail
}

// printable returns s as it is if a terminal can show it safely, else quoted;
// long strings are cut.
func printable(s string) string {
	const limit = 200
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r == '\ufffd' || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func errorf(code Code, tensor string, parts ...string) *Error {
	return &Error{Code: code, Tensor: tensor, Detail: strings.Join(parts, "")}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// shapeString writes a shape as [a b c].
func shapeString(shape []int) string {
	var b []byte
	b = append(b, '[')
	for i, n := range shape {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, ']'))
}
