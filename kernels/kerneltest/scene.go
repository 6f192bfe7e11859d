package kerneltest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"glance/kernels"
)

// scene is the memory of one case: its tensors with guards between them.
type scene struct {
	arena   *arena
	random  random
	tensors []*tensor
	low     int // first byte of the lowest tensor
}

// tensor is an input (data), an output (written) or both.
type tensor struct {
	name    string
	align   int
	size    int
	at      int
	data    []byte    // contents before the call; nil is the guards' pattern
	written []segment // what the call has to write
	after   []byte    // contents after the call
	base    int       // of the arena
}

// segment is a byte range of a tensor.
type segment struct{ from, to int }

// guard is the least distance between tensors, in bytes.
const guard = kernels.Slack

func newScene(a *arena, name string) *scene {
	a.turn++
	return &scene{arena: a, random: newRandom(name)}
}

// in declares an input with these contents.
func (s *scene) in(name string, align int, data []byte) *tensor {
	t := &tensor{name: name, align: align, size: len(data), data: data}
	s.tensors = append(s.tensors, t)
	return t
}

// out declares an output of size bytes, all of which the call writes.
func (s *scene) out(name string, align, size int) *tensor {
	t := &tensor{name: name, align: align, size: size, written: []segment{{0, size}}}
	s.tensors = append(s.tensors, t)
	return t
}

// updated declares that the call writes an input in place.
func (t *tensor) updated() *tensor {
	t.written = []segment{{0, t.size}}
	return t
}

// rows restricts what the call writes to width bytes of every stride.
func (t *tensor) rows(width, stride int) *tensor {
	t.written = nil
	for from := 0; from < t.size; from += stride {
		t.written = append(t.written, segment{from, from + width})
	}
	return t
}

// ptr is the address of a placed tensor's byte offset.
func (t *tensor) ptr(offset int) kernels.Ptr { return kernels.Ptr(t.at + offset) }

// place gives every tensor its address, from the end of the arena downwards.
func (s *scene) place() error {
	need := 0
	for _, t := range s.tensors {
		need += t.size + 4*guard
	}
	if err := s.arena.grow(need + arenaBytes/4); err != nil {
		return err
	}
	at, n := s.arena.end, len(s.tensors)
	for i := range s.tensors {
		t := s.tensors[(i+s.arena.turn)%n]
		t.at = at - t.size
		t.at -= t.at % t.align
		t.base = s.arena.base
		at = t.at - guard - s.random.IntN(guard)
	}
	s.low = at
	return nil
}

// run lays the scene out afresh, runs phases [from, to) of the program for each
// of the ranges (all of it where there is none) and collects the outputs. The
// first error is the machine's; the second says that the call changed something
// it should not have.
func (s *scene) run(p *kernels.Program, ranges ...[2]int) (failed, damage error) {
	a := s.arena
	base := (s.low - guard - p.Size()) / kernels.Align * kernels.Align
	low := base - guard
	if low < a.base {
		return fmt.Errorf("kerneltest: a program of %d bytes does not fit", p.Size()), nil
	}
	copy(a.image[low-a.base:], a.pattern[low-a.base:])
	for _, t := range s.tensors {
		copy(a.image[t.at-a.base:], t.data)
	}
	copy(a.image[base-a.base:], p.Encode(kernels.Ptr(base)))
	image := a.image[low-a.base : a.end-a.base]
	if err := a.m.Write(kernels.Ptr(low), image); err != nil {
		return fmt.Errorf("Write: %w", err), nil
	}
	if len(ranges) == 0 {
		ranges = [][2]int{{0, len(p.Phases)}}
	}
	for _, r := range ranges {
		if failed = a.m.Run(kernels.Ptr(base), r[0], r[1]); failed != nil {
			break
		}
	}
	after := make([]byte, len(image))
	if err := a.m.Read(after, kernels.Ptr(low)); err != nil {
		return fmt.Errorf("Read: %w", err), nil
	}
	for _, t := range s.tensors {
		t.after = after[t.at-low:][:t.size]
		for _, w := range t.written {
			copy(image[t.at-low+w.from:t.at-low+w.to], t.after[w.from:])
		}
	}
	if !bytes.Equal(image, after) {
		for i := range image {
			if image[i] != after[i] {
				return failed, s.describe(low+i, base)
			}
		}
	}
	return failed, nil
}

// describe says what the byte at an address, which a call should have left alone,
// belongs to.
func (s *scene) describe(at, program int) error {
	nearest, distance := "the program", at-program
	for _, t := range s.tensors {
		d := at - t.at
		if d >= 0 && d < t.size {
			return fmt.Errorf("byte %d of %s (%d bytes) was changed", d, t.name, t.size)
		}
		if d >= t.size {
			d -= t.size - 1
		}
		if max(d, -d) < max(distance, -distance) {
			nearest, distance = t.name, d
		}
	}
	if distance < 0 {
		return fmt.Errorf("the guard %d bytes before %s was changed", -distance, nearest)
	}
	return fmt.Errorf("the guard %d bytes past %s was changed", distance, nearest)
}

// float returns the float32 at index i of an output.
func (t *tensor) float(i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(t.after[4*i:]))
}

// untouched tells whether the 32-bit word i of an output without contents still
// holds the pattern.
func (t *tensor) untouched(i int) bool {
	at := t.at - t.base + 4*i
	return t.data == nil && at%4 == 0 && binary.LittleEndian.Uint32(t.after[4*i:]) == patternWord(at)
}

// outputs returns the bytes that the call had to write, tensor after tensor.
func (s *scene) outputs() []byte {
	var b []byte
	for _, t := range s.tensors {
		for _, w := range t.written {
			b = append(b, t.after[w.from:w.to]...)
		}
	}
	return b
}
