package asm

func (a V128) op(o *opcode) V128          { return V128{expr(instr{op: o}, a.node)} }
func (a V128) op2(o *opcode, b V128) V128 { return V128{expr(instr{op: o}, a.node, b.node)} }
func (a V128) shift(o *opcode, n int32) V128 {
	return V128{expr(instr{op: o}, a.node, I32{a.node}.imm(n).node)}
}

// F32x4Add is a + b.
func (a V128) F32x4Add(b V128) V128 { return a.op2(opF32x4Add, b) }

// F32x4Sub is a - b.
func (a V128) F32x4Sub(b V128) V128 { return a.op2(opF32x4Sub, b) }

// F32x4Mul is a * b.
func (a V128) F32x4Mul(b V128) V128 { return a.op2(opF32x4Mul, b) }

// F32x4Pmin is b < a ? b : a: NaN in a stays.
func (a V128) F32x4Pmin(b V128) V128 { return a.op2(opF32x4Pmin, b) }

// F32x4Pmax is a < b ? b : a: NaN in a stays.
func (a V128) F32x4Pmax(b V128) V128 { return a.op2(opF32x4Pmax, b) }

// F32x4Lt is all ones in the lanes where a < b.
func (a V128) F32x4Lt(b V128) V128 { return a.op2(opF32x4Lt, b) }

// F32x4ConvertS converts signed integers to the nearest floats.
func (a V128) F32x4ConvertS() V128 { return a.op(opF32x4ConvertS) }

// F32x4RelaxedMadd is a*b + c, rounded once or twice as the engine chooses.
func (a V128) F32x4RelaxedMadd(b, c V128) V128 {
	return V128{expr(instr{op: opF32x4RelaxedMadd}, a.node, b.node, c.node)}
}

// I32x4Add is a + b.
func (a V128) I32x4Add(b V128) V128 { return a.op2(opI32x4Add, b) }

// I32x4Sub is a - b.
func (a V128) I32x4Sub(b V128) V128 { return a.op2(opI32x4Sub, b) }

// I32x4Mul is a * b.
func (a V128) I32x4Mul(b V128) V128 { return a.op2(opI32x4Mul, b) }

// I32x4Dot adds neighbouring products of signed 16-bit lanes.
func (a V128) I32x4Dot(b V128) V128 { return a.op2(opI32x4Dot, b) }

// I32x4Eq is all ones in the lanes where a == b.
func (a V128) I32x4Eq(b V128) V128 { return a.op2(opI32x4Eq, b) }

// I32x4LtU is all ones in the lanes where a < b, unsigned.
func (a V128) I32x4LtU(b V128) V128 { return a.op2(opI32x4LtU, b) }

// I32x4GeU is all ones in the lanes where a >= b, unsigned.
func (a V128) I32x4GeU(b V128) V128 { return a.op2(opI32x4GeU, b) }

// I16x8GeU is all ones in the 16-bit lanes where a >= b, unsigned.
func (a V128) I16x8GeU(b V128) V128 { return a.op2(opI16x8GeU, b) }

// I32x4Shl is a << n.
func (a V128) I32x4Shl(n int32) V128 { return a.shift(opI32x4Shl, n) }

// I32x4ShrS is a >> n, keeping the sign.
func (a V128) I32x4ShrS(n int32) V128 { return a.shift(opI32x4ShrS, n) }

// I32x4ShrU is a >> n, unsigned.
func (a V128) I32x4ShrU(n int32) V128 { return a.shift(opI32x4ShrU, n) }

// I16x8ExtendLowU widens the low eight bytes.
func (a V128) I16x8ExtendLowU() V128 { return a.op(opI16x8ExtendLoU) }

// I32x4ExtendLowU widens the low four 16-bit lanes.
func (a V128) I32x4ExtendLowU() V128 { return a.op(opI32x4ExtendLoU) }

// I32x4ExtendHighU widens the high four 16-bit lanes.
func (a V128) I32x4ExtendHighU() V128 { return a.op(opI32x4ExtendHiU) }

// I32x4ExtendLowS widens the low four 16-bit lanes, keeping the sign.
func (a V128) I32x4ExtendLowS() V128 { return a.op(opI32x4ExtendLoS) }

// I32x4ExtendHighS widens the high four 16-bit lanes, keeping the sign.
func (a V128) I32x4ExtendHighS() V128 { return a.op(opI32x4ExtendHiS) }

// I16x8NarrowS saturates eight 32-bit lanes, a's first, to signed 16 bits.
func (a V128) I16x8NarrowS(b V128) V128 { return a.op2(opI16x8NarrowS, b) }

// I8x16NarrowU saturates sixteen signed 16-bit lanes, a's first, to bytes.
func (a V128) I8x16NarrowU(b V128) V128 { return a.op2(opI8x16NarrowU, b) }

// And is the bitwise conjunction.
func (a V128) And(b V128) V128 { return a.op2(opV128And, b) }

// AndNot is a & ^b.
func (a V128) AndNot(b V128) V128 { return a.op2(opV128AndNot, b) }

// Or is the bitwise disjunction.
func (a V128) Or(b V128) V128 { return a.op2(opV128Or, b) }

// Xor is the bitwise exclusive disjunction.
func (a V128) Xor(b V128) V128 { return a.op2(opV128Xor, b) }

// Not is the bitwise complement.
func (a V128) Not() V128 { return a.op(opV128Not) }

// Bitselect takes the bits of a where mask has ones and those of b elsewhere.
func (a V128) Bitselect(b, mask V128) V128 {
	return V128{expr(instr{op: opV128Bitselect}, a.node, b.node, mask.node)}
}

// AnyTrue is 1 where any bit is set.
func (a V128) AnyTrue() I32 { return I32{expr(instr{op: opV128AnyTrue}, a.node)} }

// F32x4Extract is one lane.
func (a V128) F32x4Extract(lane int) F32 {
	return F32{expr(instr{op: opF32x4Extract, lane: uint8(lane)}, a.node)}
}

// I32x4Extract is one lane.
func (a V128) I32x4Extract(lane int) I32 {
	return I32{expr(instr{op: opI32x4Extract, lane: uint8(lane)}, a.node)}
}

// Shuffle picks 16 bytes out of a (0..15) and b (16..31).
func (a V128) Shuffle(b V128, bytes [16]byte) V128 {
	return V128{expr(instr{op: opShuffle, wide: bytes}, a.node, b.node)}
}

// ShuffleI32x4 picks four 32-bit lanes out of a (0..3) and b (4..7).
func (a V128) ShuffleI32x4(b V128, i, j, k, l byte) V128 {
	var bytes [16]byte
	for n, lane := range [4]byte{i, j, k, l} {
		for o := range byte(4) {
			bytes[4*n+int(o)] = 4*lane + o
		}
	}
	return a.Shuffle(b, bytes)
}

// ShuffleI16x8 picks eight 16-bit lanes out of a (0..7) and b (8..15).
func (a V128) ShuffleI16x8(b V128, lanes [8]byte) V128 {
	var bytes [16]byte
	for n, lane := range lanes {
		bytes[2*n], bytes[2*n+1] = 2*lane, 2*lane+1
	}
	return a.Shuffle(b, bytes)
}
