package main

import (
	"fmt"
	"slices"

	"glance/kernels/simd/internal/ukernel"
)

// variant is a module to measure.
type variant struct {
	name    string
	target  ukernel.Target
	threads int
	config  ukernel.Config
}

var (
	simd128 = ukernel.Target{}
	relaxed = ukernel.Target{Relaxed: true}
)

// shipped is a target as it ships.
func shipped(t ukernel.Target) variant {
	return variant{name: t.Name(), target: t, threads: 1, config: ukernel.Select(t)}
}

// with is a target that differs in something from what ships.
func with(t ukernel.Target, change func(*ukernel.Config), format string, args ...any) variant {
	v := shipped(t)
	v.name += " " + fmt.Sprintf(format, args...)
	change(&v.config)
	return v
}

// families are the variants that KERNELS.md compares.
var families = map[string]func() []variant{
	"shipped": func() []variant { return []variant{shipped(simd128), shipped(relaxed)} },
	"pointwise": func() (list []variant) {
		for _, tile := range []ukernel.PointwiseConfig{
			{Rows: 4, Unroll: 1, Ahead: 1}, {Rows: 4, Unroll: 1, Ahead: 4}, {Rows: 4, Unroll: 2, Ahead: 4}, {Rows: 4, Unroll: 4, Ahead: 4},
			{Rows: 5, Unroll: 1, Ahead: 1}, {Rows: 5, Unroll: 4, Ahead: 1}, {Rows: 6, Unroll: 1, Ahead: 1},
		} {
			list = append(list, tiled(simd128, tile))
		}
		for _, tile := range []ukernel.PointwiseConfig{
			{Rows: 4, Unroll: 1, Ahead: 1}, {Rows: 5, Unroll: 1, Ahead: 1}, {Rows: 6, Unroll: 1, Ahead: 1}, {Rows: 6, Unroll: 2, Ahead: 1},
			{Rows: 6, Unroll: 4, Ahead: 1},
		} {
			list = append(list, tiled(relaxed, tile))
		}
		return list
	},
	"block": func() (list []variant) {
		for _, t := range []ukernel.Target{simd128, relaxed} {
			for _, block := range []int{1, 8 << 10, 16 << 10, 32 << 10} {
				list = append(list, with(t, func(c *ukernel.Config) { c.Pointwise.Block = block }, "block %d", block))
			}
		}
		return list
	},
	"depthwise": func() (list []variant) {
		for _, t := range []ukernel.Target{simd128, relaxed} {
			for _, columns := range []int{4, 6, 7} {
				for _, unroll := range []bool{false, true} {
					list = append(list, with(t, func(c *ukernel.Config) { c.Depthwise = ukernel.DepthwiseConfig{Columns: columns, Unroll: unroll} },
						"%d columns, unrolled %v", columns, unroll))
				}
			}
		}
		return list
	},
	"conv3x3": func() (list []variant) {
		for _, t := range []ukernel.Target{simd128, relaxed} {
			for _, columns := range []int{4, 5, 6} {
				for _, ahead := range []int{1, 4} {
					list = append(list, with(t, func(c *ukernel.Config) { c.Conv3x3 = ukernel.Conv3x3Config{Columns: columns, Ahead: ahead} },
						"%d columns, ahead %d", columns, ahead))
				}
			}
		}
		return list
	},
	"dense": func() (list []variant) {
		for _, t := range []ukernel.Target{simd128, relaxed} {
			for _, panels := range []int{2, 3, 4} {
				for _, unroll := range []int{1, 4} {
					list = append(list, with(t, func(c *ukernel.Config) { c.Dense = ukernel.DenseConfig{Panels: panels, Unroll: unroll} },
						"1x%d u%d", 8*panels, unroll))
				}
			}
		}
		return list
	},
	"touch": func() (list []variant) {
		for _, t := range []ukernel.Target{simd128, relaxed} {
			list = append(list, shipped(t), with(t, func(c *ukernel.Config) { c.Pointwise.Touch = false }, "untouched"))
		}
		return list
	},
	"threads": func() []variant {
		list := []variant{shipped(simd128), shipped(relaxed)}
		for _, t := range []ukernel.Target{{Threads: true}, {Relaxed: true, Threads: true}} {
			for _, spin := range []int{1000, 20000, 100000} {
				v := with(t, func(c *ukernel.Config) { c.Threads.Spin = spin }, "x2, spin %d", spin)
				v.threads = 2
				list = append(list, v)
			}
		}
		return list
	},
}

func tiled(t ukernel.Target, tile ukernel.PointwiseConfig) variant {
	return with(t, func(c *ukernel.Config) {
		tile.Block = c.Pointwise.Block
		c.Pointwise = tile
	}, "%dx8 u%d a%d", tile.Rows, tile.Unroll, tile.Ahead)
}

func familyNames() []string {
	var names []string
	for name := range families {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
