package recalibrate

import (
	"encoding/binary"
	"math"

	"glance/kernels"
	"glance/kernels/twin"
	"glance/models"
	"glance/tools/quantize/convert"
)

// engine computes one convolution at a time on a machine, without its
// activation.
type engine struct {
	machine kernels.Machine
	mark    kernels.Ptr // where the memory of a layer starts
	x, y    kernels.Ptr
	outputs int // values of y
	program kernels.Ptr
	scratch []byte
}

func newEngine() *engine {
	m := twin.New(twin.Options{})
	return &engine{machine: m, mark: m.Mark()}
}

// load prepares the engine for a layer with the weights it was trained with.
func (e *engine) load(l *models.Layer, p *convert.Params) error {
	m := e.machine
	m.Release(e.mark)
	inner := len(p.Weight) / p.Shape[0]
	var err error
	alloc := func(bytes int) kernels.Ptr {
		var at kernels.Ptr
		if err == nil {
			at, err = m.Alloc(bytes)
		}
		return at
	}
	e.x, e.y, e.outputs = alloc(4*l.In.Size()), alloc(4*l.Out.Size()), l.Out.Size()
	packed, source, bias := alloc(kernels.PanelBytes(p.Shape[0], inner, false)), alloc(4*len(p.Weight)), kernels.Ptr(0)
	if p.Bias != nil {
		bias = alloc(4 * len(p.Bias))
	}
	e.program = alloc(kernels.Align + 4*kernels.RecordBytes)
	if err != nil {
		return err
	}
	if err := m.Write(source, e.encode(p.Weight)); err != nil {
		return err
	}
	if p.Bias != nil {
		if err := m.Write(bias, e.encode(p.Bias)); err != nil {
			return err
		}
	}
	pack := kernels.PackPanels{Src: source, Bias: bias, Dst: packed, K: uint32(inner), N: uint32(p.Shape[0])}
	if err := e.install(pack); err != nil {
		return err
	}
	if err := m.Run(e.program, 0, 1); err != nil {
		return err
	}
	return e.install(e.operator(l, packed))
}

// install makes an operator the engine's program.
func (e *engine) install(op kernels.Op) error {
	program := kernels.Program{Lanes: 1, Phases: []kernels.Phase{{Lanes: [][]kernels.Record{{op.Record()}}}}}
	return e.machine.Write(e.program, program.Encode(e.program))
}

// operator is the layer's convolution over all rows.
func (e *engine) operator(l *models.Layer, packed kernels.Ptr) kernels.Op {
	u := func(n int) uint32 { return uint32(n) }
	switch l.Kind {
	case models.KindConv:
		return kernels.Conv3x3{X: e.x, Weights: packed, Y: e.y, H: u(l.In.H), W: u(l.In.W), OutW: u(l.Out.W), N: u(l.Out.C),
			Rows: u(l.Out.H), PadTop: u(l.PadTop), PadLeft: u(l.PadLeft)}
	case models.KindDepthwise:
		return kernels.Depthwise{X: e.x, Weights: packed, Y: e.y, Ring: u(l.In.H), H: u(l.In.H), W: u(l.In.W), OutW: u(l.Out.W),
			C: u(l.Out.C), XStride: u(l.Out.C), Kernel: u(l.Kernel), Stride: u(l.Stride), Rows: u(l.Out.H),
			PadTop: u(l.PadTop), PadLeft: u(l.PadLeft)}
	}
	return kernels.Pointwise{X: e.x, Weights: packed, Y: e.y, M: u(l.In.Pixels()), K: u(l.In.C), N: u(l.Out.C), YStride: u(l.Out.C)}
}

// run computes the layer for one image.
func (e *engine) run(x []float32) ([]float32, error) {
	if err := e.machine.Write(e.x, e.encode(x)); err != nil {
		return nil, err
	}
	if err := e.machine.Run(e.program, 0, 1); err != nil {
		return nil, err
	}
	e.scratch = grown(e.scratch, 4*e.outputs)
	if err := e.machine.Read(e.scratch, e.y); err != nil {
		return nil, err
	}
	y := make([]float32, e.outputs)
	for i := range y {
		y[i] = math.Float32frombits(binary.LittleEndian.Uint32(e.scratch[4*i:]))
	}
	return y, nil
}

// encode returns values as a machine's memory holds them. The result is valid
// until the next call.
func (e *engine) encode(values []float32) []byte {
	e.scratch = grown(e.scratch, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(e.scratch[4*i:], math.Float32bits(v))
	}
	return e.scratch
}

func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
