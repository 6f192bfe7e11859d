package twin

import (
	"math"

	"glance/kernels"
)

// Pillow's fixed point: 22 fractional bits, half of the last one added to round.
const (
	fractionBits = 22
	roundingHalf = int32(1) << (fractionBits - 1)
)

// clip8 is the fixed-point sum as a byte.
func clip8(sum int32) byte { return byte(min(max(sum>>fractionBits, 0), 255)) }

// Index tables are copied and their largest entry found before anything is read
// through them, so that a lane that overwrites them meanwhile (no valid program
// does) cannot move a read outside the memory.
func (w *worker) copyIndices(table []uint32) (largest uint64) {
	w.indices = append(w.indices[:0], table...)
	for _, v := range table {
		largest = max(largest, uint64(v))
	}
	return largest
}

func (w *worker) resampleRows(c *call, o kernels.ResampleRows) kernels.Status {
	const channels = 4
	starts := c.words(o.Starts, uint64(o.OutW))
	coeffs := c.words(o.Coeffs, area(o.OutW, o.Taps))
	y := c.outBytes(o.Y, area(o.Rows, o.OutW, channels))
	if c.bad {
		return kernels.StatusInvalid
	}
	row := (w.copyIndices(starts) + uint64(o.Taps)) * channels
	x := c.bytes(o.X, area(o.Rows-1, o.XStride)+row)
	if c.bad {
		return kernels.StatusInvalid
	}
	taps := int(o.Taps)
	for r := range int(o.Rows) {
		line := x[r*int(o.XStride):]
		for q, start := range w.indices {
			window := line[int(start)*channels:][:taps*channels]
			s0, s1, s2, s3 := roundingHalf, roundingHalf, roundingHalf, roundingHalf
			for t, bits := range coeffs[q*taps:][:taps] {
				coeff, pixel := int32(bits), (*[channels]byte)(window[t*channels:])
				s0 += int32(pixel[0]) * coeff
				s1 += int32(pixel[1]) * coeff
				s2 += int32(pixel[2]) * coeff
				s3 += int32(pixel[3]) * coeff
			}
			*(*[channels]byte)(y[(r*len(starts)+q)*channels:]) = [channels]byte{clip8(s0), clip8(s1), clip8(s2), clip8(s3)}
		}
	}
	return kernels.StatusOK
}

func (w *worker) resampleCols(c *call, o kernels.ResampleCols) kernels.Status {
	const channelsIn, channelsOut, levels = 4, 3, 256
	starts := c.words(o.Starts, uint64(o.Rows))
	coeffs := c.words(o.Coeffs, area(o.Rows, o.Taps))
	table := c.in(o.Table, channelsOut*levels)
	y := c.out(o.Y, area(o.Rows, o.W, channelsOut))
	if c.bad {
		return kernels.StatusInvalid
	}
	lines := w.copyIndices(starts) + uint64(o.Taps)
	c.require(lines <= math.MaxUint32)
	x := c.bytes(o.X, area(uint32(lines), o.W, channelsIn))
	if c.bad {
		return kernels.StatusInvalid
	}
	taps, width := int(o.Taps), int(o.W)
	lineBytes := width * channelsIn
	for r, start := range w.indices {
		window := x[int(start)*lineBytes:]
		for q := range width {
			s0, s1, s2 := roundingHalf, roundingHalf, roundingHalf
			for t, bits := range coeffs[r*taps:][:taps] {
				coeff, pixel := int32(bits), (*[channelsIn]byte)(window[t*lineBytes+q*channelsIn:])
				s0 += int32(pixel[0]) * coeff
				s1 += int32(pixel[1]) * coeff
				s2 += int32(pixel[2]) * coeff
			}
			out := (*[channelsOut]float32)(y[(r*width+q)*channelsOut:])
			out[0] = table[clip8(s0)]
			out[1] = table[levels+int(clip8(s1))]
			out[2] = table[2*levels+int(clip8(s2))]
		}
	}
	return kernels.StatusOK
}

// sample is the encoding of one entry of Bilinear's Columns or Lines.
const sampleWords = 3

// samples copies a table of {first, second, fraction} and returns its largest
// index. It appends to w.indices.
func (w *worker) samples(table []uint32) (largest uint64) {
	w.indices = append(w.indices, table...)
	for i := 0; i < len(table); i += sampleWords {
		largest = max(largest, uint64(table[i]), uint64(table[i+1]))
	}
	return largest
}

func (w *worker) bilinear(c *call, o kernels.Bilinear) kernels.Status {
	const channelsIn, channelsOut = 4, 3
	columns := c.words(o.Columns, area(o.OutW, sampleWords))
	lines := c.words(o.Lines, area(o.Rows, sampleWords))
	y := c.out(o.Y, area(o.Rows, o.OutW, channelsOut))
	if c.bad {
		return kernels.StatusInvalid
	}
	w.indices = w.indices[:0]
	lastColumn, lastLine := w.samples(columns), w.samples(lines)
	x := c.bytes(o.X, area(uint32(lastLine), o.XStride)+(lastColumn+1)*channelsIn)
	if c.bad {
		return kernels.StatusInvalid
	}
	columns, lines = w.indices[:len(columns)], w.indices[len(columns):]
	for r := range int(o.Rows) {
		line := lines[r*sampleWords:][:sampleWords]
		above, below := x[int(line[0])*int(o.XStride):], x[int(line[1])*int(o.XStride):]
		fy := math.Float32frombits(line[2])
		for q := range int(o.OutW) {
			column := columns[q*sampleWords:][:sampleWords]
			left, right := int(column[0])*channelsIn, int(column[1])*channelsIn
			fx := math.Float32frombits(column[2])
			out := (*[channelsOut]float32)(y[(r*int(o.OutW)+q)*channelsOut:])
			for ch := range channelsOut {
				top := mix(float32(above[left+ch]), float32(above[right+ch]), fx)
				bottom := mix(float32(below[left+ch]), float32(below[right+ch]), fx)
				out[ch] = float32(mix(top, bottom, fy)*o.Scale[ch]) + o.Shift[ch]
			}
		}
	}
	return kernels.StatusOK
}

// mix is a + (b-a)*t, each operation rounded.
func mix(a, b, t float32) float32 { return a + float32((b-a)*t) }
