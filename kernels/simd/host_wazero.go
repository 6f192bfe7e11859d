//go:build !js

package simd

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"glance/kernels"
	"glance/kernels/asm"
	"glance/kernels/simd/internal/ukernel"
)

// Options configures a machine. The zero value is one thread and up to 1 GiB.
type Options struct {
	// Threads is how many lanes of a phase run at the same time; 0 means 1, and
	// there are at most [ukernel.MaxThreads].
	Threads int
	// MaxBytes limits the memory; 0 means 1 GiB, or 256 MiB with threads, which
	// reserve the address space at once.
	MaxBytes int
	// Interpreter runs the module on wazero's interpreter instead of its
	// compiler.
	Interpreter bool
}

const (
	defaultMaxBytes       = 1 << 30
	defaultMaxBytesShared = 256 << 20
	addressable           = 1<<32 - pageBytes
)

//go:embed simd128.wasm
var moduleSingle []byte

//go:embed simd128-threads.wasm
var moduleThreads []byte

// A module is compiled once for each kind of wazero runtime; machines are
// instances of it.
type module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

func compile(config wazero.RuntimeConfig, code []byte) (m module, err error) {
	ctx := context.Background()
	config = config.WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesThreads)
	m.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if m.compiled, err = m.runtime.CompileModule(ctx, code); err != nil {
		return m, fmt.Errorf("simd: compiling the kernels: %w", err)
	}
	return m, nil
}

func lazily(config func() wazero.RuntimeConfig, code *[]byte) func() (module, error) {
	return sync.OnceValues(func() (module, error) { return compile(config(), *code) })
}

// compiled holds the modules without and with threads.
var (
	compiled    = [2]func() (module, error){lazily(wazero.NewRuntimeConfig, &moduleSingle), lazily(wazero.NewRuntimeConfig, &moduleThreads)}
	interpreted = [2]func() (module, error){lazily(wazero.NewRuntimeConfigInterpreter, &moduleSingle), lazily(wazero.NewRuntimeConfigInterpreter, &moduleThreads)}
)

// wazeroHost is a host on wazero.
type wazeroHost struct {
	memory  api.Memory
	modules []api.Module // to close, the last first
	runFunc api.Function
	setup   api.Function
	stack   [3]uint64
	helpers sync.WaitGroup
	broken  error // why the machine cannot run any more
}

// New returns a machine named "simd128" that runs on wazero.
func New(o Options) (kernels.Machine, error) {
	threads := min(max(o.Threads, 1), ukernel.MaxThreads)
	limit, kind := uint64(defaultMaxBytes), 0
	if threads > 1 {
		limit, kind = defaultMaxBytesShared, 1
	}
	if o.MaxBytes > 0 {
		limit = uint64(o.MaxBytes)
	}
	limit = max(min(limit, addressable)/pageBytes, 2) * pageBytes

	choice := &compiled
	if o.Interpreter {
		choice = &interpreted
	}
	m, err := choice[kind]()
	if err != nil {
		return nil, err
	}
	h, err := newHost(m, threads, uint32(limit/pageBytes))
	if err != nil {
		return nil, fmt.Errorf("simd: starting the kernels: %w", err)
	}
	return newMachine(h, "simd128", threads, limit), nil
}

func newHost(code module, threads int, pages uint32) (*wazeroHost, error) {
	ctx := context.Background()
	h := &wazeroHost{}
	if threads > 1 {
		memory, err := sharedMemory(ctx, code.runtime, pages)
		if err != nil {
			return nil, err
		}
		h.modules = append(h.modules, memory)
		ctx = experimental.WithImportResolver(ctx, func(string) api.Module { return memory })
	}
	for range threads {
		m, err := code.runtime.InstantiateModule(ctx, code.compiled, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			return nil, errors.Join(err, h.close())
		}
		h.modules = append(h.modules, m)
	}
	main := h.modules[len(h.modules)-threads]
	h.memory, h.runFunc = main.Memory(), main.ExportedFunction("run")
	if threads == 1 {
		return h, nil
	}
	h.setup = main.ExportedFunction("setup")
	if _, err := h.setup.Call(ctx, ukernel.ControlBase, uint64(threads)); err != nil {
		return nil, errors.Join(err, h.close())
	}
	for lane := 1; lane < threads; lane++ {
		serve := h.modules[len(h.modules)-threads+lane].ExportedFunction("serve")
		h.helpers.Go(func() {
			// The lane of a helper that traps is never done: run says so.
			serve.Call(context.Background(), ukernel.ControlBase, uint64(lane))
		})
	}
	return h, nil
}

// sharedMemory instantiates a module that exports a shared memory of at most
// that many pages.
func sharedMemory(ctx context.Context, r wazero.Runtime, pages uint32) (api.Module, error) {
	m := asm.NewModule(asm.Threads)
	m.DefineMemory(asm.Limits{Min: 2, Max: pages, Shared: true})
	m.ExportMemory("memory")
	code, err := m.Encode()
	if err != nil {
		return nil, err
	}
	return r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName(""))
}

func (h *wazeroHost) size() uint64 { return uint64(h.memory.Size()) }

func (h *wazeroHost) grow(pages uint32) bool {
	_, ok := h.memory.Grow(pages)
	return ok
}

func (h *wazeroHost) view(p kernels.Ptr, n int) []byte {
	b, _ := h.memory.Read(uint32(p), uint32(n))
	return b
}

func (h *wazeroHost) read(dst []byte, p kernels.Ptr) { copy(dst, h.view(p, len(dst))) }

func (h *wazeroHost) write(p kernels.Ptr, src []byte) { copy(h.view(p, len(src)), src) }

func (h *wazeroHost) zero(p kernels.Ptr, n uint32) { clear(h.view(p, int(n))) }

func (h *wazeroHost) run(program kernels.Ptr, from, to uint32) (kernels.Status, error) {
	if h.broken != nil {
		return 0, h.broken
	}
	h.stack = [3]uint64{uint64(program), uint64(from), uint64(to)}
	if err := h.runFunc.CallWithStack(context.Background(), h.stack[:]); err != nil {
		err = fmt.Errorf("simd: the kernels trapped: %w", err)
		if h.setup != nil {
			// The lane of thread 0 will never be done.
			h.broken = err
		}
		return 0, err
	}
	return kernels.Status(h.stack[0]), nil
}

func (h *wazeroHost) close() error {
	ctx := context.Background()
	var errs []error
	if h.setup != nil {
		_, err := h.setup.Call(ctx, ukernel.ControlBase, 0)
		errs = append(errs, err)
		if h.broken == nil {
			h.helpers.Wait()
		}
	}
	for i := len(h.modules) - 1; i >= 0; i-- {
		errs = append(errs, h.modules[i].Close(ctx))
	}
	return errors.Join(errs...)
}
