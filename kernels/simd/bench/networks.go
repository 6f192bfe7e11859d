package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"

	"glance/kernels"
	"glance/kernels/simd"
	"glance/models"
	"glance/weights"
)

// architectures are the networks of KERNELS.md.
var architectures = []models.Arch{models.MobileNetV1, models.MobileNetV2, models.MobileNetV3Small, models.MobileNetV3Large}

// network plans a network for a number of threads and returns it as a program in the
// memory that a session leaves: with packed weights, random ones, and an input.
func network(c models.Config, lanes int) (b benchCase, err error) {
	n, err := models.New(c)
	if err != nil {
		return b, err
	}
	blob, err := randomBlob(n)
	if err != nil {
		return b, err
	}
	machine, err := simd.New(simd.Options{})
	if err != nil {
		return b, err
	}
	defer machine.Close()
	r := &recorder{Machine: machine}
	s, err := models.LoadBytes(r, blob, models.PlanOptions{Threads: lanes})
	if err != nil {
		return b, err
	}
	input := make([]float32, n.InputShape().Size())
	for i := range input {
		input[i] = float32(i%255)/127 - 1
	}
	if err := s.SetInput(input); err != nil {
		return b, err
	}
	if err := s.Run(); err != nil {
		return b, err
	}
	const base = 1 << 16 // the first page is the module's
	memory := make([]byte, machine.MemoryBytes()-base)
	var steps []step
	for _, st := range s.Steps() {
		steps = append(steps, step{st.Name, st.From, st.To, float64(st.MACs)})
	}
	return benchCase{Name: string(c.Arch), MACs: float64(n.MACs()), Program: uint32(r.program), Phases: r.phases,
		Bytes: machine.MemoryBytes(), Writes: []write{{base, memory}}, Steps: steps}, machine.Read(memory, base)
}

// recorder remembers the program that was run last.
type recorder struct {
	kernels.Machine
	program kernels.Ptr
	phases  int
}

func (r *recorder) Run(p kernels.Ptr, from, to int) error {
	r.program, r.phases = p, to
	return r.Machine.Run(p, from, to)
}

// randomBlob is a blob of weights that keep activations at the size of the input's:
// a variance of two by the values that a sum takes in.
func randomBlob(n *models.Network) ([]byte, error) {
	r := rand.New(rand.NewPCG(1, 2))
	var tensors []weights.Data
	for _, t := range n.Tensors() {
		taken := 1
		for _, dim := range t.Shape[1:] {
			taken *= dim
		}
		scale := math.Sqrt(6 / float64(taken))
		d := weights.Data{Name: t.Name, DType: weights.F32, Shape: t.Shape}
		for range taken * t.Shape[0] {
			v := scale * (2*r.Float64() - 1)
			if t.Bias {
				v = 0
			}
			d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(float32(v)))
		}
		tensors = append(tensors, d)
	}
	var blob bytes.Buffer
	err := weights.Write(&blob, models.Metadata(n.Config, models.DefaultPreprocess(n.Config)), tensors)
	return blob.Bytes(), err
}
