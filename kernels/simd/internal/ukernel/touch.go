package ukernel

import "glance/kernels/asm"

// cacheLine is what caches load at once, in bytes.
const cacheLine = 64

// toucher emits loads of memory that is needed soon, a share at a time. The nil
// *toucher emits nothing.
type toucher struct {
	f               *asm.Func
	at, limit, size asm.I32 // the next line, where lines end, bytes of a share
	stop            asm.I32 // where the current share ends
	sum             asm.I32 // of what was loaded, so that no compiler takes the loads for dead
}

func newToucher(f *asm.Func, on bool) *toucher {
	if !on {
		return nil
	}
	return &toucher{f, f.I32("touch_at"), f.I32("touch_end"), f.I32("touch_size"), f.I32("touch_stop"), f.I32("touch_sum")}
}

// start takes size bytes at an address on, to be touched in shares.
func (t *toucher) start(at, size, shares asm.I32) {
	if t == nil {
		return
	}
	t.at.Set(at)
	t.limit.Set(at.Add(size))
	t.size.Set(size.DivU(shares).AddI(cacheLine))
}

// share touches the next share, if any is left.
func (t *toucher) share() {
	if t == nil {
		return
	}
	t.stop.Set(t.at.Add(t.size))
	t.stop.Set(t.stop.Select(t.stop.LtU(t.limit), t.limit))
	t.f.If(t.at.LtU(t.stop), func() {
		t.f.Loop(func(next asm.Label) {
			t.sum.Set(t.sum.Add(t.at.Load(0)))
			t.at.Set(t.at.AddI(cacheLine))
			t.f.BrIf(next, t.at.LtU(t.stop))
		})
	})
}

// end stores the sum to an address whose word nobody reads.
func (t *toucher) end(at asm.I32) {
	if t != nil {
		at.Store(0, t.sum)
	}
}
