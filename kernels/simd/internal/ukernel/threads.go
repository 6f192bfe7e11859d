package ukernel

import (
	"glance/kernels"
	"glance/kernels/asm"
)

// The control block, 64 bytes to a cache line. All words but the task are
// accessed atomically.
const (
	ctlEpoch    = 0   // changes whenever lanes can be claimed, or the run is over
	ctlSleepers = 64  // threads asleep, or about to be, at ctlEpoch
	ctlThreads  = 128 // as setup was told
	ctlLeave    = 132 // not 0: helpers return from serve
	ctlTask     = 192 // program, phase, the run's last phase + 1
	ctlDone     = 256 // lanes of the phase that are done
	ctlStatus   = 320 // the first failure of the run
	ctlOver     = 324 // not 0: the run is over
	ctlQueues   = 384 // for each thread, how many of its lanes nobody has claimed

	// ControlBytes is the size of the control block.
	ControlBytes = ctlQueues + 4*MaxThreads
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
	// Patience is how many seconds thread 0 waits for a lane that a helper has
	// claimed before it gives up. Seconds are counted one by one, so that a computer
	// that was suspended in between, which ends one wait at once, does not look like
	// a thread that died.
	Patience int
}

// threaded declares the exports of a module with helper threads.
//
// Every thread has an instance of its own on the one shared memory. Thread 0
// calls run; the others sit in serve. The lanes of a phase are shared out evenly
// into queues, one a thread. A thread claims lanes one by one, from its own queue
// and then from those of the others, so that a slow core, or one that other
// programs use too, keeps nobody waiting for long. Who does the last lane of a
// phase fills the queues with the next one's. So a phase ends when its lanes are
// done, whoever did them: a thread that holds no lane, because it has not started,
// sleeps, or was put aside by the system, is not waited for. Threads with nothing
// to claim look at a word for a while, because phases are short, and only then
// sleep.
//
// A claim says nothing about phase or program; a thread that has one reads both,
// which stay until the lane is done. A thread that comes late therefore does no
// harm: what it claims is of the phase that is current then.
//
// A lane that a helper has claimed and does not finish in time makes thread 0 return
// StatusHelperFailed; from then on thread 0 runs all lanes by itself and the helpers
// leave.
func (b *builder) threaded(list *asm.Func, c ThreadsConfig) {
	control := b.Global("control", ControlBase)
	several := b.Global("several", 0) // whether there are helpers
	await := b.await(c.Spin)
	fill, announce := b.fill(), b.announce()
	take := b.take(list, fill, announce)

	dismiss := b.Func("dismiss")
	{
		ctl := dismiss.ParamI32("control")
		dismiss.Put(several, dismiss.I32Const(0))
		ctl.AtomicStore(ctlLeave, dismiss.I32Const(1))
		dismiss.Call(announce, ctl)
	}

	setup := b.Func("setup")
	setup.Export("setup")
	base, threads := setup.ParamI32("control"), setup.ParamI32("threads")
	setup.Put(control, base)
	setup.IfElse(threads, func() {
		threads.Set(threads.Select(threads.LtUI(MaxThreads), setup.I32Const(MaxThreads)))
		base.AtomicStore(ctlThreads, threads)
		setup.Put(several, threads.GtUI(1))
	}, func() { setup.Call(dismiss, base) })

	alone := b.phases(list)
	f, program, from, to := b.exportRun()
	f.If(f.Get(several).Eqz().Or(program.Load(0).EqI(1)).Or(from.Eq(to)), func() {
		f.Return(f.CallI32(alone, program, from, to))
	})
	ctl, epoch := f.Let("ctl", f.Get(control)), f.I32("epoch")
	ctl.Store(ctlTask, program)
	ctl.Store(ctlTask+4, from)
	ctl.Store(ctlTask+8, to)
	ctl.AtomicStore(ctlStatus, f.I32Const(0))
	ctl.AtomicStore(ctlOver, f.I32Const(0))
	f.Call(fill, ctl)
	f.Call(announce, ctl)
	f.Loop(func(next asm.Label) {
		epoch.Set(ctl.AtomicLoad(ctlEpoch))
		f.If(ctl.AtomicLoad(ctlOver), func() { f.Return(ctl.AtomicLoad(ctlStatus)) })
		f.BrIf(next, f.CallI32(take, ctl, f.I32Const(0)))
		f.BrIf(next, f.CallI32(await, ctl.AddI(ctlEpoch), epoch, ctl, f.I64Const(second), f.I32Const(int32(c.Patience))))
	})
	f.Call(dismiss, ctl)
	f.Return(f.I32Const(int32(kernels.StatusHelperFailed)))

	b.serve(control, await, take)
}

// serve declares the export in which a helper lives. lane, from 1 on, is its number.
func (b *builder) serve(control asm.Global, await, take *asm.Func) {
	f := b.Func("serve")
	f.Export("serve")
	ctl, thread := f.ParamI32("control"), f.ParamI32("lane")
	f.If(thread.Eqz().Or(thread.GeU(ctl.AtomicLoad(ctlThreads))), func() { f.Return() })
	f.Put(control, ctl)
	f.Put(b.scratch, thread.MulI(scratchBytes).AddI(scratchBase))
	epoch := f.I32("epoch")
	f.Loop(func(next asm.Label) {
		epoch.Set(ctl.AtomicLoad(ctlEpoch))
		f.If(ctl.AtomicLoad(ctlLeave), func() { f.Return() })
		f.BrIf(next, f.CallI32(take, ctl, thread))
		f.Drop(f.CallI32(await, ctl.AddI(ctlEpoch), epoch, ctl, f.I64Const(forever), f.I32Const(1)))
		f.Br(next)
	})
}

// firstOf is the first lane of a thread's queue.
func firstOf(thread, lanes, threads asm.I32) asm.I32 { return thread.Mul(lanes).DivU(threads) }

// fill declares the function that fills the queues with the task's lanes. Nobody
// else changes a queue then, as all are empty. The last queue, which has a lane of
// every phase, is filled last: so no phase ends, and no other fill begins, before
// this one is done.
func (b *builder) fill() *asm.Func {
	f := b.Func("fill")
	ctl := f.ParamI32("control")
	lanes, threads := f.Let("lanes", ctl.Load(ctlTask).Load(0)), f.Let("threads", ctl.AtomicLoad(ctlThreads))
	owner := f.I32("owner")
	ctl.AtomicStore(ctlDone, f.I32Const(0))
	f.Loop(func(next asm.Label) {
		count := firstOf(owner.AddI(1), lanes, threads).Sub(firstOf(owner, lanes, threads))
		ctl.Add(owner.ShlI(2)).AtomicStore(ctlQueues, count)
		owner.Set(owner.AddI(1))
		f.BrIf(next, owner.LtU(threads))
	})
	return f
}

// take declares the function that claims a lane and runs it, for one of the threads:
// 1, or 0 where there was none to claim. With the phase's last lane it begins the
// next phase, or ends the run.
func (b *builder) take(list, fill, announce *asm.Func) *asm.Func {
	f := b.Func("take")
	f.Result(asm.TypeI32)
	ctl, owner := f.ParamI32("control"), f.ParamI32("thread")
	threads := f.Let("threads", ctl.AtomicLoad(ctlThreads))
	left := f.Let("left", threads)
	queue, unclaimed, seen := f.I32("queue"), f.I32("unclaimed"), f.I32("seen")
	f.Block(func(claimed asm.Label) {
		f.Loop(func(nextOwner asm.Label) {
			queue.Set(ctl.Add(owner.ShlI(2)))
			seen.Set(queue.AtomicLoad(ctlQueues))
			f.Block(func(empty asm.Label) {
				f.Loop(func(again asm.Label) {
					unclaimed.Set(seen)
					f.BrIf(empty, unclaimed.Eqz())
					seen.Set(queue.AtomicCmpxchg(ctlQueues, unclaimed, unclaimed.AddI(-1)))
					f.BrIf(again, seen.Ne(unclaimed))
					f.Br(claimed)
				})
			})
			owner.Set(owner.AddI(1))
			owner.Set(owner.Select(owner.LtU(threads), f.I32Const(0)))
			left.Set(left.AddI(-1))
			f.BrIf(nextOwner, left)
		})
		f.Return(f.I32Const(0))
	})
	program, phase := f.Let("program", ctl.Load(ctlTask)), f.Let("phase", ctl.Load(ctlTask+4))
	lanes := f.Let("lanes", program.Load(0))
	lane := firstOf(owner.AddI(1), lanes, threads).Sub(unclaimed)
	status := f.Let("status", f.CallI32(list, pairOf(program, phase, lanes).Add(lane.ShlI(3))))
	// A failed lane does not keep the others from finishing the phase.
	f.If(status, func() { f.Drop(ctl.AtomicCmpxchg(ctlStatus, f.I32Const(0), status)) })
	f.If(ctl.AtomicAdd(ctlDone, f.I32Const(1)).AddI(1).Eq(lanes), func() {
		phase.Set(phase.AddI(1))
		f.IfElse(ctl.AtomicLoad(ctlStatus).Or(phase.GeU(ctl.Load(ctlTask+8))), func() {
			ctl.AtomicStore(ctlOver, f.I32Const(1))
		}, func() {
			ctl.Store(ctlTask+4, phase)
			f.Call(fill, ctl)
		})
		f.Call(announce, ctl)
	})
	f.Return(f.I32Const(1))
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

// announce declares the function that tells threads which have nothing to do that
// this has changed. Whoever counts as a sleeper later sees the change instead.
func (b *builder) announce() *asm.Func {
	f := b.Func("announce")
	ctl := f.ParamI32("control")
	f.Drop(ctl.AtomicAdd(ctlEpoch, f.I32Const(1)))
	f.If(ctl.AtomicLoad(ctlSleepers), func() { f.Drop(ctl.AtomicNotify(ctlEpoch, f.I32Const(everyone))) })
	return f
}
