package asm

import (
	"encoding/binary"
	"math"
)

// instr is one instruction of a function body.
type instr struct {
	op     *opcode
	index  uint32   // of a local, global, function, table or label; offset of an access; bits of a constant
	lane   uint8    // of a vector
	wide   [16]byte // vector constant, shuffle, 64-bit constant
	labels []uint32 // of a br_table, the default last
	sig    *Signature
	pos    position
}

// node is the part all values share: an expression of function f.
type node struct {
	f    *Func
	code []instr
}

// Value is an [I32], [I64], [F32] or [V128].
type Value interface {
	base() node
	typ() Type
}

// I32 is a 32-bit integer: a local, a parameter or an expression.
type I32 struct{ node }

// I64 is a 64-bit integer. It exists for the timeouts of atomic waits.
type I64 struct{ node }

// F32 is a 32-bit float.
type F32 struct{ node }

// V128 is a 128-bit vector, whose lanes the operations name.
type V128 struct{ node }

func (n node) base() node { return n }

func (I32) typ() Type  { return TypeI32 }
func (I64) typ() Type  { return TypeI64 }
func (F32) typ() Type  { return TypeF32 }
func (V128) typ() Type { return TypeV128 }

// expr joins operands and the instruction that consumes them.
func expr(in instr, operands ...node) node {
	f := owner(operands)
	if f == nil {
		return node{}
	}
	if !in.pos.known() {
		in.pos = caller()
	}
	var code []instr
	for _, o := range operands {
		if o.f != f {
			f.errorf(in.pos, "%s: operand belongs to another function", in.op.name)
		}
		if len(o.code) == 0 {
			f.errorf(in.pos, "%s: operand has no code (a zero value?)", in.op.name)
		}
		code = append(code, o.code...)
	}
	return node{f, append(code, in)}
}

func owner(operands []node) *Func {
	for _, o := range operands {
		if o.f != nil {
			return o.f
		}
	}
	return nil
}

// assign emits the code of v and a local.set of local.
func assign(local node, v node) {
	if local.f == nil {
		return
	}
	pos := caller()
	if len(local.code) != 1 || local.code[0].op != opLocalGet {
		local.f.errorf(pos, "Set: the receiver is an expression, not a local")
		return
	}
	local.f.emit(expr(instr{op: opLocalSet, index: local.code[0].index, pos: pos}, v))
}

// Set assigns v to the local.
func (a I32) Set(v I32) { assign(a.node, v.node) }

// Set assigns v to the local.
func (a F32) Set(v F32) { assign(a.node, v.node) }

// Set assigns v to the local.
func (a V128) Set(v V128) { assign(a.node, v.node) }

// I32Const is the constant n.
func (f *Func) I32Const(n int32) I32 {
	return I32{node{f, []instr{{op: opI32Const, index: uint32(n), pos: caller()}}}}
}

// I64Const is the constant n.
func (f *Func) I64Const(n int64) I64 {
	in := instr{op: opI64Const, pos: caller()}
	binary.LittleEndian.PutUint64(in.wide[:], uint64(n))
	return I64{node{f, []instr{in}}}
}

// F32Const is the constant x.
func (f *Func) F32Const(x float32) F32 {
	return F32{node{f, []instr{{op: opF32Const, index: math.Float32bits(x), pos: caller()}}}}
}

// I32x4Const is the vector of the given lanes.
func (f *Func) I32x4Const(a, b, c, d uint32) V128 {
	in := instr{op: opV128Const, pos: caller()}
	for i, v := range [4]uint32{a, b, c, d} {
		binary.LittleEndian.PutUint32(in.wide[4*i:], v)
	}
	return V128{node{f, []instr{in}}}
}

// I32x4All is the vector with n in every lane.
func (f *Func) I32x4All(n uint32) V128 { return f.I32x4Const(n, n, n, n) }

// F32x4All is the vector with x in every lane.
func (f *Func) F32x4All(x float32) V128 { return f.I32x4All(math.Float32bits(x)) }
