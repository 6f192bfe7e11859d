package asm

// validate checks every body against the operand-stack rules (WebAssembly Core
// 2.0, appendix "Validation Algorithm") and records what breaks them.
func (m *Module) validate() {
	for _, f := range m.funcs {
		v := validator{m: m, f: f}
		v.run()
	}
	for i, f := range m.table {
		if f == nil || f.module != m {
			m.errorf(0, "table entry %d is not a function of the module", i)
		}
	}
	for _, d := range m.data {
		if !m.memory.defined || uint64(d.offset)+uint64(len(d.bytes)) > uint64(m.memory.limits.Min)<<16 {
			m.errorf(0, "data at %d, %d bytes, does not fit the memory", d.offset, len(d.bytes))
		}
	}
}

// frame is an open control structure.
type frame struct {
	op          *opcode
	height      int  // of the stack at entry
	unreachable bool // after a branch, the stack holds whatever is asked for
}

// anyType stands for an operand of unreachable code.
const anyType Type = 0

type validator struct {
	m      *Module
	f      *Func
	types  []Type // of parameters and locals
	stack  []Type
	frames []frame
	failed bool
}

func (v *validator) errorf(in *instr, format string, args ...any) {
	v.failed = true
	v.f.errorf(in.pos, in.op.name+": "+format, args...)
}

func (v *validator) run() {
	for _, l := range v.f.params {
		v.types = append(v.types, l.typ)
	}
	for _, l := range v.f.locals {
		v.types = append(v.types, l.typ)
	}
	v.frames = []frame{{op: opBlock}}
	for i := range v.f.code {
		// One mistake makes the stack meaningless: report the first only.
		if v.step(&v.f.code[i]); v.failed {
			return
		}
	}
	end := &instr{op: opEnd}
	if n := len(v.f.code); n > 0 {
		end.pos = v.f.code[n-1].pos
	}
	if len(v.frames) != 1 {
		v.errorf(end, "%d blocks are still open", len(v.frames)-1)
		return
	}
	if v.f.result != 0 {
		v.pop(end, v.f.result)
	}
	if len(v.stack) != 0 && !v.failed {
		v.errorf(end, "the function leaves %d operands", len(v.stack))
	}
}

func (v *validator) top() *frame { return &v.frames[len(v.frames)-1] }

func (v *validator) push(t Type) {
	if t != 0 {
		v.stack = append(v.stack, t)
	}
}

func (v *validator) pop(in *instr, want Type) Type {
	if v.failed {
		return want
	}
	if len(v.stack) == v.top().height {
		if !v.top().unreachable {
			v.errorf(in, "wants %s, the stack is empty", want)
		}
		return want
	}
	got := v.stack[len(v.stack)-1]
	v.stack = v.stack[:len(v.stack)-1]
	if want != anyType && got != want {
		v.errorf(in, "wants %s, got %s", want, got)
	}
	return got
}

func (v *validator) popAll(in *instr, types []Type) {
	for i := len(types) - 1; i >= 0; i-- {
		v.pop(in, types[i])
	}
}

func (v *validator) unreachable() {
	v.stack = v.stack[:v.top().height]
	v.top().unreachable = true
}

func (v *validator) label(in *instr, depth uint32) {
	if int(depth) >= len(v.frames) {
		v.errorf(in, "label %d, only %d are open", depth, len(v.frames))
	}
}

func (v *validator) step(in *instr) {
	if missing := in.op.feature &^ v.m.features; missing != 0 {
		v.errorf(in, "the module does not have the feature %s", featureNames[missing])
		return
	}
	v.immediates(in)
	if v.failed {
		return
	}
	v.popAll(in, in.op.params)
	switch in.op {
	case opBlock, opLoop, opIf:
		v.frames = append(v.frames, frame{op: in.op, height: len(v.stack)})
	case opElse, opEnd:
		if len(v.frames) == 1 {
			v.errorf(in, "no block is open")
			return
		}
		if extra := len(v.stack) - v.top().height; extra != 0 {
			v.errorf(in, "the block leaves %d operands", extra)
			return
		}
		if in.op == opElse {
			if v.top().op != opIf {
				v.errorf(in, "the open block is not an if")
			}
			*v.top() = frame{op: opElse, height: len(v.stack)}
			return
		}
		v.frames = v.frames[:len(v.frames)-1]
	case opBr, opBrTable, opUnreachable:
		v.unreachable()
	case opReturn:
		if v.f.result != 0 {
			v.pop(in, v.f.result)
		}
		if extra := len(v.stack) - v.top().height; extra != 0 && !v.failed {
			v.errorf(in, "%d operands too many", extra)
			return
		}
		v.unreachable()
	case opDrop:
		v.pop(in, anyType)
	case opSelect:
		v.pop(in, TypeI32)
		t := v.pop(in, anyType)
		v.push(v.pop(in, t))
	case opLocalGet:
		v.push(v.types[in.index])
	case opLocalSet:
		v.pop(in, v.types[in.index])
	case opGlobalGet:
		v.push(TypeI32)
	case opGlobalSet:
		v.pop(in, TypeI32)
	case opCall:
		v.call(in, v.m.funcs[in.index].Signature())
	case opCallIndirect:
		v.pop(in, TypeI32)
		v.call(in, *in.sig)
	}
	v.push(in.op.result)
}

func (v *validator) call(in *instr, s Signature) {
	v.popAll(in, s.Params)
	for _, t := range s.Results {
		v.push(t)
	}
}

// immediates checks what follows the opcode.
func (v *validator) immediates(in *instr) {
	limit := func(what string, n int) {
		if int(in.index) >= n {
			v.errorf(in, "%s %d of %d", what, in.index, n)
		}
	}
	switch in.op.imm {
	case immMemory, immMemoryLane, immZero, immZero2:
		if !v.m.memory.defined {
			v.errorf(in, "the module has no memory")
		}
	case immLabel:
		v.label(in, in.index)
	case immLabels:
		for _, l := range in.labels {
			v.label(in, l)
		}
	case immLocal:
		limit("local", len(v.types))
	case immGlobal:
		limit("global", len(v.m.globals))
		if !v.failed && in.op == opGlobalSet && !v.m.globals[in.index].mutable {
			v.errorf(in, "global %s is a constant", v.m.globals[in.index].name)
		}
	case immFunc:
		limit("function", len(v.m.funcs))
	case immIndirect:
		if len(v.m.table) == 0 {
			v.errorf(in, "the module has no table")
		}
	case immShuffle:
		for _, b := range in.wide {
			if b >= 32 {
				v.errorf(in, "byte %d of 32", b)
				return
			}
		}
	}
	if lanes := in.op.lanes; lanes != 0 && in.lane >= lanes {
		v.errorf(in, "lane %d of %d", in.lane, lanes)
	}
}
