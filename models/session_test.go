package models

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"glance/kernels"
	"glance/kernels/twin"
	"glance/weights"
)

// header is a checked header with exactly the network's tensors.
func header(n *Network, half bool) *weights.File {
	f := &weights.File{Metadata: map[string]string{}}
	for _, t := range n.Tensors() {
		d := weights.F32
		if half && !t.Bias {
			d = weights.F16
		}
		size := int64(d.Size())
		for _, k := range t.Shape {
			size *= int64(k)
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: t.Name, DType: d, Shape: t.Shape, Offset: f.DataSize, Size: size})
		f.DataSize += (size + 7) / 8 * 8
	}
	return f
}

func TestCheck(t *testing.T) {
	n := mustNew(t, Config{Arch: MobileNetV3Small})
	for _, half := range []bool{false, true} {
		if err := n.Check(header(n, half)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(f *weights.File, name string) *weights.Tensor {
		for i := range f.Tensors {
			if f.Tensors[i].Name == name {
				return &f.Tensors[i]
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	for _, tc := range []struct {
		code   weights.Code
		text   string
		change func(f *weights.File)
	}{
		{weights.BadShape, "weights: blocks.2.depthwise.weight: shape [72 3 3] in blob, mobilenet_v3_small wants [88 3 3]",
			func(f *weights.File) { at(f, "blocks.2.depthwise.weight").Shape = []int{72, 3, 3} }},
		{weights.BadShape, "stem.bias: shape [] in blob", func(f *weights.File) { at(f, "stem.bias").Shape = nil }},
		{weights.Missing, "weights: last.bias: not in the blob", func(f *weights.File) { at(f, "last.bias").Name = "first.bias" }},
		{weights.Unexpected, "weights: extra: in the blob", func(f *weights.File) { f.Tensors = append(f.Tensors, weights.Tensor{Name: "extra"}) }},
		{weights.BadDType, "dtype F16 in blob, a bias has F32", func(f *weights.File) { at(f, "stem.bias").DType = weights.F16 }},
		{weights.BadDType, "dtype BF16 in blob", func(f *weights.File) { at(f, "stem.weight").DType = weights.BF16 }},
		{weights.BadOffsets, "multiple of 4", func(f *weights.File) { at(f, "stem.bias").Offset += 2 }},
	} {
		f := header(n, true)
		tc.change(f)
		err := n.Check(f)
		var e *weights.Error
		if !errors.As(err, &e) || e.Code != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%v\nwant %s: %s", err, tc.code, tc.text)
		}
	}
}

func TestSessionOrder(t *testing.T) {
	n := mustNew(t, Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 3, Height: 32, Width: 40})
	m := twin.New(twin.Options{})
	defer m.Close()
	s, err := NewSession(m, n, header(n, true), PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	input := make([]float32, 32*40*3)
	for what, err := range map[string]error{"SetInput": s.SetInput(input), "Run": s.Run()} {
		if err != ErrNotPacked {
			t.Errorf("%s before Pack: %v", what, err)
		}
	}
	if _, err := s.Image(10, 10); err != ErrNotPacked {
		t.Errorf("Image before Pack: %v", err)
	}
	if err := s.Pack(); err != nil { // a zeroed staging area is a blob of zeros
		t.Fatal(err)
	}
	if err := s.Pack(); err != ErrPacked {
		t.Errorf("Pack twice: %v", err)
	}
	var e *InputError
	if err := s.SetInput(input[1:]); !errors.As(err, &e) || !strings.Contains(err.Error(), "32 x 40 x 3") {
		t.Errorf("short input: %v", err)
	}
	input[77] = float32(math.NaN())
	if err := s.SetInput(input); !errors.As(err, &e) || !strings.Contains(err.Error(), "value 77") {
		t.Errorf("NaN: %v", err)
	}
	input[77] = 1
	if err := s.SetInput(input); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if l := s.Logits([]float32{9}); len(l) != 4 || l[0] != 9 || l[1] != 0 {
		t.Errorf("logits %v", l)
	}
	if got := s.Memory(); got.Total() < got.Weights+got.Arena || got.Total() > m.MemoryBytes() {
		t.Errorf("%+v of %d", got, m.MemoryBytes())
	}
}

func TestPackNotFinite(t *testing.T) {
	n := mustNew(t, Config{Arch: MobileNetV2, Alpha: 0.35, Classes: 3, Height: 32, Width: 32})
	for _, name := range []string{"stem.weight", "blocks.3.expand.bias", "classifier.0.weight"} {
		c := randomCheckpoint(n, 1, true)
		c[name][1] = float32(math.Inf(-1))
		m := twin.New(twin.Options{})
		_, err := LoadBytes(m, c.blob(t, n, DefaultPreprocess(n.Config), true), PlanOptions{Threads: 2})
		var e *weights.Error
		if !errors.As(err, &e) || e.Code != weights.NotFinite || !strings.HasPrefix(name, e.Tensor+".") {
			t.Errorf("%s: %v", name, err)
		}
		m.Close()
	}
}

func TestLoadErrors(t *testing.T) {
	n := mustNew(t, Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 3, Height: 32, Width: 32})
	blob := randomCheckpoint(n, 1, true).blob(t, n, DefaultPreprocess(n.Config), true)
	m := twin.New(twin.Options{})
	defer m.Close()
	for name, bad := range map[string][]byte{
		"nothing":   nil,
		"short":     blob[:100],
		"truncated": blob[:len(blob)-1],
		"too long":  append(append([]byte(nil), blob...), 0),
		"no glance": []byte(strings.Replace(string(blob), `"glance":"1"`, `"glancf":"1"`, 1)),
		"arch":      []byte(strings.Replace(string(blob), `"arch":"mobilenet_v1"`, `"arch":"mobilenet_v9"`, 1)),
		"alpha":     []byte(strings.Replace(string(blob), `"alpha":"0.1"`, `"alpha":"0.9"`, 1)),
	} {
		mark := m.Mark()
		if _, err := LoadBytes(m, bad, PlanOptions{}); err == nil {
			t.Errorf("%s: no error", name)
		} else if m.Mark() != mark {
			t.Errorf("%s: %v left memory allocated", name, err)
		}
	}
	if _, err := LoadBytes(m, blob, PlanOptions{Threads: 1000}); err == nil {
		t.Error("1000 threads: no error")
	}
	tiny := twin.New(twin.Options{MaxBytes: 1 << 17})
	defer tiny.Close()
	if _, err := LoadBytes(tiny, blob, PlanOptions{}); !errors.Is(err, kernels.ErrMemory) {
		t.Errorf("tiny machine: %v", err)
	}
}

// TestOtherSize checks that a blob runs at another input size than it was made
// for, with a crop of the same share.
func TestOtherSize(t *testing.T) {
	made := mustNew(t, Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 3, Height: 64, Width: 48})
	p := DefaultPreprocess(made.Config)
	p.Resize = 80
	f := header(made, true)
	f.Metadata = Metadata(made.Config, p)
	for _, tc := range []struct{ height, width, resize int }{{64, 48, 80}, {48, 64, 80}, {96, 40, 120}, {32, 33, 41}} {
		n := mustNew(t, Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 3, Height: tc.height, Width: tc.width})
		m := twin.New(twin.Options{})
		s, err := NewSession(m, n, f, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.preprocess; got.Resize != tc.resize || got.Filter != p.Filter {
			t.Errorf("%+v: %+v", tc, got)
		}
		if s.Network() != n || s.Plan().Network != n {
			t.Error("another network")
		}
		m.Close()
	}
}

func TestProfile(t *testing.T) {
	n := mustNew(t, Config{Arch: MobileNetV3Small, Alpha: 0.3, Classes: 5, Height: 48, Width: 48})
	c := randomCheckpoint(n, 2, true)
	blob := c.blob(t, n, DefaultPreprocess(n.Config), true)
	input := randomInput(n, 5)
	want, _ := run(t, blob, input, PlanOptions{})
	m := twin.New(twin.Options{Threads: 2})
	defer m.Close()
	s, err := LoadBytes(m, blob, PlanOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetInput(input); err != nil {
		t.Fatal(err)
	}
	ticks := int64(0)
	times, err := s.Profile(func() int64 { ticks += 7; return ticks })
	if err != nil || len(times) != len(s.Steps()) || times[0].Nanoseconds != 7 {
		t.Errorf("%d times, %v", len(times), err)
	}
	if !sameBits(s.Logits(nil), want) {
		t.Error("a profiled run gives other logits")
	}
}

// FuzzLoadBytes feeds headers: whatever is wrong with one must be an error, and
// what is right must run.
func FuzzLoadBytes(f *testing.F) {
	n, err := New(Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 1, Height: 32, Width: 32})
	if err != nil {
		f.Fatal(err)
	}
	blob := randomCheckpoint(n, 1, true).blob(f, n, DefaultPreprocess(n.Config), true)
	end := 8 + binary.LittleEndian.Uint64(blob)
	f.Add(blob[8:end])
	f.Add([]byte(`{"__metadata__":{"glance":"1","arch":"mobilenet_v2"}}`))
	f.Fuzz(func(t *testing.T, header []byte) {
		bad := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		bad = append(append(bad, header...), blob[end:]...)
		m := twin.New(twin.Options{MaxBytes: 64 << 20})
		defer m.Close()
		s, err := LoadBytes(m, bad, PlanOptions{Threads: 2})
		if err != nil {
			return
		}
		if s.network.MACs() > 1e8 {
			return
		}
		if err := s.SetPixels(make([]byte, 3*4*4), 3, 4); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
	})
}
