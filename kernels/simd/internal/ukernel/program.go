package ukernel

import (
	"glance/kernels"
	"glance/kernels/asm"
)

// list declares the function that runs the records of one lane of one phase,
// given the address of the program's pair {records, count}, up to the first that
// fails.
func (b *builder) list(ops map[kernels.Opcode]*asm.Func) *asm.Func {
	f := b.Func("list")
	f.Result(asm.TypeI32)
	pair := f.ParamI32("pair")
	record := f.Let("record", pair.Load(0))
	end := f.Let("end", record.Add(pair.Load(4).MulI(kernels.RecordBytes)))
	status := f.I32("status")
	cases := make([]func(), kernels.NumOpcodes)
	for i := range cases {
		cases[i] = func() { status.Set(invalid(f)) }
		if op := ops[kernels.Opcode(i)]; op != nil {
			cases[i] = func() { status.Set(f.CallI32(op, record)) }
		}
	}
	f.Block(func(done asm.Label) {
		f.Loop(func(next asm.Label) {
			f.BrIf(done, record.GeU(end))
			f.Switch(record.Load(0), func() { status.Set(invalid(f)) }, cases...)
			f.BrIf(done, status)
			record.Set(record.AddI(kernels.RecordBytes))
			f.Br(next)
		})
	})
	f.Return(status)
	return f
}

// alone declares the function that runs all lanes of a phase one after another,
// given the address of the phase's pairs. A failed lane does not keep the others
// from finishing the phase.
func (b *builder) alone(list *asm.Func) *asm.Func {
	f := b.Func("alone")
	f.Result(asm.TypeI32)
	pair, lanes := f.ParamI32("pair"), f.ParamI32("lanes")
	end := f.Let("end", pair.Add(lanes.ShlI(3)))
	status, failed := f.I32("status"), f.I32("failed")
	f.Loop(func(next asm.Label) {
		failed.Set(f.CallI32(list, pair))
		status.Set(status.Select(status, failed))
		pair.Set(pair.AddI(8))
		f.BrIf(next, pair.LtU(end))
	})
	f.Return(status)
	return f
}

// pairOf is the address of a phase's pairs.
func pairOf(program, phase, lanes asm.I32) asm.I32 {
	return program.Add(phase.Mul(lanes).ShlI(3)).AddI(8)
}

// phases declares the function that runs phases [from, to) on one thread, up to the
// first that fails.
func (b *builder) phases(list *asm.Func) *asm.Func {
	alone := b.alone(list)
	f := b.Func("phases")
	f.Result(asm.TypeI32)
	program, phase, to := f.ParamI32("program"), f.ParamI32("phase"), f.ParamI32("to")
	lanes, status := f.Let("lanes", program.Load(0)), f.I32("status")
	f.Block(func(done asm.Label) {
		f.Loop(func(next asm.Label) {
			f.BrIf(done, phase.GeU(to))
			status.Set(f.CallI32(alone, pairOf(program, phase, lanes), lanes))
			f.BrIf(done, status)
			phase.Set(phase.AddI(1))
			f.Br(next)
		})
	})
	f.Return(status)
	return f
}

// exportRun declares the export "run" up to where the phases are run.
func (b *builder) exportRun() (f *asm.Func, program, from, to asm.I32) {
	f = b.Func("run")
	f.Export("run")
	f.Result(asm.TypeI32)
	program, from, to = f.ParamI32("program"), f.ParamI32("from"), f.ParamI32("to")
	bad := program.Eqz().Or(program.AndI(3)).Or(program.Load(0).Eqz())
	bad = bad.Or(from.GtU(to)).Or(to.GtU(program.Load(4)))
	f.If(bad, func() { f.Return(invalid(f)) })
	return f, program, from, to
}

// single declares the exports of a module without threads; setup and serve do
// nothing there.
func (b *builder) single(list *asm.Func) {
	phases := b.phases(list)
	f, program, from, to := b.exportRun()
	f.Return(f.CallI32(phases, program, from, to))
	for _, name := range []string{"setup", "serve"} {
		f := b.Func(name)
		f.Export(name)
		f.ParamI32("control")
		f.ParamI32("number")
	}
}

func invalid(f *asm.Func) asm.I32 { return f.I32Const(int32(kernels.StatusInvalid)) }
