//go:build !js

package simd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"glance/kernels"
	"glance/kernels/simd/internal/ukernel"
)

// impatient is a machine with two threads that waits one second for the other.
func impatient(t *testing.T) *machine {
	t.Helper()
	target := ukernel.Target{Threads: true}
	config := ukernel.Select(target)
	config.Threads.Patience = 1
	code, err := ukernel.Build(target, config).Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := compile(wazero.NewRuntimeConfig(), code)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHost(m, 2, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 { // until the helper waits for work
		if sleepers, _ := h.memory.ReadUint32Le(ukernel.ControlBase + 64); sleepers == 1 {
			return newMachine(h, "simd128", 2, 1024*pageBytes)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the helper does not start")
	return nil
}

// TestHelperFails lets the helper trap. Thread 0 must say so, and go on alone. Its
// own lane takes so long that it does not come to the one that traps.
func TestHelperFails(t *testing.T) {
	m := impatient(t)
	defer m.Close()
	const rows, repeats = 20000, 200
	x, err := m.Alloc(3 * 16 * rows)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Alloc(4 * repeats * kernels.RecordBytes)
	if err != nil {
		t.Fatal(err)
	}
	row := kernels.ScaleRows{X: x, S: x, Y: x + 16*rows, M: 1, C: 4}
	outside, other := row, row
	outside.Y = math.MaxUint32 - 1024
	other.Y += 16 * rows
	run := func(first, second kernels.ScaleRows) error {
		program := kernels.Program{Lanes: 2, Phases: make([]kernels.Phase, 2)}
		for i := range program.Phases {
			program.Phases[i].Lanes = [][]kernels.Record{nil, {second.Record()}}
		}
		for range repeats {
			first.M = rows
			lane := &program.Phases[0].Lanes[0]
			*lane = append(*lane, first.Record())
		}
		if err := m.Write(p, program.Encode(p)); err != nil {
			t.Fatal(err)
		}
		return m.Run(p, 0, 2)
	}
	if err := run(row, other); err != nil {
		t.Fatalf("two lanes: %v", err)
	}
	var failed kernels.StatusError
	if err := run(row, outside); !errors.As(err, &failed) || failed.Status != kernels.StatusHelperFailed {
		t.Fatalf("a helper that traps: error is %v, want StatusHelperFailed", err)
	}
	start := time.Now()
	for range 10 {
		if err := run(row, other); err != nil {
			t.Fatalf("alone: %v", err)
		}
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("alone, ten runs take %v: thread 0 still waits", d)
	}
}

// TestEveryLaneOnce doubles a value in every lane, phase after phase: a lane that
// is left out, or that two threads take, shows in the value.
func TestEveryLaneOnce(t *testing.T) {
	const phases = 20
	for threads := 1; threads <= 4; threads++ {
		m, err := New(Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		for lanes := 1; lanes <= 17; lanes++ {
			values, err := m.Alloc(16 * (lanes + 1))
			if err != nil {
				t.Fatal(err)
			}
			row := func(lane int) kernels.Ptr { return values + kernels.Ptr(16*(lane+1)) }
			start := make([]float32, 4*(lanes+1)) // first the factors, then each lane's values
			for i := range start {
				start[i] = 1
				if i < 4 {
					start[i] = 2
				}
			}
			if err := m.Write(values, floatBytes(start)); err != nil {
				t.Fatal(err)
			}
			program := kernels.Program{Lanes: lanes, Phases: make([]kernels.Phase, phases)}
			for i := range program.Phases {
				for lane := range lanes {
					double := kernels.ScaleRows{X: row(lane), S: values, Y: row(lane), M: 1, C: 4}
					program.Phases[i].Lanes = append(program.Phases[i].Lanes, []kernels.Record{double.Record()})
				}
			}
			p, err := m.Alloc(program.Size())
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Write(p, program.Encode(p)); err != nil {
				t.Fatal(err)
			}
			if err := m.Run(p, 0, phases); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 16*lanes)
			if err := m.Read(got, row(0)); err != nil {
				t.Fatal(err)
			}
			want := bytes.Repeat(floatBytes([]float32{1 << phases}), 4*lanes)
			if !bytes.Equal(got, want) {
				t.Errorf("%d threads, %d lanes: %x, want %x", threads, lanes, got, want)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func floatBytes(values []float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// TestTrap lets thread 0 trap. The machine is broken, and can be closed.
func TestTrap(t *testing.T) {
	for _, threads := range []int{1, 2} {
		m, err := New(Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := m.Alloc(4096)
		program := kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{
			kernels.ScaleRows{X: p, S: p, Y: math.MaxUint32 - 1024, M: 1, C: 4}.Record(),
		}}}}}
		if err := m.Write(p, program.Encode(p)); err != nil {
			t.Fatal(err)
		}
		err = m.Run(p, 0, 1)
		if status := (kernels.StatusError{}); err == nil || errors.As(err, &status) {
			t.Errorf("%d threads: error is %v, want one of the host", threads, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
