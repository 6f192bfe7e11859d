package asm

import "errors"

// Module is a module under construction.
type Module struct {
	features Features
	memory   memory
	funcs    []*Func
	globals  []global
	table    []*Func
	data     []segment
	errs     []error
}

type memory struct {
	defined       bool
	limits        Limits
	module, field string // where it comes from, if imported
	export        string
}

type global struct {
	name    string
	mutable bool
	init    int32
	export  string
}

type segment struct {
	offset uint32
	bytes  []byte
}

// Global is an i32 global variable of a module.
type Global struct {
	m     *Module
	index uint32
}

// NewModule starts a module that may use the given features.
func NewModule(features Features) *Module { return &Module{features: features} }

// DefineMemory gives the module a memory of its own.
func (m *Module) DefineMemory(l Limits) { m.setMemory(memory{defined: true, limits: l}) }

// ImportMemory makes the module use a memory that its host provides.
func (m *Module) ImportMemory(module, name string, l Limits) {
	m.setMemory(memory{defined: true, limits: l, module: module, field: name})
}

func (m *Module) setMemory(mem memory) {
	pos := caller()
	l := mem.limits
	switch {
	case m.memory.defined:
		m.errorf(pos, "the module has a memory already")
	case l.Shared && l.Max == 0:
		m.errorf(pos, "a shared memory needs a maximum")
	case l.Shared && m.features&Threads == 0:
		m.errorf(pos, "a shared memory needs the threads feature")
	case l.Max != 0 && l.Max < l.Min, l.Min > 65536, l.Max > 65536:
		m.errorf(pos, "memory limits %d to %d pages", l.Min, l.Max)
	}
	m.memory = mem
}

// ExportMemory makes the memory reachable from outside.
func (m *Module) ExportMemory(name string) { m.memory.export = name }

// Func declares a function. Calls refer to it before it has a body.
func (m *Module) Func(name string) *Func {
	f := &Func{module: m, name: name, index: uint32(len(m.funcs))}
	for _, other := range m.funcs {
		if other.name == name {
			m.errorf(caller(), "two functions are called %s", name)
		}
	}
	m.funcs = append(m.funcs, f)
	return f
}

// Funcs lists the functions in the order of declaration.
func (m *Module) Funcs() []*Func { return m.funcs }

// Table sets the functions that [Func.CallIndirect] selects from.
func (m *Module) Table(funcs ...*Func) { m.table = funcs }

// Global declares an i32 variable that starts as init.
func (m *Module) Global(name string, init int32) Global {
	m.globals = append(m.globals, global{name: name, mutable: true, init: init})
	return Global{m, uint32(len(m.globals) - 1)}
}

// Constant declares an exported i32 constant, which hosts read.
func (m *Module) Constant(name string, value int32) {
	m.globals = append(m.globals, global{name: name, init: value, export: name})
}

// Data places bytes in the memory when the module is instantiated.
func (m *Module) Data(offset uint32, b []byte) {
	m.data = append(m.data, segment{offset, b})
}

// Err joins the mistakes found so far.
func (m *Module) Err() error { return errors.Join(m.errs...) }
