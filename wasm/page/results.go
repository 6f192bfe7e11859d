//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// bars is how many classes are shown.
const bars = 5

// announceEvery is the least time between two announcements to screen readers
// while the camera runs.
const announceEvery = 3000 // milliseconds

// bar is one line of the result.
type bar struct {
	line           dom.HTMLElement
	label, percent dom.HTMLElement
	fill           dom.HTMLElement
}

// results shows predictions and times.
type results struct {
	section  dom.HTMLElement
	hint     dom.HTMLElement
	list     dom.HTMLElement
	bars     []bar
	time     dom.HTMLElement
	spoken   dom.HTMLElement // the live region
	last     string          // what it said last
	lastTime float64
}

func newResults() *results {
	r := &results{
		section: element[dom.HTMLElement]("results"),
		hint:    element[dom.HTMLElement]("hint"),
		list:    element[dom.HTMLElement]("bars"),
		time:    element[dom.HTMLElement]("time"),
		spoken:  element[dom.HTMLElement]("spoken"),
	}
	for range bars {
		b := bar{line: create("li", ""), label: create("span", "label"), percent: create("span", "percent"), fill: create("span", "fill")}
		track := create("span", "track")
		track.SetAttribute("aria-hidden", "true")
		track.AppendChild(b.fill)
		b.line.AppendChild(b.label)
		b.line.AppendChild(b.percent)
		b.line.AppendChild(track)
		r.list.AppendChild(b.line)
		r.bars = append(r.bars, b)
	}
	return r
}

func create(tag, class string) dom.HTMLElement {
	e := dom.GetWindow().Document().CreateElement(tag).(dom.HTMLElement)
	if class != "" {
		e.Class().SetString(class)
	}
	return e
}

// busy says whether an answer is on its way.
func (r *results) busy(on bool) {
	r.section.SetAttribute("aria-busy", strconv.FormatBool(on))
}

// clear goes back to the empty state.
func (r *results) clear() {
	hide(r.list, true)
	hide(r.hint, false)
	r.time.SetTextContent("")
	r.last = ""
}

// show fills the bars from an array of {className, probability} and the line
// below them from a Timing.
func (r *results) show(predictions, timing js.Value) {
	hide(r.hint, true)
	hide(r.list, false)
	n := predictions.Length()
	for i, b := range r.bars {
		hide(b.line, i >= n)
		if i >= n {
			continue
		}
		p := predictions.Index(i)
		probability := p.Get("probability").Float()
		b.label.SetTextContent(p.Get("className").String())
		b.percent.SetTextContent(percent(probability))
		b.fill.Style().SetProperty("transform", "scaleX("+strconv.FormatFloat(probability, 'f', 4, 64)+")", "")
	}
	r.time.SetTextContent(milliseconds(timing.Get("total").Float()) + " per frame, network " +
		milliseconds(timing.Get("network").Float()))
}

// announce tells screen readers the most probable class.
func (r *results) announce(predictions js.Value) {
	if predictions.Length() == 0 {
		return
	}
	first := predictions.Index(0)
	r.last = first.Get("className").String()
	r.lastTime = js.Global().Get("performance").Call("now").Float()
	r.spoken.SetTextContent(r.last + ", " + percent(first.Get("probability").Float()))
}

// announceChange does so where the class is another one than announced last,
// and not too often.
func (r *results) announceChange(predictions js.Value) {
	if predictions.Length() == 0 || predictions.Index(0).Get("className").String() == r.last {
		return
	}
	if js.Global().Get("performance").Call("now").Float()-r.lastTime >= announceEvery {
		r.announce(predictions)
	}
}

// percent writes a probability with a digit after the point where it is small.
// The space in it, as in milliseconds, does not break.
func percent(probability float64) string {
	switch {
	case probability >= 0.0995:
		return strconv.FormatFloat(100*probability, 'f', 0, 64) + "\u00a0%"
	case probability >= 0.0005:
		return strconv.FormatFloat(100*probability, 'f', 1, 64) + "\u00a0%"
	}
	return "<\u00a00.1\u00a0%"
}

func milliseconds(ms float64) string {
	digits := 1
	if ms >= 99.5 {
		digits = 0
	}
	return strconv.FormatFloat(ms, 'f', digits, 64) + "\u00a0ms"
}

func megabytes(bytes float64) string {
	return strconv.FormatFloat(bytes/1e6, 'f', 1, 64)
}
