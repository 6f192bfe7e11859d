package twin_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"glance/kernels"
	"glance/kernels/twin"
)

// Every call below is valid until one field of it is changed.
const (
	at0, at1, at2, at3 kernels.Ptr = 0x1000, 0x3000, 0x5000, 0x7000

	max32 = 1<<32 - 1
)

func conv3x3(change func(*kernels.Conv3x3)) kernels.Op {
	o := kernels.Conv3x3{X: at0, Weights: at1, Y: at2, H: 9, W: 9, OutW: 5, N: 10, Rows: 5, PadTop: 1, PadLeft: 1}
	change(&o)
	return o
}

func pointwise(change func(*kernels.Pointwise)) kernels.Op {
	o := kernels.Pointwise{X: at0, Weights: at1, Y: at2, Residual: at3, M: 5, K: 6, N: 7, YStride: 8}
	change(&o)
	return o
}

func depthwise(change func(*kernels.Depthwise)) kernels.Op {
	o := kernels.Depthwise{X: at0, Weights: at1, Y: at2, Sums: at3, Ring: 4, H: 6, W: 5, OutW: 5, C: 9, XStride: 9, Kernel: 3, Stride: 1,
		Row0: 2, Rows: 2, PadTop: 1, PadLeft: 1}
	change(&o)
	return o
}

func dense(change func(*kernels.Dense)) kernels.Op {
	o := kernels.Dense{X: at0, Weights: at1, Y: at2, K: 9, N: 10}
	change(&o)
	return o
}

func sumRows(change func(*kernels.SumRows)) kernels.Op {
	o := kernels.SumRows{X: at0, Y: at1, M: 4, N: 5, Stride: 6, Scale: 1}
	change(&o)
	return o
}

func scaleRows(change func(*kernels.ScaleRows)) kernels.Op {
	o := kernels.ScaleRows{X: at0, S: at1, Y: at2, M: 4, C: 5}
	change(&o)
	return o
}

func scalePanels(change func(*kernels.ScalePanels)) kernels.Op {
	o := kernels.ScalePanels{Src: at0, S: at1, Dst: at2, K: 4, N: 9}
	change(&o)
	return o
}

func packPanels(change func(*kernels.PackPanels)) kernels.Op {
	o := kernels.PackPanels{Src: at0, Bias: at1, Dst: at2, K: 4, N: 9, HalfIn: 1}
	change(&o)
	return o
}

func resampleRows(change func(*kernels.ResampleRows)) kernels.Op {
	o := kernels.ResampleRows{X: at0, Starts: at1, Coeffs: at2, Y: at3, XStride: 40, OutW: 4, Taps: 3, Rows: 2}
	change(&o)
	return o
}

func resampleCols(change func(*kernels.ResampleCols)) kernels.Op {
	o := kernels.ResampleCols{X: at0, Starts: at1, Coeffs: at2, Table: at3, Y: at3 + 0x1000, W: 4, Taps: 3, Rows: 2}
	change(&o)
	return o
}

func bilinear(change func(*kernels.Bilinear)) kernels.Op {
	o := kernels.Bilinear{X: at0, Columns: at1, Lines: at2, Y: at3, XStride: 40, OutW: 4, Rows: 2}
	change(&o)
	return o
}

// indexed is a place filled with indices that lead out of the memory.
const indexed kernels.Ptr = 0xa000

func TestInvalidArguments(t *testing.T) {
	valid := []kernels.Op{
		conv3x3(func(*kernels.Conv3x3) {}), pointwise(func(*kernels.Pointwise) {}), depthwise(func(*kernels.Depthwise) {}),
		dense(func(*kernels.Dense) {}), sumRows(func(*kernels.SumRows) {}), scaleRows(func(*kernels.ScaleRows) {}),
		scalePanels(func(*kernels.ScalePanels) {}), packPanels(func(*kernels.PackPanels) {}),
		resampleRows(func(*kernels.ResampleRows) {}), resampleCols(func(*kernels.ResampleCols) {}), bilinear(func(*kernels.Bilinear) {}),
		pointwise(func(o *kernels.Pointwise) { o.Residual = o.Y }),
		pointwise(func(o *kernels.Pointwise) { o.Residual = 0 }),
		scaleRows(func(o *kernels.ScaleRows) { o.Y = o.X }),
		depthwise(func(o *kernels.Depthwise) { o.Row0 = max32 }), // zeros alone
	}
	invalid := map[string]kernels.Op{
		"conv3x3: no input":            conv3x3(func(o *kernels.Conv3x3) { o.X = 0 }),
		"conv3x3: input outside":       conv3x3(func(o *kernels.Conv3x3) { o.X = 0xffc0 }),
		"conv3x3: no rows":             conv3x3(func(o *kernels.Conv3x3) { o.Rows = 0 }),
		"conv3x3: no width":            conv3x3(func(o *kernels.Conv3x3) { o.W = 0 }),
		"conv3x3: padding":             conv3x3(func(o *kernels.Conv3x3) { o.PadLeft = 2 }),
		"conv3x3: huge":                conv3x3(func(o *kernels.Conv3x3) { o.H, o.W = max32, max32 }),
		"conv3x3: huge output":         conv3x3(func(o *kernels.Conv3x3) { o.OutW, o.Rows, o.N = max32, max32, max32 }),
		"conv3x3: activation":          conv3x3(func(o *kernels.Conv3x3) { o.Act = 5 }),
		"conv3x3: in place":            conv3x3(func(o *kernels.Conv3x3) { o.Y = o.X }),
		"pointwise: misaligned input":  pointwise(func(o *kernels.Pointwise) { o.X++ }),
		"pointwise: misaligned output": pointwise(func(o *kernels.Pointwise) { o.Y += 2 }),
		"pointwise: no weights":        pointwise(func(o *kernels.Pointwise) { o.Weights = 0 }),
		"pointwise: weights outside":   pointwise(func(o *kernels.Pointwise) { o.Weights = max32 &^ 3 }),
		"pointwise: residual outside":  pointwise(func(o *kernels.Pointwise) { o.Residual = 0x10000 }),
		"pointwise: residual shifted":  pointwise(func(o *kernels.Pointwise) { o.Residual = o.Y + 4 }),
		"pointwise: output over input": pointwise(func(o *kernels.Pointwise) { o.Y = o.X + 4*29 }),
		"pointwise: no rows":           pointwise(func(o *kernels.Pointwise) { o.M = 0 }),
		"pointwise: no inner":          pointwise(func(o *kernels.Pointwise) { o.K = 0 }),
		"pointwise: no outputs":        pointwise(func(o *kernels.Pointwise) { o.N = 0 }),
		"pointwise: huge":              pointwise(func(o *kernels.Pointwise) { o.M, o.K, o.N, o.YStride = max32, max32, max32, max32 }),
		"pointwise: huge inner":        pointwise(func(o *kernels.Pointwise) { o.K = max32 }),
		"pointwise: stride":            pointwise(func(o *kernels.Pointwise) { o.YStride = 6 }),
		"pointwise: huge stride":       pointwise(func(o *kernels.Pointwise) { o.YStride = 1 << 30 }),
		"depthwise: kernel":            depthwise(func(o *kernels.Depthwise) { o.Kernel = 4 }),
		"depthwise: huge kernel":       depthwise(func(o *kernels.Depthwise) { o.Kernel = 1 << 16 }),
		"depthwise: stride":            depthwise(func(o *kernels.Depthwise) { o.Stride = 3 }),
		"depthwise: pixels overlap":    depthwise(func(o *kernels.Depthwise) { o.XStride = 8 }),
		"depthwise: huge pixels":       depthwise(func(o *kernels.Depthwise) { o.XStride = 1 << 30 }),
		"depthwise: padding":           depthwise(func(o *kernels.Depthwise) { o.PadTop = 3 }),
		"depthwise: ring too small":    depthwise(func(o *kernels.Depthwise) { o.Ring = 3 }),
		"depthwise: no ring":           depthwise(func(o *kernels.Depthwise) { o.Ring = 0 }),
		"depthwise: no height":         depthwise(func(o *kernels.Depthwise) { o.H = 0 }),
		"depthwise: sums in output":    depthwise(func(o *kernels.Depthwise) { o.Sums = o.Y + 40 }),
		"depthwise: sums outside":      depthwise(func(o *kernels.Depthwise) { o.Sums = 0xffff0000 }),
		"dense: flag":                  dense(func(o *kernels.Dense) { o.Half = 2 }),
		"dense: misaligned halves":     dense(func(o *kernels.Dense) { o.Half, o.Weights = 1, o.Weights+2 }),
		"dense: huge halves":           dense(func(o *kernels.Dense) { o.Half, o.K, o.N = 1, max32, max32 }),
		"dense: in place":              dense(func(o *kernels.Dense) { o.Y = o.X }),
		"dense: activation":            dense(func(o *kernels.Dense) { o.Act = max32 }),
		"sumrows: stride":              sumRows(func(o *kernels.SumRows) { o.Stride = 4 }),
		"sumrows: output in input":     sumRows(func(o *kernels.SumRows) { o.Y = o.X }),
		"sumrows: no rows":             sumRows(func(o *kernels.SumRows) { o.M = 0 }),
		"scalerows: shifted":           scaleRows(func(o *kernels.ScaleRows) { o.Y = o.X + 4 }),
		"scalerows: factors in output": scaleRows(func(o *kernels.ScaleRows) { o.S = o.Y }),
		"scalerows: no channels":       scaleRows(func(o *kernels.ScaleRows) { o.C = 0 }),
		"scalepanels: in place":        scalePanels(func(o *kernels.ScalePanels) { o.Dst = o.Src }),
		"scalepanels: no outputs":      scalePanels(func(o *kernels.ScalePanels) { o.N = 0 }),
		"scalepanels: no inner":        scalePanels(func(o *kernels.ScalePanels) { o.K = 0 }),
		"packpanels: half from float":  packPanels(func(o *kernels.PackPanels) { o.HalfIn, o.HalfOut = 0, 1 }),
		"packpanels: flag":             packPanels(func(o *kernels.PackPanels) { o.HalfIn = 2 }),
		"packpanels: misaligned":       packPanels(func(o *kernels.PackPanels) { o.Dst++ }),
		"packpanels: in place":         packPanels(func(o *kernels.PackPanels) { o.Dst = o.Src }),
		"packpanels: huge":             packPanels(func(o *kernels.PackPanels) { o.K, o.N, o.HalfOut = max32, max32, 1 }),
		"resamplerows: index":          resampleRows(func(o *kernels.ResampleRows) { o.Starts = indexed }),
		"resamplerows: taps":           resampleRows(func(o *kernels.ResampleRows) { o.Taps = 0 }),
		"resamplerows: rows outside":   resampleRows(func(o *kernels.ResampleRows) { o.XStride = max32 }),
		"resamplerows: in place":       resampleRows(func(o *kernels.ResampleRows) { o.Y = o.X }),
		"resamplecols: index":          resampleCols(func(o *kernels.ResampleCols) { o.Starts = indexed }),
		"resamplecols: width":          resampleCols(func(o *kernels.ResampleCols) { o.W = max32 }),
		"resamplecols: table outside":  resampleCols(func(o *kernels.ResampleCols) { o.Table = 0xfff0 }),
		"bilinear: column":             bilinear(func(o *kernels.Bilinear) { o.Columns = indexed }),
		"bilinear: line":               bilinear(func(o *kernels.Bilinear) { o.Lines = indexed }),
		"bilinear: no rows":            bilinear(func(o *kernels.Bilinear) { o.Rows = 0 }),
	}

	m := twin.New(twin.Options{})
	defer m.Close()
	alloc(t, m, 0xd000) // the addresses above
	var far []byte
	for range 100 {
		far = binary.LittleEndian.AppendUint32(far, max32)
	}
	if err := m.Write(indexed, far); err != nil {
		t.Fatal(err)
	}
	mark := m.Mark()
	run := func(op kernels.Op) error {
		defer m.Release(mark)
		return m.Run(load(t, m, oneRecord(op.Record())), 0, 1)
	}
	for _, op := range valid {
		if err := run(op); err != nil {
			t.Errorf("%#v: %v", op, err)
		}
	}
	for name, op := range invalid {
		if err := run(op); err != (kernels.StatusError{Status: kernels.StatusInvalid}) {
			t.Errorf("%s: error is %v, want StatusError{StatusInvalid}", name, err)
		}
	}
}

func oneRecord(r kernels.Record) *kernels.Program {
	return &kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{r}}}}}
}

func TestInvalidProgram(t *testing.T) {
	m := twin.New(twin.Options{})
	defer m.Close()
	program := &kernels.Program{Lanes: 2, Phases: make([]kernels.Phase, 3)}
	p := load(t, m, program)
	invalid := kernels.StatusError{Status: kernels.StatusInvalid}
	for _, c := range []struct {
		name     string
		p        kernels.Ptr
		from, to int
		want     error
	}{
		{"whole", p, 0, 3, nil},
		{"nothing", p, 3, 3, nil},
		{"before the first phase", p, -1, 2, invalid},
		{"past the last phase", p, 0, 4, invalid},
		{"backwards", p, 2, 1, invalid},
		{"at zero", 0, 0, 0, invalid},
		{"misaligned", p + 2, 0, 0, invalid},
		{"outside", kernels.Ptr(m.MemoryBytes()), 0, 0, invalid},
		{"no lanes", p + kernels.Align, 0, 0, invalid},
	} {
		if err := m.Run(c.p, c.from, c.to); err != c.want {
			t.Errorf("%s: error is %v, want %v", c.name, err, c.want)
		}
	}
	for _, words := range [][]uint32{
		{max32, max32},               // table outside
		{1, 1, max32, 1},             // records outside
		{1, 1, 0, 1},                 // records at zero
		{1, 1, 65, 1},                // misaligned records
		{1, 1, uint32(p), 1<<25 + 1}, // too many records
	} {
		var b []byte
		for _, w := range words {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		if err := m.Write(p, b); err != nil {
			t.Fatal(err)
		}
		if err := m.Run(p, 0, 1); err != invalid {
			t.Errorf("program %v: error is %v, want %v", words, err, invalid)
		}
	}
}

// The lowest lane that fails is reported, and the others finish.
func TestFailingLanes(t *testing.T) {
	for _, threads := range []int{1, 2, 3} {
		m := twin.New(twin.Options{Threads: threads})
		defer m.Close()
		nan, dst := alloc(t, m, 4), alloc(t, m, kernels.PanelBytes(1, 1, false))
		if err := m.Write(nan, []byte{0, 0, 0xc0, 0x7f}); err != nil {
			t.Fatal(err)
		}
		notFinite := kernels.PackPanels{Src: nan, Dst: dst, K: 1, N: 1}.Record()
		y := alloc(t, m, 8)
		sum := kernels.SumRows{X: nan, Y: y, M: 1, N: 1, Stride: 1, Scale: 1}.Record()
		program := &kernels.Program{Lanes: 4, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{}, {notFinite, sum}, {{}}, {sum}}}}}
		program.Phases[0].Lanes[1][1][2] += 4
		err := m.Run(load(t, m, program), 0, 1)
		if want := (kernels.StatusError{Status: kernels.StatusNotFinite}); !errors.Is(err, want) {
			t.Errorf("%d threads: error is %v, want %v", threads, err, want)
		}
		var got [8]byte
		if err := m.Read(got[:], y); err != nil {
			t.Fatal(err)
		}
		if got != [8]byte{0, 0, 0xc0, 0x7f} {
			t.Errorf("%d threads: outputs %x: want the last lane's alone", threads, got)
		}
	}
}
