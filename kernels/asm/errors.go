package asm

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Error is a mistake in the use of the builder.
type Error struct {
	File string // base name of the file that made it
	Line int
	Func string // function under construction, or ""
	Msg  string
}

func (e *Error) Error() string {
	where := fmt.Sprintf("%s:%d: ", e.File, e.Line)
	if e.Func != "" {
		where += e.Func + ": "
	}
	return "asm: " + where + e.Msg
}

// position is the program counter, outside this package, of the call that made
// an instruction; it is resolved when an error needs it.
type position uintptr

func (p position) known() bool { return p != 0 }

var outside = map[uintptr]bool{}

const packagePrefix = "glance/kernels/asm."

// caller returns the position of the innermost caller outside this package.
// The builder is used by one goroutine at a time.
func caller() position {
	var pcs [12]uintptr
	n := runtime.Callers(2, pcs[:])
	for _, pc := range pcs[:n] {
		out, seen := outside[pc]
		if !seen {
			frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
			out = !strings.HasPrefix(frame.Function, packagePrefix)
			outside[pc] = out
		}
		if out {
			return position(pc)
		}
	}
	return 0
}

func (m *Module) fail(f string, pos position, msg string) {
	e := &Error{File: "unknown", Func: f, Msg: msg}
	if pos.known() {
		frame, _ := runtime.CallersFrames([]uintptr{uintptr(pos)}).Next()
		e.File, e.Line = filepath.Base(frame.File), frame.Line
	}
	m.errs = append(m.errs, e)
}

func (m *Module) errorf(pos position, format string, args ...any) {
	m.fail("", pos, fmt.Sprintf(format, args...))
}

func (f *Func) errorf(pos position, format string, args ...any) {
	f.module.fail(f.name, pos, fmt.Sprintf(format, args...))
}
