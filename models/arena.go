package models

import (
	"cmp"
	"slices"

	"glance/kernels"
)

// buffer is a region of the arena that is in use while units first to last run.
type buffer struct {
	bytes       int
	first, last int
	offset      int // from the start of the arena, set by place
}

// arena shares one region of memory between buffers that are not in use at the
// same time.
type arena struct {
	buffers []buffer
	bytes   int // size of the region, set by place
}

// add reserves bytes for units first to last and returns the buffer's index.
func (a *arena) add(bytes, first, last int) int {
	a.buffers = append(a.buffers, buffer{bytes: bytes, first: first, last: last})
	return len(a.buffers) - 1
}

// place gives every buffer its offset: the largest first, each at the lowest
// offset where it overlaps none that is in use at the same time.
func (a *arena) place() {
	order := make([]*buffer, 0, len(a.buffers)) // the first added first among those as large
	for i := range a.buffers {
		b := &a.buffers[i]
		at, _ := slices.BinarySearchFunc(order, b.bytes, func(q *buffer, bytes int) int {
			if q.bytes >= bytes {
				return -1
			}
			return 1
		})
		order = slices.Insert(order, at, b)
	}
	var placed []*buffer // sorted by offset
	a.bytes = 0
	for _, b := range order {
		b.offset = b.lowest(placed)
		at, _ := slices.BinarySearchFunc(placed, b.offset, func(q *buffer, offset int) int { return cmp.Compare(q.offset, offset) })
		placed = slices.Insert(placed, at, b)
		a.bytes = max(a.bytes, align(b.offset+b.bytes))
	}
}

// lowest returns the lowest offset where the buffer overlaps none of those placed, which
// are sorted by offset, that is in use at the same time.
//
//go:noinline
func (b *buffer) lowest(placed []*buffer) int {
	offset := 0
	for _, q := range placed {
		if q.first > b.last || q.last < b.first {
			continue
		}
		if offset+b.bytes <= q.offset {
			break
		}
		offset = max(offset, align(q.offset+q.bytes))
	}
	return offset
}

func align(n int) int { return roundUp(n, kernels.Align) }

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
