package asm_test

import (
	"errors"
	"strings"
	"testing"

	"glance/kernels/asm"
)

// TestReject makes one mistake a case and expects it reported with this file
// and the words given.
func TestReject(t *testing.T) {
	cases := []struct {
		name string
		want string
		body func(m *asm.Module, f *asm.Func, n asm.I32, v asm.V128)
	}{
		{"set on an expression", "receiver is an expression", func(_ *asm.Module, _ *asm.Func, n asm.I32, _ asm.V128) {
			n.AddI(1).Set(n)
		}},
		{"value of another function", "another function", func(m *asm.Module, f *asm.Func, n asm.I32, _ asm.V128) {
			g := m.Func("g")
			n.Set(g.ParamI32("x").Add(n))
		}},
		{"zero value", "zero value", func(_ *asm.Module, _ *asm.Func, n asm.I32, _ asm.V128) {
			n.Set(n.Add(asm.I32{}))
		}},
		{"late parameter", "parameter late declared after", func(_ *asm.Module, f *asm.Func, _ asm.I32, _ asm.V128) {
			f.I32("local")
			f.ParamI32("late")
		}},
		{"closed label", "not open here", func(_ *asm.Module, f *asm.Func, n asm.I32, _ asm.V128) {
			var stale asm.Label
			f.Block(func(end asm.Label) { stale = end })
			f.BrIf(stale, n)
		}},
		{"missing argument", "call: wants i32, the stack is empty", func(m *asm.Module, f *asm.Func, _ asm.I32, _ asm.V128) {
			g := m.Func("g")
			g.ParamI32("x")
			f.Call(g)
		}},
		{"wrong argument", "call: wants i32, got v128", func(m *asm.Module, f *asm.Func, _ asm.I32, v asm.V128) {
			g := m.Func("g")
			g.ParamI32("x")
			f.Call(g, v)
		}},
		{"function of another module", "another module", func(_ *asm.Module, f *asm.Func, _ asm.I32, _ asm.V128) {
			f.Call(asm.NewModule(asm.SIMD).Func("g"))
		}},
		{"unused result", "the block leaves 1 operands", func(m *asm.Module, f *asm.Func, _ asm.I32, _ asm.V128) {
			g := m.Func("g")
			g.Result(asm.TypeI32)
			g.Return(g.I32Const(1))
			f.Block(func(asm.Label) { f.Call(g) })
		}},
		{"unused result at the end", "the function leaves 1 operands", func(m *asm.Module, f *asm.Func, _ asm.I32, _ asm.V128) {
			g := m.Func("g")
			g.Result(asm.TypeI32)
			g.Return(g.I32Const(1))
			f.Call(g)
		}},
		{"no result", "end: wants i32, the stack is empty", func(m *asm.Module, f *asm.Func, _ asm.I32, _ asm.V128) {
			m.Func("g").Result(asm.TypeI32)
		}},
		{"wrong result", "return: wants i32, got v128", func(_ *asm.Module, f *asm.Func, _ asm.I32, v asm.V128) {
			f.Result(asm.TypeI32)
			f.Return(v)
		}},
		{"result of a function without", "return: 1 operands too many", func(_ *asm.Module, f *asm.Func, n asm.I32, _ asm.V128) {
			f.Return(n)
		}},
		{"lane", "lane 4 of 4", func(_ *asm.Module, f *asm.Func, _ asm.I32, v asm.V128) {
			f.Drop(v.F32x4Extract(4))
		}},
		{"store lane", "lane 2 of 2", func(_ *asm.Module, _ *asm.Func, n asm.I32, v asm.V128) {
			n.V128Store64Lane(0, 2, v)
		}},
		{"shuffle", "byte 32 of 32", func(_ *asm.Module, f *asm.Func, _ asm.I32, v asm.V128) {
			f.Drop(v.Shuffle(v, [16]byte{15: 32}))
		}},
		{"relaxed", "does not have the feature relaxed-simd", func(_ *asm.Module, _ *asm.Func, _ asm.I32, v asm.V128) {
			v.Set(v.F32x4RelaxedMadd(v, v))
		}},
		{"threads", "does not have the feature threads", func(_ *asm.Module, f *asm.Func, n asm.I32, _ asm.V128) {
			f.Drop(n.AtomicWait(0, n, f.I64Const(-1)))
		}},
		{"table", "the module has no table", func(_ *asm.Module, f *asm.Func, n asm.I32, _ asm.V128) {
			f.CallIndirect(asm.Signature{}, n)
		}},
		{"two memories", "has a memory already", func(m *asm.Module, _ *asm.Func, _ asm.I32, _ asm.V128) {
			m.DefineMemory(asm.Limits{Min: 1})
		}},
		{"two functions", "two functions are called f", func(m *asm.Module, _ *asm.Func, _ asm.I32, _ asm.V128) {
			m.Func("f")
		}},
		{"data", "does not fit the memory", func(m *asm.Module, _ *asm.Func, _ asm.I32, _ asm.V128) {
			m.Data(65535, []byte{1, 2})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := asm.NewModule(asm.SIMD)
			m.DefineMemory(asm.Limits{Min: 1})
			f := m.Func("f")
			n, v := f.ParamI32("n"), f.ParamV128("v")
			c.body(m, f, n, v)
			code, err := m.Encode()
			if err == nil {
				t.Fatalf("accepted: %x", code)
			}
			var e *asm.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if e.Line != 0 && e.File != "reject_test.go" {
				t.Errorf("%v: not the file that made the mistake", err)
			}
		})
	}
}

func TestRejectMemory(t *testing.T) {
	for _, c := range []struct {
		want string
		l    asm.Limits
	}{
		{"needs a maximum", asm.Limits{Min: 1, Shared: true}},
		{"needs the threads feature", asm.Limits{Min: 1, Max: 2, Shared: true}},
		{"memory limits 3 to 2", asm.Limits{Min: 3, Max: 2}},
		{"memory limits 0 to 65537", asm.Limits{Max: 65537}},
	} {
		m := asm.NewModule(asm.SIMD)
		m.ImportMemory("env", "memory", c.l)
		if err := m.Err(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "reject_test.go") {
			t.Errorf("%+v: %v, want %q", c.l, err, c.want)
		}
	}
	m := asm.NewModule(asm.SIMD)
	f := m.Func("f")
	f.ParamI32("p").V128Store(0, f.I32x4All(0))
	if _, err := m.Encode(); err == nil || !strings.Contains(err.Error(), "the module has no memory") {
		t.Errorf("store without a memory: %v", err)
	}
}

// TestAccumulate expects every mistake in one error.
func TestAccumulate(t *testing.T) {
	m := asm.NewModule(asm.SIMD)
	f, g := m.Func("f"), m.Func("g")
	f.Result(asm.TypeI32)
	n := g.ParamI32("n")
	n.AddI(1).Set(n)
	_, err := m.Encode()
	for _, want := range []string{"f: end: wants i32", "g: Set: the receiver"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
