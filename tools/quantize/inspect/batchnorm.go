package inspect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"glance/tools/quantize/checkpoint"
)

// norm is the running statistics of a batch norm.
type norm struct {
	name           string
	mean, variance []float32
	batches        float64 // that training averaged over; -1 where not recorded
}

// statisticNames are the last parts of the names of running means and variances.
var statisticNames = []struct{ mean, variance string }{
	{".running_mean", ".running_var"},
	{"/moving_mean", "/moving_variance"},
}

// norms lists the batch norms of a checkpoint, without those that are registered
// twice.
func norms(c *checkpoint.Checkpoint) ([]norm, error) {
	var list []norm
	var seen []*checkpoint.Tensor
	byName := make(map[string]*checkpoint.Tensor, len(c.Tensors))
	for _, t := range c.Tensors {
		byName[t.Name] = t
	}
	for _, t := range c.Tensors {
		for _, leaf := range statisticNames {
			prefix, ok := strings.CutSuffix(t.Name, leaf.variance)
			mean := byName[prefix+leaf.mean]
			if !ok || mean == nil || slices.ContainsFunc(seen, t.Alias) {
				continue
			}
			seen = append(seen, t)
			n := norm{name: prefix, batches: -1}
			var err error
			if n.variance, err = t.Float32s(); err != nil {
				return nil, err
			}
			if n.mean, err = mean.Float32s(); err != nil {
				return nil, err
			}
			if counter := byName[prefix+".num_batches_tracked"]; counter != nil && counter.Elements() == 1 {
				v, err := counter.Float32s()
				if err != nil {
					return nil, err
				}
				n.batches = float64(v[0])
			}
			list = append(list, n)
		}
	}
	return list, nil
}

// momenta are the usual weights of a new batch in the running average (PyTorch's
// meaning), the one that leaves most first: TensorFlow's for V1 and V2 is 0.003,
// MobileNetV3's 0.01, PyTorch's default 0.1.
var momenta = []float64{0.001, 0.003, 0.01, 0.03, 0.05, 0.1}

// weak is the part of the initial statistics that is worth a warning where
// nothing but the number of batches is known.
const weak = 0.01

// BatchNorms looks at the running statistics of a checkpoint's batch norms and
// returns warnings for people, nil if nothing is suspicious.
//
// A running variance starts at 1 and approaches the true one as the average over
// batches: after n of them, (1-m)^n is left of the start, m being the momentum.
// Where the true variance is small, as behind depthwise convolutions, what is left
// can be most of the stored value; the network was trained with batch statistics
// and is then useless with the stored ones. The momentum is not stored, but its
// trace is: no variance lies below (1-m)^n, and many lie just above.
func BatchNorms(c *checkpoint.Checkpoint) ([]string, error) {
	list, err := norms(c)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	var untouched, broken []norm
	for _, n := range list {
		switch {
		case !n.sound():
			broken = append(broken, n)
		case n.initial():
			untouched = append(untouched, n)
		}
	}
	if len(broken) > 0 {
		warn("%s of %d batch norms have statistics that are negative or not finite, the first is %s: the training diverged, or the file is damaged",
			part(len(broken), len(list)), len(list), checkpoint.Printable(broken[0].name))
		return warnings, nil
	}
	if len(untouched) > 0 {
		warn("%s of %d batch norms still have their initial statistics (mean 0, variance 1), the first is %s: they never saw a batch in training mode",
			part(len(untouched), len(list)), len(list), checkpoint.Printable(untouched[0].name))
		return warnings, nil
	}
	if m, affected, ok := trace(list); ok {
		left := math.Pow(1-m, affected[0].batches)
		warn("the statistics of %d of %d batch norms are stale, the worst is %s: after %.0f batches with momentum %g, %.2g of the initial variance of 1 is left, "+
			"and most of their channels hold little else (median %.2g)",
			len(affected), len(list), checkpoint.Printable(affected[0].name), affected[0].batches, m, left, median(affected[0].variance))
	} else if n := list[0].batches; n >= 0 && math.Pow(0.99, n) > weak && len(above(list, 0.01)) >= floor(list) {
		warn("the batch norms averaged over only %.0f batches: if the momentum was 0.01, as in the code of MobileNetV3, %.2g of the initial statistics is left",
			n, math.Pow(0.99, n))
	}
	return warnings, nil
}

// part writes a count that may be all.
func part(n, of int) string {
	if n == of {
		return "all"
	}
	return fmt.Sprint(n)
}

// sound reports whether the statistics can be used at all.
func (n *norm) sound() bool {
	if len(n.mean) != len(n.variance) {
		return false
	}
	for i, v := range n.variance {
		m := float64(n.mean[i])
		if !(v >= 0) || math.IsInf(float64(v), 0) || math.IsNaN(m) || math.IsInf(m, 0) {
			return false
		}
	}
	return true
}

// initial reports whether the statistics are those a batch norm is made with.
func (n *norm) initial() bool {
	return !slices.ContainsFunc(n.mean, func(v float32) bool { return v != 0 }) &&
		!slices.ContainsFunc(n.variance, func(v float32) bool { return v != 1 })
}

// floor is how many batch norms' variances must lie above the remainder for a
// momentum to be theirs: those in squeezes may have another one.
func floor(list []norm) int { return int(math.Ceil(0.77 * float64(len(list)))) }

// above returns the batch norms none of whose variances lies below what a
// momentum leaves of the initial 1.
func above(list []norm, momentum float64) []norm {
	var found []norm
	for _, n := range list {
		left := math.Pow(1-momentum, n.batches)
		if n.batches >= 1 && len(n.variance) > 0 && float64(slices.Min(n.variance)) >= left*(1-1e-3) {
			found = append(found, n)
		}
	}
	return found
}

// trace looks for the momentum whose remainder of the initial variance shows in
// the stored ones, and returns the batch norms it dominates, the worst first.
func trace(list []norm) (momentum float64, affected []norm, ok bool) {
	const (
		tiny  = 1e-6 // remainders below this harm nothing
		ratio = 2    // median of a batch norm's variances over the remainder, below which that dominates
		few   = 0.05 // part of the batch norms that may be dominated by chance
	)
	for _, m := range momenta {
		candidates := above(list, m)
		if len(candidates) < floor(list) {
			continue
		}
		dominated := slices.DeleteFunc(candidates, func(n norm) bool {
			left := math.Pow(1-m, n.batches)
			return left < tiny || median(n.variance) >= ratio*left
		})
		if float64(len(dominated)) > few*float64(len(list)) {
			slices.SortStableFunc(dominated, func(a, b norm) int { return cmp.Compare(median(a.variance), median(b.variance)) })
			return m, dominated, true
		}
	}
	return 0, nil, false
}

func median(v []float32) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return float64(sorted[len(sorted)/2])
}
