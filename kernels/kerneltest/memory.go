package kerneltest

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"glance/kernels"
)

// Memory tests allocation, copies and the errors of a machine's memory.
func Memory(t *testing.T, newMachine NewMachine) {
	m := newMachine(t)
	defer m.Close()
	switch m.Name() {
	case "go", "simd128", "relaxed":
	default:
		t.Errorf("Name is %q, want go, simd128 or relaxed", m.Name())
	}
	if m.Threads() < 1 {
		t.Errorf("Threads is %d, want 1 or more", m.Threads())
	}
	allocation(t, m)
	release(t, m)
	growth(t, m)
	copies(t, m)
	closing(t, m)
}

func mustAlloc(t *testing.T, m kernels.Machine, n int) kernels.Ptr {
	t.Helper()
	p, err := m.Alloc(n)
	if err != nil {
		t.Fatalf("Alloc(%d): %v", n, err)
	}
	return p
}

func mustRead(t *testing.T, m kernels.Machine, p kernels.Ptr, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if err := m.Read(b, p); err != nil {
		t.Fatalf("Read of %d bytes at %d: %v", n, p, err)
	}
	return b
}

func mustWrite(t *testing.T, m kernels.Machine, p kernels.Ptr, b []byte) {
	t.Helper()
	if err := m.Write(p, b); err != nil {
		t.Fatalf("Write of %d bytes at %d: %v", len(b), p, err)
	}
}

// zeros checks that a region is zero-filled.
func zeros(t *testing.T, m kernels.Machine, p kernels.Ptr, n int) {
	t.Helper()
	for i, b := range mustRead(t, m, p, n) {
		if b != 0 {
			t.Fatalf("byte %d of a new region of %d is %#x, want 0", i, n, b)
		}
	}
}

func allocation(t *testing.T, m kernels.Machine) {
	t.Helper()
	end := uint64(0)
	for _, n := range []int{1, 63, 64, 65, 0, 1000, 4096, 100000} {
		p := mustAlloc(t, m, n)
		if p == 0 || p%kernels.Align != 0 {
			t.Fatalf("Alloc(%d) is at %d, want a multiple of %d other than 0", n, p, kernels.Align)
		}
		if uint64(p) < end {
			t.Fatalf("Alloc(%d) is at %d, inside the region that ends at %d", n, p, end)
		}
		end = uint64(p) + uint64(n)
		if end+kernels.Slack > uint64(m.MemoryBytes()) {
			t.Fatalf("Alloc(%d) ends at %d, less than %d bytes before the end of memory, %d", n, end, kernels.Slack, m.MemoryBytes())
		}
		zeros(t, m, p, n)
		mustWrite(t, m, p, bytes.Repeat([]byte{0xa5}, n))
	}
	before := m.MemoryBytes()
	for _, n := range []int{-1, math.MinInt, 1 << 33, math.MaxInt} {
		if p, err := m.Alloc(n); !errors.Is(err, kernels.ErrMemory) {
			t.Errorf("Alloc(%d) is %d with error %v, want ErrMemory", n, p, err)
		}
	}
	if after := m.MemoryBytes(); after != before {
		t.Errorf("refused allocations changed the memory from %d to %d bytes", before, after)
	}
}

func release(t *testing.T, m kernels.Machine) {
	t.Helper()
	kept := mustAlloc(t, m, 100)
	mustWrite(t, m, kept, bytes.Repeat([]byte{0x11}, 100))
	mark := m.Mark()
	first := mustAlloc(t, m, 10000)
	mustWrite(t, m, first, bytes.Repeat([]byte{0xff}, 10000))
	inner := m.Mark()
	mustAlloc(t, m, 10)
	m.Release(inner)
	if p := mustAlloc(t, m, 10); p < first+10000 {
		t.Errorf("a region after the inner release is at %d, inside one that was kept", p)
	}
	m.Release(mark)
	again := mustAlloc(t, m, 20000)
	if again != first {
		t.Errorf("the region after Release is at %d, want %d again", again, first)
	}
	zeros(t, m, again, 20000)
	m.Release(mark)
	m.Release(mark) // nothing to forget
	if p := mustAlloc(t, m, 1); p != first {
		t.Errorf("the region after a second Release is at %d, want %d again", p, first)
	}
	if got := mustRead(t, m, kept, 100); !bytes.Equal(got, bytes.Repeat([]byte{0x11}, 100)) {
		t.Error("Release changed a region allocated before the mark")
	}
	m.Release(mark)
}

// growth allocates several times the memory there is, and expects the contents
// of what was allocated before to stay.
func growth(t *testing.T, m kernels.Machine) {
	t.Helper()
	const count, size = 24, 300 << 10
	mark, before := m.Mark(), m.MemoryBytes()
	r := newRandom("growth")
	var at []kernels.Ptr
	var contents [][]byte
	for range count {
		p := mustAlloc(t, m, size)
		zeros(t, m, p, size)
		b := r.pixels(size)
		mustWrite(t, m, p, b)
		at, contents = append(at, p), append(contents, b)
	}
	for i, p := range at {
		if !bytes.Equal(mustRead(t, m, p, size), contents[i]) {
			t.Fatalf("region %d changed when the memory grew", i)
		}
	}
	if m.MemoryBytes() < count*size || m.MemoryBytes() < before {
		t.Errorf("MemoryBytes is %d after %d bytes were allocated", m.MemoryBytes(), count*size)
	}
	m.Release(mark)
}

func copies(t *testing.T, m kernels.Machine) {
	t.Helper()
	mark := m.Mark()
	p := mustAlloc(t, m, 1000)
	want := make([]byte, 1000)
	r := newRandom("copies")
	for range 100 {
		from := r.IntN(1000)
		b := r.pixels(r.IntN(1000 - from))
		copy(want[from:], b)
		mustWrite(t, m, p+kernels.Ptr(from), b)
	}
	if !bytes.Equal(mustRead(t, m, p, 1000), want) {
		t.Error("Read gives not what was written")
	}
	end := m.MemoryBytes()
	mustRead(t, m, kernels.Ptr(end-8), 8)
	for _, c := range []struct{ p, n int }{
		{end - 8, 9}, {end - 1, 2}, {end, 1}, {end + 64, 1}, {math.MaxUint32, 1}, {math.MaxUint32 - 7, 16}, {1, end}, {1, end + 1<<20},
	} {
		b := make([]byte, c.n)
		if err := m.Read(b, kernels.Ptr(c.p)); !errors.Is(err, kernels.ErrBounds) {
			t.Errorf("Read of %d bytes at %d of %d: error is %v, want ErrBounds", c.n, c.p, end, err)
		}
		if err := m.Write(kernels.Ptr(c.p), b); !errors.Is(err, kernels.ErrBounds) {
			t.Errorf("Write of %d bytes at %d of %d: error is %v, want ErrBounds", c.n, c.p, end, err)
		}
	}
	if !bytes.Equal(mustRead(t, m, p, 1000), want) {
		t.Error("a refused Write changed the memory")
	}
	m.Release(mark)
}

func closing(t *testing.T, m kernels.Machine) {
	t.Helper()
	p := mustAlloc(t, m, 64)
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	_, alloc := m.Alloc(1)
	for _, e := range []struct {
		name string
		err  error
	}{{"Alloc", alloc}, {"Read", m.Read(make([]byte, 1), p)}, {"Write", m.Write(p, make([]byte, 1))}, {"Run", m.Run(p, 0, 0)}} {
		if !errors.Is(e.err, kernels.ErrClosed) {
			t.Errorf("%s after Close: error is %v, want ErrClosed", e.name, e.err)
		}
	}
}
