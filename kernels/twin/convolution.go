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
	x := c.in(o.X, area(o.Ring, o.W, o.C))
	panels := c.in(o.Weights, panelArea(o.C, o.Kernel*o.Kernel))
	y := c.out(o.Y, area(o.Rows, o.OutW, o.C))
	var sums []float32
	if o.Sums != 0 {
		sums = c.out(o.Sums, area(o.Rows, o.C))
	}
	c.require(o.H > 0 && (o.Kernel == 3 || o.Kernel == 5) && (o.Stride == 1 || o.Stride == 2))
	c.require(o.PadTop < o.Kernel && o.PadLeft < o.Kernel && known(o.Act))
	if c.bad || !ringHolds(o) {
		return kernels.StatusInvalid
	}
	d := depthwiseRow{
		x: x, panels: panels, kernel: int(o.Kernel), stride: int(o.Stride),
		padLeft: int(o.PadLeft), width: int(o.W), channels: int(o.C),
	}
	size := int(o.OutW) * int(o.C)
	for r := range int(o.Rows) {
		top := int(o.Stride)*(int(o.Row0)+r) - int(o.PadTop)
		d.from, d.to = clipTaps(top, d.kernel, int(o.H))
		for i := d.from; i < d.to; i++ {
			d.rows[i] = (top + i) % int(o.Ring) * d.width * d.channels
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
	from, to        int    // the rows of the window inside the input
	rows            [5]int // offset in x of each of these rows
}

func (d *depthwiseRow) compute(y []float32) {
	const wide = kernels.Panel
	panelSize := (1 + d.kernel*d.kernel) * wide
	var partial [wide]float32
	for c := 0; c < d.channels; c += wide {
		panel := d.panels[c/wide*panelSize:][:panelSize]
		live := min(wide, d.channels-c)
		for q := range len(y) / d.channels {
			left := q*d.stride - d.padLeft
			from, to := clipTaps(left, d.kernel, d.width)
			sum := [wide]float32(panel)
			for i := d.from; i < d.to; i++ {
				for j := from; j < to; j++ {
					pixel := d.x[d.rows[i]+(left+j)*d.channels+c:]
					in := &partial
					if live == wide {
						in = (*[wide]float32)(pixel)
					} else {
						copy(partial[:live], pixel)
					}
					addProducts(&sum, in, (*[wide]float32)(panel[(1+i*d.kernel+j)*wide:]))
				}
			}
			copy(y[q*d.channels+c:][:live], sum[:])
		}
	}
}

// addProducts adds x*w to sum, each product rounded first.
func addProducts(sum, x, w *[kernels.Panel]float32) {
	sum[0] += float32(x[0] * w[0])
	sum[1] += float32(x[1] * w[1])
	sum[2] += float32(x[2] * w[2])
	sum[3] += float32(x[3] * w[3])
	sum[4] += float32(x[4] * w[4])
	sum[5] += float32(x[5] * w[5])
	sum[6] += float32(x[6] * w[6])
	sum[7] += float32(x[7] * w[7])
}

// addPixels sets sums to the channel sums of a row of pixels.
func addPixels(sums, row []float32) {
	copy(sums, row)
	for at := len(sums); at < len(row); at += len(sums) {
		add(sums, sums, row[at:])
	}
}
