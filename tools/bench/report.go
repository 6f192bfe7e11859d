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

// quantile interpolates between the sorted values; NaN where there are none.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(v))
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
		for _, v := range c.visits {
			all = append(all, v.Times...)
		}
	}
	return all
}

// ratio is the median over rounds of c's median to base's in the same round.
func ratio(c, base *cell) float64 {
	var r []float64
	if c == nil || base == nil {
		return math.NaN()
	}
	for i := range min(len(c.visits), len(base.visits)) {
		r = append(r, quantile(c.visits[i].Times, 0.5)/quantile(base.visits[i].Times, 0.5))
	}
	return quantile(r, 0.5)
}

func (res *results) at(id string, arch models.Arch) *cell { return res.cells[cellKey{id, arch}] }

// bestPeer is the fastest engine that is not ours and takes the same input
// with as many threads.
func (res *results) bestPeer(threads int, arch models.Arch) *cell {
	var best *cell
	for _, e := range res.engines {
		c := res.at(e.id, arch)
		if e.threads != threads || e.ownInput || strings.HasPrefix(e.id, "glance") || c == nil || len(c.visits) == 0 {
			continue
		}
		if best == nil || quantile(c.times(), 0.5) < quantile(best.times(), 0.5) {
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

// roofRate is the rate of one roofline kernel, median over rounds.
type roofRate struct {
	kernel string
	rate   float64 // GMAC/s
}

func (res *results) roofline() []roofRate {
	all := map[string][]float64{}
	for k, c := range res.cells {
		if k.engine != "roofline" {
			continue
		}
		for _, v := range c.visits {
			for name, rate := range v.Rates {
				all[name] = append(all[name], rate)
			}
		}
	}
	var rates []roofRate
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rates = append(rates, roofRate{name, quantile(all[name], 0.5)})
	}
	return rates
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
	var foreign, deviation []float64
	for _, c := range res.cells {
		for _, v := range c.visits {
			foreign = append(foreign, 100*v.Foreign)
			deviation = append(deviation, v.Deviation)
		}
	}
	fmt.Fprintf(&b, "# Inference time in the browser, batch 1, float32\n\n%s, %s, %d CPUs, %s. %d rounds of %d timed runs, every engine in a fresh worker. "+
		"Other programs used %s %% of the CPUs (median; 90th percentile %s %%). Largest deviation of any engine's logits from the pure-Go reference: %.0e of the largest logit.\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), res.version, runtime.NumCPU(), cpuModel(), o.rounds, o.runs,
		number(quantile(foreign, 0.5), 0), number(quantile(foreign, 0.9), 0), slices.Max(append(deviation, 0)))

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
	b.WriteString("## Time relative to the fastest peer with as many threads (median over rounds; below 1 is faster)\n\n")
	res.table(&b, o, func(e engine, a models.Arch) string {
		return number(ratio(res.at(e.id, a), res.bestPeer(e.threads, a)), 2)
	})

	roof := res.roofline()
	peak := 0.0
	for _, r := range roof {
		peak = max(peak, r.rate)
	}
	b.WriteString("## GMAC/s, and the share of the roofline per thread\n\n")
	res.table(&b, o, func(e engine, a models.Arch) string {
		rate := millionMACs(a) / quantile(res.at(e.id, a).times(), 0.5)
		if peak == 0 || math.IsNaN(rate) {
			return number(rate, 1)
		}
		return fmt.Sprintf("%s (%s %%)", number(rate, 1), number(100*rate/peak/float64(e.threads), 0))
	})
	if len(roof) > 0 {
		b.WriteString("Roofline, one thread, the best of each kernel's slices (median over rounds):")
		for i, r := range roof {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, " %s %s GMAC/s", r.kernel, number(r.rate, 1))
		}
		b.WriteString(".\n\n")
	}
	if len(res.cold) > 0 {
		b.WriteString("## Download and cold start\n\nScripts and wasm that running one network fetches, without weights; navigation to the first prediction of V3-small in a fresh browser context.\n\n" +
			"| engine | KiB | KiB, gzip -9 | cold start ms, median (min to max) |\n|---|---|---|---|\n")
		for _, e := range res.engines {
			if c := res.cold[e.id]; c != nil && len(c.ms) > 0 {
				fmt.Fprintf(&b, "| %s | %d | %d | %s (%s to %s) |\n", e.label, c.code.Raw>>10, c.code.Gzip>>10,
					number(quantile(c.ms, 0.5), 0), number(slices.Min(c.ms), 0), number(slices.Max(c.ms), 0))
			}
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
