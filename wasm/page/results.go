//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"

	"glance/wasm/page/average"
)

// bars is how many classes are shown.
const bars = average.Shown

// announceEvery is the least time between two announcements to screen readers
// while the camera runs.
const announceEvery = 3000 // milliseconds

// prediction is a class and its probability.
type prediction = average.Prediction

// timing is what the answer to one picture took, in milliseconds.
type timing struct {
	total   float64 // from call to answer
	network float64
}

// bar is one line of the result.
type bar struct {
	class, text    string // the latter is the label
	line           *dom.BasicHTMLElement
	label, percent *dom.BasicHTMLElement
	fill           *dom.BasicHTMLElement
}

// results shows predictions and times.
type results struct {
	section  *dom.BasicHTMLElement
	hint     *dom.BasicHTMLElement
	list     *dom.BasicHTMLElement
	bars     []*bar // in the order of the list
	averages average.List
	speed    *speed
	spoken   *dom.BasicHTMLElement // the live region
	last     string                // the label it said last
	lastTime float64
	invite   string // the hint of the empty state

	// label is how a class at a rank is shown and spoken.
	label func(p prediction, rank int) string
}

func newResults() *results {
	r := &results{
		section: element("results"),
		hint:    element("hint"),
		list:    element("bars"),
		speed:   newSpeed(),
		spoken:  element("spoken"),
		label:   func(p prediction, _ int) string { return p.Class },
	}
	r.invite = r.hint.TextContent()
	for range bars {
		b := &bar{line: create("li", ""), label: create("span", "label"), percent: create("span", "percent"), fill: create("span", "fill")}
		track := create("span", "track")
		add(track, b.fill)
		add(b.line, b.label, b.percent, track)
		add(r.list, b.line)
		r.bars = append(r.bars, b)
	}
	return r
}

// busy says whether an answer is on its way.
func (r *results) busy(on bool) {
	r.section.SetAttribute("aria-busy", strconv.FormatBool(on))
}

// clear goes back to the empty state.
func (r *results) clear() { r.explain(r.invite) }

// explain shows in place of classes why there are none.
func (r *results) explain(text string) {
	r.busy(false)
	r.hint.SetTextContent(text)
	hide(r.list, true)
	hide(r.hint, false)
	r.restart()
	r.last = ""
}

// restart forgets the frames that came before.
func (r *results) restart() {
	r.averages = nil
	r.speed.restart()
}

// show shows the classes of a picture.
func (r *results) show(predictions []prediction, t timing) {
	r.rank(predictions)
	r.speed.picture(t)
	r.announce(predictions)
}

// frame shows the classes of a camera's frame, smoothed over those before it.
// Screen readers hear the first class where it is another one than they heard
// last, and not too often.
func (r *results) frame(predictions []prediction, t timing) {
	predictions = r.averages.Add(predictions)
	predictions = predictions[:min(len(predictions), bars)]
	r.rank(predictions)
	now := js.Global().Get("performance").Call("now").Float()
	r.speed.frame(t, now)
	if len(predictions) > 0 && r.label(predictions[0], 0) != r.last && now-r.lastTime >= announceEvery {
		r.announce(predictions)
	}
}

// rank fills the bars. A class that has a bar keeps it, so that it is seen to move
// to its new length and place.
func (r *results) rank(predictions []prediction) {
	hide(r.hint, true)
	hide(r.list, false)
	free := r.bars
	ordered := make([]*bar, 0, bars)
	take := func(keep func(*bar) bool) *bar {
		for i, b := range free {
			if keep(b) {
				free = append(append([]*bar(nil), free[:i]...), free[i+1:]...)
				return b
			}
		}
		return nil
	}
	for _, p := range predictions {
		ordered = append(ordered, take(func(b *bar) bool { return b.class == p.Class }))
	}
	for i, p := range predictions {
		if ordered[i] == nil {
			ordered[i] = take(func(*bar) bool { return true })
		}
		ordered[i].set(p, r.label(p, i), i)
	}
	for i, b := range free {
		b.class = ""
		hide(b.line, true)
		b.place(len(predictions) + i)
	}
	r.arrange(append(ordered, free...))
}

// set writes a class into a bar.
func (b *bar) set(p prediction, label string, rank int) {
	hide(b.line, false)
	b.class = p.Class
	if b.text != label {
		b.text = label
		b.label.SetTextContent(label)
		b.label.SetTitle(label)
	}
	b.percent.SetTextContent(percent(p.Probability))
	setLength(b.fill, p.Probability)
	b.place(rank)
}

func (b *bar) place(rank int) {
	b.line.Style().SetProperty("--rank", strconv.Itoa(rank), "")
}

// arrange brings the list's elements into the order of the ranks, which is the
// order they are read in. Where the browser can, without ending their transitions.
func (r *results) arrange(ordered []*bar) {
	list := r.list.Underlying()
	method := "insertBefore"
	if list.Get("moveBefore").Type() == js.TypeFunction {
		method = "moveBefore"
	}
	for i, b := range ordered {
		if r.bars[i] == b {
			continue
		}
		list.Call(method, b.line.Underlying(), list.Get("children").Index(i))
		was := append([]*bar(nil), r.bars[:i]...)
		was = append(was, b)
		for _, other := range r.bars[i:] {
			if other != b {
				was = append(was, other)
			}
		}
		r.bars = was
	}
}

// announce tells screen readers the most probable class.
func (r *results) announce(predictions []prediction) {
	if len(predictions) == 0 {
		return
	}
	r.last = r.label(predictions[0], 0)
	r.lastTime = js.Global().Get("performance").Call("now").Float()
	r.say(r.last + ", " + percent(predictions[0].Probability))
}

// say tells screen readers a text.
func (r *results) say(text string) { r.spoken.SetTextContent(text) }

// readPredictions reads an array of {className, probability}.
func readPredictions(array js.Value) []prediction {
	list := make([]prediction, array.Length())
	for i := range list {
		p := array.Index(i)
		list[i] = prediction{Class: p.Get("className").String(), Probability: p.Get("probability").Float()}
	}
	return list
}

// readTiming reads the times of a classifier's last answer.
func readTiming(classifier js.Value) timing {
	t := classifier.Get("timing")
	return timing{total: t.Get("total").Float(), network: t.Get("network").Float()}
}
