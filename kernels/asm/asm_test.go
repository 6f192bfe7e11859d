package asm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"glance/kernels/asm"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// instantiate compiles code with wazero, which validates it a second time.
func instantiate(t *testing.T, code []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
	t.Cleanup(func() { r.Close(ctx) })
	m, err := r.Instantiate(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func encode(t *testing.T, m *asm.Module) []byte {
	t.Helper()
	code, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestEncode(t *testing.T) {
	m := asm.NewModule(asm.SIMD)
	m.DefineMemory(asm.Limits{Min: 1, Max: 300})
	m.ExportMemory("memory")
	f := m.Func("add")
	f.Result(asm.TypeI32)
	a, b := f.ParamI32("a"), f.ParamI32("b")
	f.Return(a.Add(b.AddI(-200)))
	f.Export("sum")
	want := "\x00asm\x01\x00\x00\x00" +
		"\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f" + // types: (i32 i32) -> i32
		"\x03\x02\x01\x00" + // functions
		"\x05\x05\x01\x01\x01\xac\x02" + // memory 1..300
		"\x07\x10\x02\x06memory\x02\x00\x03sum\x00\x00" + // exports
		"\x0a\x0e\x01\x0c\x00\x20\x00\x20\x01\x41\xb8\x7e\x6a\x6a\x0f\x0b" + // code
		"\x00\x0d\x04name\x01\x06\x01\x00\x03add" // names
	if got := encode(t, m); string(got) != want {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	instantiate(t, encode(t, m))
}

func TestText(t *testing.T) {
	m := asm.NewModule(asm.SIMD | asm.Threads)
	m.ImportMemory("env", "memory", asm.Limits{Min: 1, Max: 2, Shared: true})
	m.Constant("base", 7)
	f := m.Func("scale")
	x, n, a := f.ParamI32("x"), f.ParamI32("n"), f.ParamF32("a")
	v := f.V128("v")
	f.Export("scale")
	f.Loop(func(next asm.Label) {
		v.Set(x.V128Load(16).F32x4Mul(a.Splat()))
		x.V128Store(16, v)
		n.Set(n.AddI(-1))
		f.BrIf(next, n)
	})
	f.IfElse(n.Eqz(), func() { x.AtomicStore(4, f.I32Const(1)) }, func() { f.Return() })
	encode(t, m)
	want := `(module
  (memory (import "env" "memory") 1 2 shared)
  (global $base (export "base") i32 (i32.const 7))
  (func $scale (export "scale") (param $x i32) (param $n i32) (param $a f32)
    (local $v v128)
    loop
      (local.set $v (f32x4.mul (v128.load offset=16 align=4 (local.get $x)) (f32x4.splat (local.get $a))))
      (v128.store offset=16 align=4 (local.get $x) (local.get $v))
      (local.set $n (i32.add (local.get $n) (i32.const -1)))
      (br_if 0 (local.get $n))
    end
    (i32.eqz (local.get $n))
    if
      (i32.atomic.store offset=4 (local.get $x) (i32.const 1))
    else
      (return)
    end
  )
)
`
	if got := m.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestScalar runs one function for each scalar operation.
func TestScalar(t *testing.T) {
	bits := math.Float32bits
	cases := []struct {
		name string
		body func(f *asm.Func, a, b asm.I32) asm.I32
		a, b uint32
		want uint32
	}{
		{"add", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.Add(b) }, 5, 7, 12},
		{"addi 0", func(_ *asm.Func, a, _ asm.I32) asm.I32 { return a.AddI(0) }, 5, 0, 5},
		{"sub", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.Sub(b) }, 5, 7, math.MaxUint32 - 1},
		{"mul", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.Mul(b).MulI(-1) }, 5, 7, math.MaxUint32 - 34},
		{"div", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.DivU(b).DivUI(2) }, 0x80000000, 2, 0x20000000},
		{"rem", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.RemU(b) }, 17, 5, 2},
		{"bits", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.And(b).Or(a.Xor(b)) }, 0b1100, 0b1010, 0b1110},
		{"bits with constants", func(_ *asm.Func, a, _ asm.I32) asm.I32 { return a.AndI(12).OrI(3).XorI(1) }, 10, 0, 10},
		{"shifts", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.Shl(b).ShrSI(1).ShrUI(28).ShlI(4) }, 1, 31, 0xc0},
		{"clz", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.Clz().Add(b.Ctz()) }, 1, 8, 34},
		{"select", func(_ *asm.Func, a, b asm.I32) asm.I32 { return a.Select(a.LtU(b), b) }, 9, 4, 4},
		{"comparisons", func(f *asm.Func, a, b asm.I32) asm.I32 {
			sum := f.Let("sum", a.Eqz())
			for i, c := range []asm.I32{a.Eq(b), a.Ne(b), a.LtS(b), a.LtU(b), a.GtS(b), a.GtU(b), a.LeS(b), a.LeU(b),
				a.GeS(b), a.GeU(b), a.EqI(-1), a.NeI(3), a.LtSI(0), a.GtSI(0), a.LeSI(0), a.GeSI(0), a.LtUI(1), a.GtUI(1), a.GeUI(1)} {
				sum.Set(sum.Or(c.ShlI(int32(i))))
			}
			return sum
		}, math.MaxUint32, 3, 0x65e66},
		{"float", func(f *asm.Func, a, b asm.I32) asm.I32 {
			return a.Float().Add(b.Float()).Mul(f.F32Const(2)).Sub(f.F32Const(1)).Div(f.F32Const(4)).Bits()
		}, bits(1.5), bits(2), bits(1.5)},
		{"float min max", func(f *asm.Func, a, b asm.I32) asm.I32 {
			return a.Float().Min(b.Float()).Max(f.F32Const(-1)).Bits()
		}, bits(-3), bits(5), bits(-1)},
		{"float comparison", func(_ *asm.Func, a, b asm.I32) asm.I32 {
			return a.Float().Lt(b.Float()).Add(a.Float().Eq(a.Float()))
		}, bits(1), bits(2), 2},
		{"convert", func(_ *asm.Func, a, _ asm.I32) asm.I32 { return a.ConvertU().Bits() }, 7, 0, bits(7)},
		{"switch", func(f *asm.Func, a, _ asm.I32) asm.I32 {
			r := f.I32("r")
			set := func(n int32) func() { return func() { r.Set(r.AddI(n)) } }
			f.Switch(a, set(1000), set(1), set(10), set(100))
			f.Switch(a.AddI(-2), set(7), set(5))
			return r
		}, 2, 0, 105},
		{"switch default", func(f *asm.Func, a, _ asm.I32) asm.I32 {
			r := f.I32("r")
			f.Switch(a, func() { r.Set(f.I32Const(9)) }, func() { r.Set(f.I32Const(1)) })
			return r
		}, 77, 0, 9},
		{"block and branch", func(f *asm.Func, a, _ asm.I32) asm.I32 {
			r := f.I32("r")
			f.Block(func(end asm.Label) {
				f.BrIf(end, a.EqI(3))
				r.Set(f.I32Const(1))
				f.Br(end)
			})
			return r
		}, 3, 0, 0},
		{"memory", func(f *asm.Func, a, b asm.I32) asm.I32 {
			p := f.Let("p", f.I32Const(64))
			p.Store(0, a)
			p.Store8(4, a)
			p.Store16(6, a)
			p.StoreF32(8, b.Float())
			p.AddI(16).MemoryCopy(p, f.I32Const(12))
			p.MemoryFill(f.I32Const(1), f.I32Const(4))
			return p.Load(16).Xor(p.Load8U(20)).Xor(p.Load16U(22)).Xor(p.LoadF32(24).Bits()).Xor(p.Load(0))
		}, 0x12345678, 0x9abcdef0, 0x12345678 ^ 0x78 ^ 0x5678 ^ 0x9abcdef0 ^ 0x01010101},
		{"memory size", func(f *asm.Func, a, _ asm.I32) asm.I32 {
			f.Drop(f.MemoryGrow(a))
			return f.MemorySize()
		}, 2, 0, 3},
		{"atomics", func(f *asm.Func, a, b asm.I32) asm.I32 {
			p := f.Let("p", f.I32Const(64))
			p.AtomicStore(0, a)
			f.Drop(p.AtomicAdd(0, b))
			f.Drop(p.AtomicSub(0, f.I32Const(1)))
			f.Drop(p.AtomicOr(0, f.I32Const(0x100)))
			f.Drop(p.AtomicCmpxchg(0, f.I32Const(0x10b), f.I32Const(50)))
			old := f.Let("old", p.AtomicXchg(0, f.I32Const(1)))
			f.Drop(p.AtomicNotify(0, f.I32Const(1)))
			return old.Add(p.AtomicLoad(0))
		}, 5, 7, 51},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := asm.NewModule(asm.SIMD | asm.Threads | asm.Bulk)
			m.DefineMemory(asm.Limits{Min: 1})
			f := m.Func("f")
			f.Export("f")
			f.Result(asm.TypeI32)
			a, b := f.ParamI32("a"), f.ParamI32("b")
			f.Return(c.body(f, a, b))
			got, err := instantiate(t, encode(t, m)).ExportedFunction("f").Call(context.Background(), uint64(c.a), uint64(c.b))
			if err != nil {
				t.Fatal(err)
			}
			if uint32(got[0]) != c.want {
				t.Errorf("f(%#x, %#x) = %#x, want %#x", c.a, c.b, got[0], c.want)
			}
		})
	}
}

func words(w ...uint32) (b [16]byte) {
	for i, v := range w {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	return b
}

func floats(x ...float32) [16]byte {
	var w [4]uint32
	for i, v := range x {
		w[i] = math.Float32bits(v)
	}
	return words(w[:]...)
}

// TestVector runs one function for each vector operation, on operands at
// addresses 0 and 16, and looks at the 16 bytes it leaves at 32.
func TestVector(t *testing.T) {
	nan := float32(math.NaN())
	ones := uint32(math.MaxUint32)
	type v = asm.V128
	cases := []struct {
		name string
		body func(f *asm.Func, p asm.I32, a, b v) v
		a, b [16]byte
		want [16]byte
	}{
		{"f32x4.add", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.F32x4Add(b) }, floats(1, 2, 3, 4), floats(5, 6, 7, 8), floats(6, 8, 10, 12)},
		{"f32x4.sub", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.F32x4Sub(b) }, floats(1, 2, 3, 4), floats(5, 5, 5, 5), floats(-4, -3, -2, -1)},
		{"f32x4.mul", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.F32x4Mul(b) }, floats(1, 2, 3, 4), floats(5, 5, 5, 5), floats(5, 10, 15, 20)},
		{"f32x4.pmin", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.F32x4Pmin(b) }, floats(1, 9, nan, 4), floats(5, 5, 5, 5), floats(1, 5, nan, 4)},
		{"f32x4.pmax", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.F32x4Pmax(b) }, floats(1, 9, nan, 4), floats(5, 5, 5, 5), floats(5, 9, nan, 5)},
		{"f32x4.lt", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.F32x4Lt(b) }, floats(1, 9, nan, 4), floats(5, 5, 5, 5), words(ones, 0, 0, ones)},
		{"f32x4.convert_i32x4_s", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.F32x4ConvertS() }, words(1, ones, 3, 4), words(), floats(1, -1, 3, 4)},
		{"f32x4.splat", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.F32x4Extract(2).Splat() }, floats(1, 2, 3, 4), words(), floats(3, 3, 3, 3)},
		{"i32x4.splat", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I32x4Extract(1).I32x4Splat() }, words(1, 2, 3, 4), words(), words(2, 2, 2, 2)},
		{"i16x8.splat", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.Load(0).I16x8Splat() }, words(0x12345678), words(), words(0x56785678, 0x56785678, 0x56785678, 0x56785678)},
		{"i32x4.add", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4Add(b) }, words(1, 2, 3, ones), words(1, 1, 1, 1), words(2, 3, 4, 0)},
		{"i32x4.sub", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4Sub(b) }, words(1, 2, 3, 0), words(1, 1, 1, 1), words(0, 1, 2, ones)},
		{"i32x4.mul", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4Mul(b) }, words(1, 2, 3, ones), words(3, 3, 3, 3), words(3, 6, 9, ones-2)},
		{"i32x4.dot", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4Dot(b) }, words(0x00020003, 0xffff0001), words(0x00040005, 0x00010001), words(23, 0)},
		{"i32x4.eq", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4Eq(b) }, words(1, 2, 3, 4), words(1, 0, 3, 0), words(ones, 0, ones, 0)},
		{"i32x4.lt_u", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4LtU(b) }, words(1, ones), words(2, 1), words(ones, 0)},
		{"i32x4.ge_u", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I32x4GeU(b) }, words(1, ones, 5, 0), words(2, 1, 5, 1), words(0, ones, ones, 0)},
		{"i16x8.ge_u", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I16x8GeU(b) }, words(0xffff0001), words(0x00010002), words(0xffff0000, ones, ones, ones)},
		{"i32x4.shl", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I32x4Shl(4) }, words(1, 2, 3, ones), words(), words(16, 32, 48, 0xfffffff0)},
		{"i32x4.shr_s", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I32x4ShrS(4) }, words(16, 0x80000000), words(), words(1, 0xf8000000)},
		{"i32x4.shr_u", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I32x4ShrU(4) }, words(16, 0x80000000), words(), words(1, 0x08000000)},
		{"i16x8.extend_low", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I16x8ExtendLowU() }, words(0x04030281, 0x08070605), words(), words(0x00020081, 0x00040003, 0x00060005, 0x00080007)},
		{"i32x4.extend u", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I32x4ExtendLowU().I32x4Add(a.I32x4ExtendHighU()) }, words(0xffff0001, 0, 0x00030002, 5), words(), words(3, 0x10002, 5, 0)},
		{"i32x4.extend s", func(_ *asm.Func, _ asm.I32, a, _ v) v { return a.I32x4ExtendLowS().I32x4Add(a.I32x4ExtendHighS()) }, words(0xffff0001, 0, 0x00030002, 5), words(), words(3, 2, 5, 0)},
		{"narrow", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.I16x8NarrowS(b).I8x16NarrowU(a.I16x8NarrowS(b)) }, words(1, 300, ones, 70000), words(4, 5, 6, 7), words(0xff00ff01, 0x07060504, 0xff00ff01, 0x07060504)},
		{"bitwise", func(_ *asm.Func, _ asm.I32, a, b v) v { return a.And(b).Or(a.Xor(b)).AndNot(b).Not() }, words(0b1100), words(0b1010), words(^uint32(0b0100), ones, ones, ones)},
		{"bitselect", func(f *asm.Func, _ asm.I32, a, b v) v { return a.Bitselect(b, f.I32x4Const(ones, 0, 0xffff, 0)) }, words(1, 2, 3, 4), words(5, 6, 0x70007, 8), words(1, 6, 0x70003, 8)},
		{"any_true", func(_ *asm.Func, _ asm.I32, a, b v) v {
			return a.AnyTrue().I32x4Splat().I32x4Sub(b.AnyTrue().I32x4Splat())
		}, words(0, 0, 1), words(), words(1, 1, 1, 1)},
		{"shuffle", func(_ *asm.Func, _ asm.I32, a, b v) v {
			return a.ShuffleI32x4(b, 0, 4, 1, 5).ShuffleI16x8(a, [8]byte{1, 0, 3, 2, 8, 9, 10, 11})
		}, words(0x00010002, 3, 4, 5), words(0x00060007, 8, 9, 10), words(0x00020001, 0x00070006, 0x00010002, 3)},
		{"load32_splat", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.V128Load32Splat(4) }, words(1, 2), words(), words(2, 2, 2, 2)},
		{"load64_splat", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.V128Load64Splat(4) }, words(1, 2, 3), words(), words(2, 3, 2, 3)},
		{"load32_zero", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.V128Load32Zero(4) }, words(1, 2, 3), words(), words(2)},
		{"load64_zero", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.V128Load64Zero(4) }, words(1, 2, 3), words(), words(2, 3)},
		{"load8x8_u", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.V128Load8x8U(0) }, words(0x04030281), words(), words(0x00020081, 0x00040003)},
		{"load16x4", func(_ *asm.Func, p asm.I32, _, _ v) v { return p.V128Load16x4U(0).I32x4Add(p.V128Load16x4S(0)) }, words(0xffff0001, 2), words(), words(2, 0xfffe, 4)},
		{"load32_lane", func(_ *asm.Func, p asm.I32, a, _ v) v { return p.V128Load32Lane(16, 2, a) }, words(1, 2, 3, 4), words(9), words(1, 2, 9, 4)},
		{"store lanes", func(_ *asm.Func, p asm.I32, a, _ v) v {
			p.V128Store64Lane(48, 1, a)
			p.V128Store32Lane(56, 1, a)
			p.V128Store16Lane(60, 1, a)
			return p.V128Load(48)
		}, words(0x70001, 2, 3, 4), words(), words(3, 4, 2, 7)},
	}
	m := asm.NewModule(asm.SIMD)
	m.DefineMemory(asm.Limits{Min: 1})
	m.ExportMemory("memory")
	for _, c := range cases {
		f := m.Func(c.name)
		f.Export(c.name)
		p := f.I32("p")
		p.V128Store(32, c.body(f, p, p.V128Load(0), p.V128Load(16)))
	}
	inst := instantiate(t, encode(t, m))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inst.Memory().Write(0, make([]byte, 128))
			inst.Memory().Write(0, c.a[:])
			inst.Memory().Write(16, c.b[:])
			if _, err := inst.ExportedFunction(c.name).Call(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got, _ := inst.Memory().Read(32, 16); !bytes.Equal(got, c.want[:]) {
				t.Errorf("got %x, want %x", got, c.want)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	m := asm.NewModule(asm.SIMD)
	m.DefineMemory(asm.Limits{Min: 1})
	m.Data(8, []byte{1, 2, 3, 4})
	count := m.Global("count", 40)
	inc, dec := m.Func("inc"), m.Func("dec")
	for i, f := range []*asm.Func{inc, dec} {
		n := f.ParamI32("n")
		f.Put(count, f.Get(count).Add(n.MulI(int32(1-2*i))))
	}
	get := m.Func("get")
	get.Result(asm.TypeI32)
	get.Return(get.Get(count))
	m.Table(inc, dec)
	f := m.Func("f")
	f.Export("f")
	f.Result(asm.TypeI32)
	which := f.ParamI32("which")
	f.Call(inc, f.I32Const(5))
	f.CallIndirect(inc.Signature(), which, f.I32Const(2))
	f.Return(f.CallI32(get).Add(f.I32Const(8).Load(0)))
	inst := instantiate(t, encode(t, m))
	got, err := inst.ExportedFunction("f").Call(context.Background(), 1)
	if err != nil || uint32(got[0]) != 43+0x04030201 {
		t.Errorf("f(1) = %#x, %v", got, err)
	}
	if m.Text() == "" || !strings.Contains(m.Text(), "(call_indirect (param i32) (i32.const 2) (local.get $which))") {
		t.Errorf("text lacks the indirect call:\n%s", m.Text())
	}
}
