// Command bench times the operators at the layer shapes of the networks, in
// Chromium or node, and compares variants of a kernel.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"glance/kernels/simd/internal/ukernel"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	engine := flag.String("engine", "chromium", "chromium or node")
	match := flag.String("case", "", "only cases whose name contains this")
	images := flag.String("images", "", "directory with index.json and memory images of whole networks, to run instead of single operators")
	match2 := flag.String("variant", "", "only variants whose name contains this")
	rounds := flag.Int("rounds", 15, "slices of each variant")
	flag.Parse()

	j := job{Slice: 6, Warm: 120, Rounds: *rounds}
	for _, v := range variants() {
		if !strings.Contains(v.name, *match2) {
			continue
		}
		code, err := ukernel.Build(v.target, v.config).Encode()
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		j.Modules = append(j.Modules, module{v.name, code})
	}
	for _, relaxed := range []bool{false, true} {
		code, err := ukernel.Roofline(relaxed).Encode()
		if err != nil {
			return err
		}
		j.Roofs = append(j.Roofs, code)
	}
	list := cases()
	if *images != "" {
		j.Images = *images
		index, err := os.ReadFile(filepath.Join(*images, "index.json"))
		if err != nil {
			return err
		}
		list = nil
		if err := json.Unmarshal(index, &list); err != nil {
			return err
		}
	}
	for _, c := range list {
		if strings.Contains(c.Name, *match) {
			j.Cases = append(j.Cases, c)
		}
	}
	measure := inChromium
	if *engine == "node" {
		measure = inNode
	}
	r, err := measure(j)
	if err != nil {
		return err
	}
	report(j, r)
	return nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if len(x) == 0 {
		return 0
	}
	return x[len(x)/2]
}

func report(j job, r result) {
	var names []string
	for name := range r.Roof {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Printf("roofline %-14s %6.1f GMAC/s (best %.1f)\n", name, median(r.Roof[name]), slices.Max(r.Roof[name]))
	}
	fmt.Printf("\n%-40s", "GMAC/s (us)")
	for _, m := range j.Modules {
		fmt.Printf(" %16s", m.Name)
	}
	fmt.Println()
	total := make([]float64, len(j.Modules))
	for _, c := range j.Cases {
		fmt.Printf("%-40s", c.Name)
		for i, m := range j.Modules {
			us := slices.Min(r.Times[c.Name][m.Name])
			total[i] += us
			fmt.Printf(" %6.1f (%7.1f)", c.MACs/us/1e3, us)
		}
		fmt.Println()
	}
	fmt.Printf("%-40s", "sum, us")
	for _, t := range total {
		fmt.Printf(" %16.1f", t)
	}
	fmt.Println()
	for _, c := range j.Cases {
		for i, s := range c.Steps {
			fmt.Printf("%-20s %-60s", c.Name, s.Name)
			for _, m := range j.Modules {
				us := r.Steps[c.Name][m.Name][i]
				fmt.Printf(" %6.1f (%7.1f)", s.MACs/us/1e3, us)
			}
			fmt.Println()
		}
	}
}
