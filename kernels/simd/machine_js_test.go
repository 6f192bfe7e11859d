//go:build js

package simd_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"syscall/js"
	"testing"
	"time"

	"glance/kernels"
	"glance/kernels/kerneltest"
	"glance/kernels/simd"
)

func newMachine(t testing.TB) kernels.Machine {
	t.Helper()
	m, err := simd.New(simd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shared is the machine of a run with threads, whose helpers start only once.
type shared struct {
	kernels.Machine
	mark kernels.Ptr
}

// Close gives back what the suite allocated.
func (s shared) Close() error {
	s.Release(s.mark)
	return nil
}

// TestSuite runs the shared suite beside the module that the host chose.
func TestSuite(t *testing.T) {
	if js.Global().Get("glanceHost").Get("threads").Int() == 1 {
		kerneltest.Run(t, newMachine)
		return
	}
	m := newMachine(t)
	defer m.Close()
	waitForHelpers(t, m)
	again := func(testing.TB) kernels.Machine { return shared{m, m.Mark()} }
	for _, part := range []func(*testing.T, kerneltest.NewMachine){
		kerneltest.Programs, kerneltest.Invalid, kerneltest.Pointwise, kerneltest.Depthwise, kerneltest.SumRows,
	} {
		part(t, again)
	}
}

// waitForHelpers waits until all helpers sleep, which the control block says.
func waitForHelpers(t *testing.T, m kernels.Machine) {
	t.Helper()
	const sleepers = 512 + 64
	var word [4]byte
	for range 1000 {
		if err := m.Read(word[:], sleepers); err != nil {
			t.Fatal(err)
		}
		if int(binary.LittleEndian.Uint32(word[:])) == m.Threads()-1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("helpers do not start")
}

// TestChecksums prints the checksums of the corpus for the native test that
// started this program.
func TestChecksums(t *testing.T) {
	m := newMachine(t)
	defer m.Close()
	sums, err := kerneltest.Checksums(m)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for name, sum := range sums {
		lines = append(lines, fmt.Sprintf("checksum %016x %s", sum, name))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}
