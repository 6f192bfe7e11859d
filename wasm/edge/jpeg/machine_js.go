package jpeg

import "syscall/js"

//go:wasmimport jpeg grow
func grow(bytes uint32) uint32

//go:wasmimport jpeg reverse
func reverse(from, to, n uint32)

//go:wasmimport jpeg move
func move(from, to, n uint32)

//go:wasmimport jpeg segment
func beginSegment(from, to uint32) uint32

//go:wasmimport jpeg decode
func decode(mcus uint32) uint32

//go:wasmimport jpeg blank
func blank(at, n uint32)

//go:wasmimport jpeg progress
func progress(kind, mcus uint32) uint32

//go:wasmimport jpeg rebuild
func rebuild(mcus uint32)

//go:wasmimport jpeg edges
func edges(plane, stride, rows, columns uint32)

//go:wasmimport jpeg full
func full(y, cb, cr, to, width uint32)

//go:wasmimport jpeg halved
func halved(y, cb, cr, far, to, width, even, odd uint32)

//go:wasmimport jpeg gray
func gray(y, to, width uint32)

//go:wasmimport jpeg scatter
func scatter(from, to, n uint32, step int32)

// instance is the module as the program's own import "jpeg": calls go straight
// from Go to it.
type instance struct {
	memory js.Value // WebAssembly.Memory
	bytes  js.Value // Uint8Array over all of it
}

// NewMachine returns the instance whose exports the program imports as "jpeg".
// There is one, and it can decode one image at a time. memory is its export.
func NewMachine(memory js.Value) Machine {
	i := &instance{memory: memory}
	i.view()
	return i
}

func (i *instance) view() {
	i.bytes = js.Global().Get("Uint8Array").New(i.memory.Get("buffer"))
}

func (i *instance) part(at uint32, n int) js.Value {
	return i.bytes.Call("subarray", at, int(at)+n)
}

func (i *instance) Write(at uint32, b []byte) { js.CopyBytesToJS(i.part(at, len(b)), b) }
func (i *instance) Read(b []byte, at uint32)  { js.CopyBytesToGo(b, i.part(at, len(b))) }

func (i *instance) Grow(bytes uint32) bool {
	ok := grow(bytes) == 0
	i.view() // growing detaches the old buffer
	return ok
}

func (i *instance) Reverse(from, to, n uint32)      { reverse(from, to, n) }
func (i *instance) Move(from, to, n uint32)         { move(from, to, n) }
func (i *instance) Segment(from, to uint32) bool    { return beginSegment(from, to) == 0 }
func (i *instance) Blank(at, n uint32)              { blank(at, n) }
func (i *instance) Rebuild(mcus uint32)             { rebuild(mcus) }
func (i *instance) Progress(kind, mcus uint32) bool { return progress(kind, mcus) == 0 }
func (i *instance) Decode(mcus uint32) bool         { return decode(mcus) == 0 }

func (i *instance) Edges(plane, stride, rows, columns uint32) { edges(plane, stride, rows, columns) }
func (i *instance) Full(y, cb, cr, to, width uint32)          { full(y, cb, cr, to, width) }
func (i *instance) Gray(y, to, width uint32)                  { gray(y, to, width) }
func (i *instance) Halved(y, cb, cr, far, to, width, even, odd uint32) {
	halved(y, cb, cr, far, to, width, even, odd)
}
func (i *instance) Scatter(from, to, n uint32, step int32) { scatter(from, to, n, step) }
