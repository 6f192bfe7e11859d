package weights

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxString is the longest tensor name or metadata key.
const maxString = 1 << 10

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// Browsers count how much code each function has run, by its length, and optimise the
// busy ones in the background, beside what the page waits for. That is why loops over
// many bytes or tensors are functions of their own here, not inlined, and what is
// rare, such as errors, too.

// scanner reads the one kind of JSON document a safetensors header is. The
// header is scanned twice: the first pass checks the grammar and counts, so that
// the second allocates every slice at its final size.
type scanner struct {
	src []byte
	pos int

	file   *File // nil in the first pass
	dims   []int // storage of all shapes, cut up in the second pass
	counts struct{ tensors, dims, metadata int }
}

// parseJSON parses a header. The tensors are in the header's order and their
// offsets not yet checked against each other.
func parseJSON(src []byte) (*File, error) {
	if !utf8.Valid(src) {
		return nil, errorf(BadHeader, "", "the header is not UTF-8 text: not a safetensors file")
	}
	s := scanner{src: src}
	if err := s.header(); err != nil {
		return nil, err
	}
	f := &File{
		Metadata: make(map[string]string, s.counts.metadata),
		Tensors:  make([]Tensor, 0, s.counts.tensors),
	}
	s = scanner{src: src, file: f, dims: make([]int, 0, s.counts.dims)}
	if err := s.header(); err != nil {
		return nil, err
	}
	return f, nil
}

// header reads { name: entry, ... } and the padding after it.
func (s *scanner) header() error {
	if s.src[0] != '{' {
		return s.fail("the header starts with ", strconv.QuoteRune(rune(s.src[0])), ", want '{'")
	}
	metadata := false
	err := s.object(func(name []byte) error {
		if string(name) != metadataKey {
			return s.tensor(name)
		}
		if metadata {
			return s.fail(metadataKey, " is there twice")
		}
		metadata = true
		return s.metadata()
	})
	if err != nil {
		return err
	}
	for ; s.pos < len(s.src); s.pos++ {
		if s.src[s.pos] != ' ' {
			return s.fail("only spaces may follow the header's closing brace")
		}
	}
	return nil
}

// metadata reads { key: string, ... }.
func (s *scanner) metadata() error {
	return s.object(func(key []byte) error {
		value, err := s.str()
		if err != nil {
			return err
		}
		if s.counts.metadata++; s.counts.metadata > MaxMetadata {
			return errorf(Oversized, "", "more than ", itoa(MaxMetadata), " metadata entries")
		}
		if s.file == nil {
			return nil
		}
		k, err := s.value(key)
		if err != nil {
			return err
		}
		if _, twice := s.file.Metadata[k]; twice {
			return s.fail("metadata key ", strconv.Quote(k), " is there twice")
		}
		v, err := s.value(value)
		if err != nil {
			return err
		}
		s.file.Metadata[k] = v
		return nil
	})
}

// tensor reads {"dtype": D, "shape": [...], "data_offsets": [begin, end]}, the
// three fields in any order.
func (s *scanner) tensor(name []byte) error {
	if s.counts.tensors++; s.counts.tensors > MaxTensors {
		return errorf(Oversized, "", "more than ", itoa(MaxTensors), " tensors")
	}
	var t Tensor
	if s.file != nil {
		var err error
		if t.Name, err = s.value(name); err != nil {
			return err
		}
	}
	var dtype, shape, offsets bool
	var begin, end int64
	err := s.object(func(field []byte) (err error) {
		seen := s.seen(field, &dtype, &shape, &offsets)
		if seen == nil || *seen {
			return s.badField(name, field, seen != nil)
		}
		*seen = true
		switch seen {
		case &dtype:
			t.DType, err = s.dtype(name)
		case &shape:
			t.Shape, err = s.shape(name)
		default:
			begin, end, err = s.offsets(name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !dtype || !shape || !offsets {
		return s.fail("tensor ", strconv.Quote(string(name)), " lacks one of dtype, shape and data_offsets")
	}
	t.Offset, t.Size = begin, end-begin
	if s.file != nil {
		s.file.Tensors = append(s.file.Tensors, t)
	}
	return nil
}

// seen returns the flag of a tensor's field, nil for an unknown field.
//
//go:noinline
func (s *scanner) seen(field []byte, dtype, shape, offsets *bool) *bool {
	switch string(field) {
	case "dtype":
		return dtype
	case "shape":
		return shape
	case "data_offsets":
		return offsets
	}
	return nil
}

//go:noinline
func (s *scanner) badField(name, field []byte, twice bool) error {
	if twice {
		return s.fail("field ", string(field), " is there twice in tensor ", strconv.Quote(string(name)))
	}
	return s.fail("unknown field ", strconv.Quote(string(field)), " in tensor ", strconv.Quote(string(name)))
}

func (s *scanner) dtype(name []byte) (DType, error) {
	raw, err := s.str()
	if err != nil {
		return "", err
	}
	for _, d := range dtypes {
		if string(raw) == string(d) {
			return d, nil
		}
	}
	return "", errorf(BadDType, string(name), "unknown element type ", strconv.Quote(printable(string(raw))))
}

func (s *scanner) shape(name []byte) ([]int, error) {
	start := len(s.dims)
	rank := 0
	err := s.array(func() error {
		n, err := s.integer()
		if err != nil {
			return err
		}
		if rank++; rank > MaxRank {
			return errorf(BadShape, string(name), "more than ", itoa(MaxRank), " dimensions")
		}
		if n > math.MaxInt {
			return errorf(BadShape, string(name), "dimension ", itoa(n), " is too large for this machine")
		}
		s.counts.dims++
		if s.file != nil {
			s.dims = append(s.dims, int(n))
		}
		return nil
	})
	return s.dims[start:len(s.dims):len(s.dims)], err
}

func (s *scanner) offsets(name []byte) (begin, end int64, err error) {
	var pair [2]int64
	n := 0
	err = s.array(func() error {
		v, err := s.integer()
		if err != nil {
			return err
		}
		if n < len(pair) {
			pair[n] = v
		}
		n++
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	if n != len(pair) {
		return 0, 0, errorf(BadOffsets, string(name), "data_offsets has ", itoa(int64(n)), " numbers, want [begin, end]")
	}
	if pair[0] > pair[1] {
		return 0, 0, errorf(BadOffsets, string(name), "data_offsets begin at ", itoa(pair[0]), " and end before it, at ", itoa(pair[1]))
	}
	return pair[0], pair[1], nil
}

// object reads { string: ..., ... } and calls member with each key, still
// escaped, to read the value.
func (s *scanner) object(member func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, err := s.str()
		if err != nil {
			return err
		}
		if len(key) > maxString {
			return errorf(Oversized, "", "a name of ", itoa(int64(len(key))), " bytes in the header, the limit is ", itoa(maxString))
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

// list reads open, comma separated items, close.
func (s *scanner) list(open, close byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.peek() == close {
		s.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.peek() == close {
			s.pos++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// peek skips JSON's white space and returns the byte after it, 0 at the end.
//
//go:noinline
func (s *scanner) peek() byte {
	for ; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if got := s.peek(); got != c || s.pos >= len(s.src) {
		return s.unexpected(c, got)
	}
	s.pos++
	return nil
}

//go:noinline
func (s *scanner) unexpected(want, got byte) error {
	if s.pos >= len(s.src) {
		return s.fail("the header ends where ", strconv.QuoteRune(rune(want)), " should follow")
	}
	return s.fail("want ", strconv.QuoteRune(rune(want)), ", got ", strconv.QuoteRune(rune(got)))
}

// str reads a string and returns what is between its quotes, still escaped.
func (s *scanner) str() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.pos
	s.pos += stringEnd(s.src[start:])
	if s.pos >= len(s.src) || s.src[s.pos] != '"' {
		return nil, s.unterminated()
	}
	s.pos++
	return s.src[start : s.pos-1], nil
}

//go:noinline
func (s *scanner) unterminated() error {
	if s.pos >= len(s.src) {
		return s.fail("the header ends inside a string")
	}
	return s.fail("control character in a string")
}

// stringEnd returns how many bytes come before the quote that ends a string, or before
// a control character, which none may have.
//
//go:noinline
func stringEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		if c := b[i]; c == '\\' {
			i++
		} else if c == '"' || c < ' ' {
			return i
		}
	}
	return len(b)
}

// integer reads a JSON number that is a non-negative integer.
func (s *scanner) integer() (int64, error) {
	first := s.peek()
	n, length := digits(s.src[s.pos:])
	if length == 0 {
		return 0, s.fail("want a non-negative integer")
	}
	s.pos += length
	if n < 0 {
		return 0, s.fail("a number beyond 63 bits")
	}
	if first == '0' && length > 1 {
		return 0, s.fail("a number with a leading zero")
	}
	return n, nil
}

// digits reads the digits that b begins with: -1 and those that fit where they are a
// number beyond 63 bits.
//
//go:noinline
func digits(b []byte) (n int64, length int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		if n > (math.MaxInt64-int64(c-'0'))/10 {
			return -1, length
		}
		n = n*10 + int64(c-'0')
		length++
	}
	return n, length
}

// value returns the value of a string.
func (s *scanner) value(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	return s.unescape(raw)
}

// unescape returns the value of a string that may have escapes.
func (s *scanner) unescape(raw []byte) (string, error) {
	out := make([]byte, 0, len(raw))
	for rest := raw; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			return string(append(out, rest...)), nil
		}
		out = append(out, rest[:i]...)
		c := rest[i+1] // there: str saw the byte after every backslash
		rest = rest[i+2:]
		if c != 'u' {
			if c = escaped(c); c == 0 {
				return "", s.fail("unknown escape in ", strconv.Quote(printable(string(raw))))
			}
			out = append(out, c)
			continue
		}
		r, length := codePoint(rest)
		if r < 0 {
			return "", s.fail("bad \\u escape in ", strconv.Quote(printable(string(raw))))
		}
		out = utf8.AppendRune(out, r)
		rest = rest[length:]
	}
}

// escaped returns what a backslash and c stand for, 0 if for nothing.
//
//go:noinline
func escaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// codePoint reads what follows \u, with the second half of a surrogate pair: -1 where
// it is wrong.
//
//go:noinline
func codePoint(b []byte) (r rune, length int) {
	r, length = hex4(b), 4
	if utf16.IsSurrogate(r) {
		low := rune(-1)
		if len(b) > 5 && b[4] == '\\' && b[5] == 'u' {
			low, length = hex4(b[6:]), 10
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			r = -1
		}
	}
	return r, length
}

// hex4 reads four hexadecimal digits, -1 if they are not there.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// fail reports a header that breaks the grammar, with the place.
func (s *scanner) fail(parts ...string) *Error {
	return errorf(BadHeader, "", append([]string{"header, byte ", itoa(int64(s.pos)), ": "}, parts...)...)
}
