package catalog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// moduleValue returns, as JSON, the literal that a minified CommonJS module
// assigns to its exports: "...e.exports={weightsManifest:[...]}..." or
// "...e.exports="base64"...". The module is read, never executed: only literals
// are understood (ECMA-262, section 13.2), with the minifiers' !0, !1 and void 0.
func moduleValue(src []byte) (json.RawMessage, error) {
	const marker = ".exports="
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte(marker))
		if i < 0 {
			return nil, errors.New("no literal is assigned to exports: not the module of a model")
		}
		at += i + len(marker)
		if at < len(src) && bytes.IndexByte([]byte(`{["'`), src[at]) >= 0 {
			p := literalParser{src: src, pos: at, out: make([]byte, 0, len(src)-at)}
			if err := p.value(0); err != nil {
				return nil, err
			}
			return p.out, nil
		}
	}
}

// moduleBytes returns what a module exports as a string of base64.
func moduleBytes(src []byte) ([]byte, error) {
	value, err := moduleValue(src)
	if err != nil {
		return nil, err
	}
	var b []byte // encoding/json decodes base64 into it
	if err := json.Unmarshal(value, &b); err != nil {
		var corrupt base64.CorruptInputError
		if errors.As(err, &corrupt) {
			return nil, fmt.Errorf("the module's base64 is damaged at byte %d", int64(corrupt))
		}
		return nil, errors.New("the module exports no string, want the weights in base64")
	}
	return b, nil
}

// maxDepth is how deep literals may nest; a Keras topology takes 12.
const maxDepth = 64

// literalParser rewrites a JavaScript literal as JSON.
type literalParser struct {
	src []byte
	pos int
	out []byte
}

func (p *literalParser) value(depth int) error {
	if depth > maxDepth {
		return p.fail("nested deeper than %d", maxDepth)
	}
	switch c := p.peek(); {
	case c == '{':
		return p.list('{', '}', func() error {
			if err := p.key(); err != nil {
				return err
			}
			if p.peek() != ':' {
				return p.fail("want ':' after a key")
			}
			p.pos++
			p.out = append(p.out, ':')
			return p.value(depth + 1)
		})
	case c == '[':
		return p.list('[', ']', func() error { return p.value(depth + 1) })
	case c == '"' || c == '\'':
		return p.str()
	case c == '-' || c == '.' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, word := range [...]struct{ js, json string }{
		{"true", "true"}, {"false", "false"}, {"null", "null"}, {"!0", "true"}, {"!1", "false"}, {"void 0", "null"},
	} {
		if bytes.HasPrefix(p.src[p.pos:], []byte(word.js)) {
			p.pos += len(word.js)
			p.out = append(p.out, word.json...)
			return nil
		}
	}
	return p.fail("want a literal")
}

// list reads open, comma separated items, close.
func (p *literalParser) list(open, close byte, item func() error) error {
	p.pos++
	p.out = append(p.out, open)
	for n := 0; ; n++ {
		if p.peek() == close {
			p.pos++
			p.out = append(p.out, close)
			return nil
		}
		if n > 0 {
			if p.peek() != ',' {
				return p.fail("want ',' or %q", close)
			}
			p.pos++
			p.out = append(p.out, ',')
		}
		if err := item(); err != nil {
			return err
		}
	}
}

// key reads a property name: a string, an identifier in ASCII or a number.
func (p *literalParser) key() error {
	if c := p.peek(); c == '"' || c == '\'' {
		return p.str()
	}
	start := p.pos
	for p.pos < len(p.src) && isWord(p.src[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		return p.fail("want a key")
	}
	p.out = append(p.out, '"')
	p.out = append(p.out, p.src[start:p.pos]...)
	p.out = append(p.out, '"')
	return nil
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *literalParser) number() error {
	start := p.pos
	for p.pos < len(p.src) && bytes.IndexByte([]byte("+-.0123456789eE"), p.src[p.pos]) >= 0 {
		p.pos++
	}
	v, err := strconv.ParseFloat(string(p.src[start:p.pos]), 64)
	if err != nil || math.IsInf(v, 0) {
		return p.fail("%q is no decimal number", p.src[start:min(p.pos, start+40)])
	}
	p.out = strconv.AppendFloat(p.out, v, 'g', -1, 64)
	return nil
}

// str reads a string in either kind of quotes.
func (p *literalParser) str() error {
	quote := p.src[p.pos]
	p.pos++
	start := p.pos
	var unescaped []byte // nil until there is an escape
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case quote:
			s := p.src[start:p.pos]
			if unescaped != nil {
				s = append(unescaped, s...)
			}
			p.pos++
			if !utf8.Valid(s) {
				return p.fail("a string that is not UTF-8")
			}
			p.appendString(s)
			return nil
		case '\n', '\r':
			return p.fail("a line ends inside a string")
		case '\\':
			unescaped = append(unescaped, p.src[start:p.pos]...)
			r, err := p.escape()
			if err != nil {
				return err
			}
			unescaped = append(unescaped, string(r)...)
			start = p.pos
		default:
			p.pos++
		}
	}
	return p.fail("the file ends inside a string")
}

// escape reads a backslash and what it escapes: one character, x and two digits
// or u and four.
func (p *literalParser) escape() (rune, error) {
	if p.pos+1 >= len(p.src) {
		return 0, p.fail("the file ends inside a string")
	}
	c := p.src[p.pos+1]
	p.pos += 2
	digits := 0
	switch c {
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'v':
		return '\v', nil
	case '"', '\'', '\\', '/', '`':
		return rune(c), nil
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	default:
		return 0, p.fail("unknown escape")
	}
	if p.pos+digits > len(p.src) {
		return 0, p.fail("the file ends inside a string")
	}
	v, err := strconv.ParseUint(string(p.src[p.pos:p.pos+digits]), 16, 16)
	if err != nil || !utf8.ValidRune(rune(v)) {
		return 0, p.fail("unknown escape")
	}
	p.pos += digits
	return rune(v), nil
}

// appendString appends s as a JSON string.
func (p *literalParser) appendString(s []byte) {
	if bytes.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) < 0 {
		p.out = append(p.out, '"')
		p.out = append(p.out, s...)
		p.out = append(p.out, '"')
		return
	}
	quoted, _ := json.Marshal(string(s)) // a string always marshals
	p.out = append(p.out, quoted...)
}

// peek skips white space and returns the byte after it, 0 at the end.
func (p *literalParser) peek() byte {
	for ; p.pos < len(p.src); p.pos++ {
		switch c := p.src[p.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (p *literalParser) fail(format string, args ...any) error {
	return fmt.Errorf("module, byte %d: %s", p.pos, fmt.Sprintf(format, args...))
}
