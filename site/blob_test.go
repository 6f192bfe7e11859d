package site_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"glance/kernels"
	"glance/kernels/simd"
	"glance/models"
	"glance/tools/picture"
	"glance/weights"
)

// blob is a model that the site under test offers.
type blob struct {
	bytes []byte
	real  bool // trained, not random
}

// nsfwjs is the trained model that is used where make weights has fetched it.
const nsfwjs = "nsfw_mobilenet_v2"

// bundled is the model that is part of the repository, which the documents name.
const bundled = "tiny_imagenet_v3_small"

// writeBlobs fills a weights folder: two small networks with random weights,
// and the trained one where it is there.
func writeBlobs(dir string) (map[string]blob, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	torch := models.Preprocess{Resize: 73, Filter: models.PILBilinear,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}
	blobs := map[string]blob{
		"small": {bytes: randomBlob(models.Config{Arch: models.MobileNetV3Small, Classes: 7, Height: 64, Width: 64}, torch, 1)},
		"wide": {bytes: randomBlob(models.Config{Arch: models.MobileNetV2, Alpha: 0.35, Classes: 3, Height: 65, Width: 97, Padding: models.Same},
			models.Preprocess{Filter: models.TFBilinearCorner, Std: [3]float64{1, 1, 1}}, 2)},
	}
	trained, err := os.ReadFile(filepath.Join("..", "weights", nsfwjs+".safetensors"))
	if err == nil {
		blobs[nsfwjs] = blob{trained, true}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for name, b := range blobs {
		if err := os.WriteFile(filepath.Join(dir, name+".safetensors"), b.bytes, 0o644); err != nil {
			return nil, err
		}
	}
	return blobs, nil
}

// randomBlob makes a blob with random weights of a size that keeps activations
// in range (He et al. 2015, arXiv:1502.01852) and lets classes differ.
func randomBlob(c models.Config, p models.Preprocess, seed uint64) []byte {
	network, err := models.New(c)
	if err != nil {
		panic(err)
	}
	md := models.Metadata(c, p)
	md["name"] = fmt.Sprintf("Random %s", c.Arch)
	for i := range c.Classes {
		if i > 0 {
			md["labels"] += "\n"
		}
		md["labels"] += fmt.Sprintf("class %c", 'A'+i)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	var tensors []weights.Data
	for _, t := range network.Tensors() {
		n, fan := 1, 1
		for i, d := range t.Shape {
			n *= d
			if i > 0 {
				fan *= d
			}
		}
		scale := math.Sqrt(2.2 / float64(fan))
		if t.Bias {
			scale = 0.02
		}
		var b []byte
		for range n {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(scale*random.NormFloat64())))
		}
		tensors = append(tensors, weights.Data{Name: t.Name, DType: weights.F32, Shape: t.Shape, Bytes: b})
	}
	var out bytes.Buffer
	if err := weights.Write(&out, md, tensors); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// The pictures that tests classify, in the scratch folder.
const (
	photoPNG  = "photo.png" // 320 x 240
	otherPNG  = "other.png" // 111 x 173
	alphaPNG  = "alpha.png" // half transparent
	turnedJPG = "orientation_6.jpg"
)

func writePictures(dir string) error {
	for name, m := range map[string]image.Image{
		photoPNG: draw(320, 240, 3, false), otherPNG: draw(111, 173, 5, false), alphaPNG: draw(120, 100, 4, true),
	} {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	turned, err := os.ReadFile(filepath.Join("..", "tools", "picture", "testdata", turnedJPG))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, turnedJPG), turned, 0o644); err != nil {
		return err
	}
	var camera bytes.Buffer // an .mjpeg file is JPEG images one after another
	for i := range 20 {
		if err := jpeg.Encode(&camera, draw(320, 240, 2+i, false), nil); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "camera.mjpeg"), camera.Bytes(), 0o644)
}

// draw makes a picture of waves whose number depends on k.
func draw(width, height, k int, transparent bool) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			fx, fy := float64(x)/float64(width), float64(y)/float64(height)
			wave := func(a, b float64) uint8 {
				return uint8(127.5 + 127*math.Sin(2*math.Pi*(a*fx+b*fy)*float64(k)/2))
			}
			c := color.NRGBA{wave(1, 0.3), wave(-0.5, 1), wave(1.5, 1.5), 255}
			if transparent {
				c.A = uint8(255 * min(1, 1.6*fx))
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// answer is what the native engine says of a picture.
type answer struct {
	Labels        []string  `json:"labels"`
	Probabilities []float32 `json:"probabilities"` // by class
	Embedding     []float32 `json:"embedding"`
}

// native classifies a picture with the engine as it runs outside browsers.
func native(t *testing.T, b blob, pictureFile string) answer {
	t.Helper()
	encoded, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	m, err := picture.Decode(encoded, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	var machine kernels.Machine
	if machine, err = simd.New(simd.Options{}); err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	session, err := models.LoadBytes(machine, b.bytes, models.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.SetPixels(m.Pix, m.Width, m.Height); err != nil {
		t.Fatal(err)
	}
	if err := session.Run(); err != nil {
		t.Fatal(err)
	}
	size := int64(len(b.bytes))
	n, err := weights.HeaderSize(b.bytes[:8], size)
	if err != nil {
		t.Fatal(err)
	}
	header, err := weights.ParseHeader(b.bytes[:n], size)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Probabilities: session.Logits(nil), Embedding: session.Embedding(nil)}
	models.Softmax(a.Probabilities, a.Probabilities)
	if a.Labels, err = models.Labels(header.Metadata, len(a.Probabilities)); err != nil {
		t.Fatal(err)
	}
	return a
}
