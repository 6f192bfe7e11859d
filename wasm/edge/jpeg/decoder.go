package jpeg

import (
	"encoding/binary"

	"glance/wasm/edge/jpeg/internal/layout"
)

// Error is an error constant of this package.
type Error string

func (e Error) Error() string { return string(e) }

const (
	// ErrIrregular says that a file is not one of those this package decodes; it may
	// still be a proper picture.
	ErrIrregular = Error("jpeg: not a plain file")
	// ErrDamaged says that the streams of a progressive file are not what its headers
	// say. Only image/jpeg knows whether it is a picture all the same.
	ErrDamaged = Error("jpeg: a damaged stream")
	// ErrMemory says that decoding takes more memory than allowed.
	ErrMemory = Error("jpeg: the picture takes too much memory to decode")
)

// Machine is an instance of jpeg.wasm.
type Machine interface {
	// Grow makes the memory at least so many bytes large, if it can.
	Grow(bytes uint32) bool
	Write(at uint32, b []byte)
	Read(b []byte, at uint32)
	// The module's exports, which gen documents.
	Reverse(from, to, n uint32)
	Move(from, to, n uint32)
	Blank(at, n uint32)
	Segment(from, to uint32) bool
	Decode(mcus uint32) bool
	Progress(kind, mcus uint32) bool
	Rebuild(mcus uint32)
	Edges(plane, stride, rows, columns uint32)
	Full(y, cb, cr, to, width uint32)
	Halved(y, cb, cr, far, to, width, even, odd uint32)
	Gray(y, to, width uint32)
	Scatter(from, to, n uint32, step int32)
}

// Image is a file being decoded.
type Image struct {
	Width, Height int // in pixels, upright

	m        Machine
	header   *header
	turn     int       // EXIF orientation, 1 to 8
	segments []segment // those not begun
	left     int       // MCUs left in the one that is
	across   int       // MCUs in a row
	down     int       // rows of MCUs
	row      int       // rows of MCUs decoded
	planes   []plane
	staging  uint32 // address of chunk bytes
	top      uint32 // end of the stream, which runs downwards
	blocks   uint32 // address of the MCU's blocks
	pixels   uint32 // address of pixels converted
	line     uint32 // address of a row before it is turned
	from, to int    // the upright rows that are at pixels
}

// segment is a part of the stream between restart markers, in bits.
type segment struct{ from, to uint32 }

// plane holds samples of one component: all of them where the picture is to be
// turned, else those of one row of MCUs and the last row of the MCUs before,
// which the picture's next row of pixels may lean on.
type plane struct {
	at      uint32 // of row first; the row carried over is one stride before
	first   int
	stride  uint32
	height  int // rows of samples in an MCU
	columns int // samples that belong to the picture
	rows    int

	coefficients uint32 // address of those of a progressive file
	across       int    // blocks in a row of them
}

const (
	// chunk is how much of the stream is reversed at once.
	chunk = 32 << 10
	// margin is what a row of samples has on both sides.
	margin = 16
	// block is how many rows are turned at once.
	block = 32
	// coefficientBytes is what the coefficients of a block take, 16 bits each.
	coefficientBytes = 2 * 64
)

// Options says how to decode.
type Options struct {
	Orientation int   // of EXIF; values other than 2 to 8 mean upright
	MaxBytes    int64 // of the module's memory
}

// Open reads a file's headers and hands its stream to the machine, which belongs
// to the image from now on. data is not needed afterwards. The memory used is the
// stream and 16 rows of pixels; where the picture is to be turned, the whole
// picture's samples (1.5 bytes a pixel for most photos); and the coefficients of
// a progressive file (3 bytes a pixel).
func Open(m Machine, data []byte, o Options) (*Image, error) {
	h, ok := parse(data)
	if !ok {
		return nil, ErrIrregular
	}
	im := &Image{Width: h.width, Height: h.height, m: m, header: h, turn: 1}
	if o.Orientation >= 2 && o.Orientation <= 8 {
		im.turn = o.Orientation
	}
	if im.turn >= 5 {
		im.Width, im.Height = h.height, h.width
	}
	first := h.components[0]
	im.across = (h.width + 8*first.h - 1) / (8 * first.h)
	im.down = (h.height + 8*first.v - 1) / (8 * first.v)
	bytes := im.allocate()
	if first.h == 2 && im.planes[1].columns < 3 {
		return nil, ErrIrregular // libjpeg upsamples so narrow a picture without the filter
	}
	if bytes > uint64(o.MaxBytes) {
		return nil, ErrMemory
	}
	if !m.Grow(uint32(bytes)) {
		return nil, ErrMemory
	}
	if h.progressive && !im.readScans() {
		return nil, ErrDamaged
	}
	if !h.progressive && !im.begin(&h.scans[0]) {
		return nil, ErrIrregular
	}
	return im, nil
}

// allocate says where everything is, and how large the memory must be.
func (im *Image) allocate() uint64 {
	h := im.header
	next := uint64(layout.Free)
	reserve := func(n int) uint32 {
		at := next
		next += uint64(n+63) &^ 63
		return uint32(at)
	}
	first := h.components[0]
	im.blocks = reserve(6 * layout.BlockBytes)
	for _, c := range h.components {
		p := plane{stride: uint32(8*c.h*im.across + 2*margin), height: 8 * c.v, across: c.h * im.across}
		p.columns = (h.width*c.h + first.h - 1) / first.h
		p.rows = (h.height*c.v + first.v - 1) / first.v
		rows := p.height
		if im.turn > 1 {
			rows *= im.down
		}
		p.at = reserve((rows+1)*int(p.stride)) + p.stride + margin
		if h.progressive {
			p.coefficients = reserve(p.across * c.v * im.down * coefficientBytes)
		}
		im.planes = append(im.planes, p)
	}
	const overrun = 32 // a converted row may be up to 7 pixels longer
	im.line = reserve(4*h.width + overrun)
	im.pixels = reserve(block*4*im.Width + overrun)
	im.staging = reserve(chunk)
	longest := 0
	for _, s := range h.scans {
		longest = max(longest, len(s.stream))
	}
	next += layout.ScanPadding + uint64(longest) + 15
	im.top = uint32(next)
	return next
}

// Rows writes pixel rows [row, row+rows) to dst as RGBA. They are asked for from
// top to bottom; rows may be left out, and the last one may be asked for again.
func (im *Image) Rows(dst []byte, row, rows int) error {
	for end := row + rows; row < end; {
		if row < im.from || row >= im.to {
			if err := im.fill(row, end); err != nil {
				return err
			}
		}
		n := min(end, im.to) - row
		bytes := n * 4 * im.Width
		im.m.Read(dst[:bytes], im.pixels+uint32((row-im.from)*4*im.Width))
		dst, row = dst[bytes:], row+n
	}
	return nil
}

// fill converts upright rows from row on, not beyond end where that saves work.
func (im *Image) fill(row, end int) error {
	for im.turn == 1 && row >= im.ready() || im.turn > 1 && im.row < im.down {
		if !im.decode() {
			return ErrIrregular
		}
	}
	if im.turn >= 5 {
		im.turned(row)
		return nil
	}
	im.from, im.to = row, min(end, row+block)
	if im.turn == 1 {
		im.to = min(im.to, im.ready())
	}
	for y := im.from; y < im.to; y++ {
		to := im.pixels + uint32((y-im.from)*4*im.Width)
		stored := y
		if im.turn == 3 || im.turn == 4 {
			stored = im.Height - 1 - y
		}
		if im.turn == 2 || im.turn == 3 {
			im.convert(0, stored, im.Width, im.line)
			im.m.Scatter(im.line, to+uint32(4*(im.Width-1)), uint32(im.Width), -4)
		} else {
			im.convert(0, stored, im.Width, to)
		}
	}
	return nil
}

// turned converts the block of stored columns that upright row is one of.
func (im *Image) turned(row int) {
	width, height := im.header.width, im.header.height
	column, step := row, int32(4*im.Width)
	backwards := im.turn >= 7 // the last column is the first row
	if backwards {
		column, step = width-1-row, -step
	}
	left := column / block * block
	n := min(block, width-left)
	im.from = left
	start := im.pixels // of the left column
	if backwards {
		im.from = width - left - n
		start += uint32((n - 1) * 4 * im.Width)
	}
	im.to = im.from + n
	for y := range height {
		x := y
		if im.turn == 6 || im.turn == 7 {
			x = height - 1 - y
		}
		im.convert(left, y, n, im.line)
		im.m.Scatter(im.line, start+uint32(4*x), uint32(n), step)
	}
}

// Close decodes what is left without converting it, to find damage there.
func (im *Image) Close() error {
	for im.row < im.down {
		if !im.decode() {
			return ErrIrregular
		}
	}
	return nil
}

// ready is the number of stored pixel rows, from the top, that can be converted
// or were.
func (im *Image) ready() int {
	if im.row == im.down {
		return im.header.height
	}
	n := im.row * im.planes[0].height
	if im.header.components[0].v == 2 && n > 0 {
		n-- // the last one leans on chroma to come
	}
	return n
}

// address is where sample (x, y) of a plane is.
func (p *plane) address(x, y int) uint32 {
	return p.at + uint32(y-p.first)*p.stride + uint32(x)
}

// convert makes pixels of the samples of a stored row, from x on, which is a
// multiple of 2; up to 28 bytes after them are overwritten.
func (im *Image) convert(x, row, n int, to uint32) {
	y, width := im.planes[0].address(x, row), uint32(n)
	if len(im.planes) == 1 {
		im.m.Gray(y, to, width)
		return
	}
	luma, chroma := im.header.components[0], &im.planes[1]
	near, far, even, odd := row, uint32(0), uint32(4), uint32(8)
	if luma.v == 2 {
		near, even, odd = row/2, 8, 7
		switch other := near - 1 + row%2*2; {
		case other < 0 || other >= chroma.rows:
		case other > near:
			far = chroma.stride
		default:
			far = -chroma.stride
		}
	}
	cb, cr := chroma.address(x/luma.h, near), im.planes[2].address(x/luma.h, near)
	if luma.h == 2 {
		im.m.Halved(y, cb, cr, far, to, width, even, odd)
	} else {
		im.m.Full(y, cb, cr, to, width)
	}
}

// decode decodes a row of MCUs into the planes.
func (im *Image) decode() bool {
	if im.turn == 1 && im.row > 0 {
		for i := range im.planes {
			p := &im.planes[i]
			im.m.Move(p.address(-margin, p.first+p.height-1), p.address(-margin, p.first-1), p.stride)
			p.first += p.height
		}
	}
	im.m.Write(im.blocks, im.mcu())
	if im.header.progressive {
		im.m.Rebuild(uint32(im.across))
	} else if !im.decodeMCUs() {
		return false
	}
	for i := range im.planes[1:] {
		p := &im.planes[1+i]
		im.m.Edges(p.address(0, im.row*p.height), p.stride, uint32(p.height), uint32(p.columns))
	}
	im.row++
	// After the last row, what is left of the last segment must be padding.
	return im.row < im.down || im.m.Segment(0, 0)
}

// decodeMCUs decodes a row of MCUs of a file that is not progressive.
func (im *Image) decodeMCUs() bool {
	for mcus := im.across; mcus > 0; {
		if im.left == 0 {
			s := im.segments[0]
			if !im.m.Segment(s.from, s.to) {
				return false
			}
			im.segments = im.segments[1:]
			if im.left = im.header.restart; im.left == 0 {
				im.left = im.across * im.down
			}
		}
		n := min(mcus, im.left)
		if !im.m.Decode(uint32(n)) {
			return false
		}
		mcus, im.left = mcus-n, im.left-n
	}
	return true
}

// mcu is the module's list of the blocks in the next row's first MCU, for Decode
// and Rebuild.
func (im *Image) mcu() (words []byte) {
	s := &im.header.scans[0]
	for i, c := range im.header.components {
		p := &im.planes[i]
		for y := range c.v {
			for x := range c.h {
				words = appendBlock(words, [...]uint32{
					layout.BlockDC / 4:     uint32(layout.Tables + s.tables[i%len(s.tables)][0]*layout.TableBytes),
					layout.BlockAC / 4:     uint32(layout.Tables + (2+s.tables[i%len(s.tables)][1])*layout.TableBytes),
					layout.BlockQuant / 4:  uint32(layout.Quant + 256*c.quant),
					layout.BlockPred / 4:   uint32(layout.ScanDC + 4*i),
					layout.BlockTo / 4:     p.address(8*x, im.row*p.height+8*y),
					layout.BlockStride / 4: p.stride,
					layout.BlockStep / 4:   uint32(8 * c.h),
					layout.BlockFrom / 4:   p.coefficient(x, im.row*c.v+y),
					layout.BlockNext / 4:   uint32(c.h * coefficientBytes),
				})
			}
		}
	}
	return words
}

func appendBlock(words []byte, block [layout.BlockBytes / 4]uint32) []byte {
	for _, word := range block {
		words = binary.LittleEndian.AppendUint32(words, word)
	}
	return words
}

// coefficient is where those of block (x, y) are.
func (p *plane) coefficient(x, y int) uint32 {
	return p.coefficients + uint32((y*p.across+x)*coefficientBytes)
}
