package twin

import (
	"sync/atomic"

	"glance/kernels"
)

// Options configures a machine. The zero value is one thread and up to 1 GiB.
type Options struct {
	// Threads is how many lanes of a phase run at the same time; 0 means 1.
	Threads int
	// MaxBytes limits the memory; 0 means 1 GiB. At most 4 GiB can be addressed.
	MaxBytes int
}

const (
	defaultMaxBytes = 1 << 30
	addressable     = 1<<32 - pageBytes
)

type machine struct {
	mem     []byte
	top     uint64 // end of what is allocated
	max     uint64
	workers []worker
	next    atomic.Int64 // lane of the phase that runs
}

// New returns a machine, named "go". It starts with one page of memory.
func New(o Options) kernels.Machine {
	m := &machine{
		mem:     slab(pageBytes),
		top:     kernels.Align, // no region is at 0
		max:     defaultMaxBytes,
		workers: make([]worker, max(o.Threads, 1)),
	}
	if o.MaxBytes > 0 {
		m.max = uint64(o.MaxBytes)
	}
	m.max = min(m.max, addressable) / pageBytes * pageBytes
	return m
}

func (m *machine) Name() string { return "go" }

func (m *machine) Threads() int { return len(m.workers) }

func (m *machine) MemoryBytes() int { return len(m.mem) }

func (m *machine) Alloc(n int) (kernels.Ptr, error) {
	if m.mem == nil {
		return 0, kernels.ErrClosed
	}
	if n < 0 || uint64(n) > m.max {
		return 0, kernels.ErrMemory
	}
	p := m.top
	end := (p + uint64(n) + kernels.Align - 1) / kernels.Align * kernels.Align
	if err := m.reserve(end + kernels.Slack); err != nil {
		return 0, err
	}
	m.top = end
	clear(m.mem[p:end])
	return kernels.Ptr(p), nil
}

// reserve grows the memory to at least n bytes, by half of what there is or
// more, so that many small allocations copy little.
func (m *machine) reserve(n uint64) error {
	have := uint64(len(m.mem))
	if n <= have {
		return nil
	}
	if n > m.max {
		return kernels.ErrMemory
	}
	grown := min(max(n, have+have/2), m.max)
	mem := slab(int((grown + pageBytes - 1) / pageBytes * pageBytes))
	copy(mem, m.mem)
	m.mem = mem
	return nil
}

func (m *machine) Mark() kernels.Ptr { return kernels.Ptr(m.top) }

func (m *machine) Release(mark kernels.Ptr) {
	if p := uint64(mark); p >= kernels.Align && p < m.top {
		m.top = p
	}
}

func (m *machine) Read(dst []byte, p kernels.Ptr) error {
	src, err := m.window(p, len(dst))
	if err == nil {
		copy(dst, src)
	}
	return err
}

func (m *machine) Write(p kernels.Ptr, src []byte) error {
	dst, err := m.window(p, len(src))
	if err == nil {
		copy(dst, src)
	}
	return err
}

func (m *machine) window(p kernels.Ptr, n int) ([]byte, error) {
	if m.mem == nil {
		return nil, kernels.ErrClosed
	}
	end := uint64(p) + uint64(n)
	if end > uint64(len(m.mem)) {
		return nil, kernels.ErrBounds
	}
	return m.mem[p:end], nil
}

func (m *machine) Close() error {
	m.mem = nil
	clear(m.workers)
	return nil
}
