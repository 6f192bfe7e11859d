// Package apitest makes what tests of the api need: networks with random
// weights, and pictures.
package apitest

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/x448/float16"

	"glance/models"
	"glance/weights"
)

// Blob returns a network's blob with random float16 weights, scaled so that
// activations keep their size from layer to layer. Options other than the
// network's are metadata, such as "labels" and "preprocess.resize".
func Blob(t testing.TB, config models.Config, seed uint64, options map[string]string) []byte {
	t.Helper()
	network, err := models.New(config)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	var data []weights.Data
	for _, tensor := range network.Tensors() {
		data = append(data, tensorData(random, tensor))
	}
	metadata := models.Metadata(network.Config, models.DefaultPreprocess(network.Config))
	for k, v := range options {
		metadata[k] = v
	}
	var b bytes.Buffer
	if err := weights.Write(&b, metadata, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tensorData(random *rand.Rand, t models.Tensor) weights.Data {
	n, inner := 1, 1
	for i, d := range t.Shape {
		n *= d
		if i > 0 {
			inner *= d
		}
	}
	d := weights.Data{Name: t.Name, DType: weights.F16, Shape: t.Shape}
	if t.Bias {
		d.DType = weights.F32
		for range n {
			d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(float32(random.NormFloat64()*0.1)))
		}
		return d
	}
	scale := math.Sqrt(2 / float64(inner))
	for range n {
		d.Bytes = binary.LittleEndian.AppendUint16(d.Bytes, float16.Fromfloat32(float32(random.NormFloat64()*scale)).Bits())
	}
	return d
}

// WriteBlob writes a blob as NAME.safetensors in dir.
func WriteBlob(t testing.TB, dir, name string, blob []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".safetensors"), blob, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Picture draws smooth shapes and some noise, different for every seed.
func Picture(width, height int, seed uint64) *image.NRGBA {
	random := rand.New(rand.NewPCG(seed, 1))
	var waves [3][4]float64
	for c := range waves {
		for i := range waves[c] {
			waves[c][i] = random.Float64()
		}
	}
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var v [3]uint8
			for c, w := range waves {
				s := math.Sin(20*w[0]*float64(x)/float64(width)+6*w[1]) + math.Sin(20*w[2]*float64(y)/float64(height)+6*w[3])
				v[c] = uint8(min(max(128+55*s+12*random.NormFloat64(), 0), 255))
			}
			img.SetNRGBA(x, y, color.NRGBA{v[0], v[1], v[2], 255})
		}
	}
	return img
}

// JPEG encodes a picture.
func JPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// PNG encodes a picture.
func PNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// GIF encodes a picture.
func GIF(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// RGB is a picture as raw pixels.
func RGB(img *image.NRGBA) []byte {
	var b []byte
	for i := 0; i < len(img.Pix); i += 4 {
		b = append(b, img.Pix[i:i+3]...)
	}
	return b
}
