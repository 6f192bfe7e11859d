package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nlpodyssey/gopickle/pickle"
)

// argument is what follows an opcode in a pickle.
type argument uint8

const (
	argRefused argument = iota // an opcode no state dict needs
	argNone
	arg1     // that many bytes
	arg2     //
	arg4     //
	arg8     //
	argLine  // text up to a newline
	argLines // two lines: module and name of a global
	argLen1  // a length of that many bytes, and as many bytes of data
	argLen4
	argLen8
	argLong1 // as argLen1 and argLen4, of an integer
	argLong4
)

// opcodes are the opcodes of protocols 0 to 4 that occur in what torch.save
// writes (Python's Lib/pickletools.py describes them all). Left out are those
// that build instances of old-style classes, use the extension registry, make
// sets, or take data from outside the pickle.
var opcodes = [256]argument{
	'(': argNone, '.': argNone, '0': argNone, '1': argNone, '2': argNone, 'N': argNone, 'Q': argNone,
	'R': argNone, 'a': argNone, 'b': argNone, 'd': argNone, '}': argNone, 'e': argNone, 'l': argNone,
	']': argNone, 's': argNone, 't': argNone, ')': argNone, 'u': argNone,
	'F': argLine, 'I': argLine, 'L': argLine, 'S': argLine, 'V': argLine, 'g': argLine, 'p': argLine,
	'J': arg4, 'K': arg1, 'M': arg2, 'h': arg1, 'j': arg4, 'q': arg1, 'r': arg4, 'G': arg8,
	'T': argLen4, 'U': argLen1, 'X': argLen4, 'B': argLen4, 'C': argLen1,
	'c': argLines,
	// Protocol 2: PROTO, NEWOBJ, TUPLE1-3, NEWTRUE, NEWFALSE, LONG1, LONG4.
	0x80: arg1, 0x81: argNone, 0x85: argNone, 0x86: argNone, 0x87: argNone, 0x88: argNone, 0x89: argNone,
	0x8a: argLong1, 0x8b: argLong4,
	// Protocol 4: SHORT_BINUNICODE, BINUNICODE8, STACK_GLOBAL, MEMOIZE, FRAME.
	0x8c: argLen1, 0x8d: argLen8, 0x93: argNone, 0x94: argNone, 0x95: arg8,
}

const (
	maxLine = 1 << 10 // bytes of a textual argument
	maxLong = 16      // bytes of an integer; torch's magic number has 10
	maxName = 1 << 10 // bytes of a string that may name a global
)

// Bytes that the pickle machine allocates for an opcode, rounded up: what
// budgets count in.
const (
	costOpcode = 96
	costMark   = 320
	costCall   = 640
)

// vetter walks a pickle without building anything.
type vetter struct {
	r      *bufio.Reader
	n      int64 // bytes read
	budget int64 // bytes the machine may still allocate
	// What STACK_GLOBAL takes its names from: the last two values pushed, where
	// they are strings, and the strings in the memo.
	pushed [2]string
	memo   map[int]string
}

// vet walks the pickle at the start of r and returns its length. budget is what
// the machine may allocate for it; the rest of it is returned too.
//
// It fails with an [Error]: [Refused] for an opcode or a global that is not
// allowed, [Truncated] where r ends before the pickle, [Oversized] where the
// budget does not suffice, [BadFormat] otherwise.
func vet(r io.Reader, budget int64) (length, left int64, err error) {
	v := vetter{r: bufio.NewReaderSize(r, 1<<15), budget: budget, memo: make(map[int]string)}
	for {
		op, err := v.byte()
		if err != nil {
			return 0, 0, v.failed(err)
		}
		v.budget -= costOpcode
		if err := v.opcode(op); err != nil {
			return 0, 0, v.failed(err)
		}
		if v.budget < 0 {
			return 0, 0, fail(Oversized, "", "the pickle builds far more objects than a state dict in a file of this size has")
		}
		if op == '.' {
			return v.n, v.budget, nil
		}
	}
}

func (v *vetter) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(Truncated, "", "the pickle ends after %d bytes without its STOP opcode", v.n)
	}
	return err
}

// opcode reads an opcode's argument and checks it.
func (v *vetter) opcode(op byte) error {
	switch opcodes[op] {
	case argRefused:
		return fail(Refused, "", "the pickle uses opcode 0x%02x, which a state dict has no use for", op)
	case arg1, arg2, arg4, arg8:
		return v.fixed(op)
	case argLine:
		return v.text(op)
	case argLines:
		module, err := v.line()
		if err != nil {
			return err
		}
		name, err := v.line()
		if err != nil {
			return err
		}
		v.push("")
		return checkGlobal(module, name)
	case argLen1, argLen4, argLen8, argLong1, argLong4:
		return v.counted(op)
	}
	switch op {
	case '(':
		v.budget -= costMark
	case 'R', 0x81:
		v.budget -= costCall
		v.push("")
	case 0x93:
		if v.pushed[0] == "" || v.pushed[1] == "" {
			return fail(Refused, "", "the pickle computes the name of a global, which torch.save never does")
		}
		err := checkGlobal(v.pushed[0], v.pushed[1])
		v.push("")
		return err
	case 0x94:
		v.memo[len(v.memo)] = v.pushed[1]
	default:
		v.push("")
	}
	return nil
}

func (v *vetter) push(s string) { v.pushed[0], v.pushed[1] = v.pushed[1], s }

// fixed reads an argument of fixed length.
func (v *vetter) fixed(op byte) error {
	var b [8]byte
	size := map[argument]int{arg1: 1, arg2: 2, arg4: 4, arg8: 8}[opcodes[op]]
	if err := v.full(b[:size]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(b[:])
	switch op {
	case 0x80:
		if n > uint64(pickle.HighestProtocol) {
			return fail(BadFormat, "", "pickle protocol %d, the highest known is %d", n, pickle.HighestProtocol)
		}
	case 0x95: // FRAME: the machine allocates the frame before it reads it
		if n > uint64(max(v.budget, 0)) {
			return fail(Truncated, "", "the pickle announces a frame of %d bytes", n)
		}
		v.budget -= int64(n)
	case 'h', 'j':
		v.push(v.memo[int(n)])
	case 'q', 'r':
		v.memo[int(n)] = v.pushed[1]
	default:
		v.push("")
	}
	return nil
}

// text reads an argument that ends with its line.
func (v *vetter) text(op byte) error {
	line, err := v.line()
	if err != nil {
		return err
	}
	switch op {
	case 'L':
		if len(line) > 2*maxLong {
			return fail(Oversized, "", "the pickle holds an integer of %d digits", len(line))
		}
		v.push("")
	case 'g', 'p':
		var n int
		if _, err := fmt.Sscanf(line, "%d", &n); err != nil || n < 0 || fmt.Sprint(n) != line {
			return fail(BadFormat, "", "the pickle names memo entry %q", line)
		}
		if op == 'g' {
			v.push(v.memo[n])
		} else {
			v.memo[n] = v.pushed[1]
		}
	case 'S':
		v.push(strings.Trim(line, `'"`))
	case 'V':
		v.push(line)
	default:
		v.push("")
	}
	return nil
}

// counted reads an argument that starts with its length.
func (v *vetter) counted(op byte) error {
	var b [8]byte
	size := map[argument]int{argLen1: 1, argLong1: 1, argLen4: 4, argLong4: 4, argLen8: 8}[opcodes[op]]
	if err := v.full(b[:size]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(b[:])
	if arg := opcodes[op]; arg == argLong1 || arg == argLong4 {
		if n == 0 || n > maxLong {
			return fail(Oversized, "", "the pickle holds an integer of %d bytes", n)
		}
	}
	if n > uint64(max(v.budget, 0)) {
		return fail(Truncated, "", "the pickle announces %d bytes of data", n)
	}
	v.budget -= 2 * int64(n)
	if n > maxName {
		v.push("")
		m, err := v.r.Discard(int(n))
		v.n += int64(m)
		return err
	}
	s := make([]byte, n)
	if err := v.full(s); err != nil {
		return err
	}
	v.push(string(s))
	return nil
}

func (v *vetter) byte() (byte, error) {
	b, err := v.r.ReadByte()
	if err == nil {
		v.n++
	}
	return b, err
}

func (v *vetter) full(b []byte) error {
	n, err := io.ReadFull(v.r, b)
	v.n += int64(n)
	return err
}

// line reads a line and returns it without its newline.
func (v *vetter) line() (string, error) {
	var s []byte
	for {
		b, err := v.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			v.budget -= 2 * int64(len(s))
			return string(s), nil
		}
		if s = append(s, b); len(s) > maxLine {
			return "", fail(Oversized, "", "the pickle holds a line of more than %d bytes", maxLine)
		}
	}
}

// unpickle runs the pickle machine on a vetted pickle. load resolves persistent
// ids, by which torch.save refers to storages.
func unpickle(r io.Reader, load func(id any) (any, error)) (value any, err error) {
	// The machine indexes its stack without looking on some malformed programs,
	// and uses objects as map keys that cannot be.
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fail(BadFormat, "", "malformed pickle: %v", p)
		}
	}()
	u := pickle.NewUnpickler(bufio.NewReaderSize(r, 1<<15))
	u.FindClass = findClass
	u.PersistentLoad = load
	value, err = u.Load()
	if err == nil {
		return value, nil
	}
	var typed *Error
	if errors.As(err, &typed) {
		return nil, typed
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fail(Truncated, "", "the pickle ends early")
	}
	detail := err.Error()
	if len(detail) > 200 {
		detail = detail[:200] + "..."
	}
	return nil, fail(BadFormat, "", "malformed pickle: %s", detail)
}
