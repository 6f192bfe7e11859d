//go:build amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64 || wasm

package twin

import (
	"unsafe"

	"glance/kernels"
)

// The memory is a []byte whose first byte is 8-byte aligned, viewed in place as
// float32 or uint32 values. Values in it are little-endian by contract, so the
// views need a little-endian processor, and offsets are computed in int, which
// must have 64 bits: the build constraint above.

const pageBytes = 64 << 10 // growth is in whole pages, as in WebAssembly

func slab(n int) []byte {
	words := make([]uint64, n/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
}

// decode reads the arguments of a record. An operator's struct consists of
// 32-bit words alone, in the order of the encoding, so the words of a record
// after the opcode are the struct.
func decode[T any](r *kernels.Record) T {
	return *(*T)(unsafe.Pointer(&r[1]))
}

// span is a byte range [from, to) that a record reads or writes.
type span struct {
	from, to uint64
	written  bool
}

// call collects the memory ranges of one record, hands out views of them and
// remembers whether anything about the record was not valid. Views of a record
// that is not valid are nil.
type call struct {
	mem   []byte
	spans [6]span
	n     int
	bad   bool
}

// require notes that the record is not valid unless ok holds.
func (c *call) require(ok bool) {
	if !ok {
		c.bad = true
	}
}

// claim checks the range of size bytes at p, against the memory and against
// what the record claimed before: nothing written may overlap.
func (c *call) claim(p kernels.Ptr, size, align uint64, written bool) bool {
	s := span{uint64(p), uint64(p) + size, written}
	if p == 0 || size == 0 || s.from%align != 0 || s.to > uint64(len(c.mem)) {
		c.bad = true
		return false
	}
	for _, o := range c.spans[:c.n] {
		if (written || o.written) && s.from < o.to && o.from < s.to {
			c.bad = true
			return false
		}
	}
	c.spans[c.n] = s
	c.n++
	return true
}

// in views n float32 that the record reads.
func (c *call) in(p kernels.Ptr, n uint64) []float32 {
	if !c.claim(p, 4*n, 4, false) {
		return nil
	}
	return floatsAt(c.mem, p, n)
}

// out views n float32 that the record writes.
func (c *call) out(p kernels.Ptr, n uint64) []float32 {
	if !c.claim(p, 4*n, 4, true) {
		return nil
	}
	return floatsAt(c.mem, p, n)
}

// words views n uint32 that the record reads.
func (c *call) words(p kernels.Ptr, n uint64) []uint32 {
	if !c.claim(p, 4*n, 4, false) {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&c.mem[p])), n)
}

// bytes views n bytes at any alignment that the record reads.
func (c *call) bytes(p kernels.Ptr, n uint64) []byte {
	if !c.claim(p, n, 1, false) {
		return nil
	}
	return c.mem[p : uint64(p)+n]
}

// outBytes views n bytes at any alignment that the record writes.
func (c *call) outBytes(p kernels.Ptr, n uint64) []byte {
	if !c.claim(p, n, 1, true) {
		return nil
	}
	return c.mem[p : uint64(p)+n]
}

func floatsAt(mem []byte, p kernels.Ptr, n uint64) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[p])), n)
}

// huge is more than any memory holds: what area returns instead of overflowing.
const huge = uint64(1) << 34

// times is a*b for operands up to huge, or huge.
func times(a, b uint64) uint64 {
	if b != 0 && a > huge/b {
		return huge
	}
	return a * b
}

// area is the product of the dimensions, or huge.
func area(dims ...uint32) uint64 {
	n := uint64(1)
	for _, d := range dims {
		n = times(n, uint64(d))
	}
	return n
}

// strided is the extent of rows rows of n values, stride apart.
func strided(rows, n, stride uint32) uint64 {
	if rows == 0 {
		return 0
	}
	return area(rows-1, stride) + uint64(n)
}

// panelCount is the number of panels of n outputs.
func panelCount(n uint32) uint64 {
	return (uint64(n) + kernels.Panel - 1) / kernels.Panel
}

// panelArea is the number of float32 in the panels of an [n][k] matrix.
func panelArea(n, k uint32) uint64 {
	return times(panelCount(n)*kernels.Panel, 1+uint64(k))
}

// halfPanelBytes is the size of one panel of k inner values with float16 weights.
func halfPanelBytes(k uint32) uint64 {
	return kernels.Panel*4 + uint64(k)*kernels.Panel*2
}
