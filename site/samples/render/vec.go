package main

import "math"

// vec is a point, a direction, or a colour in linear light.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec           { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec           { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) mul(b vec) vec           { return vec{a.x * b.x, a.y * b.y, a.z * b.z} }
func (a vec) scale(k float64) vec     { return vec{k * a.x, k * a.y, k * a.z} }
func (a vec) dot(b vec) float64       { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) length() float64         { return math.Sqrt(a.dot(a)) }
func (a vec) unit() vec               { return a.scale(1 / a.length()) }
func (a vec) cross(b vec) vec         { return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x} }
func mix(a, b vec, t float64) vec     { return a.scale(1 - t).add(b.scale(t)) }
func clamp(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

// smooth is 0 below lo, 1 above hi, and smooth between (Hermite).
func smooth(lo, hi, x float64) float64 {
	t := clamp((x-lo)/(hi-lo), 0, 1)
	return t * t * (3 - 2*t)
}

// tone turns linear light into an sRGB byte, about.
func tone(c float64) uint8 {
	return uint8(255*math.Pow(clamp(c, 0, 1), 1/2.2) + 0.5)
}

// hash gives a number from 0 to 1 for a point of the integer grid.
func hash(x, y, z int) float64 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ uint32(z)*0xcb1ab31f
	h ^= h >> 13
	h *= 0x5bd1e995
	h ^= h >> 15
	return float64(h&0xffffff) / 0xffffff
}

// noise is value noise: random at the integer grid, smooth between.
func noise(p vec) float64 {
	fx, fy, fz := math.Floor(p.x), math.Floor(p.y), math.Floor(p.z)
	x, y, z := int(fx), int(fy), int(fz)
	u, v, w := smooth(0, 1, p.x-fx), smooth(0, 1, p.y-fy), smooth(0, 1, p.z-fz)
	line := func(y, z int) float64 { return hash(x, y, z)*(1-u) + hash(x+1, y, z)*u }
	plane := func(z int) float64 { return line(y, z)*(1-v) + line(y+1, z)*v }
	return plane(z)*(1-w) + plane(z+1)*w
}

// fractal adds octaves of noise, each half as strong and twice as fine; about 0 to 1.
func fractal(p vec, octaves int) float64 {
	sum, amplitude := 0.0, 0.5
	for range octaves {
		sum += amplitude * noise(p)
		p = vec{1.6*p.x - 1.2*p.z, 2.03 * p.y, 1.2*p.x + 1.6*p.z}.add(vec{17, 31, 47})
		amplitude /= 2
	}
	return sum
}
