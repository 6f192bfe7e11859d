package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"glance/models"
	"glance/tools/picture"
)

// maxFile bounds what is read from a file or standard input.
const maxFile = 512 << 20

// result is what is known of one input.
type result struct {
	values       []float32 // logits or features, where they are asked for
	predictions  []models.Prediction
	milliseconds float64
	steps        []models.StepTime // with -profile
}

// classify runs the network on one input.
func (c *classifier) classify(name string, stdin io.Reader) (*result, error) {
	data, err := read(name, stdin)
	if err != nil {
		return nil, err
	}
	set := c.setTensor
	if c.options.tensor == "" {
		if set, err = c.decode(data); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	if err := set(data); err != nil {
		return nil, err
	}
	if err := c.session.Run(); err != nil {
		return nil, err
	}
	r := &result{}
	if c.options.embedding {
		r.values = c.session.Embedding(nil)
	} else {
		r.values = c.session.Logits(nil)
		p := make([]float32, len(r.values))
		models.Softmax(p, r.values)
		r.predictions = models.TopK(p, c.options.top)
	}
	r.milliseconds = float64(time.Since(start).Nanoseconds()) / 1e6
	if c.options.profile {
		r.steps, err = c.profile()
	}
	return r, err
}

func read(name string, stdin io.Reader) ([]byte, error) {
	r := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("more than the limit of %d bytes", maxFile)
	}
	return data, err
}

// decode decodes a picture and returns what hands its pixels to the session.
func (c *classifier) decode(data []byte) (func([]byte) error, error) {
	img, err := picture.Decode(data, c.options.maxPixels)
	if err != nil {
		return nil, err
	}
	return func([]byte) error { return c.session.SetPixels(img.Pix, img.Width, img.Height) }, nil
}

// setTensor hands the session a raw NCHW tensor, which it wants as NHWC.
func (c *classifier) setTensor(data []byte) error {
	shape := c.session.Network().InputShape()
	if len(data) != 4*shape.Size() {
		return fmt.Errorf("%d bytes, a float32 tensor of 1 x %d x %d x %d has %d (-height and -width set its size)",
			len(data), shape.C, shape.H, shape.W, 4*shape.Size())
	}
	nhwc := make([]float32, shape.Size())
	for channel := range shape.C {
		for pixel := range shape.Pixels() {
			bits := binary.LittleEndian.Uint32(data[4*(channel*shape.Pixels()+pixel):])
			nhwc[pixel*shape.C+channel] = math.Float32frombits(bits)
		}
	}
	return c.session.SetInput(nhwc)
}

// profileRuns is how often -profile runs the network; each step's time is the
// median.
const profileRuns = 15

// profile times every step of the network on the input that is set.
func (c *classifier) profile() ([]models.StepTime, error) {
	start := time.Now()
	clock := func() int64 { return time.Since(start).Nanoseconds() }
	var median []models.StepTime
	times := map[int][]int64{}
	for range profileRuns {
		steps, err := c.session.Profile(clock)
		if err != nil {
			return nil, err
		}
		median = steps
		for i, s := range steps {
			times[i] = append(times[i], s.Nanoseconds)
		}
	}
	for i := range median {
		slices.Sort(times[i])
		median[i].Nanoseconds = times[i][profileRuns/2]
	}
	return median, nil
}
