// Package ukernel holds the micro-kernels of the SIMD modules as Go functions
// over the builder of package asm, and puts modules together from them.
//
// [Build] makes a module for a [Target] with a [Config]; [Select] is the config
// each target ships with. Names follow XNNPACK's grammar: type, operator,
// "ukernel", tile, "__", instruction set, trick. [Variants] lists them.
//
// # The module's interface
//
//	memory                           the memory; threads flavours import it as env.memory, shared
//	heap_base        i32             first address that hosts may allocate
//	run(program, from, to) -> status run phases [from, to) of the encoded program
//	setup(control, threads)          before helpers start: where they meet, and how many threads may
//	                                 take part; setup(control, 0) makes the helpers leave
//	serve(control, lane)             what helper lane = 1, 2, ... calls; returns when helpers leave
//
// The control block is [ControlBytes] zero bytes at [ControlBase]. In the
// flavours without threads setup and serve do nothing.
package ukernel
