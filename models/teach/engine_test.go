//go:build !js

package teach_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"glance/kernels/simd"
	"glance/models"
	"glance/models/teach"
	"glance/weights"
)

// randomBlob is a network whose weights nobody trained: random features, which is
// what the drawn pictures have to be told apart by where no weights were fetched.
func randomBlob(t *testing.T, c models.Config) []byte {
	n, err := models.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(11, 1))
	var data []weights.Data
	for _, tensor := range n.Tensors() {
		size, fan := 1, 1
		for i, d := range tensor.Shape {
			size *= d
			if i > 0 {
				fan *= d
			}
		}
		scale := math.Sqrt(2 / float64(fan))
		if tensor.Bias {
			scale = 0.1
		}
		d := weights.Data{Name: tensor.Name, DType: weights.F32, Shape: tensor.Shape}
		for range size {
			d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(float32(scale*r.NormFloat64())))
		}
		data = append(data, d)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, models.Metadata(n.Config, models.DefaultPreprocess(n.Config)), data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The drawn classes: in places, sizes and directions, in colours and with noise that
// differ from picture to picture.
var drawings = []struct {
	name   string
	colour [3]float64                                    // where each class has its own
	draw   func(r *rand.Rand) func(x, y float64) float64 // how much of the second colour
}{
	{"discs", [3]float64{230, 120, 40}, func(r *rand.Rand) func(x, y float64) float64 {
		cx, cy, radius := 0.3+0.4*r.Float64(), 0.3+0.4*r.Float64(), 0.15+0.2*r.Float64()
		return func(x, y float64) float64 { return step(radius - math.Hypot(x-cx, y-cy)) }
	}},
	{"stripes", [3]float64{60, 90, 220}, func(r *rand.Rand) func(x, y float64) float64 {
		angle, period, phase := math.Pi*r.Float64(), 0.08+0.08*r.Float64(), r.Float64()
		return func(x, y float64) float64 {
			_, f := math.Modf((x*math.Cos(angle)+y*math.Sin(angle))/period + phase + 100)
			return step(f - 0.5)
		}
	}},
	{"gradients", [3]float64{70, 200, 90}, func(r *rand.Rand) func(x, y float64) float64 {
		angle := 2 * math.Pi * r.Float64()
		return func(x, y float64) float64 {
			return min(1, max(0, 0.5+0.7*((x-0.5)*math.Cos(angle)+(y-0.5)*math.Sin(angle))))
		}
	}},
}

func step(v float64) float64 {
	if v > 0 {
		return 1
	}
	return 0
}

// colours draws the two colours of a picture: any that differ enough, or a dark grey
// and about the class's own.
func colours(r *rand.Rand, class int, own bool) (c [2][3]float64) {
	if own {
		grey := 30 + 30*r.Float64()
		for ch, v := range drawings[class].colour {
			c[0][ch], c[1][ch] = grey, v+30*(r.Float64()-0.5)
		}
		return c
	}
	for {
		distance := 0.0
		for ch := range 3 {
			c[0][ch], c[1][ch] = 255*r.Float64(), 255*r.Float64()
			distance += math.Abs(c[0][ch] - c[1][ch])
		}
		if distance > 250 {
			return c
		}
	}
}

// picture draws one RGBA picture of a class.
func picture(r *rand.Rand, class int, own bool) (rgba []byte, width, height int) {
	width, height = 90+r.IntN(80), 90+r.IntN(80)
	shape, c := drawings[class].draw(r), colours(r, class, own)
	side := float64(min(width, height))
	for y := range height {
		for x := range width {
			m := shape(float64(x)/side, float64(y)/side)
			for ch := range 3 {
				v := c[0][ch]*(1-m) + c[1][ch]*m + 12*r.NormFloat64()
				rgba = append(rgba, byte(max(0, min(255, v))))
			}
			rgba = append(rgba, 255)
		}
	}
	return rgba, width, height
}

// draw embeds as many pictures of every class as each says.
func draw(t *testing.T, s *models.Session, seed uint64, each int, own bool) teach.Examples {
	r := rand.New(rand.NewPCG(seed, 3))
	var ex teach.Examples
	for class, d := range drawings {
		ex.Classes = append(ex.Classes, d.name)
		for range each {
			if err := s.SetPixels(picture(r, class, own)); err != nil {
				t.Fatal(err)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			ex.Embeddings, ex.Labels = append(ex.Embeddings, s.Embedding(nil)), append(ex.Labels, class)
		}
	}
	return ex
}

// Ten drawn pictures for each of three classes, seen by our engine: held-back and
// fresh pictures are recognised, also by the head from a file.
func TestDrawnPictures(t *testing.T) {
	for _, tc := range []struct {
		name string
		own  bool // the classes differ in their colours too
		blob func(t *testing.T) []byte
	}{
		{"random V3-small 96", true, func(t *testing.T) []byte {
			return randomBlob(t, models.Config{Arch: models.MobileNetV3Small, Height: 96, Width: 96, NoHead: true})
		}},
		{"nsfw_mobilenet_v2", false, func(t *testing.T) []byte {
			blob, err := os.ReadFile("../../weights/nsfw_mobilenet_v2.safetensors")
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("weights/nsfw_mobilenet_v2.safetensors is not there, make weights fetches it")
			}
			if err != nil {
				t.Fatal(err)
			}
			return blob
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blob := tc.blob(t)
			m, err := simd.New(simd.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			s, err := models.LoadBytes(m, blob, models.PlanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			hash := sha256.Sum256(blob)
			base := teach.Base{Name: tc.name, SHA256: hex.EncodeToString(hash[:])}

			ex := draw(t, s, 1, 10, tc.own)
			h, e, err := teach.Train(context.Background(), ex, teach.Options{Base: base})
			if err != nil {
				t.Fatal(err)
			}
			if a := e.Confusion.Accuracy(); a < 0.95 {
				t.Errorf("held-back accuracy %.3f, want 0.95\n%v", a, e.Confusion)
			}
			file, err := h.Save()
			if err != nil {
				t.Fatal(err)
			}
			if h, err = teach.Load(file); err != nil {
				t.Fatal(err)
			}
			if err := h.CheckBase(base); err != nil {
				t.Error(err)
			}
			fresh := draw(t, s, 2, 5, tc.own)
			found, err := h.Evaluate(fresh.Embeddings, fresh.Labels)
			if err != nil {
				t.Fatal(err)
			}
			if a := found.Confusion.Accuracy(); a < 0.9 {
				t.Errorf("accuracy on fresh pictures %.3f, want 0.9\n%v", a, found.Confusion)
			}
			t.Logf("held-back %.3f, fresh %.3f, threshold %.2f, %d bytes", e.Confusion.Accuracy(), found.Confusion.Accuracy(), h.Threshold(), len(file))
		})
	}
}
