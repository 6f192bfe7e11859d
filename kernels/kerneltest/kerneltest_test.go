package kerneltest

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"glance/kernels"
	"glance/kernels/twin"

	"github.com/x448/float16"
)

// meddler is a machine that spoils something after every run.
type meddler struct {
	kernels.Machine
	spoil func(m kernels.Machine, r kernels.Record)
}

func (m meddler) Run(p kernels.Ptr, from, to int) error {
	if err := m.Machine.Run(p, from, to); err != nil {
		return err
	}
	// The first record of the program's only list lies where word 2 says.
	var word [4]byte
	var record [kernels.RecordBytes]byte
	if err := m.Read(word[:], p+8); err != nil {
		return err
	}
	if err := m.Read(record[:], kernels.Ptr(binary.LittleEndian.Uint32(word[:]))); err != nil {
		return err
	}
	var r kernels.Record
	for i := range r {
		r[i] = binary.LittleEndian.Uint32(record[4*i:])
	}
	m.spoil(m.Machine, r)
	return nil
}

// The suite notices a machine's mistakes.
func TestMistakesAreFound(t *testing.T) {
	const m, k, n, gap = 6, 5, 11, 3
	pointwise := PointwiseCase{M: m, K: k, N: n, Gap: gap}
	const extent = 4 * ((m-1)*(n+gap) + n)
	write := func(t *testing.T, m kernels.Machine, at kernels.Ptr, b ...byte) {
		if err := m.Write(at, b); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		of     Case
		offset int // from Y
		bytes  []byte
		want   string
	}{
		{"overrun", pointwise, extent, []byte{0}, "the guard 1 bytes past y was changed"},
		{"far overrun", pointwise, extent + 63, []byte{0}, "was changed"},
		{"underrun", pointwise, -1, []byte{0}, "the guard 1 bytes before y was changed"},
		{"between rows", pointwise, 4 * n, []byte{0}, "of y (324 bytes) was changed"},
		{"wrong value", pointwise, 4, []byte{1, 2, 3, 4}, "element 1 is 1.53"},
		{"NaN", pointwise, 4, []byte{0, 0, 0xc0, 0x7f}, "element 1 is NaN"},
		{"wrong byte", ResampleRowsCase{W: 9, Rows: 2, OutW: 3, Taps: 2}, 0, []byte{1}, "row 0, column 0, channel 0 is 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			machine := meddler{twin.New(twin.Options{}), func(m kernels.Machine, r kernels.Record) {
				y := kernels.Ptr(r[3])
				if r.Op() == kernels.OpResampleRows {
					y = kernels.Ptr(r[4])
				}
				write(t, m, kernels.Ptr(int(y)+c.offset), c.bytes...)
			}}
			a, err := newArena(machine)
			if err != nil {
				t.Fatal(err)
			}
			if err := runCase(a, c.of); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name string
		word int
		want string
	}{{"input", 1, "of x"}, {"weights", 2, "of weights"}} {
		t.Run("changed "+c.name, func(t *testing.T) {
			machine := meddler{twin.New(twin.Options{}), func(m kernels.Machine, r kernels.Record) {
				write(t, m, kernels.Ptr(r[c.word])+2, 0x55)
			}}
			a, err := newArena(machine)
			if err != nil {
				t.Fatal(err)
			}
			if err := runCase(a, pointwise); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// idle is a machine that does nothing.
type idle struct{ kernels.Machine }

func (idle) Run(kernels.Ptr, int, int) error { return nil }

// Every case of the corpus notices that its outputs were not written.
func TestUnwrittenOutputsAreFound(t *testing.T) {
	a, err := newArena(idle{twin.New(twin.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Corpus() {
		if runCase(a, c) == nil {
			t.Errorf("%s: no error from a machine that does nothing", c)
		}
	}
	if err := runCase(a, PointwiseCase{M: 3, K: 1, N: 9, Special: true}); err == nil || !strings.Contains(err.Error(), "not written") {
		t.Errorf("error is %v, want one that says what was not written", err)
	}
}

func TestPattern(t *testing.T) {
	for i := 0; i < 1<<20; i += 4 {
		w := patternWord(i)
		if f := math.Float32frombits(w); f == f {
			t.Fatalf("word %#x is not a NaN as float32", w)
		}
		for _, h := range []uint16{uint16(w), uint16(w >> 16)} {
			if !float16.Frombits(h).IsNaN() {
				t.Fatalf("word %#x: %#x is not a NaN as float16", w, h)
			}
		}
		if w == patternWord(i+4) {
			t.Fatalf("words at %d and %d are equal", i, i+4)
		}
	}
}

func TestHalfValue(t *testing.T) {
	for h := range 1 << 16 {
		got, want := halfValue(uint16(h)), float16.Frombits(uint16(h)).Float32()
		if math.Float32bits(got) != math.Float32bits(want) && !(got != got && want != want) {
			t.Fatalf("float16 %#04x is %v, want %v", h, got, want)
		}
	}
}

func TestCorpusNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Corpus() {
		if seen[c.String()] {
			t.Errorf("%s is listed twice", c)
		}
		seen[c.String()] = true
	}
}
