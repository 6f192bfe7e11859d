package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/api/apitest"
	"glance/weights"
)

func TestScore(t *testing.T) {
	var s score
	logits := func(p ...float64) []float32 {
		l := make([]float32, len(p))
		for i := range p {
			l[i] = float32(math.Log(p[i]))
		}
		return l
	}
	s.add(logits(.5, .1, .1, .1, .1, .05, .05), 0)     // right
	s.add(logits(.5, .2, .1, .05, .05, .05, .05), 1)   // second
	s.add(logits(.5, .1, .1, .1, .1, .0625, .0375), 6) // not among five
	s.add(logits(.9, .02, .02, .02, .02, .01, .01), 0) // right and sure
	s.add([]float32{200, 0, 0, 0, 0, 0, 0}, 1)         // wrong and sure: the probability is 0 in float32
	if s.pictures != 5 || s.top1 != 2 || s.top5 != 4 {
		t.Errorf("%+v", s)
	}
	want := -(math.Log(.5) + math.Log(.2) + math.Log(.0375) + math.Log(.9)) + 200
	if math.Abs(s.loss-want) > 1e-5 {
		t.Errorf("loss %v, want %v", s.loss, want)
	}
	// Three at confidence 0.5 of which one is right, one at 0.9, one at 1.
	if got, want := s.calibrationError(), (math.Abs(1.5-1)+math.Abs(.9-1)+1)/5; math.Abs(got-want) > 1e-6 {
		t.Errorf("calibration error %v, want %v", got, want)
	}
	var b bytes.Buffer
	if err := s.writeCalibration(&b); err != nil || strings.Count(b.String(), "\n") != bins+1 || !strings.Contains(b.String(), "0.4667,0.5333,3,0.5000,0.3333") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestReadList(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	names := []string{"cat", "dog", "owl"}
	ids := file("ids", "n01\nn02\nn03\n")
	got, err := readList(file("a", "x/1.png\tdog\t0 0 63 63\n\n2.png,2\r\n"), "pics", "", names, 3)
	if want := (labelled{filepath.Join("pics", "x", "1.png"), 1}); err != nil || len(got) != 2 || got[0] != want || got[1].class != 2 {
		t.Errorf("%v %v", got, err)
	}
	if got, err := readList(file("b", "1.png\tn03\n"), "", ids, names, 3); err != nil || got[0].class != 2 {
		t.Errorf("%v %v", got, err)
	}
	for content, want := range map[string]string{
		"":             "is empty",
		"1.png\n":      "line 1: want PICTURE,CLASS",
		"\n \n1.png\n": "line 3: want PICTURE,CLASS",
		"1.png,fox\n":  `"fox" is no class`,
		"1.png,3\n":    "an index below 3",
		"1.png,-1\n":   "an index below 3",
	} {
		if _, err := readList(file("c", content), "", "", names, 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
	twice := []string{"crane", "owl", "crane"}
	if _, err := readList(file("e", "1.png,owl\n2.png,crane\n"), "", "", twice, 3); err == nil || !strings.Contains(err.Error(), `line 2: several classes are named "crane": give the class's index`) {
		t.Errorf("two classes of a name: %v", err)
	}
	if got, err := readList(file("f", "1.png,owl\n2.png,2\n"), "", "", twice, 3); err != nil || got[1].class != 2 {
		t.Errorf("index of one of two classes of a name: %v, %v", got, err)
	}
	if _, err := readList(file("d", "1.png,0\n"), "", file("two", "a\nb\n"), names, 3); err == nil || !strings.Contains(err.Error(), "2 lines, the model has 3") {
		t.Errorf("classes: %v", err)
	}
}

func TestMachineOfManyCores(t *testing.T) {
	for _, backend := range []string{"go", "simd"} {
		m, err := machine(backend, 10*models.MaxThreads)
		if err != nil {
			t.Fatal(err)
		}
		if n := m.Threads(); n > models.MaxThreads {
			t.Errorf("%s: %d threads, a plan has at most %d", backend, n, models.MaxThreads)
		}
		m.Close()
	}
}

// TestRun labels pictures with what the Go backend says of them, and expects the
// SIMD one to agree.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	n, err := models.New(models.Config{Arch: models.MobileNetV3Small, Alpha: 0.5, Classes: 7, Height: 32, Width: 32})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var tensors []weights.Data
	for _, tensor := range n.Tensors() {
		d := weights.Data{Name: tensor.Name, DType: weights.F32, Shape: tensor.Shape}
		size := 1
		for _, n := range tensor.Shape {
			size *= n
		}
		for range size {
			d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(float32(r.NormFloat64())*0.2))
		}
		tensors = append(tensors, d)
	}
	var blob bytes.Buffer
	if err := weights.Write(&blob, models.Metadata(n.Config, models.DefaultPreprocess(n.Config)), tensors); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(dir, "m.safetensors")
	if err := os.WriteFile(model, blob.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "list.csv")
	var lines strings.Builder
	for i := range 6 {
		var b bytes.Buffer
		if err := png.Encode(&b, apitest.Picture(40+i, 50, uint64(i))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".png")), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%d.png,%d\n", i, i%7)
	}
	os.WriteFile(list, []byte(lines.String()), 0o644)
	out := map[string]string{}
	for _, backend := range []string{"go", "simd"} {
		var stdout, stderr bytes.Buffer
		calibration := filepath.Join(dir, "calibration.csv")
		if status := run(context.Background(), []string{"-model", model, "-list", list, "-backend", backend, "-calibration", calibration}, &stdout, &stderr); status != 0 {
			t.Fatalf("%s: status %d, %s", backend, status, stderr.String())
		}
		out[backend] = stdout.String()
		if _, err := os.Stat(calibration); err != nil {
			t.Error(err)
		}
	}
	if out["go"] != out["simd"] || !strings.HasPrefix(out["go"], "6 pictures: top-1 ") {
		t.Errorf("%q and %q", out["go"], out["simd"])
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "give -model and -list"},
		{[]string{"-model", model, "-list", filepath.Join(dir, "none")}, "none"},
		{[]string{"-model", list, "-list", list}, "list.csv: weights:"},
		{[]string{"-model", model, "-list", list, "-dir", filepath.Join(dir, "elsewhere")}, "elsewhere"},
		{[]string{"-model", model, "-list", list, "-backend", "gpu"}, "there are simd and go"},
	} {
		var stderr bytes.Buffer
		if status := run(context.Background(), c.args, &bytes.Buffer{}, &stderr); status == 0 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: status %d, %q, want %q", c.args, status, stderr.String(), c.want)
		}
	}
}
