package main

import (
	"fmt"

	"glance/kernels"
)

// benchCase is a program and where it lies.
type benchCase struct {
	Name    string  `json:"name"`
	MACs    float64 `json:"macs"`
	Program uint32  `json:"program"`
	Phases  int     `json:"phases"`
	Bytes   int     `json:"bytes"`
	Writes  []write `json:"writes"`
	Steps   []step  `json:"steps,omitempty"` // to be timed one by one
}

// step is a range of a program's phases that is timed by itself.
type step struct {
	Name string  `json:"name"`
	From int     `json:"from"`
	To   int     `json:"to"`
	MACs float64 `json:"macs"`
}

// write is what the memory holds at an address; the rest of it holds small values.
type write struct {
	At   uint32 `json:"at"`
	Data []byte `json:"data"`
}

// layout hands out memory.
type layout struct {
	top    uint32
	writes []write
}

func (l *layout) floats(n int) kernels.Ptr { return l.bytes(4 * n) }

func (l *layout) bytes(n int) kernels.Ptr {
	if l.top == 0 {
		l.top = 1 << 16
	}
	p := l.top
	l.top += uint32(n+kernels.Slack+kernels.Align-1) / kernels.Align * kernels.Align
	return kernels.Ptr(p)
}

func (l *layout) finish(name string, macs float64, ops ...kernels.Op) benchCase {
	p := kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{}}}}}
	for _, op := range ops {
		p.Phases[0].Lanes[0] = append(p.Phases[0].Lanes[0], op.Record())
	}
	at := l.bytes(p.Size())
	l.writes = append(l.writes, write{uint32(at), p.Encode(at)})
	return benchCase{Name: name, MACs: macs, Program: uint32(at), Phases: 1, Bytes: int(l.top) + kernels.Slack, Writes: l.writes}
}

func pointwise(m, k, n int, act kernels.Activation, residual bool) benchCase {
	var l layout
	o := kernels.Pointwise{X: l.floats(m * k), Weights: l.bytes(kernels.PanelBytes(n, k, false)), Y: l.floats(m * n),
		M: uint32(m), K: uint32(k), N: uint32(n), YStride: uint32(n), Act: act}
	name := fmt.Sprintf("pointwise %dx%dx%d %v", m, k, n, act)
	if residual {
		o.Residual = l.floats(m * n)
		name += "+res"
	}
	return l.finish(name, float64(m)*float64(k)*float64(n), o)
}

func depthwise(h, w, c, kernel, stride int, act kernels.Activation, sums bool) benchCase {
	var l layout
	pad := kernel / 2
	outH, outW := (h+2*pad-kernel)/stride+1, (w+2*pad-kernel)/stride+1
	u := func(n int) uint32 { return uint32(n) }
	o := kernels.Depthwise{X: l.floats(h * w * c), Weights: l.bytes(kernels.PanelBytes(c, kernel*kernel, false)),
		Y: l.floats(outH * outW * c), Ring: u(h), H: u(h), W: u(w), OutW: u(outW), C: u(c), XStride: u(c), Kernel: u(kernel),
		Stride: u(stride), Rows: u(outH), PadTop: u(pad), PadLeft: u(pad), Act: act}
	name := fmt.Sprintf("depthwise %dx%dx%d k%ds%d %v", h, w, c, kernel, stride, act)
	if sums {
		o.Sums = l.floats(outH * c)
		name += "+sums"
	}
	return l.finish(name, float64(outH*outW*c*kernel*kernel), o)
}

func stem(h, w, n int, act kernels.Activation) benchCase {
	var l layout
	outH, outW := (h-1)/2+1, (w-1)/2+1
	u := func(n int) uint32 { return uint32(n) }
	o := kernels.Conv3x3{X: l.floats(h * w * 3), Weights: l.bytes(kernels.PanelBytes(n, 27, false)), Y: l.floats(outH * outW * n),
		H: u(h), W: u(w), OutW: u(outW), N: u(n), Rows: u(outH), PadTop: 1, PadLeft: 1, Act: act}
	return l.finish(fmt.Sprintf("stem %dx%dx%d %v", h, w, n, act), float64(outH*outW*n*27), o)
}

func dense(k, n int, half bool) benchCase {
	var l layout
	o := kernels.Dense{X: l.floats(k), Weights: l.bytes(kernels.PanelBytes(n, k, half)), Y: l.floats(n), K: uint32(k), N: uint32(n)}
	name := fmt.Sprintf("dense %dx%d", k, n)
	if half {
		o.Half = 1
		name += " half"
	}
	return l.finish(name, float64(k*n), o)
}

func cases() []benchCase {
	const id, r6, hs, re = kernels.Identity, kernels.ReLU6, kernels.HardSwish, kernels.ReLU
	return []benchCase{
		// MobileNetV2, a strip of 4 rows where the map is large
		pointwise(448, 32, 16, id, false),
		pointwise(448, 16, 96, r6, false),
		pointwise(224, 96, 24, id, false),
		pointwise(224, 24, 144, r6, false),
		pointwise(224, 144, 24, id, true),
		pointwise(112, 144, 32, id, false),
		pointwise(784, 32, 192, r6, false),
		pointwise(784, 192, 32, id, true),
		pointwise(196, 64, 384, r6, false),
		pointwise(196, 384, 64, id, true),
		pointwise(196, 96, 576, r6, false),
		pointwise(196, 576, 96, id, true),
		pointwise(49, 160, 960, r6, false),
		pointwise(49, 960, 160, id, true),
		pointwise(49, 960, 320, id, false),
		pointwise(49, 320, 1280, r6, false),
		// MobileNetV1
		pointwise(196, 512, 512, r6, false),
		pointwise(49, 1024, 1024, r6, false),
		// MobileNetV3
		pointwise(196, 80, 200, hs, false),
		pointwise(196, 112, 672, hs, false),
		pointwise(196, 40, 240, hs, false),
		pointwise(49, 96, 576, hs, false),
		pointwise(49, 576, 96, id, true),
		pointwise(49, 288, 96, id, false),
		pointwise(784, 24, 72, re, false),
		stem(224, 224, 32, r6),
		stem(224, 224, 16, hs),
		dense(1280, 1000, false),
		dense(1280, 1000, true),
		dense(1024, 1000, false),
		dense(1024, 1000, true),
		dense(576, 1024, false),
		dense(576, 1024, true),
		dense(960, 240, false),
		dense(240, 960, false),
		dense(72, 24, false),
		// Depthwise: V2's and V3's, strips where the map is large
		depthwise(8, 112, 32, 3, 1, r6, false),
		depthwise(9, 112, 96, 3, 2, r6, false),
		depthwise(8, 56, 144, 3, 1, r6, false),
		depthwise(9, 56, 144, 3, 2, r6, false),
		depthwise(28, 28, 192, 3, 1, r6, false),
		depthwise(28, 28, 192, 3, 2, r6, false),
		depthwise(14, 14, 384, 3, 1, r6, false),
		depthwise(14, 14, 576, 3, 2, r6, false),
		depthwise(7, 7, 960, 3, 1, r6, false),
		depthwise(8, 112, 16, 3, 1, re, false),
		depthwise(9, 112, 16, 3, 2, re, true),
		depthwise(28, 28, 120, 5, 1, re, true),
		depthwise(28, 28, 72, 5, 2, re, true),
		depthwise(14, 14, 240, 5, 1, hs, true),
		depthwise(14, 14, 672, 5, 2, hs, true),
		depthwise(7, 7, 960, 5, 1, hs, true),
		depthwise(7, 7, 576, 5, 1, hs, true),
	}
}
