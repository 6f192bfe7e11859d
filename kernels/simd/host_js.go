//go:build js

package simd

import (
	"errors"
	"syscall/js"

	"glance/kernels"
)

// The exports of the kernel module, which JavaScript passes on as imports.

//go:wasmimport kernels run
func moduleRun(program, from, to uint32) uint32

//go:wasmimport kernels setup
func moduleSetup(control, threads uint32)

// controlBase is where the control block of the threads lies, in the page that
// belongs to the module.
const controlBase = 512

const addressable = 1<<32 - pageBytes

// Options configures a machine. In JavaScript, glanceHost does.
type Options struct{}

// jsHost is a host in JavaScript.
type jsHost struct {
	memory js.Value // WebAssembly.Memory
	bytes  js.Value // Uint8Array over all of it
	length uint64
	helped bool
}

// New returns a machine on the module that glanceHost describes.
func New(Options) (kernels.Machine, error) {
	description := js.Global().Get("glanceHost")
	if !description.Truthy() || !description.Get("memory").Truthy() {
		return nil, errors.New("simd: globalThis.glanceHost has no memory: set it up as package simd documents before starting the program")
	}
	h := &jsHost{memory: description.Get("memory")}
	h.view()
	threads := 1
	if n := description.Get("threads"); n.Type() == js.TypeNumber {
		threads = max(n.Int(), 1)
	}
	if threads > 1 {
		moduleSetup(controlBase, uint32(threads))
		h.helped = true
		description.Call("startHelpers", controlBase)
	}
	return newMachine(h, description.Get("backend").String(), threads, addressable), nil
}

// view looks at the memory again: growing it detaches or outdates its buffer.
func (h *jsHost) view() {
	h.bytes = js.Global().Get("Uint8Array").New(h.memory.Get("buffer"))
	h.length = uint64(h.bytes.Get("length").Float())
}

func (h *jsHost) size() uint64 { return h.length }

func (h *jsHost) grow(pages uint32) (ok bool) {
	// Memory.grow throws where there is no more to have.
	defer func() {
		if e := recover(); e != nil {
			if _, thrown := e.(js.Error); !thrown {
				panic(e)
			}
			ok = false
		}
	}()
	h.memory.Call("grow", pages)
	h.view()
	return true
}

func (h *jsHost) window(p kernels.Ptr, n int) js.Value {
	return h.bytes.Call("subarray", float64(p), float64(p)+float64(n))
}

func (h *jsHost) read(dst []byte, p kernels.Ptr) { js.CopyBytesToGo(dst, h.window(p, len(dst))) }

func (h *jsHost) write(p kernels.Ptr, src []byte) { js.CopyBytesToJS(h.window(p, len(src)), src) }

func (h *jsHost) zero(p kernels.Ptr, n uint32) {
	h.bytes.Call("fill", 0, float64(p), float64(p)+float64(n))
}

func (h *jsHost) run(program kernels.Ptr, from, to uint32) (kernels.Status, error) {
	return kernels.Status(moduleRun(uint32(program), from, to)), nil
}

// close lets the helpers leave. The memory belongs to JavaScript.
func (h *jsHost) close() error {
	if h.helped {
		moduleSetup(controlBase, 0)
	}
	return nil
}
