// Package twin is the pure-Go [kernels.Machine]: the SIMD modules' reference in
// tests, the backend "go" of the command line, and the fallback of a browser
// that has no WebAssembly SIMD.
//
// It interprets the same encoded programs over a memory of its own and follows
// the same contracts, so that anything which runs here runs there:
//
//	m := twin.New(twin.Options{Threads: 2})
//	defer m.Close()
//	p, err := m.Alloc(program.Size())
//	...
//	err = m.Write(p, program.Encode(p))
//	err = m.Run(p, 0, len(program.Phases))
//
// # What it checks
//
// Every record is checked before it does any work: the opcode and every
// enumeration, that each count is at least 1, that every range lies inside the
// memory, that float and word arguments are 4-byte aligned, and that no output
// overlaps an input or another output except where the contract allows it (Y is
// Residual in [kernels.Pointwise], Y is X in [kernels.ScaleRows]), and that the
// rows one [kernels.Depthwise] record reads have a ring slot each. A record that
// fails ends the program with [kernels.StatusInvalid]. No program, whatever its
// bytes, makes the machine panic or touch anything outside its memory; a planner
// whose programs pass here has no stray pointers.
//
// # Arithmetic
//
// Matrix products run on gonum's Sgemm where gonum has assembly for it (amd64)
// and the product is large enough to pay for unpacking the panels, and on a
// register-blocked Go loop elsewhere: in WebAssembly that loop does 2.0 GMAC/s
// where gonum's portable code does 0.6, and for a matrix times a vector it is
// ahead on amd64 as well (3.2 against 0.7). Both start from the bias and add
// rounded products in increasing order of the inner index, so that results do
// not depend on which of them ran, nor on how rows were split. Sgemm skips
// activations that are zero: a non-finite weight, which PackPanels refuses but
// ScalePanels can produce, does not propagate through those.
package twin
