package models

import "glance/kernels"

// bottleneck is a row of MobileNetV2's table: n inverted residuals with
// expansion factor t and c output channels, the first with stride s.
type bottleneck struct{ t, c, n, s int }

// v2Rows is arXiv:1801.04381, table 2. (The paper's table 1 defines the block.)
var v2Rows = []bottleneck{
	{1, 16, 1, 1},
	{6, 24, 2, 2},
	{6, 32, 3, 2},
	{6, 64, 4, 2},
	{6, 96, 3, 1},
	{6, 160, 3, 2},
	{6, 320, 1, 1},
}

// mobileNetV2 scales channels with makeDivisible; the last convolution keeps at
// least 1280 channels for every alpha, as the paper says in section 5.
func mobileNetV2(c Config) design {
	scaled := func(channels int) int { return makeDivisible(float64(channels) * c.Alpha) }
	d := design{
		stem:    scaled(32),
		stemAct: kernels.ReLU6,
		last:    makeDivisible(1280 * max(1, c.Alpha)),
		lastAct: kernels.ReLU6,
		head:    []HeadLayer{{c.Classes, kernels.Identity}},
	}
	if c.Variant == VariantFeatures {
		d.last = 0
	}
	in := d.stem
	for _, r := range v2Rows {
		out, stride := scaled(r.c), r.s
		for range r.n {
			d.blocks = append(d.blocks, block{kernel: 3, expanded: r.t * in, out: out, act: kernels.ReLU6, stride: stride})
			in, stride = out, 1
		}
	}
	return d
}
