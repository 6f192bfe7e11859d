package models

import "glance/kernels"

// separable is a row of MobileNetV1's table: a 3x3 depthwise convolution and a
// 1x1 convolution.
type separable struct{ out, stride int }

// v1Rows is arXiv:1704.04861, table 1, where each pair of lines "Conv dw" and
// "Conv / s1" is one row here. (The paper prints stride 2 for the last depthwise
// too, but its own output sizes, and every implementation, have 1.)
var v1Rows = []separable{
	{64, 1},
	{128, 2},
	{128, 1},
	{256, 2},
	{256, 1},
	{512, 2},
	{512, 1},
	{512, 1},
	{512, 1},
	{512, 1},
	{512, 1},
	{1024, 2},
	{1024, 1},
}

// mobileNetV1 scales channels to int(c * alpha), as Keras does. Activations are
// ReLU6 throughout, as Google's weights have them; the article's stem is ReLU.
func mobileNetV1(c Config) design {
	scaled := func(channels int) int { return int(float64(channels) * c.Alpha) }
	d := design{
		stem:    scaled(32),
		stemAct: kernels.ReLU6,
		head:    []HeadLayer{{c.Classes, kernels.Identity}},
	}
	if c.Variant == VariantArticle {
		d.stemAct = kernels.ReLU
	}
	in := d.stem
	for _, r := range v1Rows {
		out := scaled(r.out)
		d.blocks = append(d.blocks, block{kernel: 3, expanded: in, out: out, act: kernels.ReLU6, stride: r.stride, separable: true})
		in = out
	}
	return d
}
