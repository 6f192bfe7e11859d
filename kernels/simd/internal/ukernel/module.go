package ukernel

import (
	"glance/kernels"
	"glance/kernels/asm"
)

// Target is a flavour of the module.
type Target struct {
	Relaxed bool // uses f32x4.relaxed_madd
	Threads bool // imports a shared memory and has helpers
}

// Targets lists the flavours.
var Targets = []Target{{}, {Relaxed: true}, {Threads: true}, {Relaxed: true, Threads: true}}

// Name is the target's name, which is also its file's.
func (t Target) Name() string {
	if t.Threads {
		return t.isa() + "-threads"
	}
	return t.isa()
}

func (t Target) isa() string {
	if t.Relaxed {
		return "relaxed"
	}
	return "simd128"
}

// The first page of memory belongs to the module: nothing at address 0, then
// the control block of the threads, then scratch memory for each thread.
const (
	HeapBase     = 65536 // where hosts may allocate from
	ControlBase  = 512   // where hosts put the control block
	MaxThreads   = 32
	scratchBase  = 2048 // of thread 0
	scratchBytes = 1024 // of each thread
)

// Config chooses how each operator is computed.
type Config struct {
	Pointwise    PointwiseConfig
	Depthwise    DepthwiseConfig
	Conv3x3      Conv3x3Config
	Dense        DenseConfig
	ResampleRows int // rows side by side
	Threads      ThreadsConfig
}

// Build returns the module of a target.
func Build(t Target, c Config) *asm.Module {
	features := asm.SIMD
	if t.Relaxed {
		features |= asm.Relaxed
	}
	if t.Threads {
		features |= asm.Threads
	}
	b := &builder{Module: asm.NewModule(features), target: t}
	if t.Threads {
		b.ImportMemory("env", "memory", asm.Limits{Min: 1, Max: 65536, Shared: true})
	} else {
		b.DefineMemory(asm.Limits{Min: 1, Max: 65536})
	}
	b.ExportMemory("memory")
	b.Constant("heap_base", HeapBase)
	b.scratch = b.Global("scratch", scratchBase)
	list := b.list(map[kernels.Opcode]*asm.Func{
		kernels.OpConv3x3:      b.conv3x3(c.Conv3x3),
		kernels.OpPointwise:    b.pointwise(c.Pointwise),
		kernels.OpDepthwise:    b.depthwise(c.Depthwise),
		kernels.OpDense:        b.dense(c.Dense),
		kernels.OpSumRows:      b.sumRows(),
		kernels.OpScaleRows:    b.scaleRows(),
		kernels.OpScalePanels:  b.scalePanels(),
		kernels.OpPackPanels:   b.packPanels(),
		kernels.OpResampleRows: b.resampleRows(c.ResampleRows),
		kernels.OpResampleCols: b.resampleCols(),
		kernels.OpBilinear:     b.bilinear(),
	})
	b.Table(b.table...)
	if t.Threads {
		b.threaded(list, c.Threads)
	} else {
		b.single(list)
	}
	return b.Module
}
