package asm

// Func is a function under construction.
type Func struct {
	module *Module
	name   string
	index  uint32
	params []local
	locals []local
	result Type // 0 for none
	code   []instr
	open   []int // ids of the open labels, outermost first
	labels int   // ids given out
	export string
}

type local struct {
	name string
	typ  Type
}

// Label is the target of branches: the end of a block, the start of a loop.
type Label struct {
	f  *Func
	id int
}

// Name is the function's name.
func (f *Func) Name() string { return f.name }

// Signature is the function's type.
func (f *Func) Signature() Signature {
	var s Signature
	for _, p := range f.params {
		s.Params = append(s.Params, p.typ)
	}
	if f.result != 0 {
		s.Results = []Type{f.result}
	}
	return s
}

// Export makes the function reachable from outside under the given name.
func (f *Func) Export(name string) { f.export = name }

// Result declares that the function returns a value of type t.
func (f *Func) Result(t Type) { f.result = t }

func (f *Func) param(name string, t Type) node {
	pos := caller()
	if len(f.locals) > 0 || len(f.code) > 0 {
		f.errorf(pos, "parameter %s declared after a local or a statement", name)
	}
	f.params = append(f.params, local{name, t})
	return node{f, []instr{{op: opLocalGet, index: uint32(len(f.params) - 1), pos: pos}}}
}

// ParamI32 declares the next parameter.
func (f *Func) ParamI32(name string) I32 { return I32{f.param(name, TypeI32)} }

// ParamI64 declares the next parameter.
func (f *Func) ParamI64(name string) I64 { return I64{f.param(name, TypeI64)} }

// ParamF32 declares the next parameter.
func (f *Func) ParamF32(name string) F32 { return F32{f.param(name, TypeF32)} }

// ParamV128 declares the next parameter.
func (f *Func) ParamV128(name string) V128 { return V128{f.param(name, TypeV128)} }

func (f *Func) local(name string, t Type) node {
	f.locals = append(f.locals, local{name, t})
	return node{f, []instr{{op: opLocalGet, index: uint32(len(f.params) + len(f.locals) - 1), pos: caller()}}}
}

// I32 declares a local, zero at entry.
func (f *Func) I32(name string) I32 { return I32{f.local(name, TypeI32)} }

// F32 declares a local, zero at entry.
func (f *Func) F32(name string) F32 { return F32{f.local(name, TypeF32)} }

// V128 declares a local, zero at entry.
func (f *Func) V128(name string) V128 { return V128{f.local(name, TypeV128)} }

// Let declares a local and assigns v to it.
func (f *Func) Let(name string, v I32) I32 {
	l := f.I32(name)
	l.Set(v)
	return l
}

// LetV128 declares a local and assigns v to it.
func (f *Func) LetV128(name string, v V128) V128 {
	l := f.V128(name)
	l.Set(v)
	return l
}

func (f *Func) emit(n node) {
	if n.f != f {
		f.errorf(caller(), "statement uses a value of another function")
		return
	}
	f.code = append(f.code, n.code...)
}

func (f *Func) control(op *opcode, pos position) {
	f.code = append(f.code, instr{op: op, pos: pos})
}

func (f *Func) enter() Label {
	f.labels++
	f.open = append(f.open, f.labels)
	return Label{f, f.labels}
}

func (f *Func) leave() { f.open = f.open[:len(f.open)-1] }

func (f *Func) structure(op *opcode, body func(Label)) {
	pos := caller()
	f.control(op, pos)
	body(f.enter())
	f.leave()
	f.control(opEnd, pos)
}

// Block runs body once; a branch to its label goes past its end.
func (f *Func) Block(body func(end Label)) { f.structure(opBlock, body) }

// Loop runs body once; a branch to its label starts it again.
func (f *Func) Loop(body func(next Label)) { f.structure(opLoop, body) }

// If runs then where cond is not 0.
func (f *Func) If(cond I32, then func()) {
	f.emit(cond.node)
	f.structure(opIf, func(Label) { then() })
}

// IfElse runs then where cond is not 0, and otherwise els.
func (f *Func) IfElse(cond I32, then, els func()) {
	f.emit(cond.node)
	pos := caller()
	f.structure(opIf, func(Label) {
		then()
		f.control(opElse, pos)
		els()
	})
}

// Switch runs cases[index], or otherwise where there is none.
func (f *Func) Switch(index I32, otherwise func(), cases ...func()) {
	f.Block(func(end Label) {
		var nest func(n int, labels []Label)
		nest = func(n int, labels []Label) {
			f.Block(func(l Label) {
				labels = append([]Label{l}, labels...)
				if n > 0 {
					nest(n-1, labels)
				} else {
					f.BrTable(index, labels[len(cases)], labels[:len(cases)]...)
				}
			})
			if n == len(cases) {
				otherwise()
			} else {
				cases[n]()
				f.Br(end)
			}
		}
		nest(len(cases), nil)
	})
}

// depth is the label's distance from the innermost open one.
func (f *Func) depth(l Label, pos position) uint32 {
	for i := len(f.open) - 1; i >= 0; i-- {
		if l.f == f && f.open[i] == l.id {
			return uint32(len(f.open) - 1 - i)
		}
	}
	f.errorf(pos, "branch to a label that is not open here")
	return 0
}

// Br branches to l.
func (f *Func) Br(l Label) {
	pos := caller()
	f.code = append(f.code, instr{op: opBr, index: f.depth(l, pos), pos: pos})
}

// BrIf branches to l where cond is not 0.
func (f *Func) BrIf(l Label, cond I32) {
	pos := caller()
	f.emit(expr(instr{op: opBrIf, index: f.depth(l, pos), pos: pos}, cond.node))
}

// BrTable branches to labels[index], or to otherwise where there is none.
func (f *Func) BrTable(index I32, otherwise Label, labels ...Label) {
	in := instr{op: opBrTable, pos: caller()}
	for _, l := range append(labels[:len(labels):len(labels)], otherwise) {
		in.labels = append(in.labels, f.depth(l, in.pos))
	}
	f.emit(expr(in, index.node))
}

// Return leaves the function, with v where it has a result.
func (f *Func) Return(v ...Value) {
	in := instr{op: opReturn, pos: caller()}
	if len(v) == 0 {
		f.code = append(f.code, in)
		return
	}
	f.emit(expr(in, nodes(v)...))
}

// Unreachable traps.
func (f *Func) Unreachable() { f.control(opUnreachable, caller()) }

// Drop evaluates v for its effect.
func (f *Func) Drop(v Value) { f.emit(expr(instr{op: opDrop, pos: caller()}, v.base())) }

func (f *Func) call(to *Func, args []Value) node {
	in := instr{op: opCall, index: to.index, pos: caller()}
	if to.module != f.module {
		f.errorf(in.pos, "call: %s belongs to another module", to.name)
	}
	if len(args) == 0 {
		return node{f, []instr{in}}
	}
	return expr(in, nodes(args)...)
}

// Call calls a function that has no result.
func (f *Func) Call(to *Func, args ...Value) { f.emit(f.call(to, args)) }

// CallI32 is the result of a function.
func (f *Func) CallI32(to *Func, args ...Value) I32 { return I32{f.call(to, args)} }

// CallIndirect calls the function at index of the module's table, which must
// have signature s and no result.
func (f *Func) CallIndirect(s Signature, index I32, args ...Value) {
	f.emit(expr(instr{op: opCallIndirect, sig: &s, pos: caller()}, append(nodes(args), index.node)...))
}

// Get is the value of a global.
func (f *Func) Get(g Global) I32 {
	return I32{node{f, []instr{{op: opGlobalGet, index: g.index, pos: caller()}}}}
}

// Put assigns v to a global.
func (f *Func) Put(g Global, v I32) {
	f.emit(expr(instr{op: opGlobalSet, index: g.index, pos: caller()}, v.node))
}

// MemorySize is the size of the memory in pages.
func (f *Func) MemorySize() I32 { return I32{node{f, []instr{{op: opMemorySize, pos: caller()}}}} }

// MemoryGrow adds pages and is the old size, or -1 where it cannot.
func (f *Func) MemoryGrow(pages I32) I32 { return I32{expr(instr{op: opMemoryGrow}, pages.node)} }

func nodes(values []Value) []node {
	list := make([]node, len(values))
	for i, v := range values {
		list[i] = v.base()
	}
	return list
}
