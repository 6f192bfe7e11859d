package twin

import "glance/kernels"

func sumRows(c *call, o kernels.SumRows) kernels.Status {
	x := c.in(o.X, strided(o.M, o.N, o.Stride))
	y := c.out(o.Y, uint64(o.N))
	c.require(o.Stride >= o.N)
	if c.bad {
		return kernels.StatusInvalid
	}
	copy(y, x)
	for m := 1; m < int(o.M); m++ {
		add(y, y, x[m*int(o.Stride):])
	}
	for n, v := range y {
		y[n] = v * o.Scale
	}
	return kernels.StatusOK
}

func scaleRows(c *call, o kernels.ScaleRows) kernels.Status {
	size := area(o.M, o.C)
	y := c.out(o.Y, size)
	s := c.in(o.S, uint64(o.C))
	x := y
	if o.X != o.Y {
		x = c.in(o.X, size)
	}
	if c.bad {
		return kernels.StatusInvalid
	}
	for at := 0; at < len(y); at += len(s) {
		multiply(y[at:][:len(s)], x[at:], s)
	}
	return kernels.StatusOK
}

// multiply sets dst to x * s, value by value.
func multiply(dst, x, s []float32) {
	for i, v := range s {
		dst[i] = x[i] * v
	}
}
