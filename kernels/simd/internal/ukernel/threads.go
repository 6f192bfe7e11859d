package ukernel

import (
	"glance/kernels"
	"glance/kernels/asm"
)

// The control block, 64 bytes to a cache line. All words but the task are
// accessed atomically.
const (
	ctlCall     = 0   // number of the run << 8 | threads that take part, or leave
	ctlTask     = 64  // program, from, to
	ctlArrived  = 128 // threads at the barrier
	ctlPassed   = 192 // barriers passed
	ctlSleepers = 256 // threads asleep, or about to be, at ctlPassed or ctlCall
	ctlReady    = 320 // helpers that have entered serve
	ctlStatus   = 384 // two words, for even and odd phases: the first failure
	ctlFailed   = 448 // not 0 once a thread has waited in vain
	ctlGone     = 452 // helpers that are through with the run
	ctlQueues   = 512 // for each thread, how many of its lanes are taken in this phase

	leave = 255 // in place of a number of threads: helpers return from serve

	// ControlBytes is the size of the control block.
	ControlBytes = 512 + 4*MaxThreads
)

const (
	second   = 1e9     // nanoseconds
	forever  = -1      // as nanoseconds
	everyone = 1 << 30 // to be woken
)

// ThreadsConfig is how threads wait for each other.
type ThreadsConfig struct {
	// Spin is how often a thread looks at a word before it sleeps.
	Spin int
	// Patience is how many seconds a thread waits at a barrier before it gives
	// up; a helper waits longer, so that it is thread 0 that gives up and says
	// so. Seconds are counted one by one, so that a computer that was suspended in
	// between, which ends one wait at once, does not look like a thread that died.
	Patience int
}

// helperPatience is how many times longer helpers wait.
const helperPatience = 6

// threaded declares the exports of a module with helper threads.
//
// Every thread has an instance of its own on the one shared memory. Thread 0
// calls run; the others sit in serve, where each takes a number when it enters.
// A run takes as many threads as have entered by then, but no more than setup
// has set and than the program has lanes, and publishes that number together
// with the run's own in one word, so that a helper that enters meanwhile knows
// that it is not meant. The lanes of a phase are shared out evenly, and a thread
// that is through with its own takes what is left of the others', so that a slow
// core, or one that other programs use too, keeps nobody waiting for long. Threads
// meet at a barrier after every phase: they look at a word for a while, because
// phases are short, and only then sleep.
//
// A thread that does not come to the barrier in time makes thread 0 return
// StatusHelperFailed; from then on thread 0 runs all lanes by itself and helpers
// leave wherever they come to a barrier.
func (b *builder) threaded(list *asm.Func, c ThreadsConfig) {
	control := b.Global("control", ControlBase)
	limit, helpers := b.Global("limit", 1), b.Global("helpers", 0) // how many may take part; that took part last
	await, wake := b.await(c.Spin), b.wake()
	barrier := b.barrier(c, control, await, wake)
	phases := b.phases(list, b.shared(control, list), barrier)

	setup := b.Func("setup")
	setup.Export("setup")
	base, threads := setup.ParamI32("control"), setup.ParamI32("threads")
	setup.Put(control, base)
	setup.IfElse(threads, func() {
		setup.Put(limit, threads.Select(threads.LtUI(MaxThreads), setup.I32Const(MaxThreads)))
	}, func() {
		setup.Put(limit, setup.I32Const(1))
		base.AtomicStore(ctlCall, base.AtomicLoad(ctlCall).OrI(leave))
		setup.Call(wake, base.AddI(ctlCall), base)
	})

	giveUp := b.Func("give_up")
	{
		ctl := giveUp.ParamI32("control")
		giveUp.Put(limit, giveUp.I32Const(1))
		giveUp.Put(helpers, giveUp.I32Const(0))
		ctl.AtomicStore(ctlFailed, giveUp.I32Const(1))
		ctl.AtomicStore(ctlCall, ctl.AtomicLoad(ctlCall).OrI(leave))
		giveUp.Call(wake, ctl.AddI(ctlCall), ctl)
	}

	f, program, from, to := b.exportRun()
	ctl, n, gone := f.Let("ctl", f.Get(control)), f.I32("threads"), f.I32("gone")
	failed := f.I32Const(int32(kernels.StatusHelperFailed))
	// A helper may still be on its way out of the run before.
	f.Block(func(all asm.Label) {
		f.Loop(func(next asm.Label) {
			gone.Set(ctl.AtomicLoad(ctlGone))
			f.BrIf(all, gone.Eq(f.Get(helpers)))
			f.BrIf(next, f.CallI32(await, ctl.AddI(ctlGone), gone, ctl, f.I64Const(second), f.I32Const(int32(c.Patience))))
		})
		f.Call(giveUp, ctl)
		f.Return(failed)
	})
	n.Set(ctl.AtomicLoad(ctlReady).AddI(1))
	for _, other := range []asm.I32{f.Get(limit), program.Load(0)} {
		n.Set(n.Select(n.LtU(other), other))
	}
	f.Put(helpers, n.AddI(-1))
	ctl.AtomicStore(ctlGone, f.I32Const(0))
	f.If(n.GtUI(1), func() {
		ctl.Store(ctlTask, program)
		ctl.Store(ctlTask+4, from)
		ctl.Store(ctlTask+8, to)
		ctl.AtomicStore(ctlStatus, f.I32Const(0))
		ctl.AtomicStore(ctlStatus+4, f.I32Const(0))
		ctl.AtomicStore(ctlCall, ctl.AtomicLoad(ctlCall).AndI(-1<<8).AddI(1<<8).Or(n))
		f.Call(wake, ctl.AddI(ctlCall), ctl)
	})
	status := f.Let("status", f.CallI32(phases, program, from, to, f.I32Const(0), n))
	f.If(status.Eq(failed), func() { f.Call(giveUp, ctl) })
	f.Return(status)

	b.serve(control, await, wake, phases)
}

// serve declares the export in which a helper lives. lane, from 1 to
// MaxThreads-1, is the host's number for it.
func (b *builder) serve(control asm.Global, await, wake, phases *asm.Func) {
	f := b.Func("serve")
	f.Export("serve")
	ctl, lane := f.ParamI32("control"), f.ParamI32("lane")
	f.If(lane.AddI(-1).GeUI(MaxThreads-1), func() { f.Return() })
	f.Put(control, ctl)
	// The last call is read before the helper counts as ready: a run that counts
	// it publishes a call that differs.
	seen := f.Let("seen", ctl.AtomicLoad(ctlCall))
	thread := f.Let("thread", ctl.AtomicAdd(ctlReady, f.I32Const(1)).AddI(1))
	f.Put(b.scratch, thread.MulI(scratchBytes).AddI(scratchBase))
	threads := f.I32("threads")
	f.Loop(func(next asm.Label) {
		f.If(seen.AndI(255).EqI(leave), func() { f.Return() })
		f.Drop(f.CallI32(await, ctl.AddI(ctlCall), seen, ctl, f.I64Const(forever), f.I32Const(1)))
		seen.Set(ctl.AtomicLoad(ctlCall))
		threads.Set(seen.AndI(255))
		f.If(threads.NeI(leave).And(thread.LtU(threads)), func() {
			f.Drop(f.CallI32(phases, ctl.Load(ctlTask), ctl.Load(ctlTask+4), ctl.Load(ctlTask+8), thread, threads))
			f.If(ctl.AtomicLoad(ctlFailed), func() { f.Return() })
			f.Drop(ctl.AtomicAdd(ctlGone, f.I32Const(1)))
			f.Call(wake, ctl.AddI(ctlGone), ctl)
		})
		f.Br(next)
	})
}

// shared declares the function that runs lanes of a phase, given the address of the
// phase's pairs, until all are taken: first those that are thread's own, then those
// of the threads after it.
func (b *builder) shared(control asm.Global, list *asm.Func) *asm.Func {
	f := b.Func("shared")
	f.Result(asm.TypeI32)
	pairs, lanes := f.ParamI32("pairs"), f.ParamI32("lanes")
	owner, threads := f.ParamI32("owner"), f.ParamI32("threads")
	left := f.Let("left", threads)
	lane, end := f.I32("lane"), f.I32("end")
	status, failed := f.I32("status"), f.I32("failed")
	first := func(of asm.I32) asm.I32 { return of.Mul(lanes).DivU(threads) }
	f.Loop(func(nextOwner asm.Label) {
		end.Set(first(owner.AddI(1)))
		f.Block(func(taken asm.Label) {
			f.Loop(func(next asm.Label) {
				lane.Set(first(owner).Add(f.Get(control).Add(owner.ShlI(2)).AtomicAdd(ctlQueues, f.I32Const(1))))
				f.BrIf(taken, lane.GeU(end))
				// A failed lane does not keep the others from finishing the phase.
				failed.Set(f.CallI32(list, pairs.Add(lane.ShlI(3))))
				status.Set(status.Select(status, failed))
				f.Br(next)
			})
		})
		owner.Set(owner.AddI(1))
		owner.Set(owner.Select(owner.LtU(threads), f.I32Const(0)))
		left.Set(left.AddI(-1))
		f.BrIf(nextOwner, left)
	})
	f.Return(status)
	return f
}

// await declares the function that returns once the word at an address is not
// value any more: 1, or 0 where it has waited so many times timeout nanoseconds.
func (b *builder) await(spin int) *asm.Func {
	f := b.Func("await")
	f.Result(asm.TypeI32)
	word, value, ctl, timeout := f.ParamI32("word"), f.ParamI32("value"), f.ParamI32("control"), f.ParamI64("timeout")
	times := f.ParamI32("times")
	left := f.Let("left", f.I32Const(int32(spin)))
	f.Loop(func(next asm.Label) {
		f.If(word.AtomicLoad(0).Ne(value), func() { f.Return(f.I32Const(1)) })
		left.Set(left.AddI(-1))
		f.BrIf(next, left)
	})
	f.Drop(ctl.AtomicAdd(ctlSleepers, f.I32Const(1)))
	f.Loop(func(next asm.Label) {
		times.Set(times.Sub(word.AtomicWait(0, value, timeout).EqI(2)))
		f.BrIf(next, times.NeI(0).And(word.AtomicLoad(0).Eq(value)))
	})
	f.Drop(ctl.AtomicSub(ctlSleepers, f.I32Const(1)))
	f.Return(word.AtomicLoad(0).Ne(value))
	return f
}

// wake declares the function that wakes those who sleep at a word that has
// just changed. Whoever counts as a sleeper later sees the change instead.
func (b *builder) wake() *asm.Func {
	f := b.Func("wake")
	word, ctl := f.ParamI32("word"), f.ParamI32("control")
	f.If(ctl.AtomicLoad(ctlSleepers), func() { f.Drop(word.AtomicNotify(0, f.I32Const(everyone))) })
	return f
}

// barrier declares the function in which the threads of a run meet after a
// phase; the last one to come empties the queues for the next phase. All return the
// same status: that of the first thread that failed in this phase, or OK. The two
// status words take turns, so that a thread that is ahead in the next phase does not
// change what the others are about to read.
func (b *builder) barrier(c ThreadsConfig, control asm.Global, await, wake *asm.Func) *asm.Func {
	f := b.Func("barrier")
	f.Result(asm.TypeI32)
	phase, status, threads := f.ParamI32("phase"), f.ParamI32("status"), f.ParamI32("threads")
	thread := f.ParamI32("thread")
	ctl := f.Let("ctl", f.Get(control))
	word := f.Let("word", ctl.AddI(ctlStatus).Add(phase.AndI(1).ShlI(2)))
	passed, queue := f.Let("passed", ctl.AtomicLoad(ctlPassed)), f.I32("queue")
	seconds := f.I32Const(int32(helperPatience*c.Patience)).Select(thread, f.I32Const(int32(c.Patience)))
	f.If(status, func() { f.Drop(word.AtomicCmpxchg(0, f.I32Const(0), status)) })
	f.IfElse(ctl.AtomicAdd(ctlArrived, f.I32Const(1)).Eq(threads.AddI(-1)), func() {
		ctl.AtomicStore(ctlArrived, f.I32Const(0))
		queue.Set(ctl)
		f.Loop(func(next asm.Label) {
			queue.AtomicStore(ctlQueues, f.I32Const(0))
			queue.Set(queue.AddI(4))
			f.BrIf(next, queue.LtU(ctl.Add(threads.ShlI(2))))
		})
		ctl.AtomicStore(ctlPassed, passed.AddI(1))
		f.Call(wake, ctl.AddI(ctlPassed), ctl)
	}, func() {
		f.If(f.CallI32(await, ctl.AddI(ctlPassed), passed, ctl, f.I64Const(second), seconds).Eqz(), func() {
			ctl.AtomicStore(ctlFailed, f.I32Const(1))
		})
	})
	f.If(ctl.AtomicLoad(ctlFailed), func() { f.Return(f.I32Const(int32(kernels.StatusHelperFailed))) })
	f.Return(word.AtomicLoad(0))
	return f
}
