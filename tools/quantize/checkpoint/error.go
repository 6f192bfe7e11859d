package checkpoint

import (
	"fmt"
	"strconv"
	"strings"
)

// Code classifies what is wrong with a checkpoint.
type Code string

// The codes of an [Error].
const (
	Truncated Code = "truncated" // the file ends before what it promises
	Oversized Code = "oversized" // more bytes, objects or elements than the file can account for
	BadFormat Code = "format"    // not a checkpoint, or one of a kind that is not read
	Refused   Code = "refused"   // a pickle that wants more than tensors, dictionaries and numbers
	BadDType  Code = "dtype"     // an element type that is unknown or not numeric
	BadShape  Code = "shape"     // a shape, stride or offset that does not fit the stored data
	Missing   Code = "missing"   // a part of the checkpoint that should be there
	Duplicate Code = "duplicate" // two tensors of one name
)

// Error is what this package reports about a file it cannot read.
type Error struct {
	Code   Code
	Tensor string // name of the tensor concerned; "" for the file as a whole
	Detail string // what was expected, what came, and what to do
}

// Error returns "checkpoint: TENSOR: DETAIL", without the tensor where none is
// concerned.
func (e *Error) Error() string {
	if e.Tensor == "" {
		return "checkpoint: " + e.Detail
	}
	return "checkpoint: " + Printable(e.Tensor) + ": " + e.Detail
}

func fail(code Code, tensor, format string, args ...any) *Error {
	return &Error{Code: code, Tensor: tensor, Detail: fmt.Sprintf(format, args...)}
}

// Printable returns a name from a file as it is if a terminal can show it safely,
// else quoted; long ones are cut.
func Printable(s string) string {
	const limit = 200
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r == '\ufffd' || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
