package recalibrate

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"glance/models"
	"glance/tools/quantize/convert"
)

// Images gives the calibration images as the network's input, normalised:
// [H][W][3] float32.
type Images interface {
	Len() int
	Input(i int) ([]float32, error)
}

// Options are the limits of a run. The zero value is fit for use.
type Options struct {
	Workers int   // images computed at the same time; 0 is the number of processors
	Memory  int64 // bytes of activations that may be held; 0 is 512 MiB
	// Progress is called after each layer of each group, if not nil.
	Progress func(done, total int)
}

const (
	defaultMemory = 512 << 20
	maxWorkers    = 16
	// minImages is how few images have statistics at all: behind a global pool an
	// image gives one value a channel.
	minImages = 2
)

// Change is what happened to a batch norm's statistics.
type Change struct {
	Name string // of the batch norm in the checkpoint
	// Variance is the median over channels of the new variance over the old one;
	// Mean that of the difference of the means, in new standard deviations.
	Variance, Mean float64
}

// Error is what [Run] reports about its input.
type Error struct{ Detail string }

func (e *Error) Error() string { return "recalibrate: " + e.Detail }

// Run replaces the statistics of every batch norm among the parameters, which are
// those of the network's weight matrices in order, by those of the images. Within
// a group images are normalised with the biased variance; what is kept is the
// unbiased one, as PyTorch does. Results do not depend on the number of workers.
func Run(ctx context.Context, n *models.Network, params []*convert.Params, images Images, o Options) ([]Change, error) {
	if images.Len() < minImages {
		return nil, &Error{fmt.Sprintf("%d images, at least %d are needed, and some 64 for good statistics", images.Len(), minImages)}
	}
	if o.Workers == 0 {
		o.Workers = min(runtime.NumCPU(), maxWorkers)
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	p := plan(n, params)
	if p.norms == 0 {
		return nil, &Error{"the checkpoint has no batch norms: their statistics are folded into the weights already, train again or find the checkpoint before"}
	}
	averages := make(map[*convert.Params]*moments)
	groups := split(images.Len(), max(minImages, int(o.Memory/p.bytesPerImage)))
	engines := make([]*engine, o.Workers)
	for i := range engines {
		engines[i] = newEngine()
		defer engines[i].machine.Close()
	}
	first := 0
	for g, size := range groups {
		r := &runner{schedule: p, engines: engines, kept: make(map[int][][]float32)}
		for i := range size {
			x, err := images.Input(first + i)
			if err != nil {
				return nil, err
			}
			if want := n.InputShape().Size(); len(x) != want {
				return nil, &Error{fmt.Sprintf("image %d has %d values, the network's input %d", first+i, len(x), want)}
			}
			r.current = append(r.current, x)
		}
		for i := range p.steps {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := r.step(i, averages, float64(size)/float64(images.Len())); err != nil {
				return nil, err
			}
			if o.Progress != nil {
				o.Progress(g*len(p.steps)+i+1, len(groups)*len(p.steps))
			}
		}
		first += size
	}
	var changes []Change
	for _, x := range params {
		if a := averages[x]; a != nil {
			changes = append(changes, a.replace(x))
		}
	}
	return changes, nil
}

// split divides n images into the fewest groups of at most limit, as even as can
// be, but none of fewer than minImages.
func split(n, limit int) []int {
	groups := max(1, min((n+limit-1)/limit, n/minImages))
	sizes := make([]int, groups)
	for i := range sizes {
		sizes[i] = n/groups + min(1, max(0, n%groups-i))
	}
	return sizes
}

// schedule is a network's layers up to the last one with a batch norm.
type schedule struct {
	network       *models.Network
	steps         [][]*convert.Params // the weight matrices of each layer
	norms         int
	lastUse       []int // of each layer's output: the last layer that reads it
	bytesPerImage int64 // of activations at the widest point
}

func plan(n *models.Network, params []*convert.Params) *schedule {
	p := &schedule{network: n, steps: make([][]*convert.Params, len(n.Layers))}
	last := -1
	for _, x := range params {
		at := slices.IndexFunc(n.Layers, func(l models.Layer) bool { return l.Name == x.Layer.Name })
		p.steps[at] = append(p.steps[at], x)
		if x.Norm != nil {
			p.norms++
			last = max(last, at)
		}
	}
	p.steps = p.steps[:last+1]
	p.lastUse = make([]int, len(p.steps))
	for i := range p.steps {
		p.lastUse[i] = i + 1
		if r := n.Layers[i].Residual; r >= 0 {
			p.lastUse[r] = i
		}
	}
	for i := range p.steps {
		bytes := int64(n.Layers[i].In.Size()+n.Layers[i].Out.Size()) * 4
		for j := range i {
			if p.lastUse[j] > i && j != i-1 {
				bytes += int64(n.Layers[j].Out.Size()) * 4
			}
		}
		p.bytesPerImage = max(p.bytesPerImage, bytes)
	}
	return p
}

// moments are the running statistics that replace a batch norm's.
type moments struct{ mean, variance []float64 }

// add averages in the statistics of a group that is the given part of all.
func (m *moments) add(mean, variance []float64, part float64) {
	if m.mean == nil {
		m.mean, m.variance = make([]float64, len(mean)), make([]float64, len(variance))
	}
	for c := range mean {
		m.mean[c] += part * mean[c]
		m.variance[c] += part * variance[c]
	}
}

// replace gives the batch norm its new statistics.
func (m *moments) replace(p *convert.Params) Change {
	c := Change{Name: p.NormName}
	mean, variance := make([]float32, len(m.mean)), make([]float32, len(m.variance))
	var ratios, shifts []float64
	for i := range mean {
		mean[i], variance[i] = float32(m.mean[i]), float32(m.variance[i])
		e := p.Norm.Epsilon
		ratios = append(ratios, (m.variance[i]+e)/(float64(p.Norm.Var[i])+e))
		shifts = append(shifts, math.Abs(m.mean[i]-float64(p.Norm.Mean[i]))/math.Sqrt(m.variance[i]+e))
	}
	c.Variance, c.Mean = median(ratios), median(shifts)
	p.Norm.Mean, p.Norm.Var = mean, variance
	return c
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
