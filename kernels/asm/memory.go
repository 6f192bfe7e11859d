package asm

// Loads and stores take the address from the receiver and add a constant
// offset to it without wrapping. None needs alignment; 4-byte alignment is
// hinted for what is wider, as tensors promise no more.

func (a I32) access(o *opcode, offset uint32, values ...node) node {
	return expr(instr{op: o, index: offset}, append([]node{a.node}, values...)...)
}

func (a I32) accessLane(o *opcode, offset uint32, lane int, v V128) node {
	return expr(instr{op: o, index: offset, lane: uint8(lane)}, a.node, v.node)
}

func (a I32) emit(n node) {
	if n.f != nil {
		n.f.emit(n)
	}
}

// Load is the word at a+offset.
func (a I32) Load(offset uint32) I32 { return I32{a.access(opI32Load, offset)} }

// Load8U is the byte at a+offset.
func (a I32) Load8U(offset uint32) I32 { return I32{a.access(opI32Load8U, offset)} }

// Load16U is the 16-bit value at a+offset.
func (a I32) Load16U(offset uint32) I32 { return I32{a.access(opI32Load16U, offset)} }

// LoadF32 is the float at a+offset.
func (a I32) LoadF32(offset uint32) F32 { return F32{a.access(opF32Load, offset)} }

// Store stores a word.
func (a I32) Store(offset uint32, v I32) { a.emit(a.access(opI32Store, offset, v.node)) }

// Store8 stores the low byte of v.
func (a I32) Store8(offset uint32, v I32) { a.emit(a.access(opI32Store8, offset, v.node)) }

// Store16 stores the low half of v.
func (a I32) Store16(offset uint32, v I32) { a.emit(a.access(opI32Store16, offset, v.node)) }

// StoreF32 stores a float.
func (a I32) StoreF32(offset uint32, v F32) { a.emit(a.access(opF32Store, offset, v.node)) }

// V128Load loads 16 bytes.
func (a I32) V128Load(offset uint32) V128 { return V128{a.access(opV128Load, offset)} }

// V128Load32Splat copies one word into four lanes.
func (a I32) V128Load32Splat(offset uint32) V128 { return V128{a.access(opV128Load32Splat, offset)} }

// V128Load64Splat copies two words into both halves.
func (a I32) V128Load64Splat(offset uint32) V128 { return V128{a.access(opV128Load64Splat, offset)} }

// V128Load32Zero loads one word into lane 0 and zeros the rest.
func (a I32) V128Load32Zero(offset uint32) V128 { return V128{a.access(opV128Load32Zero, offset)} }

// V128Load64Zero loads two words into the low lanes and zeros the rest.
func (a I32) V128Load64Zero(offset uint32) V128 { return V128{a.access(opV128Load64Zero, offset)} }

// V128Load8x8U loads eight bytes into 16-bit lanes.
func (a I32) V128Load8x8U(offset uint32) V128 { return V128{a.access(opV128Load8x8U, offset)} }

// V128Load16x4U loads four 16-bit values into 32-bit lanes.
func (a I32) V128Load16x4U(offset uint32) V128 { return V128{a.access(opV128Load16x4U, offset)} }

// V128Load16x4S loads four signed 16-bit values into 32-bit lanes.
func (a I32) V128Load16x4S(offset uint32) V128 { return V128{a.access(opV128Load16x4S, offset)} }

// V128Load32Lane is v with one 32-bit lane loaded.
func (a I32) V128Load32Lane(offset uint32, lane int, v V128) V128 {
	return V128{a.accessLane(opV128Load32Lane, offset, lane, v)}
}

// V128Store stores 16 bytes.
func (a I32) V128Store(offset uint32, v V128) { a.emit(a.access(opV128Store, offset, v.node)) }

// V128Store16Lane stores one 16-bit lane.
func (a I32) V128Store16Lane(offset uint32, lane int, v V128) {
	a.emit(a.accessLane(opV128Store16Lane, offset, lane, v))
}

// V128Store32Lane stores one 32-bit lane.
func (a I32) V128Store32Lane(offset uint32, lane int, v V128) {
	a.emit(a.accessLane(opV128Store32Lane, offset, lane, v))
}

// V128Store64Lane stores one 64-bit lane.
func (a I32) V128Store64Lane(offset uint32, lane int, v V128) {
	a.emit(a.accessLane(opV128Store64Lane, offset, lane, v))
}

// MemoryFill sets n bytes from a to the low byte of v.
func (a I32) MemoryFill(v, n I32) { a.emit(expr(instr{op: opMemoryFill}, a.node, v.node, n.node)) }

// MemoryCopy copies n bytes from src to a; the ranges may overlap.
func (a I32) MemoryCopy(src, n I32) {
	a.emit(expr(instr{op: opMemoryCopy}, a.node, src.node, n.node))
}

// AtomicLoad is the word at a+offset, sequentially consistent as all atomics.
func (a I32) AtomicLoad(offset uint32) I32 { return I32{a.access(opAtomicLoad, offset)} }

// AtomicStore stores a word.
func (a I32) AtomicStore(offset uint32, v I32) { a.emit(a.access(opAtomicStore, offset, v.node)) }

// AtomicAdd adds v to the word at a+offset and is its old value.
func (a I32) AtomicAdd(offset uint32, v I32) I32 {
	return I32{a.access(opAtomicAdd, offset, v.node)}
}

// AtomicSub subtracts v from the word at a+offset and is its old value.
func (a I32) AtomicSub(offset uint32, v I32) I32 {
	return I32{a.access(opAtomicSub, offset, v.node)}
}

// AtomicOr sets the bits of v in the word at a+offset and is its old value.
func (a I32) AtomicOr(offset uint32, v I32) I32 {
	return I32{a.access(opAtomicOr, offset, v.node)}
}

// AtomicXchg stores v and is the old value.
func (a I32) AtomicXchg(offset uint32, v I32) I32 {
	return I32{a.access(opAtomicXchg, offset, v.node)}
}

// AtomicCmpxchg stores v where the word equals expected; it is the old value.
func (a I32) AtomicCmpxchg(offset uint32, expected, v I32) I32 {
	return I32{a.access(opAtomicCmpxchg, offset, expected.node, v.node)}
}

// AtomicWait sleeps while the word at a+offset equals expected, for at most
// timeout nanoseconds (negative: for ever). It is 0 when notified, 1 where the
// word differs, 2 when the time is over.
func (a I32) AtomicWait(offset uint32, expected I32, timeout I64) I32 {
	return I32{a.access(opAtomicWait32, offset, expected.node, timeout.node)}
}

// AtomicNotify wakes at most count of those who wait at a+offset and is how
// many it woke.
func (a I32) AtomicNotify(offset uint32, count I32) I32 {
	return I32{a.access(opAtomicNotify, offset, count.node)}
}
