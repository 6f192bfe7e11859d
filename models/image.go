package models

import (
	"encoding/binary"
	"math"
	"strconv"

	"glance/kernels"
)

// Image is a picture on its way to a session's input. Its rows are handed over
// in strips, so that a large photo needs little of the machine's memory, and only
// those rows that the input depends on:
//
//	img, err := s.Image(width, height)
//	for {
//		p, row, rows := img.Strip()
//		if rows == 0 {
//			break // the session's input is set
//		}
//		// copy source rows [row, row+rows) to machine memory at p, width*4 bytes each
//		err = img.Push(rows)
//	}
//
// Pixels are RGBA bytes, upright and opaque: transparent images are composited over
// white before (see [Flatten]). Alpha itself is ignored.
type Image struct {
	session       *Session
	width, height int
	base          kernels.Ptr // of its memory; places in it are offsets from here
	strip         int
	program       int
	strips        []rowStrip
	at            int // strips pushed

	// PIL filters: a horizontal pass for each strip, a vertical pass at the end.
	rows, cols           taps // of the vertical and the horizontal pass
	rowStarts, rowCoeffs int
	colStarts, colCoeffs int
	table, horizontal    int
	// TensorFlow filters: every strip yields finished rows.
	columns, lines int
}

// rowStrip is a range of source rows and the input rows that need no others.
type rowStrip struct {
	source, input span
}

const (
	// stripBytes is how much of a picture a strip holds, unless a row is longer.
	stripBytes = 1 << 20
	maxWidth   = 1 << 16 // pixels, of a picture's sides
	maxPicture = 1 << 28 // pixels of a picture
)

// Image prepares the session for a picture of the given size. A session takes
// one picture at a time; the next call ends the one before. Calls with the same
// size reuse its memory. The error is an [*InputError] for an impossible size, or
// the machine's.
func (s *Session) Image(width, height int) (*Image, error) {
	if !s.ready {
		return nil, ErrNotPacked
	}
	if width < 1 || height < 1 || width > maxWidth || height > maxWidth || width*height > maxPicture {
		return nil, &InputError{"a picture of " + strconv.Itoa(width) + " x " + strconv.Itoa(height) + " pixels, want 1 x 1 to " +
			strconv.Itoa(maxWidth) + " on a side and at most " + strconv.Itoa(maxPicture) + " in all"}
	}
	if m := s.image; m != nil && m.width == width && m.height == height {
		m.at = 0
		return m, nil
	}
	m := &Image{session: s, width: width, height: height}
	f := s.preprocess.frameOf(width, height, s.network.InputShape())
	var r region
	if s.preprocess.Filter.pil() {
		m.preparePIL(f, &r)
	} else {
		m.prepareTF(f, &r)
	}
	lanes := make([]span, s.plan.Options.Threads)
	for i := range lanes {
		lanes[i].hi = 1
	}
	m.program = r.reserve(phaseOf(lanes, func(span) kernels.Op { return kernels.SumRows{} }).Size())
	s.image = nil
	var err error
	if m.base, err = s.imageMemory(r.bytes); err != nil {
		return nil, err
	}
	for _, w := range r.writes {
		if err := s.machine.Write(m.base+kernels.Ptr(w.at), w.data); err != nil {
			return nil, err
		}
	}
	m.cols.coeffs, m.rows.coeffs = nil, nil
	s.image = m
	return m, nil
}

// imageMemory returns n bytes for a picture: what the last one had if that is
// enough.
func (s *Session) imageMemory(n int) (kernels.Ptr, error) {
	r := &s.imageRegion
	if r.bytes >= n {
		return r.from, nil
	}
	s.ReleaseImage()
	r.bytes = 0
	p, err := s.machine.Alloc(n)
	if err != nil {
		return 0, err
	}
	r.from, r.to, r.bytes = p, s.machine.Mark(), n
	return p, nil
}

// ReleaseImage ends the picture that the session has and gives its memory back to
// the machine, unless something was allocated after it. The input stays set. Where
// sessions share a machine, it is called before another one's picture and before
// anything else is allocated, which then take the same memory.
func (s *Session) ReleaseImage() {
	s.image = nil
	if r := &s.imageRegion; r.bytes > 0 && s.machine.Mark() == r.to {
		s.machine.Release(r.from)
		r.bytes = 0
	}
}

// region is a piece of memory being planned, and what is to be written to it.
type region struct {
	bytes  int
	writes []placed
}

type placed struct {
	at   int
	data []byte
}

func (r *region) reserve(n int) (at int) {
	at = r.bytes
	r.bytes += align(n)
	return at
}

func (r *region) write(data []byte) (at int) {
	at = r.reserve(len(data))
	r.writes = append(r.writes, placed{at, data})
	return at
}

// preparePIL makes the tables of both passes and cuts the rows into strips.
func (m *Image) preparePIL(f frame, r *region) {
	p, input := m.session.preprocess, m.session.network.InputShape()
	m.cols = reducedTaps(p.Filter, m.width, f.reducedW, f.resizedW, f.left, input.W)
	m.rows = reducedTaps(p.Filter, m.height, f.reducedH, f.resizedH, f.top, input.H)
	height := max(1, stripBytes/(m.width*4))
	for y := m.rows.lo; y < m.rows.hi; y += height {
		m.strips = append(m.strips, rowStrip{source: span{y, min(m.rows.hi, y+height)}})
	}
	table := p.table()
	var normalise []byte
	for ch := range table {
		for _, v := range table[ch] {
			normalise = binary.LittleEndian.AppendUint32(normalise, math.Float32bits(v))
		}
	}
	m.colStarts, m.colCoeffs = r.write(words(m.cols.starts)), r.write(words(m.cols.coeffs))
	m.rowStarts, m.rowCoeffs = r.write(words(m.rows.starts)), r.write(words(m.rows.coeffs))
	m.table = r.write(normalise)
	m.horizontal = r.reserve((m.rows.hi - m.rows.lo) * input.W * 4)
	m.strip = r.reserve(min(height, m.rows.hi-m.rows.lo) * m.width * 4)
}

// prepareTF makes the table of columns, and strips of source rows without gaps
// for as many input rows as fit.
func (m *Image) prepareTF(f frame, r *region) {
	p, input := m.session.preprocess, m.session.network.InputShape()
	lines := tfSamples(p.Filter, m.height, f.resizedH, f.top, input.H)
	limit := max(2, stripBytes/(m.width*4))
	tallest := 0
	var table []byte
	for i, l := range lines {
		last := len(m.strips) - 1
		if last < 0 || l.first > m.strips[last].source.hi || l.second+1-m.strips[last].source.lo > limit {
			m.strips = append(m.strips, rowStrip{span{l.first, l.second + 1}, span{i, i}})
			last++
		}
		s := &m.strips[last]
		s.source.hi, s.input.hi = max(s.source.hi, l.second+1), i+1
		tallest = max(tallest, s.source.hi-s.source.lo)
		l.first -= s.source.lo
		l.second -= s.source.lo
		table = l.append(table)
	}
	var columns []byte
	for _, c := range tfSamples(p.Filter, m.width, f.resizedW, f.left, input.W) {
		columns = c.append(columns)
	}
	m.columns, m.lines = r.write(columns), r.write(table)
	m.strip = r.reserve(tallest * m.width * 4)
}

// lineBytes is the size of an encoded sample.
const lineBytes = 12

func (s sample) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(s.first))
	b = binary.LittleEndian.AppendUint32(b, uint32(s.second))
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(s.fraction))
}

func words[T uint32 | int32](values []T) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// Strip returns where the next strip belongs in the machine's memory and which
// source rows it holds: [row, row+rows). Rows may be skipped between strips, and
// the last row of a strip may be asked for again. rows is 0 when nothing more is
// wanted.
func (m *Image) Strip() (p kernels.Ptr, row, rows int) {
	if m.session.image != m || m.at == len(m.strips) {
		return 0, m.height, 0
	}
	s := m.strips[m.at].source
	return m.ptr(m.strip), s.lo, s.hi - s.lo
}

// Push takes the strip that [Image.Strip] asked for; rows is the number of rows
// it gave. With the last one the session's input is set.
func (m *Image) Push(rows int) error {
	_, row, want := m.Strip()
	if want == 0 {
		return &InputError{"a strip after the picture's last, or after the next picture was begun"}
	}
	if rows != want {
		return &InputError{"a strip of " + strconv.Itoa(rows) + " rows, want " + strconv.Itoa(want) + " from row " + strconv.Itoa(row) + " on"}
	}
	s := m.strips[m.at]
	m.at++
	if !m.session.preprocess.Filter.pil() {
		return m.bilinear(s)
	}
	if err := m.resampleRows(s); err != nil || m.at < len(m.strips) {
		return err
	}
	return m.resampleCols()
}

func (m *Image) ptr(offset int) kernels.Ptr { return m.base + kernels.Ptr(offset) }

func (m *Image) resampleRows(s rowStrip) error {
	input := m.session.network.InputShape()
	return m.run(s.source.hi-s.source.lo, func(rows span) kernels.Op {
		return kernels.ResampleRows{
			X:      m.ptr(m.strip + rows.lo*m.width*4 + m.cols.lo*4),
			Starts: m.ptr(m.colStarts), Coeffs: m.ptr(m.colCoeffs),
			Y:       m.ptr(m.horizontal + (s.source.lo-m.rows.lo+rows.lo)*input.W*4),
			XStride: u32(m.width * 4), OutW: u32(input.W), Taps: u32(m.cols.n), Rows: u32(rows.hi - rows.lo),
		}
	})
}

func (m *Image) resampleCols() error {
	input := m.session.network.InputShape()
	return m.run(input.H, func(rows span) kernels.Op {
		return kernels.ResampleCols{
			X: m.ptr(m.horizontal), Starts: m.ptr(m.rowStarts + 4*rows.lo), Coeffs: m.ptr(m.rowCoeffs + 4*rows.lo*m.rows.n),
			Table: m.ptr(m.table), Y: m.session.Input() + kernels.Ptr(rows.lo*input.W*3*4),
			W: u32(input.W), Taps: u32(m.rows.n), Rows: u32(rows.hi - rows.lo),
		}
	})
}

func (m *Image) bilinear(s rowStrip) error {
	input := m.session.network.InputShape()
	scale, shift := m.session.preprocess.affine()
	return m.run(s.input.hi-s.input.lo, func(rows span) kernels.Op {
		first := s.input.lo + rows.lo
		return kernels.Bilinear{
			X: m.ptr(m.strip), Columns: m.ptr(m.columns), Lines: m.ptr(m.lines + first*lineBytes),
			Y:       m.session.Input() + kernels.Ptr(first*input.W*3*4),
			XStride: u32(m.width * 4), OutW: u32(input.W), Rows: u32(rows.hi - rows.lo), Scale: scale, Shift: shift,
		}
	})
}

// run executes one operator, its rows shared out to the lanes.
func (m *Image) run(rows int, op func(rows span) kernels.Op) error {
	p := phaseOf(splitEven(rows, m.session.plan.Options.Threads, 1), op)
	at := m.ptr(m.program)
	if err := m.session.machine.Write(at, p.Encode(at)); err != nil {
		return err
	}
	return m.session.machine.Run(at, 0, 1)
}

// phaseOf is a program of one phase, with a record for each lane that has rows.
func phaseOf(lanes []span, op func(rows span) kernels.Op) *kernels.Program {
	ph := kernels.Phase{Lanes: make([][]kernels.Record, len(lanes))}
	for lane, rows := range lanes {
		if rows.lo < rows.hi {
			ph.Lanes[lane] = []kernels.Record{op(rows).Record()}
		}
	}
	return &kernels.Program{Lanes: len(lanes), Phases: []kernels.Phase{ph}}
}

// SetPixels sets the input from a whole picture: width x height straight RGBA
// pixels, upright. Transparent pixels are composited over white.
func (s *Session) SetPixels(rgba []byte, width, height int) error {
	m, err := s.Image(width, height)
	if err != nil {
		return err
	}
	if len(rgba) != width*height*4 {
		return &InputError{strconv.Itoa(len(rgba)) + " bytes of pixels, want " + strconv.Itoa(width) + " x " + strconv.Itoa(height) + " x 4"}
	}
	for {
		p, row, rows := m.Strip()
		if rows == 0 {
			return nil
		}
		part := rgba[row*width*4 : (row+rows)*width*4]
		if !opaque(part) {
			buf := s.bytes(len(part))
			Flatten(buf, part)
			part = buf
		}
		if err := s.machine.Write(p, part); err != nil {
			return err
		}
		if err := m.Push(rows); err != nil {
			return err
		}
	}
}
