package slim

import (
	"errors"
	"io"
)

// reader reads the binary format and keeps the first error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		if r.err == nil {
			r.err = io.ErrUnexpectedEOF
		}
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		if r.err == nil {
			r.err = io.ErrUnexpectedEOF
		}
		r.rest = nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// unsigned reads a u32 in LEB128 (WebAssembly Core Specification, section 5.2.2).
func (r *reader) unsigned() uint64 {
	v, _, _ := r.leb128()
	return v
}

// signed reads an i32.
func (r *reader) signed() int64 {
	v, shift, negative := r.leb128()
	if negative && shift < 64 {
		return int64(v) | -1<<shift
	}
	return int64(v)
}

func (r *reader) leb128() (v uint64, shift uint, negative bool) {
	for shift < 35 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		shift += 7
		if b < 0x80 {
			return v, shift, b&0x40 != 0
		}
	}
	if r.err == nil {
		r.err = errors.New("a number has more than 32 bits")
	}
	return 0, shift, false
}

func appendUnsigned(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendSigned(b []byte, v int64) []byte {
	for v < -0x40 || v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}
