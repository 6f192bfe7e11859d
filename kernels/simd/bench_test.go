//go:build !js

package simd_test

import (
	"fmt"
	"testing"

	"glance/kernels"
	"glance/kernels/simd"
)

// BenchmarkOperators times operators at layer shapes of MobileNetV2 and V3 on
// wazero. For Chromium and node see the command bench.
func BenchmarkOperators(b *testing.B) {
	m, err := simd.New(simd.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	alloc := func(bytes int) kernels.Ptr {
		p, err := m.Alloc(bytes)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	run := func(name string, macs int, op kernels.Op) {
		b.Run(name, func(b *testing.B) {
			p := kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{op.Record()}}}}}
			at := alloc(p.Size())
			if err := m.Write(at, p.Encode(at)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := m.Run(at, 0, 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(macs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
	for _, s := range []struct{ m, k, n int }{{448, 16, 96}, {196, 384, 64}, {196, 112, 672}, {49, 960, 160}} {
		run(fmt.Sprintf("pointwise/%dx%dx%d", s.m, s.k, s.n), s.m*s.k*s.n, kernels.Pointwise{
			X: alloc(4 * s.m * s.k), Weights: alloc(kernels.PanelBytes(s.n, s.k, false)), Y: alloc(4 * s.m * s.n),
			M: uint32(s.m), K: uint32(s.k), N: uint32(s.n), YStride: uint32(s.n), Act: kernels.ReLU6})
	}
	for _, s := range []struct{ size, c, kernel, stride int }{{56, 144, 3, 1}, {56, 144, 3, 2}, {14, 240, 5, 1}, {14, 672, 5, 2}} {
		out, u := (s.size-1)/s.stride+1, func(n int) uint32 { return uint32(n) }
		run(fmt.Sprintf("depthwise/%dx%dx%d_k%ds%d", s.size, s.size, s.c, s.kernel, s.stride), out*out*s.c*s.kernel*s.kernel, kernels.Depthwise{
			X: alloc(4 * s.size * s.size * s.c), Weights: alloc(kernels.PanelBytes(s.c, s.kernel*s.kernel, false)), Y: alloc(4 * out * out * s.c),
			Ring: u(s.size), H: u(s.size), W: u(s.size), OutW: u(out), C: u(s.c), XStride: u(s.c), Kernel: u(s.kernel), Stride: u(s.stride),
			Rows: u(out), PadTop: u(s.kernel / 2), PadLeft: u(s.kernel / 2), Act: kernels.HardSwish})
	}
	run("conv3x3/224x224x16", 112*112*16*27, kernels.Conv3x3{X: alloc(4 * 224 * 224 * 3), Weights: alloc(kernels.PanelBytes(16, 27, false)),
		Y: alloc(4 * 112 * 112 * 16), H: 224, W: 224, OutW: 112, N: 16, Rows: 112, PadTop: 1, PadLeft: 1, Act: kernels.HardSwish})
	run("dense/1024x1000", 1024*1000, kernels.Dense{X: alloc(4 * 1024), Weights: alloc(kernels.PanelBytes(1000, 1024, false)), Y: alloc(4 * 1000),
		K: 1024, N: 1000})
}
