// Command gen writes jpeg.wasm: the inner loops of a JPEG decoder, where Go
// compiled to WebAssembly is slow. See package jpeg for what it computes.
package main

import (
	"flag"
	"log"
	"os"

	"glance/kernels/asm"
)

func main() {
	out := flag.String("out", "jpeg.wasm", "file to write")
	flag.Parse()
	code, err := module().Encode()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, code, 0o644); err != nil {
		log.Fatal(err)
	}
}

func module() *asm.Module {
	m := asm.NewModule(asm.SIMD | asm.Bulk)
	m.DefineMemory(asm.Limits{Min: 1})
	m.ExportMemory("memory")
	reverse(m)
	edges(m)
	move(m)
	transform := inverse(m)
	decode(m, entropy(m), transform)
	segment(m)
	blank(m)
	progress(m, dcFirst(m), dcRefine(m), acFirst(m), acRefine(m))
	rebuild(m, transform)
	full(m)
	halved(m)
	gray(m)
	scatter(m)
	grow(m)
	return m
}

// grow declares grow(bytes): make the memory at least that large; 0 where it is.
func grow(m *asm.Module) {
	f := m.Func("grow")
	f.Export("grow")
	f.Result(asm.TypeI32)
	bytes := f.ParamI32("bytes")
	pages := f.Let("pages", bytes.AddI(65535).ShrUI(16).Sub(f.MemorySize()))
	f.If(pages.GtSI(0), func() {
		f.Return(f.MemoryGrow(pages).EqI(-1))
	})
	f.Return(f.I32Const(0))
}

// reverse declares reverse(from, to, n): the n bytes at from, last first, end up
// below to. Up to 15 bytes before that are overwritten.
func reverse(m *asm.Module) {
	f := m.Func("reverse")
	f.Export("reverse")
	from, to, n := f.ParamI32("from"), f.ParamI32("to"), f.ParamI32("n")
	end := f.Let("end", from.Add(n))
	backwards := [16]byte{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
	f.Block(func(done asm.Label) {
		f.Loop(func(next asm.Label) {
			f.BrIf(done, from.GeU(end))
			to.Set(to.AddI(-16))
			v := from.V128Load(0)
			to.V128Store(0, v.Shuffle(v, backwards))
			from.Set(from.AddI(16))
			f.Br(next)
		})
	})
}

// edges declares edges(plane, stride, rows, columns): repeat the first and the
// last sample of every row outside of it.
func edges(m *asm.Module) {
	f := m.Func("edges")
	f.Export("edges")
	plane, stride := f.ParamI32("plane"), f.ParamI32("stride")
	rows, columns := f.ParamI32("rows"), f.ParamI32("columns")
	f.Loop(func(next asm.Label) {
		plane.AddI(-1).Store8(0, plane.Load8U(0))
		end := plane.Add(columns)
		end.Store8(0, end.AddI(-1).Load8U(0))
		plane.Set(plane.Add(stride))
		rows.Set(rows.AddI(-1))
		f.BrIf(next, rows.GtSI(0))
	})
}

// move declares move(from, to, n).
func move(m *asm.Module) {
	f := m.Func("move")
	f.Export("move")
	from, to, n := f.ParamI32("from"), f.ParamI32("to"), f.ParamI32("n")
	to.MemoryCopy(from, n)
}
