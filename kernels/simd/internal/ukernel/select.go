package ukernel

// Select returns how a target's module computes: the one place where variants
// are chosen. KERNELS.md has the measurements behind each number.
func Select(t Target) Config {
	c := Config{
		Pointwise:    PointwiseConfig{Rows: 5, Unroll: 4, Block: 16384},
		Depthwise:    DepthwiseConfig{Columns: 7, Unroll: true},
		Conv3x3:      Conv3x3Config{Columns: 5},
		Dense:        DenseConfig{Panels: 4, Unroll: 2},
		ResampleRows: 4,
		Threads:      ThreadsConfig{Spin: 20000, Patience: 10},
	}
	if t.Relaxed {
		// A fused multiply-add needs no register for the product.
		c.Pointwise.Rows = 6
		c.Conv3x3.Columns = 6
	}
	return c
}
