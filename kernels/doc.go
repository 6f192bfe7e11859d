// Package kernels defines what the inference engine computes with: the
// operators, how their arguments are laid out in memory, and the machine that
// executes them. It holds no arithmetic itself. Three implementations follow
// the same contracts and pass the same suite (kernels/kerneltest):
//
//	kernels/twin     pure Go on gonum's BLAS: the reference, and the path where SIMD is missing
//	kernels/simd     the generated WebAssembly modules simd128 and relaxed,
//	                 with their hosts for wazero (native) and syscall/js (browser, node, workerd)
//
// # Memory
//
// A [Machine] owns one linear memory. Everything an operator touches lives in
// it and is named by a [Ptr], a byte offset: packed weights, activations, the
// programs themselves. Values are little-endian. Allocation is a bump
// allocator; a machine is dropped whole. Regions handed out by [Machine.Alloc]
// are zero-filled, [Align]-byte aligned and followed by at least [Slack] bytes
// of the same memory, so that a kernel may read (never write) up to Slack bytes
// past the end of any tensor.
//
// # Layouts
//
// Activations are NHWC float32 with N = 1: the element at row y, column x,
// channel c of an H x W x C tensor is at ((y*W)+x)*C + c. Weights of every
// convolution and dense layer are stored as panels, see [PackPanels].
//
// # Preconditions
//
// Every count (M, K, N, C, Rows, OutW, Taps, H, W, Ring) is at least 1. Outputs
// overlap neither inputs nor other outputs, except where an operator's comment
// allows it. Float tensors lie on multiples of 4 bytes and panels on multiples of
// 16; the sources of [PackPanels] and RGBA bytes may lie anywhere. Every machine
// answers an unknown opcode or a value outside an enumeration with
// [StatusInvalid]. The pure-Go machine checks all preconditions, bounds
// included; the SIMD modules trust the planner for the rest and trap outside
// their memory.
//
// # Programs
//
// A layer is compiled to [Record]s: fixed-size argument blocks that sit in
// machine memory, so that a whole network runs in one call ([Machine.Run]) with
// no host code in between. Records are grouped in phases, and within a phase in
// lanes: lists that do not depend on each other, of which every thread takes the
// next one whenever it has done one. A phase begins when all lanes of the one
// before are done. Row-strip fusion and threading are therefore both decided by the
// planner (package models): operators take row ranges, know nothing of threads, and
// a result does not depend on how rows were split.
//
// # Numerics
//
// Accumulation over the inner dimension of [Pointwise], [Dense] and [Conv3x3]
// starts from the bias and adds products in increasing order of the inner
// index, each product rounded, then each sum (simd128), or fused (relaxed).
// The twin may sum in another order. Activation functions propagate NaN:
//
//	Identity     x
//	ReLU         max(x, 0)
//	ReLU6        min(max(x, 0), 6)
//	HardSigmoid  min(max(x+3, 0), 6) * (1/6)
//	HardSwish    x * (min(max(x+3, 0), 6) * (1/6))
package kernels
