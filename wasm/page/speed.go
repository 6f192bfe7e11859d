//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// frames is how many frames the chart shows.
const frames = 60

// Size of the chart in the units of its view box.
const (
	chartStep   = 4
	chartHeight = 40
)

// retell is how often the times are written anew while the camera runs.
const retell = 500 // milliseconds

// speed shows how long pictures take: in words, and for the frames of a camera in
// a chart and as a rate as well.
type speed struct {
	chart  *dom.BasicHTMLElement // svg, hidden from screen readers
	path   js.Value
	text   *dom.BasicHTMLElement
	recent []sample // the last frames, the oldest first
	told   float64  // when the text was written
	buffer []byte
}

// sample is a frame's times and when it was answered, in milliseconds.
type sample struct {
	timing
	at float64
}

func newSpeed() *speed {
	s := &speed{chart: element("chart"), text: element("time")}
	s.path = s.chart.Underlying().Get("firstElementChild")
	return s
}

// restart forgets the frames so far.
func (s *speed) restart() {
	s.recent = s.recent[:0]
	s.told = 0
	s.text.SetTextContent("")
	s.chart.SetAttribute("hidden", "")
}

// picture tells the time of a single picture.
func (s *speed) picture(t timing) {
	s.restart()
	s.text.SetTextContent(times(t))
}

// frame adds a frame that was answered now.
func (s *speed) frame(t timing, now float64) {
	if len(s.recent) == frames {
		s.recent = append(s.recent[:0], s.recent[1:]...)
	}
	s.recent = append(s.recent, sample{t, now})
	if len(s.recent) == 1 {
		s.chart.RemoveAttribute("hidden")
	}
	s.draw()
	if now-s.told < retell {
		return
	}
	s.told = now
	n := float64(len(s.recent))
	var mean timing
	for _, one := range s.recent {
		mean.total += one.total / n
		mean.network += one.network / n
	}
	text := times(mean)
	if seconds := (now - s.recent[0].at) / 1000; n > 1 && seconds > 0 {
		text += ", " + strconv.FormatFloat((n-1)/seconds, 'f', 0, 64) + "\u00a0frames/s"
	}
	s.text.SetTextContent(text)
}

func times(t timing) string { return milliseconds(t.total) + ", network " + milliseconds(t.network) }

// draw draws a stroke for each frame, the newest at the right. The full height is
// a round number of milliseconds that all of them stay below.
func (s *speed) draw() {
	slowest := 0.0
	for _, one := range s.recent {
		slowest = max(slowest, one.total)
	}
	full := 10.0
	for i := 0; full < slowest; i++ {
		full *= [...]float64{2, 2.5, 2}[i%3]
	}
	b := s.buffer[:0]
	for i, one := range s.recent {
		b = append(b, 'M')
		b = strconv.AppendInt(b, int64((frames-len(s.recent)+i)*chartStep+chartStep/2), 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, chartHeight, 10)
		b = append(b, 'V')
		b = strconv.AppendFloat(b, chartHeight*(1-one.total/full), 'f', 1, 64)
	}
	s.buffer = b
	s.path.Call("setAttribute", "d", string(b))
}
