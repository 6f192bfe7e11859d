package twin_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"glance/kernels"
	"glance/kernels/twin"
)

// bench runs one record over and over. Weights and activations are random; work
// is in multiply-adds, or pixels where the operator has none.
type bench struct {
	b *testing.B
	m kernels.Machine
}

func newBench(b *testing.B) bench {
	m := twin.New(twin.Options{})
	b.Cleanup(func() { m.Close() })
	return bench{b, m}
}

func (b bench) alloc(n int) kernels.Ptr {
	p, err := b.m.Alloc(n)
	if err != nil {
		b.b.Fatal(err)
	}
	return p
}

// floats allocates n random float32.
func (b bench) floats(n int) kernels.Ptr {
	p := b.alloc(4 * n)
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float32, n)
	for i := range v {
		v[i] = r.Float32() - 0.5
	}
	if err := b.m.Write(p, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*n)); err != nil {
		b.b.Fatal(err)
	}
	return p
}

func (b bench) panels(n, k int) kernels.Ptr { return b.floats(kernels.PanelBytes(n, k, false) / 4) }

func (b bench) run(work int, unit string, op kernels.Op) {
	program := kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{op.Record()}}}}}
	p := b.alloc(program.Size())
	if err := b.m.Write(p, program.Encode(p)); err != nil {
		b.b.Fatal(err)
	}
	b.b.ReportAllocs()
	for b.b.Loop() {
		if err := b.m.Run(p, 0, 1); err != nil {
			b.b.Fatal(err)
		}
	}
	b.b.ReportMetric(float64(work)*float64(b.b.N)/float64(b.b.Elapsed().Nanoseconds()), unit)
}

// The shapes are those of MobileNetV2 1.0 at 224x224.

func BenchmarkConv3x3(b *testing.B) {
	m := newBench(b)
	m.run(112*112*32*27, "GMAC/s", kernels.Conv3x3{X: m.floats(224 * 224 * 3), Weights: m.panels(32, 27), Y: m.alloc(112 * 112 * 32 * 4),
		H: 224, W: 224, OutW: 112, N: 32, Rows: 112, PadTop: 1, PadLeft: 1, Act: kernels.ReLU6})
}

func BenchmarkPointwise(b *testing.B) {
	for _, s := range []struct{ side, k, n int }{
		{112, 32, 16}, {112, 16, 96}, {56, 96, 24}, {56, 24, 144}, {28, 144, 32}, {28, 32, 192},
		{14, 384, 64}, {14, 64, 384}, {7, 960, 160}, {7, 160, 960}, {7, 320, 1280},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.side*s.side, s.k, s.n), func(b *testing.B) {
			m, pixels := newBench(b), s.side*s.side
			m.run(pixels*s.k*s.n, "GMAC/s", kernels.Pointwise{X: m.floats(pixels * s.k), Weights: m.panels(s.n, s.k), Y: m.alloc(4 * pixels * s.n),
				M: uint32(pixels), K: uint32(s.k), N: uint32(s.n), YStride: uint32(s.n), Act: kernels.ReLU6})
		})
	}
}

func BenchmarkDepthwise(b *testing.B) {
	for _, s := range []struct{ side, channels, kernel, stride int }{
		{112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {28, 192, 3, 2}, {14, 384, 3, 1}, {14, 576, 3, 2}, {7, 960, 3, 1},
		{14, 480, 5, 1},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d_k%ds%d", s.side, s.side, s.channels, s.kernel, s.stride), func(b *testing.B) {
			m, out := newBench(b), s.side/s.stride+s.side%s.stride
			pad, side := uint32(s.kernel/2), uint32(s.side)
			m.run(out*out*s.channels*s.kernel*s.kernel, "GMAC/s", kernels.Depthwise{X: m.floats(s.side * s.side * s.channels),
				Weights: m.panels(s.channels, s.kernel*s.kernel), Y: m.alloc(4 * out * out * s.channels),
				Ring: side, H: side, W: side, OutW: uint32(out), C: uint32(s.channels), XStride: uint32(s.channels), Kernel: uint32(s.kernel),
				Stride: uint32(s.stride), Rows: uint32(out), PadTop: pad, PadLeft: pad, Act: kernels.ReLU6})
		})
	}
}

func BenchmarkDense(b *testing.B) {
	const k, n = 1280, 1000
	b.Run("float32", func(b *testing.B) {
		m := newBench(b)
		m.run(k*n, "GMAC/s", kernels.Dense{X: m.floats(k), Weights: m.panels(n, k), Y: m.alloc(4 * n), K: k, N: n})
	})
	b.Run("half", func(b *testing.B) {
		m := newBench(b)
		p := m.packed(k, n, true)
		m.run(k*n, "GMAC/s", kernels.Dense{X: m.floats(k), Weights: p, Y: m.alloc(4 * n), K: k, N: n, Half: 1})
	})
}

// halves allocates n float16 between -0.5 and 0.5.
func (b bench) halves(n int) kernels.Ptr {
	r := rand.New(rand.NewPCG(3, 4))
	v := make([]byte, 2*n)
	for i := 0; i < len(v); i += 2 {
		v[i], v[i+1] = byte(r.Uint32()), byte(r.Uint32())&0x83|byte(r.IntN(14))<<2
	}
	p := b.alloc(len(v))
	if err := b.m.Write(p, v); err != nil {
		b.b.Fatal(err)
	}
	return p
}

// packed packs random float16 weights.
func (b bench) packed(k, n int, half bool) kernels.Ptr {
	op := kernels.PackPanels{Src: b.halves(n * k), Dst: b.alloc(kernels.PanelBytes(n, k, half)), K: uint32(k), N: uint32(n), HalfIn: 1}
	if half {
		op.HalfOut = 1
	}
	program := kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{op.Record()}}}}}
	p := b.alloc(program.Size())
	if err := b.m.Write(p, program.Encode(p)); err != nil {
		b.b.Fatal(err)
	}
	if err := b.m.Run(p, 0, 1); err != nil {
		b.b.Fatal(err)
	}
	return op.Dst
}

func BenchmarkPackPanels(b *testing.B) {
	const k, n = 1280, 1000
	m := newBench(b)
	m.run(k*n, "Gvalues/s", kernels.PackPanels{Src: m.halves(n * k), Dst: m.alloc(kernels.PanelBytes(n, k, false)), K: k, N: n, HalfIn: 1})
}

func BenchmarkScalePanels(b *testing.B) {
	const k, n = 576, 96
	m := newBench(b)
	m.run(k*n, "Gvalues/s", kernels.ScalePanels{Src: m.panels(n, k), S: m.floats(k), Dst: m.alloc(kernels.PanelBytes(n, k, false)), K: k, N: n})
}

func BenchmarkSumRows(b *testing.B) {
	m := newBench(b)
	m.run(49*1280, "Gvalues/s", kernels.SumRows{X: m.floats(49 * 1280), Y: m.alloc(4 * 1280), M: 49, N: 1280, Stride: 1280, Scale: 1.0 / 49})
}

func BenchmarkScaleRows(b *testing.B) {
	m := newBench(b)
	m.run(196*480, "Gvalues/s", kernels.ScaleRows{X: m.floats(196 * 480), S: m.floats(480), Y: m.alloc(4 * 196 * 480), M: 196, C: 480})
}

// A 640x480 photo to 341x256, as torchvision's resize to 256.
func BenchmarkResampleRows(b *testing.B) {
	m := newBench(b)
	m.run(480*341, "Gpixels/s", kernels.ResampleRows{X: m.alloc(640 * 480 * 4), Starts: m.alloc(341 * 4), Coeffs: m.alloc(341 * 5 * 4),
		Y: m.alloc(341 * 480 * 4), XStride: 640 * 4, OutW: 341, Taps: 5, Rows: 480})
}

func BenchmarkResampleCols(b *testing.B) {
	m := newBench(b)
	m.run(224*224, "Gpixels/s", kernels.ResampleCols{X: m.alloc(224 * 480 * 4), Starts: m.alloc(224 * 4), Coeffs: m.alloc(224 * 5 * 4),
		Table: m.floats(3 * 256), Y: m.alloc(224 * 224 * 3 * 4), W: 224, Taps: 5, Rows: 224})
}

func BenchmarkBilinear(b *testing.B) {
	m := newBench(b)
	m.run(224*224, "Gpixels/s", kernels.Bilinear{X: m.alloc(640 * 480 * 4), Columns: m.alloc(224 * 12), Lines: m.alloc(224 * 12),
		Y: m.alloc(224 * 224 * 3 * 4), XStride: 640 * 4, OutW: 224, Rows: 224})
}
