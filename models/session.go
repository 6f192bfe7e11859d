package models

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"glance/kernels"
	"glance/weights"
)

// Session is a network on a machine, ready to classify: packed weights, an arena
// for activations, and the program. It is not safe for concurrent use.
type Session struct {
	machine    kernels.Machine
	network    *Network
	plan       *Plan
	file       *weights.File
	preprocess Preprocess

	packed       [][]panels
	packedBytes  int
	region       kernels.Ptr // staging for the blob's data, then the arena
	regionBytes  int
	program      kernels.Ptr
	programBytes int
	phases       int
	steps        []Step
	ready        bool // the weights are packed

	image       *Image
	imageRegion struct { // memory for pictures
		from, to kernels.Ptr
		bytes    int
	}
	scratch []byte // for copies in and out of the machine
}

// Error is an error constant of this package.
type Error string

func (e Error) Error() string { return string(e) }

// The errors of a session's use.
const (
	ErrNotPacked = Error("models: the session has no weights yet: fill Staging and call Pack")
	ErrPacked    = Error("models: the session's weights are packed already, staging is gone")
)

// InputError says why an input cannot be classified.
type InputError struct{ Detail string }

func (e *InputError) Error() string { return "models: input: " + e.Detail }

// NewSession checks the blob's header f against the network, plans it and
// allocates what it needs on the machine; it copies no weights. Errors are a
// [*weights.Error], a [*ConfigError] or the machine's; the machine's memory is
// then as it was.
//
// How images become inputs is read from the header's metadata. A network of
// another input size than the metadata says keeps the ratio of
// [Preprocess.Resize] to the input; without metadata it is [DefaultPreprocess].
func NewSession(m kernels.Machine, n *Network, f *weights.File, o PlanOptions) (*Session, error) {
	if err := n.Check(f); err != nil {
		return nil, err
	}
	plan, err := NewPlan(n, o)
	if err != nil {
		return nil, err
	}
	s := &Session{machine: m, network: n, plan: plan, file: f}
	if s.preprocess, err = preprocessFor(n, f.Metadata); err != nil {
		return nil, err
	}
	mark := m.Mark()
	if err := s.allocate(); err != nil {
		m.Release(mark)
		return nil, err
	}
	return s, nil
}

func preprocessFor(n *Network, md map[string]string) (Preprocess, error) {
	if _, ok := md["glance"]; !ok {
		return DefaultPreprocess(n.Config), nil
	}
	c, p, err := ConfigFromMetadata(md)
	if err != nil {
		return p, err
	}
	own, made := max(n.Config.Height, n.Config.Width), max(c.Height, c.Width)
	p.Resize = (p.Resize*own + made/2) / made
	return p, p.check(n.Config)
}

func (s *Session) allocate() error {
	var err error
	s.packed, s.packedBytes = layoutWeights(s.network, func(name string) bool {
		t, _ := s.file.Tensor(name)
		mode := s.plan.Options.HalfDense
		return t.DType == weights.F16 && (mode == HalfAlways || mode == HalfAuto && defaultHalf)
	})
	base, err := s.machine.Alloc(s.packedBytes)
	if err != nil {
		return err
	}
	place(s.packed, base)
	s.regionBytes = max(s.plan.ArenaBytes(), int(s.file.DataSize))
	if s.region, err = s.machine.Alloc(s.regionBytes); err != nil {
		return err
	}
	program, steps := s.plan.emit(s.region, s.packed)
	s.steps, s.phases = steps, len(program.Phases)
	s.program, s.programBytes, err = install(s.machine, program)
	return err
}

// install writes a program to newly allocated memory.
func install(m kernels.Machine, p *kernels.Program) (kernels.Ptr, int, error) {
	ptr, err := m.Alloc(p.Size())
	if err != nil {
		return 0, 0, err
	}
	return ptr, p.Size(), m.Write(ptr, p.Encode(ptr))
}

// Network returns what the session runs.
func (s *Session) Network() *Network { return s.network }

// Plan returns how it is laid out.
func (s *Session) Plan() *Plan { return s.plan }

// Memory is what a session occupies of its machine, in bytes.
type Memory struct {
	Weights int // packed panels
	Arena   int // activations at their peak
	Staging int // the blob's data section, in the same place as the arena before Pack
	Program int // records
}

// Total is all of it, without what images take while they are fed.
func (m Memory) Total() int { return m.Weights + max(m.Arena, m.Staging) + m.Program }

// Memory returns what the session occupies.
func (s *Session) Memory() Memory {
	return Memory{Weights: s.packedBytes, Arena: s.plan.ArenaBytes(), Staging: int(s.file.DataSize), Program: s.programBytes}
}

// Staging returns where the blob's data section belongs, all bytes of it, before
// [Session.Pack]. Whoever can write to the machine's memory directly may do so;
// others use [kernels.Machine.Write].
func (s *Session) Staging() (p kernels.Ptr, bytes int) { return s.region, int(s.file.DataSize) }

// Pack turns the staged weights into what the kernels read. The staging area
// then becomes the arena. A NaN or an infinity among the weights gives a
// [*weights.Error] that names the layer, after which the staging area may be
// filled anew.
func (s *Session) Pack() error {
	if s.ready {
		return ErrPacked
	}
	err := s.pack(-1)
	if errors.Is(err, kernels.StatusError{Status: kernels.StatusNotFinite}) {
		for i := range s.network.Layers {
			if s.pack(i) != nil {
				return &weights.Error{Code: weights.NotFinite, Tensor: s.network.Layers[i].Name, Detail: "a weight or bias is NaN or infinite"}
			}
		}
	}
	s.ready = err == nil
	return err
}

// pack packs one layer, or all for -1.
func (s *Session) pack(layer int) error {
	mark := s.machine.Mark()
	defer s.machine.Release(mark)
	p := packing(s.network, s.file, s.region, s.packed, s.plan.Options.Threads, layer)
	ptr, _, err := install(s.machine, p)
	if err != nil {
		return err
	}
	return s.machine.Run(ptr, 0, len(p.Phases))
}

// scratchBytes is how much is converted at a time on the way to the machine.
const scratchBytes = 64 << 10

// SetInput sets the input: height x width x 3 values, NHWC, normalised. A wrong
// number of values, a NaN or an infinity gives an [*InputError].
func (s *Session) SetInput(nhwc []float32) error {
	if !s.ready {
		return ErrNotPacked
	}
	shape := s.network.InputShape()
	if len(nhwc) != shape.Size() {
		return &InputError{strconv.Itoa(len(nhwc)) + " values, want " + strconv.Itoa(shape.H) + " x " +
			strconv.Itoa(shape.W) + " x 3 = " + strconv.Itoa(shape.Size())}
	}
	buf := s.bytes(scratchBytes)
	p := s.Input()
	for at := 0; at < len(nhwc); {
		part := nhwc[at:min(len(nhwc), at+scratchBytes/4)]
		for i, v := range part {
			if !finite(v) {
				return &InputError{"value " + strconv.Itoa(at+i) + " is NaN or infinite"}
			}
			binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		if err := s.machine.Write(p+kernels.Ptr(4*at), buf[:4*len(part)]); err != nil {
			return err
		}
		at += len(part)
	}
	return nil
}

// Input is where the input tensor lies, for hosts that write it into machine
// memory themselves: height x width x 3 float32, NHWC, normalised, finite.
func (s *Session) Input() kernels.Ptr {
	return s.region + kernels.Ptr(s.plan.arena.buffers[s.plan.tensors[inputLayer]].offset)
}

func (s *Session) bytes(n int) []byte {
	if len(s.scratch) < n {
		s.scratch = make([]byte, n)
	}
	return s.scratch[:n]
}

// Run computes the logits and the embedding of the input, which stays set.
func (s *Session) Run() error {
	if !s.ready {
		return ErrNotPacked
	}
	return s.machine.Run(s.program, 0, s.phases)
}

// Logits appends the output of the last run to dst: [Network.OutputUnits] values.
func (s *Session) Logits(dst []float32) []float32 { return s.read(dst, s.network.Output) }

// Embedding appends the pooled features of the last run to dst:
// [Network.EmbeddingUnits] values.
func (s *Session) Embedding(dst []float32) []float32 { return s.read(dst, s.network.Embedding) }

// read appends a stored tensor. The range is the session's own, so that the read
// can fail only on a machine that is closed; the values are then zeros.
func (s *Session) read(dst []float32, layer int) []float32 {
	n := s.network.Layers[layer].Out.Size()
	buf := s.bytes(4 * n)
	b := s.plan.arena.buffers[s.plan.tensors[layer]]
	if s.machine.Read(buf, s.region+kernels.Ptr(b.offset)) != nil {
		clear(buf)
	}
	for i := range n {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:])))
	}
	return dst
}

// Steps returns the program's steps in order.
func (s *Session) Steps() []Step { return s.steps }

// StepTime is how long a step took.
type StepTime struct {
	Step
	Nanoseconds int64
}

// Profile runs the network once, step by step, and returns the time of each.
// now is a clock in nanoseconds.
func (s *Session) Profile(now func() int64) ([]StepTime, error) {
	if !s.ready {
		return nil, ErrNotPacked
	}
	times := make([]StepTime, len(s.steps))
	for i, step := range s.steps {
		start := now()
		if err := s.machine.Run(s.program, step.From, step.To); err != nil {
			return nil, err
		}
		times[i] = StepTime{step, now() - start}
	}
	return times, nil
}
