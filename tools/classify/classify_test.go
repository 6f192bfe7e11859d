package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"glance/models"
	"glance/weights"
)

// blob writes a small network with random weights to dir/name.safetensors.
func blob(t *testing.T, dir, name string, change func(c *models.Config, md map[string]string)) {
	t.Helper()
	c := models.Config{Arch: models.MobileNetV1, Alpha: 0.25, Height: 32, Width: 48, Classes: 7}
	extra := map[string]string{"labels": "ant\nbee\ncat\ndog\nelk\nfox\ngnu", "name": name}
	if change != nil {
		change(&c, extra)
	}
	n, err := models.New(c)
	if err != nil {
		t.Fatal(err)
	}
	md := models.Metadata(n.Config, models.DefaultPreprocess(n.Config))
	for key, v := range extra {
		md[key] = v
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var tensors []weights.Data
	for _, tensor := range n.Tensors() {
		d := weights.Data{Name: tensor.Name, DType: weights.F32, Shape: tensor.Shape}
		fan := 1
		for _, dim := range tensor.Shape[1:] {
			fan *= dim
		}
		for range size(tensor.Shape) {
			v := rng.NormFloat64() * math.Sqrt(2/float64(fan))
			if tensor.Bias {
				v /= 4
			}
			d.Bytes = binary.LittleEndian.AppendUint32(d.Bytes, math.Float32bits(float32(v)))
		}
		tensors = append(tensors, d)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, md, tensors); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+extension), b.Bytes())
}

func size(shape []int) int {
	n := 1
	for _, dim := range shape {
		n *= dim
	}
	return n
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// scene is a picture without symmetry.
func scene(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(255 * x / w), uint8(255 * y / h), uint8(x * y), 255})
		}
	}
	return img
}

func encodePNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// setup makes a weights directory with one model and a picture.
func setup(t *testing.T) (dir, picture string) {
	dir = t.TempDir()
	blob(t, dir, "tiny", nil)
	picture = filepath.Join(dir, "photo.png")
	write(t, picture, encodePNG(t, scene(60, 40)))
	return dir, picture
}

// classifyIn runs the command on the models in dir.
func classifyIn(dir string, stdin io.Reader, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(append([]string{"-weights", dir, "-backend", "go", "-threads", "1"}, args...), stdin, &out, &errs)
	return status, out.String(), errs.String()
}

// objects decodes the lines that -json printed, strictly.
func objects(t *testing.T, stdout string) []object {
	t.Helper()
	var list []object
	for line := range strings.Lines(stdout) {
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		var o object
		if err := d.Decode(&o); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, o)
	}
	return list
}

func TestJSON(t *testing.T) {
	dir, picture := setup(t)
	status, out, errs := classifyIn(dir, nil, "-json", "-top", "3", picture)
	if status != exitOK || errs != "" {
		t.Fatalf("status %d, %s", status, errs)
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(o)); !slices.Equal(got, []string{"file", "milliseconds", "model", "predictions"}) {
		t.Errorf("keys %q", got)
	}
	if o["file"] != picture || o["model"] != "tiny" || o["milliseconds"].(float64) <= 0 {
		t.Errorf("got %s", out)
	}
	predictions := o["predictions"].([]any)
	if len(predictions) != 3 {
		t.Fatalf("%d predictions, want 3", len(predictions))
	}
	last := 1.0
	for _, p := range predictions {
		p := p.(map[string]any)
		probability := p["probability"].(float64)
		if len(p) != 2 || len(p["className"].(string)) != 3 || probability > last || probability <= 0 {
			t.Errorf("prediction %v after %g", p, last)
		}
		last = probability
	}
}

func TestClassIndexStandsForLabel(t *testing.T) {
	dir, picture := setup(t)
	blob(t, dir, "tiny", func(_ *models.Config, md map[string]string) { delete(md, "labels"); delete(md, "name") })
	_, out, _ := classifyIn(dir, nil, "-json", "-top", "99", picture)
	o := objects(t, out)[0]
	if len(o.Predictions) != 7 || o.Model != "tiny" {
		t.Fatalf("got %s", out)
	}
	for _, p := range o.Predictions {
		if i, err := strconv.Atoi(p.ClassName); err != nil || i < 0 || i > 6 {
			t.Errorf("className %q, want 0 to 6", p.ClassName)
		}
	}
}

func TestText(t *testing.T) {
	dir, picture := setup(t)
	status, out, _ := classifyIn(dir, nil, "-top", "2", picture)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if status != exitOK || len(lines) != 3 || !strings.HasPrefix(lines[0], picture+"  (tiny, ") || !strings.Contains(lines[1], " %  ") {
		t.Errorf("status %d, got %s", status, out)
	}
}

func TestFormatsAndStdin(t *testing.T) {
	dir, picture := setup(t)
	var b bytes.Buffer
	small := image.NewPaletted(image.Rect(0, 0, 60, 40), color.Palette{color.Black, color.White, color.NRGBA{200, 30, 90, 255}})
	for i := range small.Pix {
		small.Pix[i] = uint8(i / 7 % 3)
	}
	if err := gif.Encode(&b, small, nil); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "frame.gif"), b.Bytes())
	stored, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	status, out, errs := classifyIn(dir, bytes.NewReader(stored), "-json", picture, filepath.Join(dir, "frame.gif"), "-",
		"../picture/testdata/420_45x37.jpg", "../picture/testdata/lossy_45x37.webp")
	if status != exitOK {
		t.Fatal(errs)
	}
	list := objects(t, out)
	if len(list) != 5 || list[2].File != "-" || !slices.Equal(list[0].Predictions, list[2].Predictions) {
		t.Errorf("got %s", out)
	}
}

// TestOrientation stores one picture in all eight ways and expects the same
// answer each time.
func TestOrientation(t *testing.T) {
	dir, picture := setup(t)
	w, h := 60, 40
	// Where the upright pixel (x, y) is stored, by CIPA DC-008, table 6.
	stored := map[byte]func(x, y int) (int, int){
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, w - 1 - x },
		7: func(x, y int) (int, int) { return h - 1 - y, w - 1 - x },
		8: func(x, y int) (int, int) { return h - 1 - y, x },
	}
	args := []string{"-json", picture}
	for o := byte(1); o <= 8; o++ {
		img := image.NewNRGBA(image.Rect(0, 0, w, h))
		if o > 4 {
			img = image.NewNRGBA(image.Rect(0, 0, h, w))
		}
		upright := scene(w, h)
		for y := range h {
			for x := range w {
				sx, sy := stored[o](x, y)
				img.SetNRGBA(sx, sy, upright.NRGBAAt(x, y))
			}
		}
		path := filepath.Join(dir, strconv.Itoa(int(o))+".png")
		write(t, path, withEXIF(encodePNG(t, img), o))
		args = append(args, path)
	}
	_, out, errs := classifyIn(dir, nil, args...)
	list := objects(t, out)
	if len(list) != 9 {
		t.Fatalf("%d results: %s", len(list), errs)
	}
	for _, o := range list[1:] {
		if !slices.Equal(o.Predictions, list[0].Predictions) {
			t.Errorf("%s: %v, upright %v", o.File, o.Predictions, list[0].Predictions)
		}
	}
}

// withEXIF puts an eXIf chunk with an Orientation tag after a PNG's header.
func withEXIF(file []byte, orientation byte) []byte {
	tiff := append([]byte("eXIfMM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), orientation, 0, 0, 0, 0, 0, 0)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(tiff)-4))
	chunk = append(chunk, tiff...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(tiff))
	const header = 8 + 12 + 13
	return slices.Concat(file[:header], chunk, file[header:])
}

// tensorFile writes an NCHW tensor whose value tells channel and pixel.
func tensorFile(t *testing.T, dir string, h, w int) string {
	var b []byte
	for c := range 3 {
		for p := range h * w {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(c-1)+float32(p%w)/float32(w)))
		}
	}
	path := filepath.Join(dir, "input.f32")
	write(t, path, b)
	return path
}

func floats(t *testing.T, line string) []float32 {
	t.Helper()
	var v []float32
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return v
}

func TestTensor(t *testing.T) {
	dir, _ := setup(t)
	for _, size := range [][2]int{{32, 48}, {45, 33}} {
		h, w := size[0], size[1]
		file := tensorFile(t, dir, h, w)
		args := []string{"-tensor", file, "-height", strconv.Itoa(h), "-width", strconv.Itoa(w)}
		status, out, errs := classifyIn(dir, nil, append(args, "-logits")...)
		if status != exitOK {
			t.Fatal(errs)
		}
		// The same through the session itself.
		c, err := load(&options{weights: dir, backend: "go", threads: 1, height: h, width: w})
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		nhwc := make([]float32, 0, h*w*3)
		for p := range h * w {
			for ch := range 3 {
				nhwc = append(nhwc, float32(ch-1)+float32(p%w)/float32(w))
			}
		}
		if err := c.session.SetInput(nhwc); err != nil {
			t.Fatal(err)
		}
		if err := c.session.Run(); err != nil {
			t.Fatal(err)
		}
		if got, want := floats(t, out), c.session.Logits(nil); !slices.Equal(got, want) {
			t.Errorf("%dx%d: logits %v, want %v", h, w, got, want)
		}
		_, out, _ = classifyIn(dir, nil, append(args, "-embedding")...)
		if got, want := floats(t, out), c.session.Embedding(nil); !slices.Equal(got, want) || len(got) != 256 {
			t.Errorf("%dx%d: %d features differ", h, w, len(got))
		}
	}
}

func TestProfile(t *testing.T) {
	dir, picture := setup(t)
	status, out, errs := classifyIn(dir, nil, "-profile", picture)
	if status != exitOK || !strings.Contains(out, "GMAC/s") || !strings.Contains(out, "stem") || !strings.Contains(out, "all, on go with 1 threads") {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	_, out, _ = classifyIn(dir, nil, "-profile", "-json", picture)
	if o := objects(t, out)[0]; len(o.Steps) == 0 || o.Steps[0].MACs == 0 {
		t.Errorf("got %s", out)
	}
}

// TestBackends: every backend, with one and more threads, gives the same classes.
func TestBackends(t *testing.T) {
	dir, picture := setup(t)
	_, out, _ := classifyIn(dir, nil, "-logits", picture)
	want := floats(t, out)
	for backend := range backends {
		for _, threads := range []string{"1", "3"} {
			status, out, errs := classifyIn(dir, nil, "-backend", backend, "-threads", threads, "-logits", picture)
			if status != exitOK {
				t.Fatalf("%s: %s", backend, errs)
			}
			for i, v := range floats(t, out) {
				if d := math.Abs(float64(v - want[i])); d > 1e-4*(1+math.Abs(float64(want[i]))) {
					t.Errorf("%s with %s threads: logit %d is %g, want %g", backend, threads, i, v, want[i])
				}
			}
		}
	}
}

func TestErrorsOfOneFileLeaveTheOthers(t *testing.T) {
	dir, picture := setup(t)
	page := filepath.Join(dir, "page.jpg")
	write(t, page, []byte("<!DOCTYPE html>"))
	cut := filepath.Join(dir, "cut.png")
	write(t, cut, encodePNG(t, scene(60, 40))[:200])
	missing := filepath.Join(dir, "missing.png")
	status, out, errs := classifyIn(dir, nil, "-json", page, cut, missing, picture)
	if status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
	list := objects(t, out)
	if len(list) != 4 || list[3].Error != "" || len(list[3].Predictions) == 0 {
		t.Fatalf("got %s", out)
	}
	for i, want := range []string{"web page", "PNG cannot be decoded", "no such file"} {
		if !strings.Contains(list[i].Error, want) || list[i].Predictions != nil || list[i].Milliseconds != nil || !strings.Contains(errs, want) {
			t.Errorf("object %d: %+v, want %q", i, list[i], want)
		}
	}
	if n := strings.Count(errs, "\n"); n != 3 {
		t.Errorf("%d lines of errors, want 3: %s", n, errs)
	}
}

func TestInputErrors(t *testing.T) {
	dir, picture := setup(t)
	nan := filepath.Join(dir, "nan.f32")
	b, err := os.ReadFile(tensorFile(t, dir, 32, 48))
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[400:], math.Float32bits(float32(math.NaN())))
	write(t, nan, b)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"-max-pixels", "2000", picture}, "60x40 pixels, the limit is 2000"},
		{[]string{"-tensor", picture}, "1 x 3 x 32 x 48 has 18432"},
		{[]string{"-tensor", nan}, "NaN or infinite"},
		{[]string{"-tensor", filepath.Join(dir, "none.f32")}, "no such file"},
		{[]string{dir}, "is a directory"},
	}
	for _, tt := range tests {
		status, out, errs := classifyIn(dir, nil, tt.args...)
		if status != exitFailed || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: status %d, %q, %q; want %q", tt.args, status, out, errs, tt.want)
		}
	}
}

func TestUsage(t *testing.T) {
	dir, picture := setup(t)
	empty := t.TempDir()
	write(t, filepath.Join(dir, "web.safetensors"), []byte("<!DOCTYPE html><p>404"))
	blob(t, dir, "unheaded", func(c *models.Config, md map[string]string) { c.NoHead, c.Classes = true, 0; delete(md, "labels") })
	tests := []struct {
		dir  string
		args []string
		want string
	}{
		{dir, nil, "no pictures"},
		{dir, []string{"-tensor", "x", picture}, "takes the place"},
		{dir, []string{"-logits", "-embedding", picture}, "exclude"},
		{dir, []string{"-logits", "-json", picture}, "JSON arrays already"},
		{dir, []string{"-logits", "-profile", picture}, "-profile"},
		{dir, []string{"-top", "0", picture}, "-top is 0"},
		{dir, []string{"-threads", "0", picture}, "-threads is 0"},
		{dir, []string{"-height", "-1", picture}, "-height -1"},
		{dir, []string{"-height", "8", picture}, "8"},
		{dir, []string{"-backend", "gpu", picture}, `unknown backend "gpu"`},
		{dir, []string{"-nonsense", picture}, "-nonsense"},
		{dir, []string{"-model", "nowhere", picture}, "no model nowhere in"},
		{dir, []string{"-model", "nowhere.safetensors", picture}, "no file nowhere.safetensors"},
		{dir, []string{"-model", "web", picture}, "web page"},
		{dir, []string{"-model", "unheaded", picture}, "-embedding"},
		{empty, []string{picture}, "make weights"},
	}
	for _, tt := range tests {
		status, out, errs := classifyIn(tt.dir, nil, tt.args...)
		if status != exitUsage || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: status %d, %q, %q; want %q", tt.args, status, out, errs, tt.want)
		}
	}
	if status, _, errs := classifyIn(dir, nil, "-h"); status != exitOK || !strings.Contains(errs, "Examples:") || !strings.Contains(errs, "-backend") {
		t.Errorf("-h: status %d, %s", status, errs)
	}
	if status, out, errs := classifyIn(dir, nil, "-model", "unheaded", "-embedding", picture); status != exitOK || len(floats(t, out)) != 256 {
		t.Errorf("features: status %d, %s%s", status, out, errs)
	}
}

// TestDefaultModel: the catalogue's order decides, other files come last.
func TestDefaultModel(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct{ add, want string }{
		{"mine", "mine"}, {"nsfw_mobilenet_v2", "nsfw_mobilenet_v2"}, {"mobilenet_v2", "mobilenet_v2"}, {"another", "mobilenet_v2"},
	} {
		write(t, filepath.Join(dir, step.add+extension), nil)
		if got, err := find("", dir); err != nil || got != filepath.Join(dir, step.want+extension) {
			t.Errorf("with %s: %s, %v; want %s", step.add, got, err, step.want)
		}
	}
}
