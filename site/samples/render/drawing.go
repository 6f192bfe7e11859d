package main

import "math"

// ladybird is a drawing: flat colours with outlines, a ladybird on a leaf.
type ladybird struct{}

// outline is the width of the lines, in units of the picture's height.
const outline = 0.012

// paint lays a shape over a colour, its inside filled, its edge drawn. The
// distance is negative inside.
func paint(under vec, distance float64, fill vec) vec {
	if distance < 0 {
		under = fill
	}
	if math.Abs(distance) < outline {
		under = vec{0.02, 0.02, 0.03}
	}
	return under
}

func ellipse(x, y, cx, cy, rx, ry float64) float64 {
	return (math.Hypot((x-cx)/rx, (y-cy)/ry) - 1) * min(rx, ry)
}

// segment is the distance to a line between two points.
func segment(x, y, ax, ay, bx, by float64) float64 {
	t := clamp(((x-ax)*(bx-ax)+(y-ay)*(by-ay))/((bx-ax)*(bx-ax)+(by-ay)*(by-ay)), 0, 1)
	return math.Hypot(x-ax-t*(bx-ax), y-ay-t*(by-ay))
}

// at picks colours as sRGB writes them and turns them into linear light.
func (l ladybird) at(u, v float64) vec {
	c := l.colour(u, v)
	return vec{math.Pow(c.x, 2.2), math.Pow(c.y, 2.2), math.Pow(c.z, 2.2)}
}

func (ladybird) colour(u, v float64) vec {
	x, y := (u-0.5)*width/height, v-0.5
	c := mix(vec{0.86, 0.93, 0.98}, vec{0.66, 0.83, 0.95}, v)

	// The leaf: where two circles overlap, with its veins.
	leaf := max(math.Hypot(x, y+0.42)-0.83, math.Hypot(x, y-0.62)-0.83)
	c = paint(c, leaf, vec{0.3, 0.62, 0.16})
	if leaf < 0 {
		middle := 0.1 + 0.02*math.Sin(4*x)
		vein := math.Abs(y - middle)
		side := math.Abs(math.Mod(x+10-0.7*math.Abs(y-middle), 0.16)-0.08) * 0.8
		if vein < 0.008 || side < 0.004 {
			c = vec{0.18, 0.44, 0.09}
		}
	}

	// Six legs and two feelers.
	for _, side := range []float64{-1, 1} {
		for _, at := range []float64{-0.17, 0, 0.17} {
			c = paint(c, min(
				segment(x, y, at, side*0.15, 1.25*at, side*0.29+0.02),
				segment(x, y, 1.25*at, side*0.29+0.02, 1.25*at+0.06, side*0.34+0.02))-0.006, vec{0.02, 0.02, 0.03})
		}
		c = paint(c, segment(x, y, -0.32, side*0.05, -0.45, side*0.13)-0.004, vec{0.02, 0.02, 0.03})
		c = paint(c, math.Hypot(x+0.45, y-side*0.13)-0.014, vec{0.02, 0.02, 0.03})
	}

	// Head, eyes, body, spots and a highlight.
	c = paint(c, ellipse(x, y, -0.27, 0, 0.12, 0.13), vec{0.05, 0.05, 0.06})
	for _, side := range []float64{-1, 1} {
		c = paint(c, math.Hypot(x+0.32, y-side*0.075)-0.035, vec{0.97, 0.97, 0.97})
		c = paint(c, math.Hypot(x+0.33, y-side*0.075)-0.008, vec{0.02, 0.02, 0.03})
	}
	body := ellipse(x, y, 0.04, 0, 0.29, 0.24)
	c = paint(c, body, vec{0.83, 0.06, 0.04})
	if body < 0 {
		for _, s := range [][3]float64{{-0.08, 0.1, 0.05}, {0.08, 0.13, 0.045}, {0.2, 0.07, 0.04}, {0.05, 0.04, 0.03}} {
			if math.Hypot(x-s[0], math.Abs(y)-s[1]) < s[2] {
				c = vec{0.02, 0.02, 0.03}
			}
		}
		if math.Abs(y) < outline*0.7 {
			c = vec{0.02, 0.02, 0.03}
		}
		if shine := ellipse(x, y, -0.05, -0.15, 0.07, 0.025); shine < 0 {
			c = vec{1, 0.75, 0.72}
		}
	}
	return c
}
