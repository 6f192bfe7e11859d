package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"glance/kernels"
)

// Case is one call of an operator with generated tensors. The same case always
// generates the same tensors.
type Case interface {
	fmt.Stringer
	// prepare declares and places the tensors.
	prepare(s *scene) (plan, error)
}

// plan is how a case runs.
type plan struct {
	records []kernels.Record
	splits  [][]kernels.Record // other records that do the same
	check   func() error       // compares the outputs with the reference
}

// NewMachine makes a machine for a test. The suite closes it.
type NewMachine func(t testing.TB) kernels.Machine

// Test runs one case on a machine.
func Test(t testing.TB, m kernels.Machine, c Case) {
	t.Helper()
	s := suiteOf(t, m)
	defer s.arena.release()
	s.test(c)
}

// suite runs cases on one machine.
type suite struct {
	t      testing.TB
	m      kernels.Machine
	arena  *arena
	failed int
}

// maxFailures is after how many failed cases a list of cases is given up.
const maxFailures = 5

func newSuite(t testing.TB, newMachine NewMachine) *suite {
	t.Helper()
	m := newMachine(t)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return suiteOf(t, m)
}

func suiteOf(t testing.TB, m kernels.Machine) *suite {
	t.Helper()
	a, err := newArena(m)
	if err != nil {
		t.Fatal(err)
	}
	return &suite{t: t, m: m, arena: a}
}

func (s *suite) test(c Case) {
	s.t.Helper()
	if err := runCase(s.arena, c); err != nil {
		s.t.Errorf("%s: %v", c, err)
		if s.failed++; s.failed == maxFailures {
			s.t.Fatalf("giving up after %d failed cases", s.failed)
		}
	}
}

// atScale is how many of n random cases to run: a fifth of them with -short.
func atScale(n int) int {
	if testing.Short() {
		return (n + 4) / 5
	}
	return n
}

func runCase(a *arena, c Case) error {
	s := newScene(a, c.String())
	p, err := c.prepare(s)
	if err != nil {
		return err
	}
	if err := s.expect(p.records); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	whole := s.outputs()
	for _, records := range p.splits {
		if err := s.expect(records); err != nil {
			return fmt.Errorf("in %d records: %w", len(records), err)
		}
		if !bytes.Equal(whole, s.outputs()) {
			return fmt.Errorf("in %d records: not the bytes of one record", len(records))
		}
	}
	return nil
}

// expect runs records in one phase on one lane and wants no error.
func (s *scene) expect(records []kernels.Record) error {
	failed, damage := s.run(oneLane(records...))
	return errors.Join(failed, damage)
}

// oneLane is a program of one phase.
func oneLane(records ...kernels.Record) *kernels.Program {
	return &kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{records}}}}
}
