package models

import (
	"strconv"

	"glance/kernels"
)

// Fuse is whether ops are run in chains, strip by strip, or one after another
// over whole tensors.
type Fuse int

// The choices.
const (
	FuseAuto   Fuse = iota // by estimated cost
	FuseAlways             // in the fewest chains
	FuseNever
)

// HalfDense is how the classifier's weights are kept in memory.
type HalfDense int

// The choices. Weights that the blob holds as float32 are kept so.
const (
	HalfAuto   HalfDense = iota // by defaultHalf
	HalfAlways                  // float16: half the bytes to load, but to convert each time
	HalfNever                   // float32
)

// defaultHalf is what HalfAuto means.
const defaultHalf = false

// PlanOptions are how a network is laid out in time and memory. They never
// change its results, not in a single bit.
type PlanOptions struct {
	Threads   int // to plan for, 1 to MaxThreads; 0 is 1
	Fuse      Fuse
	StripRows int // rows of a chain's last op at a time; 0: by estimated cost
	HalfDense HalfDense
}

// MaxThreads is the largest number of threads that can be planned for.
const MaxThreads = 64

func (o PlanOptions) check() (PlanOptions, error) {
	if o.Threads == 0 {
		o.Threads = 1
	}
	if o.Threads < 1 || o.Threads > MaxThreads {
		return o, &ConfigError{"threads", strconv.Itoa(o.Threads), "1 to " + strconv.Itoa(MaxThreads)}
	}
	if o.StripRows < 0 {
		return o, &ConfigError{"strip rows", strconv.Itoa(o.StripRows), "0 or more"}
	}
	return o, nil
}

// lanes is the number of lanes of the program: with several threads more than
// those, so that a thread that is done can take what another one has left.
func (o PlanOptions) lanes() int {
	if o.Threads == 1 {
		return 1
	}
	return o.Threads * lanesPerThread
}

// unit is a part of a plan: one phase or several.
type unit interface {
	// reads lists the layers whose stored outputs it takes.
	reads() []int
	// reserve adds its buffers to the arena, as unit t.
	reserve(p *Plan, t int)
	// emit appends its phases.
	emit(e *emitter)
}

// Plan is a network laid out for a number of threads: which ops run as chains, and
// where every tensor lies in an arena shared over time.
type Plan struct {
	Network *Network
	Options PlanOptions

	units   []unit
	arena   arena
	lastUse map[int]int // the last unit that reads a layer's output
	tensors map[int]int // arena buffer of a layer's stored output; inputLayer for the input
	sums    map[int]int // arena buffer of a depthwise layer's row sums
}

// NewPlan lays a network out. The error is a [*ConfigError] or, for a network
// whose tensors exceed what a machine can address, [kernels.ErrMemory].
func NewPlan(n *Network, o PlanOptions) (*Plan, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	p := &Plan{Network: n, Options: o, lastUse: map[int]int{}, tensors: map[int]int{}, sums: map[int]int{}}
	p.cut()
	end := len(p.units)
	for t, u := range p.units {
		for _, layer := range u.reads() {
			p.lastUse[layer] = t
		}
	}
	// The input stays, so that a program can run again; results stay to be read.
	p.lastUse[inputLayer], p.lastUse[n.Output], p.lastUse[n.Embedding] = end, end, end
	p.tensors[inputLayer] = p.arena.add(n.InputShape().Size()*4, 0, end)
	for t, u := range p.units {
		u.reserve(p, t)
	}
	p.arena.place()
	if p.arena.bytes > maxArena {
		return nil, kernels.ErrMemory
	}
	return p, nil
}

// maxArena bounds the arena in bytes, well inside what 32 bits address.
const maxArena = 3 << 30

// cut divides the network into units.
func (p *Plan) cut() {
	n := p.Network
	ops := lower(n)
	last := len(ops) - 1
	for _, c := range partition(n, ops[:last], p.Options) {
		c.gate = newGate(n, c, p.Options.Threads)
		p.units = append(p.units, c)
	}
	p.units = append(p.units, &tail{op: ops[last], pool: n.Embedding})
	for _, d := range newDense(n, n.Embedding+1) {
		p.units = append(p.units, d)
	}
}

// keep reserves the stored output of a layer, pixels stride floats apart, from unit t
// to its last use.
func (p *Plan) keep(layer, stride, t int) {
	pixels := p.Network.Layers[layer].Out.Pixels()
	p.tensors[layer] = p.arena.add(pixels*stride*4, t, max(t, p.lastUse[layer]))
}

// ArenaBytes is the memory that all activations take at their peak.
func (p *Plan) ArenaBytes() int { return p.arena.bytes }

// Steps describes the program's steps in order.
func (p *Plan) Steps() []Step {
	packed, _ := layoutWeights(p.Network, func(string) bool { return false })
	_, steps := p.emit(0, packed)
	return steps
}

// emit writes the program for an arena at base and weights packed as given.
func (p *Plan) emit(base kernels.Ptr, packed [][]panels) (*kernels.Program, []Step) {
	e := &emitter{plan: p, base: base, packed: packed, program: kernels.Program{Lanes: p.Options.lanes()}}
	for _, u := range p.units {
		u.emit(e)
	}
	return &e.program, e.steps
}
