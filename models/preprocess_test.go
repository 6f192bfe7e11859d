package models

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"testing"

	"glance/kernels/twin"
)

// picture is the formula of testdata/preprocess.py.
func picture(w, h int) []byte {
	p := make([]byte, 0, w*h*4)
	for y := range h {
		for x := range w {
			for c := range 3 {
				noise := (uint32(x)*2654435761 + uint32(y)*2246822519 + uint32(c)*3266489917) >> 24
				stripes := (x/5 + y/3 + c) % 2 * 97
				p = append(p, byte(x*255/max(1, w-1)+stripes+int(noise)/3+y))
			}
			p = append(p, 255)
		}
	}
	return p
}

// inputSession is a session of the smallest network for inputs of a size.
func inputSession(t testing.TB, width, height int, p Preprocess, o PlanOptions) *Session {
	t.Helper()
	n := mustNew(t, Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 2, Width: width, Height: height})
	m := twin.New(twin.Options{})
	t.Cleanup(func() { m.Close() })
	s, err := LoadBytes(m, randomCheckpoint(n, 1, true).blob(t, n, p, true), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inputBytes is the session's input tensor.
func inputBytes(t testing.TB, s *Session) []byte {
	t.Helper()
	b := make([]byte, s.network.InputShape().Size()*4)
	if err := s.machine.Read(b, s.Input()); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPreprocess compares with testdata/preprocess.json: Pillow's filters to the
// last bit of torchvision's normalised tensor, TensorFlow's to 1e-4, and pictures that
// are reduced first to the rounding to 8 bits in between, which is left out here.
func TestPreprocess(t *testing.T) {
	text, err := os.ReadFile("testdata/preprocess.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Width, Height, InputWidth, InputHeight, Resize, Reduce int
		Filter                                                 Filter
		Tensor                                                 uint32
		Samples                                                [][2]float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%dx%d to %dx%d by %d %d %s", c.Width, c.Height, c.InputWidth, c.InputHeight, c.Reduce, c.Resize, c.Filter), func(t *testing.T) {
			p := DefaultPreprocess(Config{})
			p.Reduce, p.Resize, p.Filter = c.Reduce, c.Resize, c.Filter
			s := inputSession(t, c.InputWidth, c.InputHeight, p, PlanOptions{Threads: 1 + i%3})
			if err := s.SetPixels(picture(c.Width, c.Height), c.Width, c.Height); err != nil {
				t.Fatal(err)
			}
			input := inputBytes(t, s)
			tolerance := 1e-4
			if c.Reduce > 0 {
				tolerance = 2.01 / 255 / 0.224
			} else if c.Filter.pil() {
				tolerance = 1e-6
				if got := crc32.ChecksumIEEE(input); got != c.Tensor {
					t.Errorf("tensor's sum is %08x, want %08x", got, c.Tensor)
				}
			}
			for _, sample := range c.Samples {
				v := math.Float32frombits(binary.LittleEndian.Uint32(input[4*int(sample[0]):]))
				if d := math.Abs(float64(v) - sample[1]); !(d <= tolerance) {
					t.Errorf("value %v is %v, want %v", sample[0], v, sample[1])
				}
			}
		})
	}
}
