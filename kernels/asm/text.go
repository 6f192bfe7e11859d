package asm

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Text returns the module in the text format, one folded statement a line.
// Call it after [Module.Encode] has accepted the module.
func (m *Module) Text() string {
	p := &printer{m: m}
	p.line("(module")
	p.indent++
	if mem := m.memory; mem.defined {
		limits := strconv.Itoa(int(mem.limits.Min))
		if mem.limits.Max != 0 {
			limits += " " + strconv.Itoa(int(mem.limits.Max))
		}
		if mem.limits.Shared {
			limits += " shared"
		}
		where := ""
		if mem.export != "" {
			where = fmt.Sprintf(" (export %q)", mem.export)
		}
		if mem.module != "" {
			where += fmt.Sprintf(" (import %q %q)", mem.module, mem.field)
		}
		p.line("(memory%s %s)", where, limits)
	}
	for _, g := range m.globals {
		typ, where := "i32", ""
		if g.mutable {
			typ = "(mut i32)"
		}
		if g.export != "" {
			where = fmt.Sprintf(" (export %q)", g.export)
		}
		p.line("(global $%s%s %s (i32.const %d))", g.name, where, typ, g.init)
	}
	if len(m.table) > 0 {
		names := ""
		for _, f := range m.table {
			names += " $" + f.name
		}
		p.line("(table funcref (elem%s))", names)
	}
	for _, d := range m.data {
		p.line("(data (i32.const %d) %s)", d.offset, quoteBytes(d.bytes))
	}
	for _, f := range m.funcs {
		p.function(f)
	}
	p.indent--
	p.line(")")
	return p.b.String()
}

// Text returns the function in the text format.
func (f *Func) Text() string {
	p := &printer{m: f.module}
	p.function(f)
	return p.b.String()
}

type printer struct {
	m      *Module
	b      strings.Builder
	indent int
	names  []string // of the locals of the function being printed
	stack  []string // folded operands
}

func (p *printer) line(format string, args ...any) {
	p.b.WriteString(strings.Repeat("  ", p.indent))
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

func quoteBytes(b []byte) string {
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range b {
		fmt.Fprintf(&s, "\\%02x", c)
	}
	return s.String() + `"`
}

// unique returns the locals' names as identifiers, told apart by a suffix
// where a name is used twice.
func unique(lists ...[]local) []string {
	seen := map[string]int{}
	var names []string
	for _, list := range lists {
		for _, l := range list {
			n := seen[l.name]
			seen[l.name]++
			name := "$" + l.name
			if n > 0 {
				name += "." + strconv.Itoa(n)
			}
			names = append(names, name)
		}
	}
	return names
}

func (p *printer) function(f *Func) {
	p.names = unique(f.params, f.locals)
	head := "(func $" + f.name
	if f.export != "" {
		head += fmt.Sprintf(" (export %q)", f.export)
	}
	for i, l := range f.params {
		head += fmt.Sprintf(" (param %s %s)", p.names[i], l.typ)
	}
	if f.result != 0 {
		head += fmt.Sprintf(" (result %s)", f.result)
	}
	p.line("%s", head)
	p.indent++
	for i, l := range f.locals {
		p.line("(local %s %s)", p.names[len(f.params)+i], l.typ)
	}
	for i := range f.code {
		p.instruction(&f.code[i])
	}
	p.flush()
	p.indent--
	p.line(")")
}

// flush prints operands that nothing consumed: code after a branch.
func (p *printer) flush() {
	for _, s := range p.stack {
		p.line("%s", s)
	}
	p.stack = nil
}

func (p *printer) fold(n int) string {
	n = min(n, len(p.stack))
	args := strings.Join(p.stack[len(p.stack)-n:], " ")
	p.stack = p.stack[:len(p.stack)-n]
	if args != "" {
		args = " " + args
	}
	return args
}

func (p *printer) instruction(in *instr) {
	switch in.op {
	case opBlock, opLoop:
		p.flush()
		p.line("%s", in.op.name)
		p.indent++
		return
	case opIf:
		cond := p.fold(1)
		p.flush()
		p.line("%s", strings.TrimSpace(cond))
		p.line("if")
		p.indent++
		return
	case opElse, opEnd:
		p.flush()
		p.indent--
		p.line("%s", in.op.name)
		if in.op == opElse {
			p.indent++
		}
		return
	}
	params, results := p.arity(in)
	text := "(" + in.op.name + p.immediate(in) + p.fold(params) + ")"
	p.stack = append(p.stack, text)
	if results == 0 {
		p.flush()
	}
}

// arity is the number of operands an instruction takes and leaves.
func (p *printer) arity(in *instr) (params, results int) {
	count := func(s Signature) (int, int) { return len(s.Params), len(s.Results) }
	switch in.op {
	case opCall:
		return count(p.m.funcs[in.index].Signature())
	case opCallIndirect:
		n, r := count(*in.sig)
		return n + 1, r
	case opReturn:
		return len(p.stack), 0
	case opDrop, opLocalSet, opGlobalSet:
		return 1, 0
	case opLocalGet, opGlobalGet:
		return 0, 1
	case opSelect:
		return 3, 1
	}
	if in.op.result != 0 {
		results = 1
	}
	return len(in.op.params), results
}

func (p *printer) immediate(in *instr) string {
	switch in.op.imm {
	case immMemory, immMemoryLane:
		s := ""
		if in.index != 0 {
			s += " offset=" + strconv.FormatUint(uint64(in.index), 10)
		}
		if hint := in.op.hint(); hint != in.op.width {
			s += " align=" + strconv.Itoa(1<<hint)
		}
		if in.op.imm == immMemoryLane {
			s += " " + strconv.Itoa(int(in.lane))
		}
		return s
	case immLane:
		return " " + strconv.Itoa(int(in.lane))
	case immShuffle:
		s := ""
		for _, b := range in.wide {
			s += " " + strconv.Itoa(int(b))
		}
		return s
	case immV128:
		s := " i32x4"
		for i := range 4 {
			s += fmt.Sprintf(" 0x%08x", binary.LittleEndian.Uint32(in.wide[4*i:]))
		}
		return s
	case immLabel:
		return " " + strconv.Itoa(int(in.index))
	case immLabels:
		s := ""
		for _, l := range in.labels {
			s += " " + strconv.Itoa(int(l))
		}
		return s
	case immLocal:
		return " " + p.names[in.index]
	case immGlobal:
		return " $" + p.m.globals[in.index].name
	case immFunc:
		return " $" + p.m.funcs[in.index].name
	case immIndirect:
		if s := in.sig.String(); s != "" {
			return " " + s
		}
	case immI32:
		return " " + strconv.Itoa(int(int32(in.index)))
	case immI64:
		return " " + strconv.FormatInt(int64(binary.LittleEndian.Uint64(in.wide[:])), 10)
	case immF32:
		x := math.Float32frombits(in.index)
		s := strconv.FormatFloat(float64(x), 'g', -1, 32)
		return " " + strings.ToLower(strings.TrimPrefix(s, "+"))
	}
	return ""
}
