package asm

// immediate says what follows an opcode in the binary format.
type immediate uint8

const (
	immNone immediate = iota
	immMemory
	immMemoryLane
	immLane
	immShuffle
	immBlock
	immLabel
	immLabels
	immLocal
	immGlobal
	immFunc
	immIndirect
	immI32
	immI64
	immF32
	immV128
	immZero  // one zero byte: a memory index
	immZero2 // two
)

// An opcode describes an instruction: how it is written and what it does to the
// operand stack. Instructions whose types depend on their immediates have none
// here; the validator knows them.
type opcode struct {
	name    string
	prefix  byte // 0 for none
	code    uint32
	params  []Type
	result  Type // 0 for none
	imm     immediate
	width   uint8 // log2 of the bytes accessed
	lanes   uint8 // lanes an immLane or immMemoryLane may name
	feature Features
}

const (
	prefixBulk   = 0xfc
	prefixVector = 0xfd
	prefixAtomic = 0xfe
)

// Control and variable instructions.
var (
	opUnreachable  = &opcode{name: "unreachable", code: 0x00}
	opBlock        = &opcode{name: "block", code: 0x02, imm: immBlock}
	opLoop         = &opcode{name: "loop", code: 0x03, imm: immBlock}
	opIf           = &opcode{name: "if", code: 0x04, params: []Type{TypeI32}, imm: immBlock}
	opElse         = &opcode{name: "else", code: 0x05}
	opEnd          = &opcode{name: "end", code: 0x0b}
	opBr           = &opcode{name: "br", code: 0x0c, imm: immLabel}
	opBrIf         = &opcode{name: "br_if", code: 0x0d, params: []Type{TypeI32}, imm: immLabel}
	opBrTable      = &opcode{name: "br_table", code: 0x0e, params: []Type{TypeI32}, imm: immLabels}
	opReturn       = &opcode{name: "return", code: 0x0f}
	opCall         = &opcode{name: "call", code: 0x10, imm: immFunc}
	opCallIndirect = &opcode{name: "call_indirect", code: 0x11, imm: immIndirect}
	opDrop         = &opcode{name: "drop", code: 0x1a}
	opSelect       = &opcode{name: "select", code: 0x1b}
	opLocalGet     = &opcode{name: "local.get", code: 0x20, imm: immLocal}
	opLocalSet     = &opcode{name: "local.set", code: 0x21, imm: immLocal}
	opGlobalGet    = &opcode{name: "global.get", code: 0x23, imm: immGlobal}
	opGlobalSet    = &opcode{name: "global.set", code: 0x24, imm: immGlobal}
)

// Scalar instructions.
var (
	opI32Const    = &opcode{name: "i32.const", code: 0x41, result: TypeI32, imm: immI32}
	opI64Const    = &opcode{name: "i64.const", code: 0x42, result: TypeI64, imm: immI64}
	opF32Const    = &opcode{name: "f32.const", code: 0x43, result: TypeF32, imm: immF32}
	opI32Load     = load("i32.load", 0x28, TypeI32, 2)
	opF32Load     = load("f32.load", 0x2a, TypeF32, 2)
	opI32Load8S   = load("i32.load8_s", 0x2c, TypeI32, 0)
	opI32Load8U   = load("i32.load8_u", 0x2d, TypeI32, 0)
	opI32Load16S  = load("i32.load16_s", 0x2e, TypeI32, 1)
	opI32Load16U  = load("i32.load16_u", 0x2f, TypeI32, 1)
	opI32Store    = store("i32.store", 0x36, TypeI32, 2)
	opF32Store    = store("f32.store", 0x38, TypeF32, 2)
	opI32Store8   = store("i32.store8", 0x3a, TypeI32, 0)
	opI32Store16  = store("i32.store16", 0x3b, TypeI32, 1)
	opMemorySize  = &opcode{name: "memory.size", code: 0x3f, result: TypeI32, imm: immZero}
	opMemoryGrow  = &opcode{name: "memory.grow", code: 0x40, params: []Type{TypeI32}, result: TypeI32, imm: immZero}
	opMemoryCopy  = &opcode{name: "memory.copy", prefix: prefixBulk, code: 10, params: []Type{TypeI32, TypeI32, TypeI32}, imm: immZero2, feature: Bulk}
	opMemoryFill  = &opcode{name: "memory.fill", prefix: prefixBulk, code: 11, params: []Type{TypeI32, TypeI32, TypeI32}, imm: immZero, feature: Bulk}
	opI32Eqz      = scalar("i32.eqz", 0x45, TypeI32, TypeI32)
	opI32Eq       = scalar("i32.eq", 0x46, TypeI32, TypeI32, TypeI32)
	opI32Ne       = scalar("i32.ne", 0x47, TypeI32, TypeI32, TypeI32)
	opI32LtS      = scalar("i32.lt_s", 0x48, TypeI32, TypeI32, TypeI32)
	opI32LtU      = scalar("i32.lt_u", 0x49, TypeI32, TypeI32, TypeI32)
	opI32GtS      = scalar("i32.gt_s", 0x4a, TypeI32, TypeI32, TypeI32)
	opI32GtU      = scalar("i32.gt_u", 0x4b, TypeI32, TypeI32, TypeI32)
	opI32LeS      = scalar("i32.le_s", 0x4c, TypeI32, TypeI32, TypeI32)
	opI32LeU      = scalar("i32.le_u", 0x4d, TypeI32, TypeI32, TypeI32)
	opI32GeS      = scalar("i32.ge_s", 0x4e, TypeI32, TypeI32, TypeI32)
	opI32GeU      = scalar("i32.ge_u", 0x4f, TypeI32, TypeI32, TypeI32)
	opI32Clz      = scalar("i32.clz", 0x67, TypeI32, TypeI32)
	opI32Ctz      = scalar("i32.ctz", 0x68, TypeI32, TypeI32)
	opI32Add      = scalar("i32.add", 0x6a, TypeI32, TypeI32, TypeI32)
	opI32Sub      = scalar("i32.sub", 0x6b, TypeI32, TypeI32, TypeI32)
	opI32Mul      = scalar("i32.mul", 0x6c, TypeI32, TypeI32, TypeI32)
	opI32DivU     = scalar("i32.div_u", 0x6e, TypeI32, TypeI32, TypeI32)
	opI32RemU     = scalar("i32.rem_u", 0x70, TypeI32, TypeI32, TypeI32)
	opI32And      = scalar("i32.and", 0x71, TypeI32, TypeI32, TypeI32)
	opI32Or       = scalar("i32.or", 0x72, TypeI32, TypeI32, TypeI32)
	opI32Xor      = scalar("i32.xor", 0x73, TypeI32, TypeI32, TypeI32)
	opI32Shl      = scalar("i32.shl", 0x74, TypeI32, TypeI32, TypeI32)
	opI32ShrS     = scalar("i32.shr_s", 0x75, TypeI32, TypeI32, TypeI32)
	opI32ShrU     = scalar("i32.shr_u", 0x76, TypeI32, TypeI32, TypeI32)
	opF32Eq       = scalar("f32.eq", 0x5b, TypeI32, TypeF32, TypeF32)
	opF32Lt       = scalar("f32.lt", 0x5d, TypeI32, TypeF32, TypeF32)
	opF32Add      = scalar("f32.add", 0x92, TypeF32, TypeF32, TypeF32)
	opF32Sub      = scalar("f32.sub", 0x93, TypeF32, TypeF32, TypeF32)
	opF32Mul      = scalar("f32.mul", 0x94, TypeF32, TypeF32, TypeF32)
	opF32Div      = scalar("f32.div", 0x95, TypeF32, TypeF32, TypeF32)
	opF32Min      = scalar("f32.min", 0x96, TypeF32, TypeF32, TypeF32)
	opF32Max      = scalar("f32.max", 0x97, TypeF32, TypeF32, TypeF32)
	opF32ConvertU = scalar("f32.convert_i32_u", 0xb3, TypeF32, TypeI32)
	opI32FromF32  = scalar("i32.reinterpret_f32", 0xbc, TypeI32, TypeF32)
	opF32FromI32  = scalar("f32.reinterpret_i32", 0xbe, TypeF32, TypeI32)
)

// Atomic instructions.
var (
	opAtomicNotify  = atomic("memory.atomic.notify", 0x00, TypeI32, TypeI32, TypeI32)
	opAtomicWait32  = atomic("memory.atomic.wait32", 0x01, TypeI32, TypeI32, TypeI32, TypeI64)
	opAtomicLoad    = atomic("i32.atomic.load", 0x10, TypeI32, TypeI32)
	opAtomicStore   = atomic("i32.atomic.store", 0x17, 0, TypeI32, TypeI32)
	opAtomicAdd     = atomic("i32.atomic.rmw.add", 0x1e, TypeI32, TypeI32, TypeI32)
	opAtomicSub     = atomic("i32.atomic.rmw.sub", 0x25, TypeI32, TypeI32, TypeI32)
	opAtomicOr      = atomic("i32.atomic.rmw.or", 0x33, TypeI32, TypeI32, TypeI32)
	opAtomicXchg    = atomic("i32.atomic.rmw.xchg", 0x41, TypeI32, TypeI32, TypeI32)
	opAtomicCmpxchg = atomic("i32.atomic.rmw.cmpxchg", 0x48, TypeI32, TypeI32, TypeI32, TypeI32)
)

func scalar(name string, code uint32, result Type, params ...Type) *opcode {
	return &opcode{name: name, code: code, params: params, result: result}
}

func load(name string, code uint32, result Type, width uint8) *opcode {
	return &opcode{name: name, code: code, params: []Type{TypeI32}, result: result, imm: immMemory, width: width}
}

func store(name string, code uint32, value Type, width uint8) *opcode {
	return &opcode{name: name, code: code, params: []Type{TypeI32, value}, imm: immMemory, width: width}
}

func atomic(name string, code uint32, result Type, params ...Type) *opcode {
	return &opcode{name: name, prefix: prefixAtomic, code: code, params: params, result: result,
		imm: immMemory, width: 2, feature: Threads}
}
