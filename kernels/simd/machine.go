package simd

import "glance/kernels"

// heapBase is where regions are allocated from: the first page is the module's
// (the exported constant heap_base).
const heapBase = 1 << 16

const pageBytes = 1 << 16

// host is where a module runs: its memory and its exports.
type host interface {
	size() uint64 // of the memory, in bytes
	grow(pages uint32) bool
	read(dst []byte, p kernels.Ptr)
	write(p kernels.Ptr, src []byte)
	zero(p kernels.Ptr, n uint32)
	run(program kernels.Ptr, from, to uint32) (kernels.Status, error)
	close() error
}

// machine is a [kernels.Machine] on a host.
type machine struct {
	host    host // nil once closed
	name    string
	threads int
	top     uint64 // end of what is allocated
	dirty   uint64 // end of what may not be zero
	max     uint64 // limit of the memory
}

func newMachine(h host, name string, threads int, limit uint64) *machine {
	return &machine{host: h, name: name, threads: threads, top: heapBase, dirty: max(heapBase, h.size()), max: limit}
}

func (m *machine) Name() string { return m.name }

func (m *machine) Threads() int { return m.threads }

func (m *machine) MemoryBytes() int {
	if m.host == nil {
		return 0
	}
	return int(m.host.size())
}

func (m *machine) Alloc(n int) (kernels.Ptr, error) {
	if m.host == nil {
		return 0, kernels.ErrClosed
	}
	if n < 0 || uint64(n) > m.max {
		return 0, kernels.ErrMemory
	}
	p := m.top
	end := (p + uint64(n) + kernels.Align - 1) / kernels.Align * kernels.Align
	if !m.reserve(end + kernels.Slack) {
		return 0, kernels.ErrMemory
	}
	if p < m.dirty {
		m.host.zero(kernels.Ptr(p), uint32(min(end, m.dirty)-p))
	}
	m.top, m.dirty = end, max(m.dirty, end)
	return kernels.Ptr(p), nil
}

// reserve grows the memory to at least n bytes.
func (m *machine) reserve(n uint64) bool {
	have := m.host.size()
	if n <= have {
		return true
	}
	return n <= m.max && m.host.grow(uint32((n-have+pageBytes-1)/pageBytes))
}

func (m *machine) Mark() kernels.Ptr { return kernels.Ptr(m.top) }

func (m *machine) Release(mark kernels.Ptr) {
	if p := uint64(mark); p >= heapBase && p < m.top {
		m.top = p
	}
}

func (m *machine) Read(dst []byte, p kernels.Ptr) error {
	err := m.check(p, len(dst))
	if err == nil && len(dst) > 0 {
		m.host.read(dst, p)
	}
	return err
}

func (m *machine) Write(p kernels.Ptr, src []byte) error {
	err := m.check(p, len(src))
	if err == nil && len(src) > 0 {
		m.host.write(p, src)
		m.dirty = max(m.dirty, uint64(p)+uint64(len(src)))
	}
	return err
}

func (m *machine) check(p kernels.Ptr, n int) error {
	if m.host == nil {
		return kernels.ErrClosed
	}
	if uint64(p)+uint64(n) > m.host.size() {
		return kernels.ErrBounds
	}
	return nil
}

func (m *machine) Run(p kernels.Ptr, from, to int) error {
	if m.host == nil {
		return kernels.ErrClosed
	}
	if from < 0 || to < from || int64(to) > 1<<31-1 {
		return kernels.StatusError{Status: kernels.StatusInvalid}
	}
	status, err := m.host.run(p, uint32(from), uint32(to))
	if err == nil && status != kernels.StatusOK {
		err = kernels.StatusError{Status: status}
	}
	return err
}

func (m *machine) Close() error {
	if m.host == nil {
		return nil
	}
	h := m.host
	m.host = nil
	return h.close()
}
