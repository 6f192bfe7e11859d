package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"glance/models"
)

// results is everything one run measured.
type results struct {
	version string
	engines []engine
	cells   map[cellKey]*cell
	cold    map[string]*coldStart
}

type cellKey struct {
	engine string
	model  models.Arch
}

// cell is one engine on one network: a visit a round.
type cell struct {
	visits []visitResult
	failed string
}

type coldStart struct {
	ms   []float64
	code download
}

// disturbed is the share of the CPUs used by other programs from which a visit
// is repeated; the least disturbed one counts.
const disturbed = 0.1

// measure visits every engine on every network, engine after engine within a
// network and round, so that each round's figures are neighbours in time.
func measure(ctx context.Context, o options, s *server) (*results, error) {
	res := &results{engines: engines(o), cells: map[cellKey]*cell{}, cold: map[string]*coldStart{}}
	for round := range o.rounds {
		b, err := launch(ctx, o)
		if err != nil {
			return nil, err
		}
		res.version = b.version
		for _, arch := range o.models {
			for _, e := range res.engines {
				if err := ctx.Err(); err != nil {
					b.cancel()
					return nil, err
				}
				if !e.coldOnly && (!e.roofline || arch == o.models[0]) {
					res.visit(o, b, s, e, arch, round)
				}
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
	model := o.models[0]
	if slices.Contains(o.models, models.MobileNetV3Small) {
		model = models.MobileNetV3Small
	}
	for i := range o.cold + 1 { // the first, which warms the server, does not count
		for _, e := range res.engines {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if e.roofline {
				continue
			}
			r := b.visit(s, e, model, 0, 0)
			if r.Error != "" {
				fmt.Fprintf(os.Stderr, "cold start of %s: %s\n", e.id, r.Error)
				continue
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
	return res, nil
}

func (res *results) visit(o options, b *browser, s *server, e engine, arch models.Arch, round int) {
	k := cellKey{e.id, arch}
	c := res.cells[k]
	if c == nil {
		c = new(cell)
		res.cells[k] = c
	}
	if c.failed != "" {
		return
	}
	runs := o.runs
	if e.roofline {
		runs = 0
	}
	r := b.visit(s, e, arch, runs, o.warm)
	for i := 0; i < o.retries && r.Error == "" && r.Foreign > disturbed; i++ {
		if again := b.visit(s, e, arch, runs, o.warm); again.Error == "" && again.Foreign < r.Foreign {
			r = again
		}
	}
	if r.Error != "" {
		c.failed = r.Error
		fmt.Fprintf(os.Stderr, "round %d  %-14s %-19s failed: %s\n", round+1, e.id, arch, r.Error)
		return
	}
	c.visits = append(c.visits, r)
	if e.roofline {
		fmt.Fprintf(os.Stderr, "round %d  roofline, GMAC/s: %v\n", round+1, r.Rates)
		return
	}
	fmt.Fprintf(os.Stderr, "round %d  %-14s %-19s %7.2f ms  load %.0f ms  first run %.0f ms  other programs %.0f %%  %v\n",
		round+1, e.id, arch, quantile(r.Times, 0.5), r.LoadMs, r.FirstRunMs, 100*r.Foreign, r.Info)
}
