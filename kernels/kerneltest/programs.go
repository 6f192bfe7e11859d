package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"glance/kernels"
)

// chain is a small network whose every other layer reads rows that another lane
// wrote in the phase before: pointwise and 3x3 depthwise convolutions by turns.
type chain struct {
	height, width, channels, layers int
	scene                           *scene
	tensors                         []*tensor // the input and every layer's output
	weights                         []*tensor
}

func newChain(a *arena, height, width, channels, layers int) (*chain, error) {
	c := &chain{height: height, width: width, channels: channels, layers: layers, scene: newScene(a, "chain")}
	r, size := c.scene.random, height*width*channels
	c.tensors = append(c.tensors, c.scene.in("input", 4, floatBytes(r.activations(size))))
	for i := range layers {
		k := channels
		if i%2 == 1 {
			k = 9
		}
		packed := panels(r.weights(channels*k), r.weights(channels), channels, k)
		c.weights = append(c.weights, c.scene.in(fmt.Sprintf("weights %d", i), 16, packed))
		c.tensors = append(c.tensors, c.scene.out(fmt.Sprintf("layer %d", i), 4, 4*size))
	}
	return c, c.scene.place()
}

// rows is the record of rows [r0, r1) of a layer.
func (c *chain) rows(layer, r0, r1 int) kernels.Record {
	x, w, y := c.tensors[layer], c.weights[layer], c.tensors[layer+1]
	h, wd, ch := uint32(c.height), uint32(c.width), uint32(c.channels)
	at := 4 * r0 * c.width * c.channels
	if layer%2 == 0 {
		return kernels.Pointwise{X: x.ptr(at), Weights: w.ptr(0), Y: y.ptr(at), M: uint32(r1-r0) * wd, K: ch, N: ch,
			YStride: ch, Act: kernels.ReLU6}.Record()
	}
	return kernels.Depthwise{X: x.ptr(0), Weights: w.ptr(0), Y: y.ptr(at), Ring: h, H: h, W: wd, OutW: wd, C: ch,
		XStride: ch, Kernel: 3, Stride: 1, Row0: uint32(r0), Rows: uint32(r1 - r0), PadTop: 1, PadLeft: 1, Act: kernels.HardSwish}.Record()
}

// program splits every layer over the lanes, one phase a layer. Lanes beyond the
// rows have nothing to do; the lists of the last of them are left out.
func (c *chain) program(lanes int) *kernels.Program {
	p := &kernels.Program{Lanes: lanes}
	for layer := range c.layers {
		var phase kernels.Phase
		for lane := range min(lanes, c.height) {
			from, to := lane*c.height/min(lanes, c.height), (lane+1)*c.height/min(lanes, c.height)
			var list []kernels.Record
			for r := from; r < to; r += 2 {
				list = append(list, c.rows(layer, r, min(r+2, to)))
			}
			phase.Lanes = append(phase.Lanes, list)
		}
		p.Phases = append(p.Phases, phase)
	}
	return p
}

// outputs runs the program and returns all layers' outputs.
func (c *chain) outputs(p *kernels.Program, ranges ...[2]int) ([]byte, error) {
	if err := errors.Join(c.scene.run(p, ranges...)); err != nil {
		return nil, err
	}
	return c.scene.outputs(), nil
}

// Programs tests how a machine walks programs: phases in order, any
// number of lanes, ranges of phases, empty lists, long lists.
func Programs(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	c, err := newChain(s.arena, 13, 7, 20, 8)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.outputs(c.program(1))
	if err != nil {
		t.Fatalf("one lane: %v", err)
	}
	same := func(what string, p *kernels.Program, ranges ...[2]int) {
		t.Helper()
		got, err := c.outputs(p, ranges...)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: not the bytes that one lane gives", what)
		}
	}
	for _, lanes := range []int{2, 3, 4, 7, 13, 20} {
		for range atScale(10) {
			same(fmt.Sprintf("%d lanes", lanes), c.program(lanes))
		}
	}
	threads := s.m.Threads()
	for _, lanes := range []int{threads, threads + 1, 2 * threads} {
		same(fmt.Sprintf("%d lanes on %d threads", lanes, threads), c.program(lanes))
	}
	for _, lanes := range []int{1, 2, 3} {
		p := c.program(lanes)
		same("in three ranges", p, [2]int{0, 2}, [2]int{2, 3}, [2]int{3, c.layers})
		same("with empty ranges", p, [2]int{0, 0}, [2]int{0, 5}, [2]int{5, 5}, [2]int{5, c.layers}, [2]int{c.layers, c.layers})
		s.partial(c, p)
	}
	s.manyRecords()
	for _, lanes := range []int{2, 3, 5} {
		s.relay(lanes)
	}
}

// partial runs some phases and looks for traces of the others.
func (s *suite) partial(c *chain, p *kernels.Program) {
	s.t.Helper()
	for _, r := range [][2]int{{0, 2}, {1, 2}, {3, 6}, {4, 4}} {
		if _, err := c.outputs(p, r); err != nil {
			s.t.Fatalf("phases %v: %v", r, err)
		}
		for i, output := range c.tensors[1:] {
			for word := range output.size / 4 {
				if written := !output.untouched(word); written != (i >= r[0] && i < r[1]) {
					s.t.Fatalf("phases %v: element %d of %s: written is %v", r, word, output.name, written)
				}
			}
		}
	}
}

// manyRecords runs a long list of small records on each lane.
func (s *suite) manyRecords() {
	s.t.Helper()
	const lanes, count, channels = 3, 1000, 5
	scene := newScene(s.arena, "many records")
	x := scene.random.activations(lanes * count * channels)
	factors := scene.random.weights(channels)
	input, scale := scene.in("x", 4, floatBytes(x)), scene.in("s", 4, floatBytes(factors))
	output := scene.out("y", 4, 4*len(x))
	if err := scene.place(); err != nil {
		s.t.Fatal(err)
	}
	phase := kernels.Phase{Lanes: make([][]kernels.Record, lanes)}
	for i := range lanes * count {
		at := 4 * i * channels
		phase.Lanes[i%lanes] = append(phase.Lanes[i%lanes],
			kernels.ScaleRows{X: input.ptr(at), S: scale.ptr(0), Y: output.ptr(at), M: 1, C: channels}.Record())
	}
	p := &kernels.Program{Lanes: lanes, Phases: []kernels.Phase{phase}}
	if err := errors.Join(scene.run(p)); err != nil {
		s.t.Fatalf("%d records: %v", lanes*count, err)
	}
	for i, v := range x {
		if got, want := output.float(i), v*factors[i%channels]; got != want {
			s.t.Fatalf("%d records: element %d is %v, want %v", lanes*count, i, got, want)
		}
	}
}

// relay passes a value from lane to lane, one phase each: the lane whose turn it
// is works for a while before it writes what the next one reads, and the others
// have nothing to do but wait for the next phase.
func (s *suite) relay(lanes int) {
	s.t.Helper()
	const phases, channels, work = 150, 8, 2000
	scene := newScene(s.arena, "relay")
	x := scene.random.activations(channels)
	minusOne := make([]float32, channels)
	for i := range minusOne {
		minusOne[i] = -1
	}
	scale, load := scene.in("s", 4, floatBytes(minusOne)), scene.in("load", 4, floatBytes(scene.random.weights(work*channels)))
	var blocks, results []*tensor
	blocks = append(blocks, scene.in("x", 4, floatBytes(x)))
	for range phases {
		blocks = append(blocks, scene.out("block", 4, 4*channels))
	}
	for range lanes {
		results = append(results, scene.out("work", 4, 4*work*channels))
	}
	if err := scene.place(); err != nil {
		s.t.Fatal(err)
	}
	p := &kernels.Program{Lanes: lanes}
	for i := range phases {
		phase := kernels.Phase{Lanes: make([][]kernels.Record, lanes)}
		phase.Lanes[i%lanes] = []kernels.Record{
			kernels.ScaleRows{X: load.ptr(0), S: scale.ptr(0), Y: results[i%lanes].ptr(0), M: work, C: channels}.Record(),
			kernels.ScaleRows{X: blocks[i].ptr(0), S: scale.ptr(0), Y: blocks[i+1].ptr(0), M: 1, C: channels}.Record(),
		}
		p.Phases = append(p.Phases, phase)
	}
	for range atScale(5) {
		if err := errors.Join(scene.run(p)); err != nil {
			s.t.Fatalf("relay of %d lanes: %v", lanes, err)
		}
		for phase, block := range blocks[1:] {
			for i, v := range x {
				want := v
				if phase%2 == 0 {
					want = -v
				}
				if got := block.float(i); got != want {
					s.t.Fatalf("relay of %d lanes: phase %d: element %d is %v, want %v", lanes, phase, i, got, want)
				}
			}
		}
	}
}
