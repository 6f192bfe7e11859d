package asm

func (a I32) op(o *opcode) I32         { return I32{expr(instr{op: o}, a.node)} }
func (a I32) op2(o *opcode, b I32) I32 { return I32{expr(instr{op: o}, a.node, b.node)} }
func (a I32) imm(n int32) I32 {
	return I32{node{a.f, []instr{{op: opI32Const, index: uint32(n), pos: caller()}}}}
}

// Add is a + b.
func (a I32) Add(b I32) I32 { return a.op2(opI32Add, b) }

// Sub is a - b.
func (a I32) Sub(b I32) I32 { return a.op2(opI32Sub, b) }

// Mul is a * b.
func (a I32) Mul(b I32) I32 { return a.op2(opI32Mul, b) }

// DivU is a / b, both unsigned. It traps where b is 0.
func (a I32) DivU(b I32) I32 { return a.op2(opI32DivU, b) }

// RemU is a modulo b, both unsigned. It traps where b is 0.
func (a I32) RemU(b I32) I32 { return a.op2(opI32RemU, b) }

// And is the bitwise conjunction.
func (a I32) And(b I32) I32 { return a.op2(opI32And, b) }

// Or is the bitwise disjunction.
func (a I32) Or(b I32) I32 { return a.op2(opI32Or, b) }

// Xor is the bitwise exclusive disjunction.
func (a I32) Xor(b I32) I32 { return a.op2(opI32Xor, b) }

// Shl is a << b.
func (a I32) Shl(b I32) I32 { return a.op2(opI32Shl, b) }

// Clz counts leading zeros.
func (a I32) Clz() I32 { return a.op(opI32Clz) }

// Ctz counts trailing zeros.
func (a I32) Ctz() I32 { return a.op(opI32Ctz) }

// AddI is a + n. Adding nothing is a itself.
func (a I32) AddI(n int32) I32 {
	if n == 0 {
		return a
	}
	return a.Add(a.imm(n))
}

// MulI is a * n.
func (a I32) MulI(n int32) I32 { return a.Mul(a.imm(n)) }

// DivUI is a / n, unsigned.
func (a I32) DivUI(n int32) I32 { return a.DivU(a.imm(n)) }

// AndI is a & n.
func (a I32) AndI(n int32) I32 { return a.And(a.imm(n)) }

// OrI is a | n.
func (a I32) OrI(n int32) I32 { return a.Or(a.imm(n)) }

// XorI is a ^ n.
func (a I32) XorI(n int32) I32 { return a.Xor(a.imm(n)) }

// ShlI is a << n.
func (a I32) ShlI(n int32) I32 { return a.op2(opI32Shl, a.imm(n)) }

// ShrSI is a >> n, keeping the sign.
func (a I32) ShrSI(n int32) I32 { return a.op2(opI32ShrS, a.imm(n)) }

// ShrUI is a >> n, unsigned.
func (a I32) ShrUI(n int32) I32 { return a.op2(opI32ShrU, a.imm(n)) }

// Comparisons are 1 where they hold and 0 where not; S compares signed, U
// unsigned, I with a constant.

// Eqz is a == 0.
func (a I32) Eqz() I32 { return a.op(opI32Eqz) }

// Eq is a == b.
func (a I32) Eq(b I32) I32 { return a.op2(opI32Eq, b) }

// Ne is a != b.
func (a I32) Ne(b I32) I32 { return a.op2(opI32Ne, b) }

// LtS is a < b.
func (a I32) LtS(b I32) I32 { return a.op2(opI32LtS, b) }

// LtU is a < b.
func (a I32) LtU(b I32) I32 { return a.op2(opI32LtU, b) }

// GtS is a > b.
func (a I32) GtS(b I32) I32 { return a.op2(opI32GtS, b) }

// GtU is a > b.
func (a I32) GtU(b I32) I32 { return a.op2(opI32GtU, b) }

// LeS is a <= b.
func (a I32) LeS(b I32) I32 { return a.op2(opI32LeS, b) }

// LeU is a <= b.
func (a I32) LeU(b I32) I32 { return a.op2(opI32LeU, b) }

// GeS is a >= b.
func (a I32) GeS(b I32) I32 { return a.op2(opI32GeS, b) }

// GeU is a >= b.
func (a I32) GeU(b I32) I32 { return a.op2(opI32GeU, b) }

// EqI is a == n.
func (a I32) EqI(n int32) I32 { return a.Eq(a.imm(n)) }

// NeI is a != n.
func (a I32) NeI(n int32) I32 { return a.Ne(a.imm(n)) }

// LtSI is a < n.
func (a I32) LtSI(n int32) I32 { return a.LtS(a.imm(n)) }

// GtSI is a > n.
func (a I32) GtSI(n int32) I32 { return a.GtS(a.imm(n)) }

// LeSI is a <= n.
func (a I32) LeSI(n int32) I32 { return a.LeS(a.imm(n)) }

// GeSI is a >= n.
func (a I32) GeSI(n int32) I32 { return a.GeS(a.imm(n)) }

// LtUI is a < n.
func (a I32) LtUI(n int32) I32 { return a.LtU(a.imm(n)) }

// GtUI is a > n.
func (a I32) GtUI(n int32) I32 { return a.GtU(a.imm(n)) }

// GeUI is a >= n.
func (a I32) GeUI(n int32) I32 { return a.GeU(a.imm(n)) }

// Select is a where cond is not 0, else b. All three are evaluated.
func (a I32) Select(cond, b I32) I32 {
	return I32{expr(instr{op: opSelect}, a.node, b.node, cond.node)}
}

// Float reinterprets the bits.
func (a I32) Float() F32 { return F32{expr(instr{op: opF32FromI32}, a.node)} }

// ConvertU is the float nearest to a, unsigned.
func (a I32) ConvertU() F32 { return F32{expr(instr{op: opF32ConvertU}, a.node)} }

// I16x8Splat copies the low half of a into eight lanes.
func (a I32) I16x8Splat() V128 { return V128{expr(instr{op: opI16x8Splat}, a.node)} }

// I32x4Splat copies a into four lanes.
func (a I32) I32x4Splat() V128 { return V128{expr(instr{op: opI32x4Splat}, a.node)} }

func (a F32) op2(o *opcode, b F32) F32 { return F32{expr(instr{op: o}, a.node, b.node)} }

// Add is a + b.
func (a F32) Add(b F32) F32 { return a.op2(opF32Add, b) }

// Sub is a - b.
func (a F32) Sub(b F32) F32 { return a.op2(opF32Sub, b) }

// Mul is a * b.
func (a F32) Mul(b F32) F32 { return a.op2(opF32Mul, b) }

// Div is a / b.
func (a F32) Div(b F32) F32 { return a.op2(opF32Div, b) }

// Min is the smaller of a and b, NaN where either is.
func (a F32) Min(b F32) F32 { return a.op2(opF32Min, b) }

// Max is the larger of a and b, NaN where either is.
func (a F32) Max(b F32) F32 { return a.op2(opF32Max, b) }

// Eq is 1 where a == b.
func (a F32) Eq(b F32) I32 { return I32{expr(instr{op: opF32Eq}, a.node, b.node)} }

// Lt is 1 where a < b.
func (a F32) Lt(b F32) I32 { return I32{expr(instr{op: opF32Lt}, a.node, b.node)} }

// Bits reinterprets the float as an integer.
func (a F32) Bits() I32 { return I32{expr(instr{op: opI32FromF32}, a.node)} }

// Splat copies a into four lanes.
func (a F32) Splat() V128 { return V128{expr(instr{op: opF32x4Splat}, a.node)} }
