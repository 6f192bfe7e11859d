package asm

import "strings"

// Type is a value type, as encoded in the binary format.
type Type byte

// The value types.
const (
	TypeI32  Type = 0x7f
	TypeI64  Type = 0x7e
	TypeF32  Type = 0x7d
	TypeV128 Type = 0x7b
)

func (t Type) String() string {
	switch t {
	case TypeI32:
		return "i32"
	case TypeI64:
		return "i64"
	case TypeF32:
		return "f32"
	case TypeV128:
		return "v128"
	}
	return "unknown"
}

// Signature is a function type.
type Signature struct {
	Params  []Type
	Results []Type // none or one
}

func (s Signature) String() string {
	var b strings.Builder
	list := func(word string, types []Type) {
		if len(types) == 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("(" + word)
		for _, t := range types {
			b.WriteString(" " + t.String())
		}
		b.WriteByte(')')
	}
	list("param", s.Params)
	list("result", s.Results)
	return b.String()
}

func (s Signature) equal(o Signature) bool {
	return s.String() == o.String()
}

// Features are the extensions of WebAssembly 1.0 a module may use.
type Features uint8

// The features. A module that holds one instruction of a feature fails to
// compile on an engine without it.
const (
	SIMD    Features = 1 << iota // 128-bit vectors
	Relaxed                      // relaxed vector instructions (fused multiply-add)
	Threads                      // shared memory and atomics
	Bulk                         // memory.copy and memory.fill
)

var featureNames = map[Features]string{SIMD: "simd", Relaxed: "relaxed-simd", Threads: "threads", Bulk: "bulk-memory"}

// Limits bound the size of a memory in pages of 64 KiB. Max 0 is no maximum.
type Limits struct {
	Min, Max uint32
	Shared   bool
}
