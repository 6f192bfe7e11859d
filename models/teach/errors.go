package teach

import "strconv"

// Code classifies an [Error].
type Code string

// The codes of an [Error].
const (
	BadClass        Code = "bad-class"         // a class name that is empty, too long, taken, or has control characters
	TooFewClasses   Code = "too-few-classes"   // fewer than two
	TooManyClasses  Code = "too-many-classes"  // more than MaxClasses
	TooFewExamples  Code = "too-few-examples"  // a class with fewer than MinExamples
	TooManyExamples Code = "too-many-examples" // more than MaxValues values in all
	BadLabel        Code = "bad-label"         // labels that are not one class index for each embedding
	BadLength       Code = "bad-length"        // an embedding of another length than the first, or than the head's
	NotFinite       Code = "not-finite"        // NaN or infinity in an embedding
	NoVariation     Code = "no-variation"      // all embeddings are the same
	BadBase         Code = "bad-base"          // the base network's name or hash is missing or malformed
	WrongNetwork    Code = "wrong-network"     // a head used with a network it was not trained on
	BadFile         Code = "head-format"       // not a head's file, or a damaged one
	NewerFile       Code = "head-version"      // a head's file in a format that a later version writes
	Diverged        Code = "diverged"          // the optimiser found no minimum
)

// Error is what this package reports, apart from a context's error where training
// was cancelled.
type Error struct {
	Code   Code
	Class  string // name of the class concerned; "" for none
	Detail string // what was expected, what came, what to do
	cause  error
}

// Error returns "teach: DETAIL", with the class before the detail where one is
// concerned.
func (e *Error) Error() string {
	if e.Class == "" {
		return "teach: " + e.Detail
	}
	return "teach: class " + strconv.Quote(e.Class) + ": " + e.Detail
}

// Unwrap returns the error of package weights under a [BadFile], or nil.
func (e *Error) Unwrap() error { return e.cause }
