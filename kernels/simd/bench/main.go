// Command bench times the operators at the layer shapes of the networks, or the
// networks as a whole, in Chromium, node or wazero, and compares variants of a
// kernel. Its tables are in KERNELS.md.
//
//	go run ./kernels/simd/bench                              what ships, every shape
//	go run ./kernels/simd/bench -vary pointwise -case 196x   tiles of the matrix product
//	go run ./kernels/simd/bench -networks 1                  whole networks
//	go run ./kernels/simd/bench -networks 1 -steps           step by step
//	go run ./kernels/simd/bench -networks 2 -vary threads    the same on two threads
//
// A cell is the best of many slices of a few milliseconds, in which the variants
// take turns: on a computer that also does other things, that is what repeats.
package main

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"glance/kernels/simd/internal/ukernel"
	"glance/models"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	engine := flag.String("engine", "chromium", "chromium, node (without relaxed SIMD) or wazero (the same, without rooflines)")
	vary := flag.String("vary", "shipped", strings.Join(familyNames(), ", "))
	match := flag.String("case", "", "only cases whose name contains this")
	networks := flag.Int("networks", 0, "run whole networks, planned for that many threads, instead of operators")
	steps := flag.Bool("steps", false, "with -networks, not in wazero: every step of them as well")
	rounds := flag.Int("rounds", 30, "slices of each variant")
	flag.Parse()

	family, ok := families[*vary]
	if !ok {
		return fmt.Errorf("-vary %s: want %s", *vary, strings.Join(familyNames(), ", "))
	}
	j := job{Slice: 3, Warm: 120, Rounds: *rounds}
	for _, v := range family() {
		if v.target.Relaxed && *engine != "chromium" {
			continue
		}
		if err := j.add(v); err != nil {
			return err
		}
	}
	for _, relaxed := range []bool{false, true} {
		if relaxed && *engine != "chromium" {
			continue
		}
		code, err := ukernel.Roofline(relaxed).Encode()
		if err != nil {
			return err
		}
		j.Roofs = append(j.Roofs, code)
	}
	if *networks > 0 {
		for _, arch := range architectures {
			if !strings.Contains(string(arch), *match) {
				continue
			}
			c, err := network(models.Config{Arch: arch}, *networks)
			if err != nil {
				return fmt.Errorf("%s: %w", arch, err)
			}
			if !*steps {
				c.Steps = nil
			}
			j.Cases = append(j.Cases, c)
		}
	} else {
		j.Cases = slices.DeleteFunc(cases(), func(c benchCase) bool { return !strings.Contains(c.Name, *match) })
	}
	measure := inChromium
	switch *engine {
	case "node":
		measure = inNode
	case "wazero":
		measure = inWazero
	}
	r, err := measure(j)
	if err != nil {
		return err
	}
	report(j, r)
	return nil
}

// add builds a variant's module.
func (j *job) add(v variant) error {
	code, err := ukernel.Build(v.target, v.config).Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", v.name, err)
	}
	j.Modules = append(j.Modules, module{v.name, code, v.threads})
	return nil
}

// report prints Markdown tables.
func report(j job, r result) {
	for _, name := range slices.Sorted(maps.Keys(r.Roof)) {
		fmt.Printf("roofline %s: %.1f GMAC/s\n", name, slices.Max(r.Roof[name]))
	}
	fmt.Print("\n| GMAC/s (microseconds) |")
	for _, m := range j.Modules {
		fmt.Printf(" %s |", m.Name)
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("---:|", len(j.Modules)))
	row := func(name string, macs float64, us func(module string) float64) {
		fmt.Printf("| %s |", name)
		for _, m := range j.Modules {
			t := us(m.Name)
			if macs == 0 {
				fmt.Printf(" (%.1f) |", t)
			} else {
				fmt.Printf(" %.1f (%.1f) |", macs/t/1e3, t)
			}
		}
		fmt.Println()
	}
	for _, c := range j.Cases {
		row(c.Name, c.MACs, func(m string) float64 { return slices.Min(r.Times[c.Name][m]) })
		for i, s := range c.Steps {
			row(s.Name, s.MACs, func(m string) float64 {
				best := math.Inf(1)
				for _, us := range r.Steps[c.Name][m] {
					best = min(best, us[i])
				}
				return best
			})
		}
	}
	row("sum", 0, func(m string) (sum float64) {
		for _, c := range j.Cases {
			sum += slices.Min(r.Times[c.Name][m])
		}
		return sum
	})
}
