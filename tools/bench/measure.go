package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"

	"glance/models"
)

// results is everything one run measured.
type results struct {
	version string
	engines []engine
	cells   map[cellKey]*cell
	foreign []float64 // share of the CPUs that other programs used, by visit
	cold    map[string]*coldStart
}

type cellKey struct {
	engine string
	model  models.Arch
}

// cell is one engine on one network.
type cell struct {
	slices    []slice // of all rounds
	deviation float64
	failed    string
}

type coldStart struct {
	ms   []float64 // NaN where a start failed
	code download
}

// measure visits every network in every round, with all engines in one page,
// timed in turns: what the machine does beside that (other programs, other
// guests of its host, its clock) is much the same for slices next to each other.
func measure(ctx context.Context, o options, s *server) (*results, error) {
	res := &results{engines: engines(o), cells: map[cellKey]*cell{}, cold: map[string]*coldStart{}}
	for round := range o.rounds {
		b, err := launch(ctx, o)
		if err != nil {
			return nil, err
		}
		res.version = b.version
		for _, arch := range o.models {
			if err := res.visit(o, b, s, arch, round); err != nil {
				b.cancel()
				return nil, err
			}
		}
		b.cancel()
	}
	if o.cold == 0 {
		return res, nil
	}
	b, err := launch(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.cancel()
	return res, res.coldStarts(o, b, s)
}

// visit times all engines on one network and adds what was measured.
func (res *results) visit(o options, b *browser, s *server, arch models.Arch, round int) error {
	var list []engine
	for _, e := range res.engines {
		if c := res.at(e.id, arch); !e.coldOnly && (c == nil || c.failed == "") {
			list = append(list, e)
		}
	}
	show := func(line string) { fmt.Fprintf(os.Stderr, "round %d  %s  %s\n", round+1, arch, line) }
	v, err := b.visit(s, list, arch, o.slices, o.warm, show)
	if err != nil {
		return fmt.Errorf("%s: %w", arch, err)
	}
	res.foreign = append(res.foreign, v.Foreign)
	for _, e := range list {
		k := cellKey{e.id, arch}
		c, r := res.cells[k], v.Results[e.id]
		if c == nil {
			c = new(cell)
			res.cells[k] = c
		}
		c.slices = append(c.slices, r.Slices...)
		c.deviation = max(c.deviation, r.Deviation)
		c.failed = r.Error
		switch {
		case r.Error != "":
			show(e.id + ": failed: " + r.Error)
		case !e.roofline:
			show(fmt.Sprintf("%s: %.2f ms", e.id, quantile((&cell{slices: r.Slices}).times(), 0.5)))
		}
	}
	return nil
}

// coldStarts starts every engine anew o.cold times, in turns.
func (res *results) coldStarts(o options, b *browser, s *server) error {
	model := o.models[0]
	if slices.Contains(o.models, models.MobileNetV3Small) {
		model = models.MobileNetV3Small
	}
	for i := range o.cold + 1 { // the first, which warms the server, does not count
		fmt.Fprintf(os.Stderr, "cold starts with %s, %d of %d\n", model, i, o.cold)
		for _, e := range res.engines {
			if e.roofline {
				continue
			}
			v, err := b.visit(s, []engine{e}, model, 0, 0, func(string) {})
			if err != nil {
				return fmt.Errorf("cold start of %s: %w", e.id, err)
			}
			r := v.Results[e.id]
			if r.Error != "" {
				fmt.Fprintf(os.Stderr, "cold start of %s: %s\n", e.id, r.Error)
				r.FirstMs = math.NaN()
			}
			c := res.cold[e.id]
			if c == nil {
				c = &coldStart{code: s.code()}
				res.cold[e.id] = c
			}
			if i > 0 {
				c.ms = append(c.ms, r.FirstMs)
			}
		}
	}
	return nil
}
