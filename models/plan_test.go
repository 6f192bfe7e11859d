package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"glance/kernels"
	"glance/kernels/twin"
)

// run loads the blob with the options and returns logits and embedding.
func run(t testing.TB, blob []byte, input []float32, o PlanOptions) (logits, embedding []float32) {
	t.Helper()
	m := twin.New(twin.Options{Threads: o.Threads})
	defer m.Close()
	s, err := LoadBytes(m, blob, o)
	if err != nil {
		t.Fatalf("%+v: %v", o, err)
	}
	if err := s.SetInput(input); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run must find the input unharmed
		if err := s.Run(); err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
	}
	return s.Logits(nil), s.Embedding(nil)
}

// TestPlans holds every way to lay a network out to the same bits, and those to
// the reference.
func TestPlans(t *testing.T) {
	for name, c := range testConfigs() {
		t.Run(name, func(t *testing.T) {
			n := mustNew(t, c)
			weights := randomCheckpoint(n, 7, true)
			blob := weights.blob(t, n, DefaultPreprocess(c), true)
			input := randomInput(n, 8)
			outputs := reference(n, weights, input)

			logits, embedding := run(t, blob, input, PlanOptions{Fuse: FuseNever})
			near(t, "logits", logits, outputs[n.Output])
			near(t, "embedding", embedding, outputs[n.Embedding])

			r := rand.New(rand.NewPCG(9, uint64(len(name))))
			for range 12 {
				o := PlanOptions{Threads: 1 + r.IntN(5), Fuse: Fuse(r.IntN(3)), StripRows: r.IntN(6), HalfDense: HalfDense(r.IntN(3))}
				l, e := run(t, blob, input, o)
				if !sameBits(l, logits) || !sameBits(e, embedding) {
					t.Errorf("%+v: other bits than one thread without fusion", o)
				}
			}
		})
	}
}

// TestRandomPlans does the same for random networks, against whole tensors on
// one thread.
func TestRandomPlans(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 24))
	for range 16 {
		c := Config{
			Arch:    Archs()[r.IntN(4)],
			Alpha:   0.1 + 0.5*r.Float64(),
			Classes: 1 + r.IntN(40),
			Height:  32 + r.IntN(70),
			Width:   32 + r.IntN(70),
			Padding: []Padding{Symmetric, Same}[r.IntN(2)],
		}
		n := mustNew(t, c)
		blob := randomCheckpoint(n, r.Uint64(), false).blob(t, n, DefaultPreprocess(c), false)
		input := randomInput(n, r.Uint64())
		logits, embedding := run(t, blob, input, PlanOptions{Fuse: FuseNever})
		for range 4 {
			o := PlanOptions{Threads: 1 + r.IntN(9), Fuse: Fuse(r.IntN(2)), StripRows: r.IntN(6)}
			l, e := run(t, blob, input, o)
			if !sameBits(l, logits) || !sameBits(e, embedding) {
				t.Errorf("%+v: %+v: other bits than one thread without fusion", c, o)
			}
		}
	}
}

func sameBits(x, y []float32) bool {
	return slices.EqualFunc(x, y, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}

// TestArena checks that no two buffers in use at the same time overlap.
func TestArena(t *testing.T) {
	for _, arch := range Archs() {
		for _, fuse := range []Fuse{FuseAuto, FuseAlways, FuseNever} {
			for _, lanes := range []int{1, 3} {
				p, err := NewPlan(mustNew(t, Config{Arch: arch}), PlanOptions{Threads: lanes, Fuse: fuse})
				if err != nil {
					t.Fatal(err)
				}
				checkArena(t, &p.arena)
			}
		}
	}
}

func checkArena(t *testing.T, a *arena) {
	t.Helper()
	for i, x := range a.buffers {
		if x.offset%kernels.Align != 0 || x.offset+x.bytes > a.bytes || x.bytes <= 0 || x.last < x.first {
			t.Errorf("buffer %d: %+v in %d bytes", i, x, a.bytes)
		}
		for j, y := range a.buffers[:i] {
			if x.first <= y.last && y.first <= x.last && x.offset < y.offset+y.bytes && y.offset < x.offset+x.bytes {
				t.Errorf("buffers %d %+v and %d %+v overlap", i, x, j, y)
			}
		}
	}
}

func TestArenaRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a arena
		for range 1 + r.IntN(40) {
			first := r.IntN(20)
			a.add(1+r.IntN(5000), first, first+r.IntN(5))
		}
		a.place()
		checkArena(t, &a)
	}
}

// TestSteps checks that steps cover every phase once and every
// multiply-accumulate of the network.
func TestSteps(t *testing.T) {
	for name, c := range testConfigs() {
		n := mustNew(t, c)
		for lanes := 1; lanes <= 4; lanes++ {
			for _, fuse := range []Fuse{FuseAuto, FuseAlways, FuseNever} {
				p, err := NewPlan(n, PlanOptions{Threads: lanes, Fuse: fuse})
				if err != nil {
					t.Fatal(err)
				}
				phase, macs := 0, 0
				for _, s := range p.Steps() {
					if s.From != phase || s.To <= s.From || s.Name == "" || s.Bytes <= 0 {
						t.Errorf("%s: step %+v after phase %d", name, s, phase)
					}
					phase = s.To
					macs += s.MACs
				}
				if macs != n.MACs() {
					t.Errorf("%s, %d threads: %d MACs in steps, %d in layers", name, lanes, macs, n.MACs())
				}
			}
		}
	}
}

// BenchmarkNetworks runs the four networks at 224x224 on the pure-Go machine.
func BenchmarkNetworks(b *testing.B) {
	for _, arch := range Archs() {
		n := mustNew(b, Config{Arch: arch})
		blob := randomCheckpoint(n, 1, true).blob(b, n, DefaultPreprocess(n.Config), true)
		for _, fuse := range []Fuse{FuseNever, FuseAuto} {
			b.Run(fmt.Sprintf("%s/fuse=%d", arch, fuse), func(b *testing.B) {
				m := twin.New(twin.Options{})
				defer m.Close()
				s, err := LoadBytes(m, blob, PlanOptions{Fuse: fuse})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.SetInput(randomInput(n, 3)); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(s.Memory().Arena), "arena-bytes")
				for b.Loop() {
					if err := s.Run(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n.MACs())*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
			})
		}
	}
}

// BenchmarkPlan is what a session spends on planning, for each number of lanes.
func BenchmarkPlan(b *testing.B) {
	for _, arch := range Archs() {
		for _, lanes := range []int{1, 4} {
			n := mustNew(b, Config{Arch: arch})
			b.Run(fmt.Sprintf("%s/threads=%d", arch, lanes), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p, err := NewPlan(n, PlanOptions{Threads: lanes})
					if err != nil {
						b.Fatal(err)
					}
					if len(p.Steps()) == 0 {
						b.Fatal("no steps")
					}
				}
			})
		}
	}
}

func TestSplitTapered(t *testing.T) {
	for _, c := range []struct{ n, parts, threads, tile int }{
		{1024, 16, 2, 8}, {196, 8, 2, 4}, {7, 4, 2, 1}, {1, 8, 1, 1}, {0, 6, 3, 4}, {1000, 24, 3, 32}, {50, 5, 5, 1}, {13, 8, 2, 4},
	} {
		spans := splitTapered(c.n, c.parts, c.threads, c.tile)
		if len(spans) != c.parts {
			t.Fatalf("%+v: %d parts", c, len(spans))
		}
		at := 0
		for i, s := range spans {
			if s.lo != at || s.hi < s.lo || s.hi < c.n && s.hi%c.tile != 0 {
				t.Errorf("%+v: part %d is %v after %d", c, i, s, at)
			}
			at = s.hi
			// Rounding may make a part one tile larger than the one before.
			if i%(c.parts/c.threads) > 0 && s.hi-s.lo > spans[i-1].hi-spans[i-1].lo+c.tile {
				t.Errorf("%+v: part %d, %v, is larger than %v before it", c, i, s, spans[i-1])
			}
		}
		if at != c.n {
			t.Errorf("%+v: parts end at %d", c, at)
		}
	}
	if got, want := splitTapered(32*8, 8, 1, 8)[7], (span{31 * 8, 32 * 8}); got != want {
		t.Errorf("the last of eight parts is %v, want %v", got, want)
	}
}

// TestSpread holds pixels that are apart to where a depthwise op alone reads them.
func TestSpread(t *testing.T) {
	spread := map[Arch]int{}
	for _, arch := range Archs() {
		ops := lower(mustNew(t, Config{Arch: arch}))
		stride := map[int]int{inputLayer: 3}
		for i := range ops {
			o := &ops[i]
			stride[o.layer] = o.outStride
			if o.inStride != stride[o.source] {
				t.Errorf("%s, layer %d: reads pixels %d apart, they are %d apart", arch, o.layer, o.inStride, stride[o.source])
			}
			if o.inStride != o.in.C && o.code != kernels.OpDepthwise {
				t.Errorf("%s, layer %d: %v reads pixels apart", arch, o.layer, o.code)
			}
			if o.residual >= 0 && stride[o.residual] != o.out.C {
				t.Errorf("%s, layer %d: its residual's pixels are apart", arch, o.layer)
			}
			if o.outStride != o.out.C {
				spread[arch]++
			}
		}
		if last := ops[len(ops)-1]; last.outStride != last.out.C {
			t.Errorf("%s: the pool reads pixels apart", arch)
		}
	}
	if want := 9; spread[MobileNetV1] != want { // 256, 512 and 1024 channels
		t.Errorf("V1: %d layers are spread, want %d", spread[MobileNetV1], want)
	}
}
