package jpeg

import (
	"context"
	_ "embed"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

//go:embed jpeg.wasm
var module []byte

// native is the module under wazero. A trap or an address out of bounds panics.
type native struct {
	m api.Module
}

func newNative(t testing.TB) *native {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	m, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	return &native{m}
}

func (n *native) call(name string, args ...uint32) bool {
	wide := make([]uint64, len(args))
	for i, a := range args {
		wide[i] = uint64(a)
	}
	results, err := n.m.ExportedFunction(name).Call(context.Background(), wide...)
	if err != nil {
		panic(fmt.Sprintf("%s%x: %v", name, args, err))
	}
	return len(results) == 0 || results[0] == 0
}

func (n *native) Write(at uint32, b []byte) {
	if !n.m.Memory().Write(at, b) {
		panic(fmt.Sprintf("write of %d bytes at %d, memory has %d", len(b), at, n.m.Memory().Size()))
	}
}

func (n *native) Read(b []byte, at uint32) {
	view, ok := n.m.Memory().Read(at, uint32(len(b)))
	if !ok {
		panic(fmt.Sprintf("read of %d bytes at %d, memory has %d", len(b), at, n.m.Memory().Size()))
	}
	copy(b, view)
}

func (n *native) Grow(bytes uint32) bool          { return n.call("grow", bytes) }
func (n *native) Reverse(from, to, count uint32)  { n.call("reverse", from, to, count) }
func (n *native) Move(from, to, count uint32)     { n.call("move", from, to, count) }
func (n *native) Segment(from, to uint32) bool    { return n.call("segment", from, to) }
func (n *native) Blank(at, count uint32)          { n.call("blank", at, count) }
func (n *native) Progress(kind, mcus uint32) bool { return n.call("progress", kind, mcus) }
func (n *native) Rebuild(mcus uint32)             { n.call("rebuild", mcus) }
func (n *native) Decode(mcus uint32) bool         { return n.call("decode", mcus) }
func (n *native) Edges(plane, stride, rows, columns uint32) {
	n.call("edges", plane, stride, rows, columns)
}
func (n *native) Full(y, cb, cr, to, width uint32) { n.call("full", y, cb, cr, to, width) }
func (n *native) Halved(y, cb, cr, far, to, width, even, odd uint32) {
	n.call("halved", y, cb, cr, far, to, width, even, odd)
}
func (n *native) Gray(y, to, width uint32) { n.call("gray", y, to, width) }
func (n *native) Scatter(from, to, count uint32, step int32) {
	n.call("scatter", from, to, count, uint32(step))
}
