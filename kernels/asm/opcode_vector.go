package asm

// Vector instructions (WebAssembly Core 2.0, section 5.4.8) and the relaxed
// ones of WebAssembly 3.0.
var (
	opV128Load        = vectorLoad("v128.load", 0, 4)
	opV128Load8x8S    = vectorLoad("v128.load8x8_s", 1, 3)
	opV128Load8x8U    = vectorLoad("v128.load8x8_u", 2, 3)
	opV128Load16x4S   = vectorLoad("v128.load16x4_s", 3, 3)
	opV128Load16x4U   = vectorLoad("v128.load16x4_u", 4, 3)
	opV128Load32Splat = vectorLoad("v128.load32_splat", 9, 2)
	opV128Load64Splat = vectorLoad("v128.load64_splat", 10, 3)
	opV128Load32Zero  = vectorLoad("v128.load32_zero", 92, 2)
	opV128Load64Zero  = vectorLoad("v128.load64_zero", 93, 3)
	opV128Store       = &opcode{name: "v128.store", prefix: prefixVector, code: 11, params: []Type{TypeI32, TypeV128},
		imm: immMemory, width: 4, feature: SIMD}
	opV128Load32Lane  = vectorLane("v128.load32_lane", 86, TypeV128, 2, 4)
	opV128Store16Lane = vectorLane("v128.store16_lane", 89, 0, 1, 8)
	opV128Store32Lane = vectorLane("v128.store32_lane", 90, 0, 2, 4)
	opV128Store64Lane = vectorLane("v128.store64_lane", 91, 0, 3, 2)

	opV128Const = &opcode{name: "v128.const", prefix: prefixVector, code: 12, result: TypeV128, imm: immV128, feature: SIMD}
	opShuffle   = &opcode{name: "i8x16.shuffle", prefix: prefixVector, code: 13, params: []Type{TypeV128, TypeV128},
		result: TypeV128, imm: immShuffle, feature: SIMD}

	opI16x8Splat   = vector("i16x8.splat", 16, TypeV128, TypeI32)
	opI32x4Splat   = vector("i32x4.splat", 17, TypeV128, TypeI32)
	opF32x4Splat   = vector("f32x4.splat", 19, TypeV128, TypeF32)
	opI32x4Extract = extract("i32x4.extract_lane", 27, TypeI32, 4)
	opF32x4Extract = extract("f32x4.extract_lane", 31, TypeF32, 4)

	opV128Not       = vector("v128.not", 77, TypeV128, TypeV128)
	opV128And       = binaryVector("v128.and", 78)
	opV128AndNot    = binaryVector("v128.andnot", 79)
	opV128Or        = binaryVector("v128.or", 80)
	opV128Xor       = binaryVector("v128.xor", 81)
	opV128Bitselect = vector("v128.bitselect", 82, TypeV128, TypeV128, TypeV128, TypeV128)
	opV128AnyTrue   = vector("v128.any_true", 83, TypeI32, TypeV128)

	opI8x16NarrowU   = binaryVector("i8x16.narrow_i16x8_u", 102)
	opI16x8NarrowS   = binaryVector("i16x8.narrow_i32x4_s", 133)
	opI16x8GeU       = binaryVector("i16x8.ge_u", 54)
	opI16x8ExtendLoU = vector("i16x8.extend_low_i8x16_u", 137, TypeV128, TypeV128)
	opI32x4ExtendLoU = vector("i32x4.extend_low_i16x8_u", 169, TypeV128, TypeV128)
	opI32x4ExtendHiU = vector("i32x4.extend_high_i16x8_u", 170, TypeV128, TypeV128)
	opI32x4ExtendLoS = vector("i32x4.extend_low_i16x8_s", 167, TypeV128, TypeV128)
	opI32x4ExtendHiS = vector("i32x4.extend_high_i16x8_s", 168, TypeV128, TypeV128)
	opI32x4Eq        = binaryVector("i32x4.eq", 55)
	opI32x4LtU       = binaryVector("i32x4.lt_u", 58)
	opI32x4GeU       = binaryVector("i32x4.ge_u", 64)
	opI32x4Shl       = vector("i32x4.shl", 171, TypeV128, TypeV128, TypeI32)
	opI32x4ShrS      = vector("i32x4.shr_s", 172, TypeV128, TypeV128, TypeI32)
	opI32x4ShrU      = vector("i32x4.shr_u", 173, TypeV128, TypeV128, TypeI32)
	opI32x4Add       = binaryVector("i32x4.add", 174)
	opI32x4Sub       = binaryVector("i32x4.sub", 177)
	opI32x4Mul       = binaryVector("i32x4.mul", 181)
	opI32x4Dot       = binaryVector("i32x4.dot_i16x8_s", 186)

	opF32x4Lt       = binaryVector("f32x4.lt", 67)
	opF32x4Add      = binaryVector("f32x4.add", 228)
	opF32x4Sub      = binaryVector("f32x4.sub", 229)
	opF32x4Mul      = binaryVector("f32x4.mul", 230)
	opF32x4Pmin     = binaryVector("f32x4.pmin", 234)
	opF32x4Pmax     = binaryVector("f32x4.pmax", 235)
	opF32x4ConvertS = vector("f32x4.convert_i32x4_s", 250, TypeV128, TypeV128)

	opF32x4RelaxedMadd = &opcode{name: "f32x4.relaxed_madd", prefix: prefixVector, code: 0x105,
		params: []Type{TypeV128, TypeV128, TypeV128}, result: TypeV128, feature: Relaxed}
)

func vector(name string, code uint32, result Type, params ...Type) *opcode {
	return &opcode{name: name, prefix: prefixVector, code: code, params: params, result: result, feature: SIMD}
}

func binaryVector(name string, code uint32) *opcode {
	return vector(name, code, TypeV128, TypeV128, TypeV128)
}

func vectorLoad(name string, code uint32, width uint8) *opcode {
	return &opcode{name: name, prefix: prefixVector, code: code, params: []Type{TypeI32}, result: TypeV128,
		imm: immMemory, width: width, feature: SIMD}
}

// vectorLane is a load into or a store from one lane.
func vectorLane(name string, code uint32, result Type, width, lanes uint8) *opcode {
	return &opcode{name: name, prefix: prefixVector, code: code, params: []Type{TypeI32, TypeV128}, result: result,
		imm: immMemoryLane, width: width, lanes: lanes, feature: SIMD}
}

func extract(name string, code uint32, result Type, lanes uint8) *opcode {
	return &opcode{name: name, prefix: prefixVector, code: code, params: []Type{TypeV128}, result: result,
		imm: immLane, lanes: lanes, feature: SIMD}
}
