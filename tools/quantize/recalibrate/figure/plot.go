package main

import (
	"bytes"
	"fmt"
	"math"
)

type point struct{ x, y float64 }

type curve struct {
	name   string
	points []point
}

// The drawing, in pixels.
const (
	width, height            = 720, 400
	left, right, top, bottom = 64, 24, 64, 52
)

var inks = []string{"#8a8a8a", "#c0392b", "#e08e0b", "#1f6fb2"}

// legend is where the names of the curves stand, from the left.
var legend = []int{0, 96, 290, 480}

// plot draws the curves over two logarithmic axes.
func plot(b *bytes.Buffer, curves []curve) {
	lowX, highX, lowY, highY := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, c := range curves {
		for _, p := range c.points {
			lowX, highX = min(lowX, p.x), max(highX, p.x)
			lowY, highY = min(lowY, p.y), max(highY, p.y)
		}
	}
	ticks := ticks(lowY, highY)
	lowY, highY = ticks[0], ticks[len(ticks)-1]
	x := func(v float64) float64 { return left + (width-left-right)*math.Log(v/lowX)/math.Log(highX/lowX) }
	y := func(v float64) float64 { return top + (height-top-bottom)*math.Log(highY/v)/math.Log(highY/lowY) }
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" font-size="12">`+"\n",
		width, height, width, height)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(b, `<text x="%d" y="26" font-size="16" font-weight="bold">Loss of a MobileNetV3-small in training, and on other pictures</text>`+"\n", left)
	for _, t := range ticks {
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#444">%g</text>`+"\n",
			left, y(t), width-right, y(t), left-8, y(t)+4, t)
	}
	for _, v := range []float64{25, 50, 100, 200, 400, 1000} {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#eee"/><text x="%.1f" y="%d" text-anchor="middle" fill="#444">%g</text>`+"\n",
			x(v), top, x(v), height-bottom, x(v), height-bottom+18, v)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#444">batches of training that the running statistics have seen</text>`+"\n",
		(left+width-right)/2, height-12)
	for i, c := range curves {
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2.5" points="`, inks[i])
		for _, p := range c.points {
			fmt.Fprintf(b, "%.1f,%.1f ", x(p.x), y(p.y))
		}
		fmt.Fprintf(b, `"/>`+"\n")
		for _, p := range c.points {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(p.x), y(p.y), inks[i])
		}
		fmt.Fprintf(b, `<rect x="%d" y="42" width="18" height="4" fill="%s"/><text x="%d" y="48">%s</text>`+"\n", left+legend[i], inks[i], left+legend[i]+24, c.name)
	}
	b.WriteString("</svg>\n")
}

// ticks are the numbers 1, 2 and 5 times powers of ten around low and high.
func ticks(low, high float64) []float64 {
	var list []float64
	for exponent := -6; exponent <= 6; exponent++ {
		for _, digit := range []float64{1, 2, 5} {
			list = append(list, digit*math.Pow10(exponent))
		}
	}
	from, to := 0, len(list)-1
	for list[from+1] <= low {
		from++
	}
	for list[to-1] >= high {
		to--
	}
	return list[from : to+1]
}
