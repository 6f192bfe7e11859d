package main

import "math"

// scenes are the sample pictures by name.
var scenes = map[string]scene{
	"seashore":   seashore(),
	"alp":        alp(),
	"oranges":    oranges(),
	"espresso":   espresso(),
	"lighthouse": lighthouse(),
	"ladybird":   ladybird{},
}

func sphere(p, centre vec, radius float64) float64 { return p.sub(centre).length() - radius }

// capped is a cone standing on y = 0 without its tip, of radius r0 below and r1 above.
func capped(p vec, height, r0, r1 float64) float64 {
	r := math.Hypot(p.x, p.z)
	side := (r - (r0 + (r1-r0)*clamp(p.y/height, 0, 1))) * height / math.Hypot(height, r0-r1)
	return max(side, p.y-height, -p.y)
}

// torus lies in the plane z = 0.
func torus(p vec, big, small float64) float64 {
	return math.Hypot(math.Hypot(p.x, p.y)-big, p.z) - small
}

func seashore() *solid {
	sun := vec{0.35, 0.42, -0.75}.unit()
	sky := func(d vec) vec { return daylight(d, sun, 0.16) }
	waves := func(p vec) float64 {
		shore := smooth(-2, -9, p.z)
		return 0.05*math.Sin(1.1*p.z+0.7*fractal(p.scale(0.4), 3)*6)*shore + 0.16*(fractal(vec{1.3 * p.x, 0, 2.6 * p.z}, 5)-0.5)*shore
	}
	sand := func(p vec) float64 {
		return 0.16*(p.z+2.6+0.8*math.Sin(0.5*p.x+0.4)+1.1*(fractal(vec{0.5 * p.x, 0, 0.5 * p.z}, 4)-0.5)) + 0.03*fractal(p.scale(6), 4)
	}
	return &solid{
		eye: vec{0, 1.5, 4}, target: vec{0.4, 0.9, -4}, zoom: 1.9, far: 300, fog: 0.006, caution: 0.7,
		sun: sun, light: vec{1.25, 1.15, 0.98}, ambient: vec{0.42, 0.5, 0.62}, sky: sky,
		distance: func(p vec) (float64, int) {
			sea, beach := p.y-waves(p), p.y-sand(p)
			if sea < beach {
				return 0.8 * sea, 0
			}
			return 0.8 * beach, 1
		},
		surface: func(thing int, p, n vec) finish {
			depth := -sand(p)
			if thing == 1 {
				wet := smooth(0.14, 0.02, p.y)
				grain := 0.85 + 0.3*fractal(p.scale(25), 3)
				return finish{mix(vec{0.72, 0.56, 0.36}, vec{0.34, 0.26, 0.17}, wet).scale(grain), n, 0.2 * wet, 0.6 * wet}
			}
			c := mix(vec{0.16, 0.5, 0.48}, vec{0.02, 0.16, 0.27}, smooth(0.05, 0.9, depth))
			foam := smooth(0.16, 0.02, depth+0.08*(fractal(p.scale(4), 4)-0.5)) + 0.8*smooth(0.62, 0.75, fractal(vec{0.9 * p.x, 0, 3.2 * p.z}, 5))*smooth(2.2, 0.2, depth)
			return finish{mix(c, vec{0.95, 0.97, 0.97}, clamp(foam, 0, 1)), n, 0.9, 1 - clamp(foam, 0, 1)}
		},
	}
}

func alp() *solid {
	sun := vec{-0.6, 0.5, 0.35}.unit()
	ridge := func(p vec) float64 {
		sum, amplitude, q := 0.0, 1.0, vec{0.23 * p.x, 0, 0.23 * p.z}
		for range 8 {
			sum += amplitude * (1 - math.Abs(2*noise(q.add(vec{5, 0, 2}))-1))
			q = vec{1.6*q.x - 1.2*q.z, 0, 1.2*q.x + 1.6*q.z}
			amplitude *= 0.45
		}
		distant := smooth(3, -8, p.z)
		peak := 5.6*math.Exp(-(math.Pow(p.x-1.6, 2)+math.Pow(p.z+9, 2))/11) + 3.4*math.Exp(-(math.Pow(p.x+3.6, 2)+math.Pow(p.z+11, 2))/10)
		return (1.5*sum-1.2)*(0.12+0.75*distant) - 0.5 + peak
	}
	return &solid{
		eye: vec{0, 1.7, 6.5}, target: vec{0.2, 2.6, -3}, zoom: 2.3, far: 45, fog: 0.012, caution: 0.4,
		sun: sun, light: vec{1.3, 1.2, 1.05}, ambient: vec{0.34, 0.44, 0.62},
		sky:      func(d vec) vec { return daylight(d, sun, 0.05) },
		distance: func(p vec) (float64, int) { return 0.7 * (p.y - ridge(p)), 0 },
		surface: func(_ int, p, n vec) finish {
			detail := fractal(p.scale(5), 5)
			rock := mix(vec{0.22, 0.2, 0.19}, vec{0.4, 0.37, 0.34}, detail)
			meadow := mix(vec{0.09, 0.17, 0.05}, vec{0.2, 0.27, 0.09}, detail)
			c := mix(meadow, rock, smooth(0.5, 1.5, p.y+0.9*(detail-0.5)+0.9*(0.8-n.y)))
			snow := smooth(1.6, 2.6, p.y+1.3*(detail-0.5)) * smooth(0.3, 0.5, n.y)
			return finish{mix(c, vec{0.92, 0.94, 0.97}, snow), n, 0, 0}
		},
	}
}

// table is a wooden table top at y = 0.
func table(p, n vec) finish {
	q := vec{p.x * 0.6, 0, p.z * 5}
	grain := fractal(q.add(vec{0, 0, 2 * fractal(p.scale(0.7), 3)}), 5)
	fine := fractal(vec{p.x * 4, 0, p.z * 60}, 3)
	c := mix(vec{0.3, 0.16, 0.07}, vec{0.55, 0.34, 0.17}, smooth(0.3, 0.7, grain)).scale(0.75 + 0.4*fine)
	if plank := math.Abs(math.Mod(p.z+100.35, 0.9) - 0.45); plank > 0.44 {
		c = c.scale(0.35)
	}
	return finish{c, n, 0.12, 0.35}
}

func indoors(d vec) vec {
	c := mix(vec{0.5, 0.46, 0.4}, vec{0.68, 0.66, 0.62}, smooth(-0.1, 0.7, d.y))
	window := smooth(0.25, 0.3, d.y) * smooth(0.75, 0.7, d.y) * smooth(-0.7, -0.65, d.x) * smooth(-0.2, -0.25, d.x)
	return mix(c.scale(0.55), vec{2.2, 2.2, 2.1}, window*smooth(0.1, 0.3, d.z))
}

func oranges() *solid {
	centres := []vec{{-0.72, 0.6, 0.1}, {0.55, 0.6, 0.35}, {0.1, 0.6, -0.85}}
	stalks := []vec{{0.3, 0.85, 0.45}, {-0.5, 0.75, 0.45}, {0.6, 0.7, 0.4}}
	return &solid{
		eye: vec{0.2, 2.4, 4.6}, target: vec{-0.05, 0.42, 0}, zoom: 3.7, far: 30, caution: 1,
		sun: vec{-0.55, 0.8, 0.4}.unit(), light: vec{1.15, 1.08, 0.95}, ambient: vec{0.42, 0.4, 0.38},
		sky: indoors,
		distance: func(p vec) (float64, int) {
			d, thing := p.y, 0
			for i, c := range centres {
				q := p.sub(c)
				q.y *= 1.05
				if s := q.length() - 0.6 - 0.012*smooth(0.9, 1, q.unit().dot(stalks[i].unit()))*-3; s < d {
					d, thing = s, i+1
				}
			}
			return 0.9 * d, thing
		},
		surface: func(thing int, p, n vec) finish {
			if thing == 0 {
				return table(p, n)
			}
			q := p.sub(centres[thing-1])
			bump := vec{noise(p.scale(42)) - 0.5, noise(p.scale(42).add(vec{9, 0, 0})) - 0.5, noise(p.scale(42).add(vec{0, 9, 0})) - 0.5}
			c := mix(vec{0.93, 0.34, 0.02}, vec{0.98, 0.47, 0.04}, fractal(p.scale(2.5), 4))
			at := q.unit().dot(stalks[thing-1].unit())
			c = mix(c, vec{0.12, 0.2, 0.04}, smooth(0.988, 0.994, at))
			c = mix(c, vec{0.75, 0.4, 0.05}, 0.5*smooth(0.93, 0.99, at))
			return finish{c, n.add(bump.scale(0.2)).unit(), 0.45, 0.35}
		},
	}
}

func espresso() *solid {
	const cupHeight = 0.95
	cup := func(p vec) float64 {
		p.y -= 0.12
		outer := capped(p, cupHeight, 0.48, 0.72)
		inner := capped(p.sub(vec{0, 0.07, 0}), cupHeight, 0.42, 0.665)
		handle := torus(vec{p.x - 0.74, (p.y - 0.52) * 0.9, p.z}, 0.26, 0.055)
		r := math.Hypot(p.x, p.z)
		return min(max(outer, -inner), max(handle, 0.5-r))
	}
	return &solid{
		eye: vec{1.1, 2.7, 3.7}, target: vec{0.12, 0.42, 0}, zoom: 3.2, far: 30, caution: 0.8,
		sun: vec{-0.6, 0.75, 0.3}.unit(), light: vec{1.1, 1.05, 0.95}, ambient: vec{0.45, 0.44, 0.43},
		sky: indoors,
		distance: func(p vec) (float64, int) {
			d, thing := p.y, 0
			r := math.Hypot(p.x, p.z)
			saucer := math.Abs(p.y-0.05-0.13*smooth(0.55, 1.25, r)) - 0.03
			if s := max(0.8*saucer, r-1.22); s < d {
				d, thing = s, 1
			}
			if c := cup(p); c < d {
				d, thing = c, 1
			}
			if c := capped(p.sub(vec{0, 0.14, 0}), 0.74, 0.42, 0.625); c < d {
				d, thing = c, 2
			}
			return d, thing
		},
		surface: func(thing int, p, n vec) finish {
			switch thing {
			case 0:
				return table(p, n)
			case 1:
				return finish{vec{0.86, 0.85, 0.82}, n, 0.7, 0.7}
			}
			r := math.Hypot(p.x, p.z)
			swirl := fractal(vec{3 * p.x, 0, 3 * p.z}.add(vec{fractal(p.scale(4), 3), 0, 0}.scale(2)), 5)
			crema := mix(vec{0.25, 0.09, 0.02}, vec{0.58, 0.31, 0.1}, smooth(0.3, 0.65, swirl))
			return finish{mix(crema, vec{0.12, 0.04, 0.01}, smooth(0.5, 0.62, r)), n, 0.25, 0.4}
		},
	}
}

func lighthouse() *solid {
	sun := vec{-0.55, 0.5, 0.6}.unit()
	land := func(p vec) float64 {
		r := math.Hypot(p.x-0.2, p.z)
		return 0.75*smooth(4.2, 1.2, r+1.6*(fractal(p.scale(0.8), 5)-0.5)) - 0.45 + 0.25*(fractal(p.scale(1.6), 5)-0.5)
	}
	const base = 0.25
	return &solid{
		eye: vec{-1.6, 1.15, 8.2}, target: vec{0.25, 2.15, 0}, zoom: 2.9, far: 120, fog: 0.004, caution: 0.7,
		sun: sun, light: vec{1.25, 1.15, 1}, ambient: vec{0.4, 0.48, 0.6},
		sky: func(d vec) vec { return daylight(d, sun, 0.14) },
		distance: func(p vec) (float64, int) {
			d, thing := p.y-0.05*(fractal(vec{2 * p.x, 0, 4 * p.z}, 4)-0.5), 0
			if l := 0.7 * (p.y - land(p)); l < d {
				d, thing = l, 1
			}
			q := p.sub(vec{0, base, 0})
			for i, part := range []float64{
				capped(q, 3.5, 0.62, 0.4),
				capped(q.sub(vec{0, 3.5, 0}), 0.1, 0.58, 0.58),
				capped(q.sub(vec{0, 3.6, 0}), 0.55, 0.28, 0.28),
				capped(q.sub(vec{0, 4.15, 0}), 0.35, 0.4, 0.03),
				max(math.Abs(math.Hypot(q.x, q.z)-0.55)-0.012, math.Abs(math.Mod(q.y-3.6+0.001, 0.13)-0.065)-0.012, 3.6-q.y, q.y-3.9),
			} {
				if part < d {
					d, thing = part, 2+i
				}
			}
			house := q.sub(vec{1.25, 0, 0.1})
			box := max(math.Abs(house.x)-0.6, math.Abs(house.z)-0.42, house.y-0.62)
			roof := max(0.8*(house.y-0.98+0.85*math.Abs(house.z)), math.Abs(house.x)-0.66, 0.56-house.y)
			if box < d {
				d, thing = box, 7
			}
			if roof < d {
				d, thing = roof, 8
			}
			return d, thing
		},
		surface: func(thing int, p, n vec) finish {
			red, white := vec{0.62, 0.06, 0.05}, vec{0.88, 0.87, 0.84}
			switch thing {
			case 0:
				return finish{vec{0.03, 0.16, 0.24}, n, 0.5, 0.8}
			case 1:
				detail := fractal(p.scale(4), 5)
				grass := mix(vec{0.1, 0.19, 0.05}, vec{0.26, 0.3, 0.11}, detail)
				rock := mix(vec{0.2, 0.17, 0.15}, vec{0.45, 0.4, 0.36}, detail)
				return finish{mix(rock, grass, smooth(0.1, 0.22, p.y+0.2*(detail-0.5))*smooth(0.5, 0.75, n.y)), n, 0, 0}
			case 2:
				c := white
				if math.Mod(p.y-base, 1.4) > 0.7 {
					c = red
				}
				if math.Abs(p.x+0.18) < 0.07 && math.Abs(math.Mod(p.y-base+0.2, 1.2)-0.6) < 0.11 && p.z > 0 {
					c = vec{0.05, 0.06, 0.08}
				}
				return finish{c.scale(0.93 + 0.1*fractal(p.scale(6), 4)), n, 0.1, 0}
			case 4:
				glass := vec{0.75, 0.72, 0.45}
				if math.Abs(math.Mod(6+3*math.Atan2(p.x, p.z), 1)-0.5) > 0.42 {
					glass = vec{0.08, 0.08, 0.09}
				}
				return finish{glass, n, 0.8, 0.6}
			case 5, 8:
				return finish{red.scale(0.8), n, 0.2, 0.1}
			case 7:
				if math.Abs(math.Abs(p.x-1.25)-0.3) < 0.1 && math.Abs(p.y-base-0.36) < 0.12 {
					return finish{vec{0.05, 0.06, 0.08}, n, 0.5, 0.4}
				}
				return finish{white, n, 0, 0}
			}
			return finish{vec{0.15, 0.15, 0.16}, n, 0.2, 0}
		},
	}
}
