package ukernel

// Select returns how a target's module computes: the one place where variants
// are chosen. KERNELS.md has the measurements behind each number.
func Select(t Target) Config {
	c := Config{
		Pointwise:    PointwiseConfig{Rows: 4, Unroll: 4, Ahead: 4, Block: 16384, Touch: true},
		Depthwise:    DepthwiseConfig{Columns: 7, Unroll: true},
		Conv3x3:      Conv3x3Config{Columns: 4, Ahead: 4},
		Dense:        DenseConfig{Panels: 4, Unroll: 4},
		ResampleRows: 4,
		Threads:      ThreadsConfig{Spin: 100000, Patience: 10},
	}
	if t.Relaxed {
		// A fused multiply-add needs no register for the product: 12 sums, 2
		// weights and an input fill the 15 registers that V8 has on x86.
		c.Pointwise.Rows, c.Pointwise.Ahead = 6, 1
	}
	return c
}
