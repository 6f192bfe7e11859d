// Package asm builds WebAssembly modules from Go: a function is written as Go
// code over typed values, so that unrolling is a Go loop and a tile size is a
// Go parameter. It covers what compute kernels need: 32-bit integers and
// floats, 128-bit vectors, relaxed vector operations, atomics, structured
// control flow, one memory, one table.
//
//	m := asm.NewModule(asm.SIMD)
//	m.DefineMemory(asm.Limits{Min: 1})
//	f := m.Func("axpy") // y[i] += a*x[i], four floats at a time
//	x, y, n, a := f.ParamI32("x"), f.ParamI32("y"), f.ParamI32("n"), f.ParamF32("a")
//	f.Loop(func(next asm.Label) {
//		y.V128Store(0, y.V128Load(0).F32x4Add(x.V128Load(0).F32x4Mul(a.Splat())))
//		x.Set(x.AddI(16))
//		y.Set(y.AddI(16))
//		n.Set(n.AddI(-4))
//		f.BrIf(next, n.GtSI(0))
//	})
//	f.Export("axpy")
//	code, err := m.Encode()
//
// # Values and statements
//
// A value ([I32], [I64], [F32], [V128]) is an expression: code that leaves one
// operand on the stack. Methods combine values into larger ones and emit
// nothing. Statements (Set, stores, branches, calls without a result) append
// their operands' code to the function. A value is therefore evaluated where a
// statement uses it, once for each use; a load that must happen earlier is
// assigned to a local first. Locals and parameters are values with a Set
// method.
//
// # Errors
//
// Nothing panics and nothing needs checking on the way. Mistakes accumulate in
// the [Module], each with the file and line that made it, and [Module.Encode]
// returns them together. Encode also validates every function body against the
// operand-stack rules of the specification (WebAssembly Core 2.0, section 3 and
// the appendix's validation algorithm) and refuses instructions of a feature
// that the module was not created with.
//
// # Output
//
// [Module.Encode] returns the binary format (section 5), with the names of
// functions in the name section so that profilers show them. [Module.Text]
// returns the text format (section 6) with one folded statement a line.
package asm
