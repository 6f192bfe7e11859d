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

// phases declares the function that runs phases [from, to) for one of several
// threads. Where there are several, shared runs the part of a phase that falls to
// this one, and barrier, after which all threads have the same status, ends it;
// both are nil in a module without threads.
func (b *builder) phases(list, shared, barrier *asm.Func) *asm.Func {
	alone := b.alone(list)
	f := b.Func("phases")
	f.Result(asm.TypeI32)
	program, phase, to := f.ParamI32("program"), f.ParamI32("phase"), f.ParamI32("to")
	thread, threads := f.ParamI32("thread"), f.ParamI32("threads")
	lanes := f.Let("lanes", program.Load(0))
	pairs, status := f.I32("pairs"), f.I32("status")
	f.Block(func(done asm.Label) {
		f.Loop(func(next asm.Label) {
			f.BrIf(done, phase.GeU(to))
			pairs.Set(program.Add(phase.Mul(lanes).ShlI(3)).AddI(8))
			single := func() { status.Set(f.CallI32(alone, pairs, lanes)) }
			if barrier == nil {
				single()
			} else {
				f.IfElse(threads.GtUI(1), func() {
					status.Set(f.CallI32(shared, pairs, lanes, thread, threads))
					status.Set(f.CallI32(barrier, phase, status, threads, thread))
				}, single)
			}
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
	phases := b.phases(list, nil, nil)
	f, program, from, to := b.exportRun()
	f.Return(f.CallI32(phases, program, from, to, f.I32Const(0), f.I32Const(1)))
	for _, name := range []string{"setup", "serve"} {
		f := b.Func(name)
		f.Export(name)
		f.ParamI32("control")
		f.ParamI32("number")
	}
}

func invalid(f *asm.Func) asm.I32 { return f.I32Const(int32(kernels.StatusInvalid)) }
