package models

import "glance/kernels"

// chain is a run of ops, shared out in parts that each are executed strip by strip:
// to produce the next rows of the last op, every earlier op produces just the rows
// that are needed and not yet there, into a ring buffer of the part's own. Rows that
// two parts need at their border are computed by both.
//
// A chain of one op is that op over the whole tensor. A chain without windows
// counts in pixels: its tensors are taken as one pixel wide.
//
// Parts are of rows, or, where a pointwise op alone has more weights than pixels, of
// outputs: then each reads its own share of the weights only.
type chain struct {
	ops     []op
	flat    bool
	width   int  // pixels in a row before flattening
	parts   int  // as many as threads, or a multiple
	outputs bool // parts are of the outputs of the only op
	strip   int  // rows of the last op at a time

	spans []span  // rows of the last op, or outputs, of each part
	rings []int   // rows in the ring buffer after each op but the last
	ring  [][]int // arena buffer of each part's rings, [part][op]
	gate  *gate   // the squeeze whose factors the first op applies, or nil
}

// span is a range of rows or pixels.
type span struct{ lo, hi int }

func newChain(ops []op) *chain {
	c := &chain{ops: append([]op(nil), ops...), flat: true, width: ops[0].out.W}
	for i := range c.ops {
		c.flat = c.flat && !c.ops[i].windowed()
	}
	if c.flat {
		for i := range c.ops {
			o := &c.ops[i]
			o.in.H, o.in.W = o.in.Pixels(), 1
			o.out.H, o.out.W = o.out.Pixels(), 1
		}
	}
	return c
}

func (c *chain) first() *op { return &c.ops[0] }
func (c *chain) last() *op  { return &c.ops[len(c.ops)-1] }
func (c *chain) rows() int  { return c.last().out.H }

// split gives each part its rows or outputs: multiples of a tile where rows are
// pixels, of a panel where they are outputs.
func (c *chain) split(threads int) {
	if c.outputs {
		c.spans = splitTapered(c.last().out.C, c.parts, threads, kernels.Panel)
		return
	}
	tile := 1
	if c.flat {
		tile = pixelTile
	}
	c.spans = splitTapered(c.rows(), c.parts, threads, tile)
}

// splitEven divides [0, n) into parts whose borders are multiples of tile.
func splitEven(n, parts, tile int) []span {
	spans := make([]span, parts)
	tiles := (n + tile - 1) / tile
	for i := range spans {
		spans[i] = span{min(n, tiles*i/parts*tile), min(n, tiles*(i+1)/parts*tile)}
	}
	return spans
}

// splitTapered divides [0, n) evenly between threads, and what a thread begins with
// into parts that become smaller linearly (trapezoid self-scheduling; Tzen and Ni,
// 1993): threads that are not equally fast end at most about a last part apart. parts
// is a multiple of threads; borders are multiples of tile.
func splitTapered(n, parts, threads, tile int) []span {
	spans := make([]span, parts)
	tiles := (n + tile - 1) / tile
	k := parts / threads
	for thread := range threads {
		lo, hi := tiles*thread/threads, tiles*(thread+1)/threads
		border := func(i int) int { // where part i begins: parts are as k to 1
			left := (k - i) * (k - i + 1) / 2
			return min(n, (hi-((hi-lo)*left+k*(k+1)/4)/(k*(k+1)/2))*tile)
		}
		for i := range k {
			spans[thread*k+i] = span{border(i), border(i + 1)}
		}
	}
	return spans
}

// needs returns the rows that each op must produce for the last one's rows.
func (c *chain) needs(out span) []span {
	need := make([]span, len(c.ops))
	need[len(need)-1] = out
	for i := len(need) - 1; i > 0; i-- {
		need[i-1].lo, need[i-1].hi = c.ops[i].inputRows(need[i].lo, need[i].hi)
	}
	return need
}

// walk calls produce for every op and strip in execution order with the rows
// [lo, hi) to produce. live, where the op is not the chain's first, is the range
// of its input rows that must be in the ring then.
func (c *chain) walk(out span, produce func(i int, rows, live span)) {
	if out.lo >= out.hi {
		return
	}
	need := c.needs(out)
	done := make([]int, len(c.ops))
	for i := range done {
		done[i] = need[i].lo
	}
	target := make([]int, len(c.ops))
	last := len(c.ops) - 1
	for y := out.lo; y < out.hi; y += c.strip {
		target[last] = min(out.hi, y+c.strip)
		for i := last; i > 0; i-- {
			_, hi := c.ops[i].inputRows(target[i]-1, target[i])
			target[i-1] = max(done[i-1], min(hi, need[i-1].hi))
		}
		for i := range c.ops {
			if done[i] == target[i] {
				continue
			}
			var live span
			if i > 0 {
				live.lo, _ = c.ops[i].inputRows(done[i], done[i]+1)
				live.hi = target[i-1]
			}
			produce(i, span{done[i], target[i]}, live)
			done[i] = target[i]
		}
	}
}

// reserve plans the chain's buffers as unit t of the plan.
func (c *chain) reserve(p *Plan, t int) {
	c.split(p.Options.Threads)
	c.rings = make([]int, len(c.ops)-1)
	for _, s := range c.spans {
		c.walk(s, func(i int, _, live span) {
			if i > 0 {
				c.rings[i-1] = max(c.rings[i-1], live.hi-live.lo)
			}
		})
	}
	c.ring = make([][]int, c.parts)
	for part := range c.ring {
		c.ring[part] = make([]int, len(c.rings))
		for i, rows := range c.rings {
			o := &c.ops[i]
			c.ring[part][i] = p.arena.add(rows*o.out.W*o.outStride*4, t, t)
		}
	}
	last := c.last()
	p.keep(last.layer, last.outStride, t)
	if last.sums {
		p.sums[last.layer] = p.arena.add(last.out.H*last.out.C*4, t, t+1)
	}
	if c.gate != nil {
		c.gate.reserve(p, t)
	}
}

// reads lists the layers whose stored outputs the chain takes.
func (c *chain) reads() []int {
	layers := []int{c.first().source}
	for i := range c.ops {
		if r := c.ops[i].residual; r >= 0 {
			layers = append(layers, r)
		}
	}
	return layers
}

// rowBuffer is a stored tensor or a ring of rows in machine memory.
type rowBuffer struct {
	base     kernels.Ptr
	rows     int // rows it holds
	origin   int // the row that lies at base
	rowBytes int
}

// at returns where a row lies and how many rows follow it without a wrap,
// itself included.
func (b rowBuffer) at(row int) (kernels.Ptr, int) {
	slot := (row - b.origin) % b.rows
	return b.base + kernels.Ptr(slot*b.rowBytes), b.rows - slot
}
