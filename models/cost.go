package models

import (
	"math"
	"math/bits"

	"glance/kernels"
)

// This file alone decides what is fused, how high strips are and how a squeeze
// is shared between threads. Everything is an estimate of time in nanoseconds from
// shapes; only comparisons between estimates matter.

const (
	pointwiseNS = 0.036 // a multiply-accumulate of a matrix product
	convNS      = 0.06  // one of the stem
	depthwiseNS = 0.09  // one of a depthwise convolution
	denseNS     = 0.15  // one of a matrix-vector product
	valueNS     = 0.12  // a value that is only scaled or summed

	// A byte of an activation that is written or read costs nothing in a working
	// set of nearBytes, farNS in one larger by farOctaves powers of two, and a
	// share in between: cache sizes differ too much to count on one. A byte of a
	// weight costs weightFactor times as much, as products wait for it.
	nearBytes    = 16 << 10
	farOctaves   = 8
	farNS        = 0.024
	weightFactor = 1.5

	recordNS   = 40   // starting an operator
	phaseEndNS = 2000 // ending a phase with several threads

	// Threads are never equally fast: other programs run, and cores differ. The last
	// of them ends a phase later than the mean by unevenness times the duration of a
	// last part, so parts are made smaller than one a thread, down to lanesPerThread of
	// them, where that costs less than it saves.
	unevenness     = 0.3
	lanesPerThread = 8
	partNS         = 1000 // taking a part, and beginning it with cold caches

	// pixelTile is the tile of a matrix product: fewer pixels take the time of
	// this many, and boundaries between parts of pixels are multiples of it.
	pixelTile = 4
	// densePanels is how many panels a matrix-vector product reads side by side.
	densePanels = 4
	// smallDense is the number of multiply-accumulates up to which a dense layer
	// is left to one thread.
	smallDense = 32 << 10
)

// strips are the candidate heights, in output rows; the whole of a part's rows is
// a candidate as well. Chains of pixels use them times stripPixels.
var strips = [...]int{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64}

const (
	stripPixels = 8
	maxChain    = 8   // ops in a chain
	maxStrips   = 512 // strips of a chain in each part, which bounds the program's size
)

// residency is the cost of a byte in a working set of the given size.
func residency(bytes int) float64 {
	return farNS * float64(min(bits.Len(uint(bytes/nearBytes)), farOctaves)) / farOctaves
}

// nsPerPixel is the time an op computes for one output pixel.
func (o *op) nsPerPixel() float64 {
	k, n := float64(o.in.C), float64(o.out.C)
	switch o.code {
	case kernels.OpConv3x3:
		return 9 * k * n * convNS
	case kernels.OpDepthwise:
		return float64(o.kernel*o.kernel) * n * depthwiseNS
	case kernels.OpPointwise:
		return k * n * pointwiseNS
	}
	return n * valueNS
}

// weightBytes is the size of an op's packed weights.
func (o *op) weightBytes() int {
	switch o.code {
	case kernels.OpConv3x3:
		return kernels.PanelBytes(o.out.C, 9*o.in.C, false)
	case kernels.OpDepthwise:
		return kernels.PanelBytes(o.out.C, o.kernel*o.kernel, false)
	case kernels.OpPointwise:
		return kernels.PanelBytes(o.out.C, o.in.C, false)
	}
	return 0
}

// phaseNS estimates a phase of which the threads take the next part whenever they have
// done one. n rows, or whatever it is that is shared out, make so many parts; ns is the
// time of the largest if they are even.
func phaseNS(ns float64, n, parts, threads int) float64 {
	if threads == 1 {
		return ns
	}
	ns += partNS
	largest := (n + parts - 1) / parts
	all := ns * float64(n) / float64(largest)
	last := ns * 2 / float64(parts/threads+1) // parts are tapered
	return phaseEndNS + max(ns, all/float64(threads)) + unevenness*last
}

// chainNS estimates the largest of the parts of a chain with strips of the given
// height.
func chainNS(ops []op, strip, parts int) float64 {
	last := &ops[len(ops)-1]
	partRows := (last.out.H + parts - 1) / parts
	strip = min(strip, partRows)
	count := float64((partRows + strip - 1) / strip)

	total := 0.0
	working := 0 // bytes of weights and ring buffers
	rows, step := partRows, strip
	for i := len(ops) - 1; i >= 0; i-- {
		o := &ops[i]
		pixels := step * o.out.W // of a strip
		if o.code == kernels.OpPointwise {
			pixels = roundUp(pixels, pixelTile)
		}
		total += float64(pixels) * float64(rows) / float64(step) * o.nsPerPixel()
		working += o.weightBytes()
		lo, hi := o.inputRows(0, rows)
		if parts > 1 && o.windowed() { // a part in the middle has a halo on both sides
			hi = min(o.in.H, (rows-1)*o.stride+o.kernel)
		}
		if i > 0 {
			row := o.in.W * o.in.C * 4
			ring := min(hi-lo, (step-1)*o.stride+o.kernel) * row
			working += ring
			total += float64(2*(hi-lo)*row) * residency(2*ring)
			step *= o.stride
		}
		rows = hi - lo
	}
	for i := range ops {
		total += count * float64(ops[i].weightBytes()) * residency(working) * weightFactor
	}
	first := &ops[0]
	total += float64(rows*first.in.W*first.in.C*4) * residency(first.in.Size()*4)
	total += float64(partRows*last.out.W*last.out.C*4) * residency(last.out.Size()*4)
	if len(ops) > 1 { // rings wrap, which makes two records of one
		count *= 2
	}
	return total + count*float64(len(ops))*recordNS
}

// outputsNS estimates the largest of the parts of a pointwise op that are of outputs.
func outputsNS(o *op, parts int) float64 {
	panels := panelCount(o.out.C)
	share := float64((panels+parts-1)/parts) / float64(panels)
	weights := share * float64(o.weightBytes())
	pixels := float64(roundUp(o.out.Pixels(), pixelTile))
	return recordNS + share*pixels*o.nsPerPixel() +
		weights*residency(int(weights))*weightFactor +
		float64(o.in.Size()*4)*residency(o.in.Size()*4) +
		share*float64(o.out.Size()*4)*residency(o.out.Size()*4)
}

func panelCount(outputs int) int { return (outputs + kernels.Panel - 1) / kernels.Panel }

// choose sets the chain's parts and strips to what costs least, and returns that cost.
func (c *chain) choose(o PlanOptions) float64 {
	best := math.Inf(1)
	for parts := o.Threads; parts <= c.maxParts(o); parts *= 2 {
		for _, strip := range c.heights(o, parts) {
			if ns := phaseNS(chainNS(c.ops, strip, parts), c.rows(), parts, o.Threads); ns < best {
				best, c.parts, c.strip, c.outputs = ns, parts, strip, false
			}
		}
		if len(c.ops) == 1 && o.Threads > 1 && c.first().code == kernels.OpPointwise {
			if ns := phaseNS(outputsNS(c.first(), parts), panelCount(c.first().out.C), parts, o.Threads); ns < best {
				best, c.parts, c.strip, c.outputs = ns, parts, c.rows(), true
			}
		}
	}
	return best
}

// maxParts is how many parts the chain can have: one a thread where a squeeze goes
// before it, which each part may do for itself.
func (c *chain) maxParts(o PlanOptions) int {
	if c.first().squeeze >= 0 {
		return o.Threads
	}
	return o.lanes()
}

// heights returns the candidates for the height of strips.
func (c *chain) heights(o PlanOptions, parts int) []int {
	whole, unit := c.rows(), 1
	if c.flat {
		unit = stripPixels
		if o.StripRows > 0 {
			unit = max(1, c.width)
		}
	}
	if len(c.ops) == 1 {
		return []int{whole}
	}
	if o.StripRows > 0 {
		return []int{min(whole, o.StripRows*unit)}
	}
	heights := []int{whole}
	for _, s := range strips {
		if s*unit < whole && whole/(s*unit)/parts < maxStrips {
			heights = append(heights, s*unit)
		}
	}
	return heights
}

// partition cuts the ops into chains: the cheapest way, or the one that the
// options force.
func partition(n *Network, ops []op, o PlanOptions) []*chain {
	keep := kept(n, ops)
	type cut struct {
		ns    float64
		chain *chain // the chain that ends here
	}
	best := make([]cut, len(ops)+1) // best[j]: ops[:j]
	for i := range ops {
		for j := i + 1; j <= min(i+maxChain, len(ops)); j++ {
			if j > i+1 && (keep[ops[j-2].layer] || ops[j-1].squeeze >= 0 || o.Fuse == FuseNever) {
				break
			}
			c := newChain(ops[i:j])
			ns := c.choose(o)
			if o.Fuse == FuseAlways {
				ns = 1 // the fewest chains
			}
			if total := best[i].ns + ns; best[j].chain == nil || total < best[j].ns {
				best[j] = cut{total, c}
			}
		}
	}
	var chains []*chain
	for j := len(ops); j > 0; j -= len(best[j].chain.ops) {
		chains = append(chains, best[j].chain)
	}
	for i, j := 0, len(chains)-1; i < j; i, j = i+1, j-1 {
		chains[i], chains[j] = chains[j], chains[i]
	}
	return chains
}

// shareSqueeze says whether threads share the work of a squeeze, a phase for each
// of its steps, or each does all of it. One thread always takes the
// steps, as there they cost nothing and show in a profile. scaled is the number
// of weights that the squeeze scales, 0 where it scales activations.
func shareSqueeze(l *Layer, scaled, threads int) bool {
	if threads == 1 {
		return true
	}
	steps := 2.0
	if scaled > 0 {
		steps++
	}
	work := float64(l.MACs())*denseNS + float64(scaled)*valueNS
	return work/float64(threads)+steps*phaseEndNS < work
}
