package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"glance/models"
)

// quantile interpolates between the sorted values, NaNs left out; NaN where there are none.
func quantile(v []float64, q float64) float64 {
	s := slices.DeleteFunc(slices.Sorted(slices.Values(v)), math.IsNaN)
	if len(s) == 0 {
		return math.NaN()
	}
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

// times returns every timed run of a cell, ms.
func (c *cell) times() []float64 {
	var all []float64
	if c != nil {
		for _, s := range c.slices {
			all = append(all, s.Times...)
		}
	}
	return all
}

// perSlice calls f with the median time, ms, of each of a cell's slices and returns the results.
func (c *cell) perSlice(f func(slice int, ms float64) float64) []float64 {
	var all []float64
	if c != nil && c.failed == "" {
		for i, s := range c.slices {
			all = append(all, f(i, quantile(s.Times, 0.5)))
		}
	}
	return all
}

// ratios returns c's time relative to base's, slice by slice.
func ratios(c, base *cell) []float64 {
	if base == nil {
		return nil
	}
	return c.perSlice(func(i int, ms float64) float64 { return ms / quantile(base.slices[i].Times, 0.5) })
}

func (res *results) at(id string, arch models.Arch) *cell { return res.cells[cellKey{id, arch}] }

// bestPeer is the fastest engine that is not ours and takes the same input
// with as many threads.
func (res *results) bestPeer(threads int, arch models.Arch) *cell {
	var best *cell
	for _, e := range res.engines {
		c := res.at(e.id, arch)
		if e.threads != threads || e.ownInput || strings.HasPrefix(e.id, "glance") || c == nil || c.failed != "" {
			continue
		}
		if best == nil || quantile(c.times(), 0.5) < quantile(best.times(), 0.5) {
			best = c
		}
	}
	return best
}

// coldPeer is the engine with as many threads, not ours, that starts fastest.
func (res *results) coldPeer(threads int) *coldStart {
	var best *coldStart
	for _, e := range res.engines {
		c := res.cold[e.id]
		if c == nil || len(c.ms) == 0 || e.threads != threads || e.coldOnly || strings.HasPrefix(e.id, "glance") {
			continue
		}
		if best == nil || quantile(c.ms, 0.5) < quantile(best.ms, 0.5) {
			best = c
		}
	}
	return best
}

// millionMACs counts a network's multiply-adds.
func millionMACs(arch models.Arch) float64 {
	net, err := models.New(models.Config{Arch: arch})
	if err != nil {
		return math.NaN()
	}
	return float64(net.MACs()) / 1e6
}

func number(v float64, digits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

// roofline returns the rates of each roofline kernel, GMAC/s, a slice each.
func (res *results) roofline(archs ...models.Arch) map[string][]float64 {
	all := map[string][]float64{}
	for _, a := range archs {
		if c := res.at("roofline", a); c != nil {
			for _, s := range c.slices {
				for name, rate := range s.Rates {
					all[name] = append(all[name], rate)
				}
			}
		}
	}
	return all
}

// cpuModel is the processor's name, from /proc.
func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

// table writes a Markdown table with a row an engine and a column a network.
func (res *results) table(b *strings.Builder, o options, cellText func(e engine, arch models.Arch) string) {
	b.WriteString("| engine |")
	for _, a := range o.models {
		b.WriteString(" " + titles[a] + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(o.models)) + "\n")
	for _, e := range res.engines {
		if e.coldOnly || e.roofline {
			continue
		}
		b.WriteString("| " + e.label + " |")
		for _, a := range o.models {
			b.WriteString(" " + cellText(e, a) + " |")
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// markdown is the report.
func (res *results) markdown(o options) string {
	var b strings.Builder
	deviation := 0.0
	for _, c := range res.cells {
		deviation = max(deviation, c.deviation)
	}
	fmt.Fprintf(&b, "# Inference time in the browser, batch 1, float32\n\n%s, %s, %d CPUs, %s. All engines in one page, timed in turns: %d slices of five runs, in %d rounds. "+
		"Other programs used %s %% of the CPUs (median of the visits; most %s %%). Largest deviation of any engine's logits from the pure-Go reference: %.0e of the largest logit.\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), res.version, runtime.NumCPU(), cpuModel(), o.slices*o.rounds, o.rounds,
		number(100*quantile(res.foreign, 0.5), 0), number(100*quantile(res.foreign, 1), 0), deviation)

	b.WriteString("## Milliseconds: median (10th to 90th percentile)\n\n")
	res.table(&b, o, func(e engine, a models.Arch) string {
		c := res.at(e.id, a)
		if c == nil {
			return ""
		}
		if c.failed != "" {
			return "failed"
		}
		t := c.times()
		return fmt.Sprintf("**%s** (%s to %s)", number(quantile(t, 0.5), 2), number(quantile(t, 0.1), 2), number(quantile(t, 0.9), 2))
	})
	b.WriteString("## Time relative to the fastest peer with as many threads, slice by slice: median (lower to upper quartile); below 1 is faster\n\n")
	res.table(&b, o, func(e engine, a models.Arch) string {
		r := ratios(res.at(e.id, a), res.bestPeer(e.threads, a))
		if len(r) == 0 {
			return ""
		}
		return fmt.Sprintf("**%s** (%s to %s)", number(quantile(r, 0.5), 2), number(quantile(r, 0.25), 2), number(quantile(r, 0.75), 2))
	})

	b.WriteString("## GMAC/s, and the share of the roofline per thread in the same slice: medians\n\n")
	res.table(&b, o, func(e engine, a models.Arch) string {
		c := res.at(e.id, a)
		rates := c.perSlice(func(_ int, ms float64) float64 { return millionMACs(a) / ms })
		if len(rates) == 0 {
			return ""
		}
		roof := res.at("roofline", a)
		if roof == nil || roof.failed != "" {
			return number(quantile(rates, 0.5), 1)
		}
		shares := c.perSlice(func(i int, ms float64) float64 {
			return millionMACs(a) / ms / slices.Max(slices.Collect(maps.Values(roof.slices[i].Rates))) / float64(e.threads)
		})
		return fmt.Sprintf("%s (%s %%)", number(quantile(rates, 0.5), 1), number(100*quantile(shares, 0.5), 0))
	})
	if roof := res.roofline(o.models...); len(roof) > 0 {
		b.WriteString("Roofline, one thread, GMAC/s: median of the slices (10th to 90th percentile):")
		for i, name := range slices.Sorted(maps.Keys(roof)) {
			if i > 0 {
				b.WriteByte(',')
			}
			r := roof[name]
			fmt.Fprintf(&b, " %s %s (%s to %s)", name, number(quantile(r, 0.5), 1), number(quantile(r, 0.1), 1), number(quantile(r, 0.9), 1))
		}
		b.WriteString(".\n\n")
	}
	if len(res.cold) > 0 {
		b.WriteString("## Download and cold start\n\nScripts and wasm that running one network fetches, without weights; navigation to the first prediction of V3-small in a fresh browser context: " +
			"milliseconds, and relative to the fastest peer with as many threads, turn by turn.\n\n" +
			"| engine | KiB | KiB, gzip -9 | ms, median (min to max) | relative, median (lower to upper quartile) |\n|---|---|---|---|---|\n")
		for _, e := range res.engines {
			c := res.cold[e.id]
			if c == nil || len(c.ms) == 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %d | %d | %s (%s to %s) |", e.label, c.code.Raw>>10, c.code.Gzip>>10,
				number(quantile(c.ms, 0.5), 0), number(quantile(c.ms, 0), 0), number(quantile(c.ms, 1), 0))
			if peer := res.coldPeer(e.threads); peer != nil && !e.coldOnly {
				var r []float64
				for i, ms := range c.ms {
					r = append(r, ms/peer.ms[i])
				}
				fmt.Fprintf(&b, " %s (%s to %s)", number(quantile(r, 0.5), 2), number(quantile(r, 0.25), 2), number(quantile(r, 0.75), 2))
			}
			b.WriteString(" |\n")
		}
		b.WriteByte('\n')
	}
	for k, c := range res.cells {
		if c.failed != "" {
			fmt.Fprintf(&b, "%s on %s failed: %s\n\n", k.engine, titles[k.model], strings.SplitN(c.failed, "\n", 2)[0])
		}
	}
	return b.String()
}
