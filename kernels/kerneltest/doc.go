// Package kerneltest is the suite that every [kernels.Machine] is put through.
//
// [Run] takes a function that makes a machine and runs everything:
//
//	func TestMachine(t *testing.T) {
//		kerneltest.Run(t, func(t testing.TB) kernels.Machine { return twin.New(twin.Options{}) })
//	}
//
// The entry points it calls ([Pointwise], [Depthwise], [Memory], ...) can be run
// alone. Each operator has a case type ([PointwiseCase], ...) whose fields are the
// shapes and options of one call; the entry points are lists of such cases, and
// [Test] runs a single one. With -short there are fewer random cases.
//
// # What a case checks
//
// The tensors of a call lie in machine memory with guards around them, at
// alignments as loose as the contract allows, in an order that changes from case
// to case, the last one ending where the memory (less [kernels.Slack]) ends. The
// guards, the slack after inputs, and outputs before the call hold NaN (as
// float32 and as float16). After the call, everything but the outputs must be
// unchanged: an overrun is caught as a changed guard, an over-read that reaches a
// result as a NaN, an output left unwritten as well.
//
// Results are held against a naive float64 reference, independent of every
// machine. The tolerance of each value follows from the magnitudes that were
// added up to it, as any order of rounding may leave, with or without fused
// multiply-add. Integer operators, packing and scaling must be exact, and so must
// the products of a machine named "simd128", whose order of rounding the contract
// fixes. Where a case can be split into several records, every split must give
// the same bytes.
//
// # Comparing hosts
//
// [Corpus] is a fixed list of cases and [Checksums] what a machine makes of them:
// the same module must give the same sums in every host.
package kerneltest
