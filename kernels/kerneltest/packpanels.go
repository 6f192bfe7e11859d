package kerneltest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"glance/kernels"
)

// PackPanelsCase is a case of [kernels.PackPanels].
type PackPanelsCase struct {
	K, N            int
	HalfIn, HalfOut bool
	NoBias          bool
}

func (c PackPanelsCase) String() string {
	s := fmt.Sprintf("packpanels K=%d N=%d", c.K, c.N)
	if c.HalfIn {
		s += " from half"
	}
	if c.HalfOut {
		s += " to half"
	}
	if c.NoBias {
		s += " without bias"
	}
	return s
}

// declare lays the tensors out. Sources of a blob may lie at any alignment.
func (c PackPanelsCase) declare(s *scene, source, bias []byte) (call kernels.PackPanels, output *tensor, err error) {
	input := s.in("source", 1, source)
	biases := s.in("bias", 1, bias)
	output = s.out("panels", 16, kernels.PanelBytes(c.N, c.K, c.HalfOut))
	if err := s.place(); err != nil {
		return call, nil, err
	}
	call = kernels.PackPanels{Src: input.ptr(0), Bias: biases.ptr(0), Dst: output.ptr(0),
		K: uint32(c.K), N: uint32(c.N), HalfIn: flag(c.HalfIn), HalfOut: flag(c.HalfOut)}
	if c.NoBias {
		call.Bias = 0
	}
	return call, output, nil
}

// data generates the sources and what they have to become.
func (c PackPanelsCase) data(r random) (source, bias, want []byte) {
	biases := r.weights(c.N)
	bias = floatBytes(biases)
	if c.NoBias {
		biases = nil
	}
	if !c.HalfIn {
		w := r.weights(c.N * c.K)
		return floatBytes(w), bias, panels(w, biases, c.N, c.K)
	}
	halves := r.halves(c.N * c.K)
	if c.HalfOut {
		return halfBytes(halves), bias, halfPanels(halves, biases, c.N, c.K)
	}
	return halfBytes(halves), bias, panels(halfValues(halves), biases, c.N, c.K)
}

func (c PackPanelsCase) prepare(s *scene) (plan, error) {
	source, bias, want := c.data(s.random)
	call, output, err := c.declare(s, source, bias)
	if err != nil {
		return plan{}, err
	}
	check := func() error {
		if at := differs(output.after, want); at >= 0 {
			return fmt.Errorf("byte %d of the panels is %#02x, want %#02x", at, output.after[at], want[at])
		}
		return nil
	}
	p := plan{records: []kernels.Record{call.Record()}, check: check}
	if c.N > kernels.Panel {
		n := s.random.between(1, (c.N-1)/kernels.Panel) * kernels.Panel
		first, second := call, call
		first.N, second.N = uint32(n), uint32(c.N-n)
		second.Src += kernels.Ptr(n * c.K * c.sourceBytes())
		second.Dst += kernels.Ptr(kernels.PanelBytes(n, c.K, c.HalfOut))
		if !c.NoBias {
			second.Bias += kernels.Ptr(4 * n)
		}
		p.splits = append(p.splits, []kernels.Record{first.Record(), second.Record()})
	}
	return p, nil
}

func (c PackPanelsCase) sourceBytes() int {
	if c.HalfIn {
		return 2
	}
	return 4
}

// differs returns the first index at which two slices of one length differ, or -1.
func differs(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// notFinite puts each kind of non-finite value at places of the source and the
// bias, and wants the status.
func (s *suite) notFinite(c PackPanelsCase) {
	values := [][]byte{{0x00, 0x00, 0xc0, 0x7f}, {0x01, 0x00, 0x80, 0xff}, {0x00, 0x00, 0x80, 0x7f}, {0x00, 0x00, 0x80, 0xff}}
	biasValues := values
	if c.HalfIn {
		values = [][]byte{{0x00, 0x7e}, {0x01, 0xfc}, {0x00, 0x7c}, {0x00, 0xfc}}
	}
	size, count := c.sourceBytes(), c.N*c.K
	try := func(where string, index, size int, value []byte, inBias bool) {
		scene := newScene(s.arena, c.String())
		source, bias, _ := c.data(scene.random)
		if inBias {
			copy(bias[index*size:], value)
		} else {
			copy(source[index*size:], value)
		}
		call, _, err := c.declare(scene, source, bias)
		if err != nil {
			s.t.Fatal(err)
		}
		failed, damage := scene.run(oneLane(call.Record()))
		if damage != nil {
			s.t.Errorf("%s, %x in %s %d: %v", c, value, where, index, damage)
		}
		if !hasStatus(failed, kernels.StatusNotFinite) {
			s.t.Errorf("%s, %x in %s %d: error is %v, want StatusError{StatusNotFinite}", c, value, where, index, failed)
		}
	}
	for _, index := range []int{0, count / 2, count - 1} {
		for _, value := range values {
			try("weight", index, size, value, false)
		}
	}
	if c.NoBias {
		return
	}
	for _, value := range biasValues {
		try("bias", c.N-1, 4, value, true)
	}
}

// hasStatus tells whether an error is this status.
func hasStatus(err error, want kernels.Status) bool {
	var status kernels.StatusError
	return errors.As(err, &status) && status.Status == want
}

// PackPanels tests [kernels.PackPanels].
func PackPanels(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("packpanels")
	forms := []PackPanelsCase{{}, {HalfIn: true}, {HalfIn: true, HalfOut: true}}
	for _, c := range forms {
		for c.K = 1; c.K <= 17; c.K++ {
			for c.N = 1; c.N <= 17; c.N++ {
				if !testing.Short() || (c.K+c.N)%5 == 0 {
					c.NoBias = r.IntN(4) == 0
					s.test(c)
				}
			}
		}
		for range atScale(10) {
			c.K, c.N, c.NoBias = r.between(1, 150), r.between(1, 100), r.IntN(4) == 0
			s.test(c)
		}
		for _, shape := range [][2]int{{1, 1}, {3, 9}, {27, 16}, {100, 13}, {8, 8}} {
			c.K, c.N, c.NoBias = shape[0], shape[1], false
			s.notFinite(c)
		}
	}
	s.everyHalf()
}

// everyHalf converts all finite float16 values.
func (s *suite) everyHalf() {
	var all []uint16
	for h := range 1 << 16 {
		if h&0x7c00 != 0x7c00 {
			all = append(all, uint16(h))
		}
	}
	c := PackPanelsCase{K: len(all), N: 1, HalfIn: true}
	scene := newScene(s.arena, c.String())
	call, output, err := c.declare(scene, halfBytes(all), floatBytes([]float32{0}))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := scene.expect([]kernels.Record{call.Record()}); err != nil {
		s.t.Fatalf("every float16: %v", err)
	}
	want := panels(halfValues(all), []float32{0}, 1, len(all))
	if at := differs(output.after, want); at >= 0 {
		i := max(0, at/4/kernels.Panel-1)
		s.t.Errorf("float16 %#04x became float32 %x, want %x", all[i],
			binary.LittleEndian.Uint32(output.after[at/4*4:]), binary.LittleEndian.Uint32(want[at/4*4:]))
	}
}
