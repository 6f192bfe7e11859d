package models

import "glance/kernels"

// bneck is a row of MobileNetV3's tables: kernel size, channels of the
// expansion, output channels, squeeze-and-excite, nonlinearity, stride.
type bneck struct {
	k, exp, out int
	se          bool
	nl          kernels.Activation
	s           int
}

// The nonlinearities as the paper's tables abbreviate them.
const (
	re = kernels.ReLU
	hs = kernels.HardSwish
)

// largeRows is arXiv:1905.02244, table 1.
var largeRows = []bneck{
	{3, 16, 16, false, re, 1},
	{3, 64, 24, false, re, 2},
	{3, 72, 24, false, re, 1},
	{5, 72, 40, true, re, 2},
	{5, 120, 40, true, re, 1},
	{5, 120, 40, true, re, 1},
	{3, 240, 80, false, hs, 2},
	{3, 200, 80, false, hs, 1},
	{3, 184, 80, false, hs, 1},
	{3, 184, 80, false, hs, 1},
	{3, 480, 112, true, hs, 1},
	{3, 672, 112, true, hs, 1},
	{5, 672, 160, true, hs, 2},
	{5, 960, 160, true, hs, 1},
	{5, 960, 160, true, hs, 1},
}

// largeRowsArticle is largeRows as the article writes it: the stride of rows 12
// and 13 and the expansion of row 13 differ.
var largeRowsArticle = []bneck{
	{3, 16, 16, false, re, 1},
	{3, 64, 24, false, re, 2},
	{3, 72, 24, false, re, 1},
	{5, 72, 40, true, re, 2},
	{5, 120, 40, true, re, 1},
	{5, 120, 40, true, re, 1},
	{3, 240, 80, false, hs, 2},
	{3, 200, 80, false, hs, 1},
	{3, 184, 80, false, hs, 1},
	{3, 184, 80, false, hs, 1},
	{3, 480, 112, true, hs, 1},
	{3, 672, 112, true, hs, 1},
	{5, 672, 160, true, hs, 1},
	{5, 672, 160, true, hs, 2},
	{5, 960, 160, true, hs, 1},
}

// smallRows is arXiv:1905.02244, table 2; the article's table is the same. (The
// paper marks the last 1x1 convolution with squeeze-and-excite as well; none of
// the published weights has one there.)
var smallRows = []bneck{
	{3, 16, 16, true, re, 2},
	{3, 72, 24, false, re, 2},
	{3, 88, 24, false, re, 1},
	{5, 96, 40, true, hs, 2},
	{5, 240, 40, true, hs, 1},
	{5, 240, 40, true, hs, 1},
	{5, 120, 48, true, hs, 1},
	{5, 144, 48, true, hs, 1},
	{5, 288, 96, true, hs, 2},
	{5, 576, 96, true, hs, 1},
	{5, 576, 96, true, hs, 1},
}

// mobileNetV3 scales every channel count of the table with makeDivisible, and so
// the hidden layer of the head; the last convolution has six times the last
// block's channels (torchvision, models/mobilenetv3.py).
func mobileNetV3(c Config, rows []bneck, hidden int) design {
	scaled := func(channels int) int { return makeDivisible(float64(channels) * c.Alpha) }
	d := design{
		stem:        scaled(16),
		stemAct:     kernels.HardSwish,
		last:        6 * scaled(rows[len(rows)-1].out),
		lastAct:     kernels.HardSwish,
		head:        []HeadLayer{{scaled(hidden), kernels.HardSwish}, {c.Classes, kernels.Identity}},
		squeezeNorm: c.Variant == VariantArticle,
	}
	for _, r := range rows {
		d.blocks = append(d.blocks, block{kernel: r.k, expanded: scaled(r.exp), out: scaled(r.out),
			squeeze: r.se, act: r.nl, stride: r.s})
	}
	return d
}
