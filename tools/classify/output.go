package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printer writes results in the form the options ask for.
type printer struct {
	options    *options
	classifier *classifier
	w          io.Writer
}

// object is what -json prints.
type object struct {
	File         string       `json:"file"`
	Model        string       `json:"model"`
	Predictions  []prediction `json:"predictions,omitempty"`
	Milliseconds *float64     `json:"milliseconds,omitempty"`
	Steps        []step       `json:"steps,omitempty"` // with -profile
	Error        string       `json:"error,omitempty"`
}

type prediction struct {
	ClassName   string  `json:"className"`
	Probability float32 `json:"probability"`
}

type step struct {
	Name         string  `json:"name"`
	Kind         string  `json:"kind"`
	MACs         int     `json:"macs"`
	Milliseconds float64 `json:"milliseconds"`
}

func (p *printer) result(name string, r *result) error {
	switch {
	case p.options.logits, p.options.embedding:
		return p.line(r.values)
	case p.options.json:
		return p.line(p.object(name, r))
	}
	return p.text(name, r)
}

// failure tells a reader of -json that an input has no result.
func (p *printer) failure(name string, err error) error {
	if !p.options.json {
		return nil
	}
	return p.line(object{File: name, Model: p.classifier.name, Error: err.Error()})
}

func (p *printer) line(v any) error {
	e := json.NewEncoder(p.w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (p *printer) object(name string, r *result) object {
	o := object{File: name, Model: p.classifier.name, Milliseconds: &r.milliseconds, Predictions: []prediction{}}
	for _, top := range r.predictions {
		o.Predictions = append(o.Predictions, prediction{p.classifier.className(top.Index), top.Probability})
	}
	for _, s := range r.steps {
		o.Steps = append(o.Steps, step{s.Name, s.Kind, s.MACs, float64(s.Nanoseconds) / 1e6})
	}
	return o
}

func (p *printer) text(name string, r *result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  (%s, %.1f ms)\n", name, p.classifier.name, r.milliseconds)
	for _, top := range r.predictions {
		fmt.Fprintf(&b, "  %5.1f %%  %s\n", 100*top.Probability, p.classifier.className(top.Index))
	}
	if p.options.profile {
		p.table(&b, r)
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

// table lists the steps: milliseconds, billions of multiply-accumulates a second,
// share of the total.
func (p *printer) table(b *strings.Builder, r *result) {
	var total int64
	macs := 0
	for _, s := range r.steps {
		total += s.Nanoseconds
		macs += s.MACs
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n\tms\tGMAC/s\tshare\t  step\n")
	row := func(ns int64, macs int, name string) {
		speed := "-"
		if macs > 0 && ns > 0 {
			speed = fmt.Sprintf("%.2f", float64(macs)/float64(ns))
		}
		fmt.Fprintf(w, "\t%.3f\t%s\t%.1f %%\t  %s\n", float64(ns)/1e6, speed, 100*float64(ns)/float64(max(total, 1)), name)
	}
	for _, s := range r.steps {
		row(s.Nanoseconds, s.MACs, s.Name)
	}
	row(total, macs, fmt.Sprintf("all, on %s with %d threads", p.classifier.machine.Name(), p.classifier.machine.Threads()))
	w.Flush()
}
