package twin

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"unsafe"

	"glance/kernels"
)

// program is the header of an encoded [kernels.Program], checked against the
// memory it lies in.
type program struct {
	mem           []byte
	table         uint64 // offset of the pairs {records, count}
	lanes, phases int
}

const headerBytes, pairBytes = 8, 8

func readProgram(mem []byte, p kernels.Ptr) (program, bool) {
	at := uint64(p)
	if at == 0 || at%4 != 0 || at+headerBytes > uint64(len(mem)) {
		return program{}, false
	}
	lanes := binary.LittleEndian.Uint32(mem[at:])
	phases := binary.LittleEndian.Uint32(mem[at+4:])
	table := at + headerBytes
	if lanes == 0 || area(lanes, phases, pairBytes) > uint64(len(mem))-table {
		return program{}, false
	}
	return program{mem, table, int(lanes), int(phases)}, true
}

// records returns the records of one lane of one phase.
func (p program) records(phase, lane int) ([]kernels.Record, bool) {
	pair := p.mem[p.table+uint64(phase*p.lanes+lane)*pairBytes:]
	at := uint64(binary.LittleEndian.Uint32(pair))
	count := binary.LittleEndian.Uint32(pair[4:])
	if count == 0 {
		return nil, true
	}
	size := area(count, kernels.RecordBytes)
	if at == 0 || at%4 != 0 || at+size > uint64(len(p.mem)) {
		return nil, false
	}
	return unsafe.Slice((*kernels.Record)(unsafe.Pointer(&p.mem[at])), count), true
}

// Run implements [kernels.Machine]. Phases outside the program are invalid. When
// a record fails, its lane stops, the other lanes finish the phase, and the
// status of the lowest lane that failed is returned.
func (m *machine) Run(p kernels.Ptr, from, to int) error {
	if m.mem == nil {
		return kernels.ErrClosed
	}
	prog, ok := readProgram(m.mem, p)
	if !ok || from < 0 || to < from || to > prog.phases {
		return kernels.StatusError{Status: kernels.StatusInvalid}
	}
	for phase := from; phase < to; phase++ {
		if status := m.phase(prog, phase); status != kernels.StatusOK {
			return kernels.StatusError{Status: status}
		}
	}
	return nil
}

// phase runs the lanes; each worker takes the next one whenever it has done one.
func (m *machine) phase(prog program, phase int) kernels.Status {
	active := m.workers[:min(len(m.workers), prog.lanes)]
	m.next.Store(0)
	if len(active) == 1 {
		active[0].run(prog, phase, &m.next)
	} else {
		var done sync.WaitGroup
		for i := range active {
			done.Go(func() { active[i].run(prog, phase, &m.next) })
		}
		done.Wait()
	}
	failed := active[0]
	for _, w := range active[1:] {
		if w.status != kernels.StatusOK && (failed.status == kernels.StatusOK || w.lane < failed.lane) {
			failed = w
		}
	}
	return failed.status
}

// worker runs lanes on one goroutine. Its buffers are kept between records, so
// that a program that has run once allocates nothing.
type worker struct {
	status  kernels.Status // of the lowest lane that failed
	lane    int            // that lane
	panels  []float32      // unpacked or converted weights
	rows    []float32      // rows of input patches or of results
	indices []uint32       // checked copies of index tables
}

// run executes lanes of a phase, the next one each time, until there is none.
func (w *worker) run(prog program, phase int, next *atomic.Int64) {
	w.status = kernels.StatusOK
	for {
		lane := int(next.Add(1) - 1)
		if lane >= prog.lanes {
			return
		}
		if status := w.runLane(prog, phase, lane); status != kernels.StatusOK && w.status == kernels.StatusOK {
			w.status, w.lane = status, lane
		}
	}
}

func (w *worker) runLane(prog program, phase, lane int) kernels.Status {
	records, ok := prog.records(phase, lane)
	if !ok {
		return kernels.StatusInvalid
	}
	for i := range records {
		r := records[i] // a copy: a hostile record may overwrite itself
		if status := w.execute(&call{mem: prog.mem}, &r); status != kernels.StatusOK {
			return status
		}
	}
	return kernels.StatusOK
}

func (w *worker) execute(c *call, r *kernels.Record) kernels.Status {
	switch r.Op() {
	case kernels.OpConv3x3:
		return w.conv3x3(c, decode[kernels.Conv3x3](r))
	case kernels.OpPointwise:
		return w.pointwise(c, decode[kernels.Pointwise](r))
	case kernels.OpDepthwise:
		return depthwise(c, decode[kernels.Depthwise](r))
	case kernels.OpDense:
		return w.dense(c, decode[kernels.Dense](r))
	case kernels.OpSumRows:
		return sumRows(c, decode[kernels.SumRows](r))
	case kernels.OpScaleRows:
		return scaleRows(c, decode[kernels.ScaleRows](r))
	case kernels.OpScalePanels:
		return scalePanels(c, decode[kernels.ScalePanels](r))
	case kernels.OpPackPanels:
		return packPanels(c, decode[kernels.PackPanels](r))
	case kernels.OpResampleRows:
		return w.resampleRows(c, decode[kernels.ResampleRows](r))
	case kernels.OpResampleCols:
		return w.resampleCols(c, decode[kernels.ResampleCols](r))
	case kernels.OpBilinear:
		return w.bilinear(c, decode[kernels.Bilinear](r))
	}
	return kernels.StatusInvalid
}

// resize returns s with length n, reallocated only where it must grow. The
// contents are undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
