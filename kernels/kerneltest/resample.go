package kerneltest

import (
	"fmt"
	"math"
	"testing"

	"glance/kernels"
)

// ResampleRowsCase is a case of [kernels.ResampleRows]. The result is exact.
type ResampleRowsCase struct {
	W, Rows, OutW, Taps int
	Gap                 int // bytes between the rows of X
}

func (c ResampleRowsCase) String() string {
	return fmt.Sprintf("resamplerows %dx%d to %d taps=%d gap=%d", c.Rows, c.W, c.OutW, c.Taps, c.Gap)
}

const fixedOne = 1 << 22 // Pillow's PRECISION_BITS

// filters generates n windows of taps inputs in [0, size) and their fixed-point
// coefficients. The magnitudes of one window's coefficients sum up to between 1
// and 1.9, so that results are clipped on both sides and fit in 32 bits.
func (r random) filters(n, size, taps int) (starts []uint32, coeffs []int32) {
	for i := range n {
		start := r.IntN(size - taps + 1)
		switch i { // both ends of the input
		case 0:
			start = 0
		case n - 1:
			start = size - taps
		}
		starts = append(starts, uint32(start))
		raw, total := make([]int64, taps), int64(0)
		for t := range raw {
			raw[t] = int64(r.between(-300, 1000))
			if t == taps-1 && taps > 1 && r.IntN(3) == 0 {
				raw[t] = 0
			}
			total += max(raw[t], -raw[t])
		}
		norm := int64(fixedOne) * int64(r.between(100, 190)) / 100
		for _, v := range raw {
			coeffs = append(coeffs, int32(v*norm/max(total, 1)))
		}
	}
	return starts, coeffs
}

// clipped is the rounded fixed-point sum of taps bytes, step apart, as a byte.
func clipped(x []byte, step int, coeffs []int32) byte {
	sum := int64(fixedOne / 2)
	for t, c := range coeffs {
		sum += int64(x[t*step]) * int64(c)
	}
	return byte(min(max(sum>>22, 0), 255))
}

func (c ResampleRowsCase) prepare(s *scene) (plan, error) {
	const channels = 4
	stride := c.W*channels + c.Gap
	x := s.random.pixels((c.Rows-1)*stride + c.W*channels)
	starts, coeffs := s.random.filters(c.OutW, c.W, c.Taps)
	input := s.in("x", 1, x)
	index, weights := s.in("starts", 4, wordBytes(starts)), s.in("coeffs", 4, wordBytes(coeffs))
	output := s.out("y", 4, c.Rows*c.OutW*channels)
	if err := s.place(); err != nil {
		return plan{}, err
	}
	rows := func(r0, r1 int) kernels.Record {
		return kernels.ResampleRows{X: input.ptr(r0 * stride), Starts: index.ptr(0), Coeffs: weights.ptr(0),
			Y: output.ptr(r0 * c.OutW * channels), XStride: uint32(stride), OutW: uint32(c.OutW),
			Taps: uint32(c.Taps), Rows: uint32(r1 - r0)}.Record()
	}
	check := func() error {
		for i, got := range output.after {
			r, q, ch := i/(c.OutW*channels), i/channels%c.OutW, i%channels
			at := r*stride + int(starts[q])*channels + ch
			if want := clipped(x[at:], channels, coeffs[q*c.Taps:][:c.Taps]); got != want {
				return fmt.Errorf("row %d, column %d, channel %d is %d, want %d", r, q, ch, got, want)
			}
		}
		return nil
	}
	p := plan{records: []kernels.Record{rows(0, c.Rows)}, check: check}
	for _, at := range splitPoints(s.random, c.Rows) {
		p.splits = append(p.splits, []kernels.Record{rows(0, at), rows(at, c.Rows)})
	}
	return p, nil
}

// ResampleRows tests [kernels.ResampleRows].
func ResampleRows(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("resamplerows")
	for taps := 1; taps <= 12; taps++ {
		for outW := 1; outW <= 9; outW++ {
			s.test(ResampleRowsCase{W: taps + r.IntN(10), Rows: r.between(1, 4), OutW: outW, Taps: taps, Gap: r.gap()})
		}
	}
	for range atScale(20) {
		taps := r.between(1, 40)
		s.test(ResampleRowsCase{W: taps + r.IntN(100), Rows: r.between(1, 9), OutW: r.between(1, 60), Taps: taps, Gap: 4 * r.gap()})
	}
	s.test(ResampleRowsCase{W: 640, Rows: 5, OutW: 341, Taps: 5})
	s.test(ResampleRowsCase{W: 4000, Rows: 2, OutW: 256, Taps: 33})
	s.test(ResampleRowsCase{W: 100, Rows: 3, OutW: 256, Taps: 3})
}

// ResampleColsCase is a case of [kernels.ResampleCols]. The result is exact.
type ResampleColsCase struct {
	H, W, Rows, Taps int
}

func (c ResampleColsCase) String() string {
	return fmt.Sprintf("resamplecols %dx%d to %d taps=%d", c.H, c.W, c.Rows, c.Taps)
}

func (c ResampleColsCase) prepare(s *scene) (plan, error) {
	const channelsIn, channelsOut, levels = 4, 3, 256
	x := s.random.pixels(c.H * c.W * channelsIn)
	starts, coeffs := s.random.filters(c.Rows, c.H, c.Taps)
	table := s.random.weights(channelsOut * levels)
	input := s.in("x", 1, x)
	index, weights := s.in("starts", 4, wordBytes(starts)), s.in("coeffs", 4, wordBytes(coeffs))
	levelsIn := s.in("table", 4, floatBytes(table))
	output := s.out("y", 4, 4*c.Rows*c.W*channelsOut)
	if err := s.place(); err != nil {
		return plan{}, err
	}
	rows := func(r0, r1 int) kernels.Record {
		return kernels.ResampleCols{X: input.ptr(0), Starts: index.ptr(4 * r0), Coeffs: weights.ptr(4 * r0 * c.Taps),
			Table: levelsIn.ptr(0), Y: output.ptr(4 * r0 * c.W * channelsOut), W: uint32(c.W),
			Taps: uint32(c.Taps), Rows: uint32(r1 - r0)}.Record()
	}
	check := func() error {
		line := c.W * channelsIn
		for i := range c.Rows * c.W * channelsOut {
			r, q, ch := i/(c.W*channelsOut), i/channelsOut%c.W, i%channelsOut
			at := int(starts[r])*line + q*channelsIn + ch
			v := clipped(x[at:], line, coeffs[r*c.Taps:][:c.Taps])
			if got, want := output.float(i), table[ch*levels+int(v)]; got != want {
				return fmt.Errorf("row %d, column %d, channel %d is %v, want %v (level %d)", r, q, ch, got, want, v)
			}
		}
		return nil
	}
	p := plan{records: []kernels.Record{rows(0, c.Rows)}, check: check}
	for _, at := range splitPoints(s.random, c.Rows) {
		p.splits = append(p.splits, []kernels.Record{rows(0, at), rows(at, c.Rows)})
	}
	return p, nil
}

// ResampleCols tests [kernels.ResampleCols].
func ResampleCols(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("resamplecols")
	for taps := 1; taps <= 12; taps++ {
		for w := 1; w <= 9; w++ {
			s.test(ResampleColsCase{H: taps + r.IntN(10), W: w, Rows: r.between(1, 5), Taps: taps})
		}
	}
	for range atScale(20) {
		taps := r.between(1, 40)
		s.test(ResampleColsCase{H: taps + r.IntN(60), W: r.between(1, 60), Rows: r.between(1, 20), Taps: taps})
	}
	s.test(ResampleColsCase{H: 60, W: 224, Rows: 12, Taps: 5})
	s.test(ResampleColsCase{H: 40, W: 224, Rows: 3, Taps: 25})
}

// BilinearCase is a case of [kernels.Bilinear].
type BilinearCase struct {
	H, W, Rows, OutW int
	Gap              int // bytes between the rows of X
}

func (c BilinearCase) String() string {
	return fmt.Sprintf("bilinear %dx%d to %dx%d gap=%d", c.H, c.W, c.Rows, c.OutW, c.Gap)
}

// sampled is an entry of Columns or Lines.
type sampled struct {
	first, second int
	fraction      float32
}

// samples are positions in [0, size) as resizing to n with aligned corners makes
// them, the last of which is exactly on the last input; some are replaced by
// random ones.
func (r random) samples(n, size int) (table []sampled, encoded []byte) {
	var words []uint32
	for i := range n {
		position := float32(0)
		if n > 1 {
			position = float32(i) * (float32(size-1) / float32(n-1))
		}
		first := min(int(position), size-1)
		e := sampled{first, min(first+1, size-1), position - float32(first)}
		if r.IntN(4) == 0 {
			e = sampled{r.IntN(size), r.IntN(size), float32(r.IntN(1<<24)) / (1 << 24)}
		}
		table = append(table, e)
		words = append(words, uint32(e.first), uint32(e.second), math.Float32bits(e.fraction))
	}
	return table, wordBytes(words)
}

func (c BilinearCase) prepare(s *scene) (plan, error) {
	const channelsIn, channelsOut = 4, 3
	stride := c.W*channelsIn + c.Gap
	x := s.random.pixels((c.H-1)*stride + c.W*channelsIn)
	columns, columnBytes := s.random.samples(c.OutW, c.W)
	lines, lineBytes := s.random.samples(c.Rows, c.H)
	scale, shift := [3]float32(s.random.weights(3)), [3]float32(s.random.weights(3))
	input := s.in("x", 1, x)
	columnTable, lineTable := s.in("columns", 4, columnBytes), s.in("lines", 4, lineBytes)
	output := s.out("y", 4, 4*c.Rows*c.OutW*channelsOut)
	if err := s.place(); err != nil {
		return plan{}, err
	}
	rows := func(r0, r1 int) kernels.Record {
		return kernels.Bilinear{X: input.ptr(0), Columns: columnTable.ptr(0), Lines: lineTable.ptr(12 * r0),
			Y: output.ptr(4 * r0 * c.OutW * channelsOut), XStride: uint32(stride), OutW: uint32(c.OutW),
			Rows: uint32(r1 - r0), Scale: scale, Shift: shift}.Record()
	}
	check := func() error {
		want := make([]bound, c.Rows*c.OutW*channelsOut)
		for i := range want {
			line, column, ch := lines[i/(c.OutW*channelsOut)], columns[i/channelsOut%c.OutW], i%channelsOut
			at := func(y, q int) float64 { return float64(x[y*stride+q*channelsIn+ch]) }
			mix := func(a, b float64, t float32) float64 { return a + (b-a)*float64(t) }
			top := mix(at(line.first, column.first), at(line.first, column.second), column.fraction)
			bottom := mix(at(line.second, column.first), at(line.second, column.second), column.fraction)
			v := mix(top, bottom, line.fraction)*float64(scale[ch]) + float64(shift[ch])
			// Every step before the scale rounds a value of at most 255, and at
			// most ten of these roundings reach the result.
			slack := 10*ulp*255*math.Abs(float64(scale[ch])) + 2*ulp*math.Abs(v)
			want[i] = bound{value: v, slack: slack + ulp}
		}
		return compare(output, want, contiguous, false)
	}
	p := plan{records: []kernels.Record{rows(0, c.Rows)}, check: check}
	for _, at := range splitPoints(s.random, c.Rows) {
		p.splits = append(p.splits, []kernels.Record{rows(0, at), rows(at, c.Rows)})
	}
	return p, nil
}

// Bilinear tests [kernels.Bilinear].
func Bilinear(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	r := newRandom("bilinear")
	for outW := 1; outW <= 9; outW++ {
		for rows := 1; rows <= 9; rows++ {
			s.test(BilinearCase{H: r.between(1, 9), W: r.between(1, 9), Rows: rows, OutW: outW, Gap: r.gap()})
		}
	}
	for range atScale(20) {
		s.test(BilinearCase{H: r.between(1, 40), W: r.between(1, 60), Rows: r.between(1, 20), OutW: r.between(1, 60), Gap: 4 * r.gap()})
	}
	s.test(BilinearCase{H: 30, W: 640, Rows: 12, OutW: 224})
	s.test(BilinearCase{H: 20, W: 96, Rows: 40, OutW: 224})
}
