package ukernel

import (
	"glance/kernels"
	"glance/kernels/asm"
)

// touchShare is the ratio of the weights that a tile computes with to those that it
// touches.
const touchShare = 8

// toucher says which of the weights that come next each tile of a block touches.
//
// To touch is to load, for want of a prefetch instruction: a word in every iteration of
// a tile, further on by an eighth of the iteration's own weights. Eight tiles touch a
// block, and by the ninth it is in a near cache. Loads so far apart cost little, and as
// they follow each other in memory the hardware soon fetches ahead of them, beside the
// computing. A burst of loads between tiles does not achieve that: nothing is computed
// until they are through.
//
// What comes after a record's last block belongs to the next part or layer, most often.
type toucher struct {
	f     *asm.Func
	at    asm.I32 // what the tile touches
	share asm.I32 // bytes of it
	last  asm.I32 // the last share
	limit asm.I32 // where memory ends
}

func newToucher(f *asm.Func) *toucher {
	limit := f.Let("touch_limit", f.MemorySize().ShlI(16).AddI(-kernels.Slack)) // 2^32 wraps, rightly
	return &toucher{f, f.I32("touch"), f.I32("touch_share"), f.I32("touch_last"), limit}
}

// start begins a block, with so many bytes to touch at an address.
func (t *toucher) start(at, bytes asm.I32) {
	t.share.Set(bytes.DivUI(touchShare))
	t.last.Set(at.Add(bytes))
	t.last.Set(t.last.Select(t.last.LtU(t.limit), t.limit).Sub(t.share))
	t.at.Set(at)
	t.clamp()
}

// advance goes on to the next tile. Tiles after the eighth touch what the eighth did.
func (t *toucher) advance() {
	t.at.Set(t.at.Add(t.share))
	t.clamp()
}

func (t *toucher) clamp() { t.at.Set(t.at.Select(t.at.LtU(t.last), t.last)) }

// touch loads the word at an address and goes on from there, in an iteration that
// computes with so many bytes of weights.
func touch(f *asm.Func, at asm.I32, bytes int) {
	f.Drop(at.Load(0)) // it may trap, so that no compiler takes it for dead
	at.Set(at.AddI(int32(bytes / touchShare)))
}
