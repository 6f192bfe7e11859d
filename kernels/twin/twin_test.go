package twin_test

import (
	"hash/fnv"
	"slices"
	"strconv"
	"testing"

	"glance/kernels"
	"glance/kernels/kerneltest"
	"glance/kernels/twin"
)

func TestMachine(t *testing.T) {
	for _, threads := range []int{1, 2, 3} {
		t.Run(strconv.Itoa(threads), func(t *testing.T) {
			if threads > 1 { // operators do not depend on threads
				newMachine := func(testing.TB) kernels.Machine { return twin.New(twin.Options{Threads: threads}) }
				t.Run("Memory", func(t *testing.T) { kerneltest.Memory(t, newMachine) })
				t.Run("Programs", func(t *testing.T) { kerneltest.Programs(t, newMachine) })
				t.Run("Invalid", func(t *testing.T) { kerneltest.Invalid(t, newMachine) })
				return
			}
			kerneltest.Run(t, func(testing.TB) kernels.Machine { return twin.New(twin.Options{}) })
		})
	}
}

// strict is a machine whose products the suite wants exactly as the contract
// asks of simd128. The twin adds in the same order, with assembly and without.
type strict struct{ kernels.Machine }

func (strict) Name() string { return "simd128" }

func TestStrictOrder(t *testing.T) {
	newMachine := func(testing.TB) kernels.Machine { return strict{twin.New(twin.Options{})} }
	t.Run("Conv3x3", func(t *testing.T) { kerneltest.Conv3x3(t, newMachine) })
	t.Run("Pointwise", func(t *testing.T) { kerneltest.Pointwise(t, newMachine) })
	t.Run("Dense", func(t *testing.T) { kerneltest.Dense(t, newMachine) })
}

// The results of the corpus are the same with gonum's assembly and without, on
// every processor and in WebAssembly.
func TestChecksums(t *testing.T) {
	m := twin.New(twin.Options{})
	defer m.Close()
	sums, err := kerneltest.Checksums(m)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.Sort(names)
	h := fnv.New64a()
	for _, name := range names {
		h.Write(strconv.AppendUint([]byte(name), sums[name], 16))
	}
	if got := h.Sum64(); got != corpusSum {
		t.Errorf("the corpus hashes to %#x, want %#x (a change of the corpus changes it too)", got, uint64(corpusSum))
	}
}

const corpusSum = 0x99deff852307fcce

func TestNoAllocations(t *testing.T) {
	m := twin.New(twin.Options{})
	defer m.Close()
	for _, c := range kerneltest.Corpus() {
		kerneltest.Test(t, m, c) // buffers grow to their sizes
	}
	x, y, w := alloc(t, m, 4*40*70), alloc(t, m, 4*40*90), alloc(t, m, kernels.PanelBytes(90, 70, false))
	program := kernels.Program{Lanes: 2, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{
		{kernels.Pointwise{X: x, Weights: w, Y: y, M: 20, K: 70, N: 90, YStride: 90}.Record()},
		{kernels.Pointwise{X: x + 4*20*70, Weights: w, Y: y + 4*20*90, M: 20, K: 70, N: 90, YStride: 90}.Record()},
	}}}}
	p := load(t, m, &program)
	if n := testing.AllocsPerRun(100, func() {
		if err := m.Run(p, 0, 1); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a run allocates %v times, want 0", n)
	}
}

func TestMaxBytes(t *testing.T) {
	m := twin.New(twin.Options{MaxBytes: 1 << 20})
	defer m.Close()
	if _, err := m.Alloc(1 << 20); err != kernels.ErrMemory {
		t.Errorf("allocating all of the limit: error is %v, want ErrMemory", err)
	}
	alloc(t, m, 900<<10)
	if _, err := m.Alloc(200 << 10); err != kernels.ErrMemory {
		t.Errorf("allocating past the limit: error is %v, want ErrMemory", err)
	}
	if m.MemoryBytes() > 1<<20 {
		t.Errorf("the memory has %d bytes, more than the limit", m.MemoryBytes())
	}
}

func alloc(t testing.TB, m kernels.Machine, n int) kernels.Ptr {
	t.Helper()
	p, err := m.Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// load puts a program into the machine's memory.
func load(t testing.TB, m kernels.Machine, program *kernels.Program) kernels.Ptr {
	t.Helper()
	p := alloc(t, m, program.Size())
	if err := m.Write(p, program.Encode(p)); err != nil {
		t.Fatal(err)
	}
	return p
}
