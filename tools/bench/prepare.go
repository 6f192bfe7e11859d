package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"glance/kernels/twin"
	"glance/models"
	"glance/tools/bench/export"
	"glance/weights"

	"github.com/x448/float16"
)

// prepare writes into work everything the visits fetch: the networks in every
// format, an input and the reference logits (models/), the peers' bundles
// (bundle/) and our site (site/).
func prepare(ctx context.Context, o options, dir, work string) error {
	for _, d := range []string{"models", "bundle"} {
		if err := os.MkdirAll(filepath.Join(work, d), 0o755); err != nil {
			return err
		}
	}
	for _, arch := range o.models {
		if err := writeModel(filepath.Join(work, "models"), arch); err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
	}
	if err := command(ctx, "node", filepath.Join(dir, "bundle.mjs"), filepath.Join(work, "bundle")); err != nil {
		return fmt.Errorf("bundling the peers: %w", err)
	}
	if o.site == "" {
		if err := command(ctx, "go", "run", "./tools/site", "-out", filepath.Join(work, "site")); err != nil {
			return fmt.Errorf("building the site: %w", err)
		}
	}
	return nil
}

func command(ctx context.Context, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c.Run()
}

// writeModel makes a network with random weights and writes it in every
// format, with one input and what the pure-Go machine computes from it.
func writeModel(dir string, arch models.Arch) error {
	net, err := models.New(models.Config{Arch: arch})
	if err != nil {
		return err
	}
	blob, err := randomBlob(net)
	if err != nil {
		return err
	}
	input := randomInput(net.InputShape())
	m := twin.New(twin.Options{})
	defer m.Close()
	s, err := models.LoadBytes(m, blob, models.PlanOptions{})
	if err != nil {
		return err
	}
	if err := s.SetInput(input); err != nil {
		return err
	}
	if err := s.Run(); err != nil {
		return err
	}
	onnx, err := export.ONNX(net, blob)
	if err != nil {
		return err
	}
	tflite, err := export.TFLite(net, blob)
	if err != nil {
		return err
	}
	list, data, err := export.TFJS(net, blob)
	if err != nil {
		return err
	}
	for suffix, b := range map[string][]byte{
		".safetensors": blob, ".onnx": onnx, ".tflite": tflite, ".tfjs.json": list, ".tfjs.bin": data,
		".input.bin": floatBytes(input), ".logits.bin": floatBytes(s.Logits(nil)),
	} {
		if err := os.WriteFile(filepath.Join(dir, string(arch)+suffix), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// randomBlob fills a network with weights that keep activations of order one:
// normal, with variance 2/fan-in, and small biases; the same on every machine.
func randomBlob(net *models.Network) ([]byte, error) {
	var tensors []weights.Data
	for _, t := range net.Tensors() {
		h := fnv.New64a()
		h.Write([]byte(t.Name))
		r := rand.New(rand.NewPCG(h.Sum64(), 1))
		n := 1
		for _, d := range t.Shape {
			n *= d
		}
		d := weights.Data{Name: t.Name, Shape: t.Shape, DType: "F16"}
		if t.Bias {
			d.DType = "F32"
			for range n {
				d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(float32(0.1*r.NormFloat64())))
			}
		} else {
			scale := math.Sqrt(2 * float64(t.Shape[0]) / float64(n))
			for range n {
				d.Bytes = binary.LittleEndian.AppendUint16(d.Bytes, float16.Fromfloat32(float32(scale*r.NormFloat64())).Bits())
			}
		}
		tensors = append(tensors, d)
	}
	var b bytes.Buffer
	err := weights.Write(&b, models.Metadata(net.Config, models.DefaultPreprocess(net.Config)), tensors)
	return b.Bytes(), err
}

func randomInput(s models.Shape) []float32 {
	r := rand.New(rand.NewPCG(7, 7))
	v := make([]float32, s.H*s.W*s.C)
	for i := range v {
		v[i] = 2*r.Float32() - 1
	}
	return v
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
