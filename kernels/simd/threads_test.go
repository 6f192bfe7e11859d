//go:build !js

package simd

import (
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
	for range 1000 { // until the helper has entered serve
		if ready, _ := h.memory.ReadUint32Le(ukernel.ControlBase + 320); ready == 1 {
			return newMachine(h, "simd128", 2, 1024*pageBytes)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the helper does not start")
	return nil
}

// TestHelperFails lets the helper trap. Thread 0 must say so, and go on alone.
func TestHelperFails(t *testing.T) {
	m := impatient(t)
	defer m.Close()
	x, err := m.Alloc(4096)
	if err != nil {
		t.Fatal(err)
	}
	row := kernels.ScaleRows{X: x, S: x + 64, Y: x + 128, M: 1, C: 4}
	outside := row
	outside.Y = math.MaxUint32 - 1024
	run := func(lanes ...kernels.ScaleRows) error {
		p := kernels.Program{Lanes: len(lanes), Phases: make([]kernels.Phase, 2)}
		for i := range p.Phases {
			for _, l := range lanes {
				p.Phases[i].Lanes = append(p.Phases[i].Lanes, []kernels.Record{l.Record()})
			}
		}
		if err := m.Write(x+1024, p.Encode(x+1024)); err != nil {
			t.Fatal(err)
		}
		return m.Run(x+1024, 0, 2)
	}
	other := row
	other.Y += 64
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
