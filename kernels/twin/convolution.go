package twin

import "glance/kernels"

// conv3x3 gathers the patch of every output column, with zeros outside the
// input, and multiplies the patches with the weights.
func (w *worker) conv3x3(c *call, o kernels.Conv3x3) kernels.Status {
	const channels, taps = 3, 27
	x := c.in(o.X, area(o.H, o.W, channels))
	panels := c.in(o.Weights, panelArea(o.N, taps))
	y := c.out(o.Y, area(o.Rows, o.OutW, o.N))
	c.require(o.PadTop <= 1 && o.PadLeft <= 1 && known(o.Act))
	if c.bad {
		return kernels.StatusInvalid
	}
	height, width, columns, n := int(o.H), int(o.W), int(o.OutW), int(o.N)
	for r := range int(o.Rows) {
		top := 2*(int(o.Row0)+r) - int(o.PadTop)
		for first := 0; first < columns; first += blockRows {
			count := min(blockRows, columns-first)
			w.rows = resize(w.rows, count*taps)
			clear(w.rows)
			for q := range count {
				left := 2*(first+q) - int(o.PadLeft)
				from, to := clipTaps(left, 3, width)
				if from == to {
					continue
				}
				patch := w.rows[q*taps:][:taps]
				for i := range 3 {
					if row := top + i; row >= 0 && row < height {
						copy(patch[(3*i+from)*channels:(3*i+to)*channels], x[(row*width+left+from)*channels:])
					}
				}
			}
			block := y[(r*columns+first)*n:][:count*n]
			w.product(w.rows, panels, block, count, taps, n, n)
			activate(o.Act, block)
		}
	}
	return kernels.StatusOK
}

// clipTaps returns the taps [from, to) of a window of k that starts at first and
// lies in [0, n); from == to where none does.
func clipTaps(first, k, n int) (from, to int) {
	from, to = max(0, -first), min(k, n-first)
	if from >= to {
		return 0, 0
	}
	return from, to
}

func depthwise(c *call, o kernels.Depthwise) kernels.Status {
	x := c.in(o.X, area(o.Ring, o.W, o.XStride))
	panels := c.in(o.Weights, panelArea(o.C, o.Kernel*o.Kernel))
	y := c.out(o.Y, area(o.Rows, o.OutW, o.C))
	var sums []float32
	if o.Sums != 0 {
		sums = c.out(o.Sums, area(o.Rows, o.C))
	}
	c.require(o.H > 0 && (o.Kernel == 3 || o.Kernel == 5) && (o.Stride == 1 || o.Stride == 2))
	c.require(o.XStride >= o.C && o.PadTop < o.Kernel && o.PadLeft < o.Kernel && known(o.Act))
	if c.bad || !ringHolds(o) {
		return kernels.StatusInvalid
	}
	d := depthwiseRow{
		x: x, panels: panels, kernel: int(o.Kernel), stride: int(o.Stride),
		padLeft: int(o.PadLeft), width: int(o.W), pixel: int(o.XStride), channels: int(o.C),
	}
	size := int(o.OutW) * int(o.C)
	for r := range int(o.Rows) {
		top := int(o.Stride)*(int(o.Row0)+r) - int(o.PadTop)
		d.from, d.to = clipTaps(top, d.kernel, int(o.H))
		for i := d.from; i < d.to; i++ {
			d.rows[i] = (top + i) % int(o.Ring) * d.width * d.pixel
		}
		row := y[r*size:][:size]
		d.compute(row)
		activate(o.Act, row)
		if sums != nil {
			addPixels(sums[r*d.channels:][:d.channels], row)
		}
	}
	return kernels.StatusOK
}

// ringHolds tells whether the input rows of one record have a ring slot each.
func ringHolds(o kernels.Depthwise) bool {
	first := int64(o.Stride)*int64(o.Row0) - int64(o.PadTop)
	end := first + int64(o.Stride)*int64(o.Rows-1) + int64(o.Kernel)
	return min(end, int64(o.H))-max(first, 0) <= int64(o.Ring)
}

// depthwiseRow computes one output row before its activation.
type depthwiseRow struct {
	x, panels       []float32
	kernel, stride  int
	padLeft         int
	width, channels int
	pixel           int    // from pixel to pixel of x
	from, to        int    // the rows of the window inside the input
	rows            [5]int // offset in x of each of these rows
}

func (d *depthwiseRow) compute(y []float32) {
	size := (1 + d.kernel*d.kernel) * kernels.Panel
	c := 0
	for ; c+kernels.Panel <= d.channels; c += kernels.Panel {
		d.eightChannels(y, d.panels[c/kernels.Panel*size:][:size], c)
	}
	if c < d.channels {
		d.lastChannels(y, d.panels[c/kernels.Panel*size:][:size], c)
	}
}

// eightChannels computes channels [c, c+8), whose sums it keeps in registers.
func (d *depthwiseRow) eightChannels(y, panel []float32, c int) {
	bias, x := (*eight)(panel), d.x
	for q := range len(y) / d.channels {
		left := q*d.stride - d.padLeft
		from, to := clipTaps(left, d.kernel, d.width)
		s0, s1, s2, s3 := bias[0], bias[1], bias[2], bias[3]
		s4, s5, s6, s7 := bias[4], bias[5], bias[6], bias[7]
		for i := d.from; i < d.to; i++ {
			at := d.rows[i] + (left+from)*d.pixel + c
			weights := panel[(1+i*d.kernel+from)*kernels.Panel:]
			for range to - from {
				v, w := (*eight)(x[at:]), (*eight)(weights)
				at += d.pixel
				weights = weights[kernels.Panel:]
				s0 += float32(v[0] * w[0])
				s1 += float32(v[1] * w[1])
				s2 += float32(v[2] * w[2])
				s3 += float32(v[3] * w[3])
				s4 += float32(v[4] * w[4])
				s5 += float32(v[5] * w[5])
				s6 += float32(v[6] * w[6])
				s7 += float32(v[7] * w[7])
			}
		}
		*(*eight)(y[q*d.channels+c:]) = eight{s0, s1, s2, s3, s4, s5, s6, s7}
	}
}

// lastChannels computes the fewer than eight channels from c on.
func (d *depthwiseRow) lastChannels(y, panel []float32, c int) {
	for q := range len(y) / d.channels {
		left := q*d.stride - d.padLeft
		from, to := clipTaps(left, d.kernel, d.width)
		sums := y[q*d.channels+c:][:d.channels-c]
		copy(sums, panel)
		for i := d.from; i < d.to; i++ {
			for j := from; j < to; j++ {
				pixel := d.x[d.rows[i]+(left+j)*d.pixel+c:]
				weights := panel[(1+i*d.kernel+j)*kernels.Panel:]
				for n := range sums {
					sums[n] += float32(pixel[n] * weights[n])
				}
			}
		}
	}
}

// addPixels sets sums to the channel sums of a row of pixels.
func addPixels(sums, row []float32) {
	copy(sums, row)
	for at := len(sums); at < len(row); at += len(sums) {
		add(sums, sums, row[at:])
	}
}
