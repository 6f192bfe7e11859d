package kerneltest

import (
	"encoding/binary"
	"fmt"

	"glance/kernels"
)

// arena is the part of a machine's memory that scenes are laid out in: the last
// bytes before the slack at the end.
type arena struct {
	m         kernels.Machine
	mark      kernels.Ptr
	base, end int
	pattern   []byte // what guards hold, for [base, end)
	image     []byte
	turn      int // counts scenes, to rotate the order of tensors
}

const arenaBytes = 1 << 20

func newArena(m kernels.Machine) (*arena, error) {
	a := &arena{m: m, mark: m.Mark()}
	return a, a.grow(arenaBytes)
}

// grow gives the arena at least n bytes.
func (a *arena) grow(n int) error {
	n = (n + kernels.Align - 1) / kernels.Align * kernels.Align
	if a.end-a.base >= n {
		return nil
	}
	a.m.Release(a.mark)
	p, err := a.m.Alloc(n)
	if err != nil {
		return fmt.Errorf("allocating %d bytes: %w", n, err)
	}
	a.end = int(p) + n
	// Now that the memory is large enough, take all there is of it.
	if rest := (a.m.MemoryBytes() - kernels.Slack - int(p)) / kernels.Align * kernels.Align; rest > n {
		a.m.Release(a.mark)
		if p, err = a.m.Alloc(rest); err != nil {
			return fmt.Errorf("allocating the rest of the memory, %d bytes: %w", rest, err)
		}
		a.end = int(p) + rest
	}
	a.base = a.end - n
	a.pattern = make([]byte, n)
	for i := 0; i+4 <= n; i += 4 {
		binary.LittleEndian.PutUint32(a.pattern[i:], patternWord(i))
	}
	a.image = make([]byte, n)
	return nil
}

// release gives the memory back.
func (a *arena) release() { a.m.Release(a.mark) }

// patternWord is a quiet NaN as float32 and two NaNs as float16, different from
// its neighbours.
func patternWord(i int) uint32 {
	h := uint32(i) * 2654435761
	return 0x7fc07f81 | h>>26<<16 | h>>8&0x7e
}
