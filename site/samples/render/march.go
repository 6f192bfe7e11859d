package main

import "math"

// scene gives the colour at a place of the picture, u and v from 0 to 1 from the
// top left.
type scene interface{ at(u, v float64) vec }

// solid is a scene of things given by their distance.
type solid struct {
	eye, target vec
	zoom        float64
	sun         vec                                // direction to it, of length 1
	light       vec                                // of the sun
	ambient     vec                                // of the sky
	distance    func(p vec) (d float64, thing int) // to the nearest thing
	surface     func(thing int, p, normal vec) finish
	sky         func(direction vec) vec
	far         float64
	fog         float64 // how much of the light is lost per unit of distance
	caution     float64 // part of the distance that is marched, below 1 where it is not exact
}

// finish is what a surface looks like.
type finish struct {
	colour vec
	normal vec     // with bumps
	gloss  float64 // strength of the sun's reflection
	mirror float64 // strength of the sky's reflection, at grazing angles
}

func (s *solid) at(u, v float64) vec {
	forward := s.target.sub(s.eye).unit()
	right := forward.cross(vec{0, 1, 0}).unit()
	up := right.cross(forward)
	direction := forward.scale(s.zoom).
		add(right.scale((u - 0.5) * 2 * width / height)).
		add(up.scale((0.5 - v) * 2)).unit()
	t, thing := s.march(s.eye, direction)
	if thing < 0 {
		return s.sky(direction)
	}
	p := s.eye.add(direction.scale(t))
	f := s.surface(thing, p, s.normal(p, t))
	n := f.normal
	sunlight := max(0, n.dot(s.sun))
	if sunlight > 0 {
		sunlight *= s.shadow(p.add(n.scale(0.002 * t)))
	}
	c := f.colour.mul(s.light.scale(sunlight).add(s.ambient.scale(s.open(p, n) * (0.65 + 0.35*n.y))))
	half := s.sun.sub(direction).unit()
	c = c.add(s.light.scale(f.gloss * sunlight * math.Pow(max(0, n.dot(half)), 60)))
	if f.mirror > 0 {
		reflected := direction.sub(n.scale(2 * direction.dot(n)))
		reflected.y = math.Abs(reflected.y)
		grazing := math.Pow(1-clamp(-direction.dot(n), 0, 1), 5)
		c = mix(c, s.sky(reflected), f.mirror*(0.04+0.96*grazing))
	}
	horizon := s.sky(vec{direction.x, 0.02, direction.z}.unit())
	return mix(horizon, c, math.Exp(-s.fog*t))
}

// march follows a ray to the first thing; -1 for none.
func (s *solid) march(from, direction vec) (float64, int) {
	t := 0.0
	for range 400 {
		d, thing := s.distance(from.add(direction.scale(t)))
		if d < 0.0005*t {
			return t, thing
		}
		if t += d * s.caution; t > s.far {
			break
		}
	}
	return t, -1
}

// normal is the gradient of the distance.
func (s *solid) normal(p vec, t float64) vec {
	e := 0.0007 * max(t, 0.5)
	at := func(v vec) float64 { d, _ := s.distance(p.add(v)); return d }
	return vec{
		at(vec{e, 0, 0}) - at(vec{-e, 0, 0}),
		at(vec{0, e, 0}) - at(vec{0, -e, 0}),
		at(vec{0, 0, e}) - at(vec{0, 0, -e}),
	}.unit()
}

// shadow is how much of the sun is seen, with soft edges.
func (s *solid) shadow(p vec) float64 {
	seen, t := 1.0, 0.01
	for range 60 {
		d, _ := s.distance(p.add(s.sun.scale(t)))
		if d < 0.0005 {
			return 0
		}
		seen = min(seen, 12*d/t)
		if t += clamp(d*s.caution, 0.01, 1); t > s.far/4 {
			break
		}
	}
	return seen
}

// open is how much of the sky is seen: ambient occlusion.
func (s *solid) open(p, n vec) float64 {
	hidden, weight := 0.0, 1.0
	for i := range 5 {
		h := 0.02 + 0.09*float64(i)
		d, _ := s.distance(p.add(n.scale(h)))
		hidden += weight * max(0, h-d)
		weight *= 0.75
	}
	return clamp(1-1.6*hidden, 0, 1)
}

// daylight is a clear sky with some clouds.
func daylight(direction, sun vec, clouds float64) vec {
	c := mix(vec{0.62, 0.75, 0.88}, vec{0.16, 0.36, 0.72}, smooth(0, 0.6, direction.y))
	if direction.y > 0.01 && clouds > 0 {
		p := direction.scale(1.6 / (direction.y + 0.12))
		cover := smooth(0.62-clouds, 0.85-clouds/2, fractal(vec{p.x, 0.3, p.z}, 6))
		c = mix(c, vec{0.95, 0.95, 0.96}, cover*smooth(0.01, 0.12, direction.y))
	}
	glow := max(0, direction.dot(sun))
	return c.add(vec{1, 0.85, 0.6}.scale(0.25*math.Pow(glow, 30) + 2*math.Pow(glow, 1800)))
}
