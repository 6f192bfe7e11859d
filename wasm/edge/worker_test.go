package edge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"glance/tools/api"
	"glance/tools/api/apitest"
)

func native(t testing.TB) *api.Handler {
	t.Helper()
	files, err := api.NewFiles(built(t).weights, small)
	if err != nil {
		t.Fatal(err)
	}
	return api.NewHandler(files, api.Options{
		Limits:  api.Limits{Body: 8 << 20, Pixels: 16_000_000},
		Backend: "simd128",
	})
}

func form(t testing.TB, name string, data []byte) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("image", name)
	if err != nil {
		t.Fatal(err)
	}
	part.Write(data)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m.FormDataContentType()
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../tools/picture/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// times are what differs between two answers to the same request.
var times = regexp.MustCompile(`"milliseconds":.*`)

// TestAnswers sends requests of every kind to workerd and to the native handler:
// statuses, headers and bodies are the same.
func TestAnswers(t *testing.T) {
	w := start(t, config{})
	h := native(t)
	img := apitest.Picture(300, 260, 1)
	jpg := apitest.JPEG(t, img)
	multi, multiType := form(t, "my photo, 1.jpg", jpg)
	oddMulti := bytes.ReplaceAll(multi, []byte(multiType[len("multipart/form-data; boundary="):]), []byte("a,b, c"))
	tests := []struct {
		name, method, target, contentType string
		body                              []byte
		status                            int
	}{
		{"JPEG", "POST", "/classify", "image/jpeg", jpg, 200},
		{"other model", "POST", "/classify?model=" + moderation, "", jpg, 200},
		{"embedding", "POST", "/embed?model=" + moderation, "", jpg, 200},
		{"logits", "POST", "/classify?logits=true&top=1000&model=" + small, "", jpg, 200},
		{"threshold", "POST", "/classify?threshold=0.2&model=" + moderation, "", jpg, 200},
		{"progressive JPEG", "POST", "/classify?logits=1", "", sample(t, "progressive.jpg"), 200},
		{"CMYK JPEG", "POST", "/classify?logits=1", "", sample(t, "cmyk.jpg"), 200},
		{"gray JPEG", "POST", "/classify?logits=1", "", sample(t, "grey.jpg"), 200},
		{"turned JPEG", "POST", "/classify?logits=1", "", sample(t, "orientation_6.jpg"), 200},
		{"PNG", "POST", "/classify?logits=1", "", apitest.PNG(t, img), 200},
		{"PNG with alpha", "POST", "/classify?logits=1", "", sample(t, "rgba.png"), 200},
		{"GIF", "POST", "/classify?logits=1", "", apitest.GIF(t, img), 200},
		{"WebP", "POST", "/classify?logits=1", "", sample(t, "lossy_45x37.webp"), 200},
		{"WebP with alpha", "POST", "/classify?logits=1", "", sample(t, "alpha.webp"), 200},
		{"lossless WebP", "POST", "/classify?logits=1", "", sample(t, "lossless.webp"), 200},
		{"multipart", "POST", "/classify", multiType, multi, 200},
		{"multipart, odd boundary", "POST", "/classify", `multipart/form-data; boundary="a,b, c"`, oddMulti, 200},
		{"RGB", "POST", "/classify?logits=1&width=300&height=260", "", apitest.RGB(img), 200},
		{"RGBA", "POST", "/classify?logits=1&width=300&height=260", "", img.Pix, 200},
		{"models", "GET", "/models", "", nil, 200},
		{"HEAD", "HEAD", "/models", "", nil, 200},
		{"OPTIONS", "OPTIONS", "/classify", "", nil, 204},
		{"path", "GET", "/nothing", "", nil, 404},
		{"method", "GET", "/classify", "", nil, 405},
		{"method with a body", "PUT", "/classify", "", jpg, 405},
		{"model", "POST", "/classify?model=resnet", "", jpg, 404},
		{"model in other letters", "POST", "/classify?model=%C3%A9%00", "", jpg, 404},
		{"bad query", "POST", "/classify?top=-1", "", jpg, 400},
		{"bad escape", "POST", "/classify?top=%zz", "", jpg, 200},
		{"raw length", "POST", "/classify?width=2&height=2", "", jpg, 400},
		{"empty", "POST", "/classify", "", nil, 400},
		{"cut off", "POST", "/classify", "", jpg[:len(jpg)/2], 422},
		{"no end", "POST", "/classify", "", jpg[:len(jpg)-2], 422},
		{"text", "POST", "/classify", "", []byte("hello"), 415},
		{"form without end", "POST", "/classify", multiType, multi[:len(multi)-30], 400},
		{"too many pixels", "POST", "/classify", "", enormous(t), 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.send(t, tt.method, tt.target, tt.contentType, tt.body)
			r := httptest.NewRequest(tt.method, tt.target, bytes.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			want := httptest.NewRecorder()
			h.ServeHTTP(want, r)
			if tt.method == "HEAD" {
				want.Body.Reset()
			}
			if got.status != tt.status || want.Code != tt.status {
				t.Errorf("status %d, native %d, want %d: %.300s", got.status, want.Code, tt.status, got.body)
			}
			if g, w := times.ReplaceAll(got.body, nil), times.ReplaceAll(want.Body.Bytes(), nil); !bytes.Equal(g, w) {
				t.Errorf("answer %.400s\nnative %.400s", g, w)
			}
			for _, name := range []string{"Content-Type", "Allow", "Cache-Control", "X-Content-Type-Options"} {
				if g, w := got.header.Get(name), want.Header().Get(name); g != w {
					t.Errorf("%s is %q, native %q", name, g, w)
				}
			}
		})
	}
}

// enormous is a small JPEG that says it is 65500 x 65500.
func enormous(t testing.TB) []byte {
	b := apitest.JPEG(t, apitest.Picture(16, 16, 1))
	i := bytes.Index(b, []byte{0xff, 0xc0})
	copy(b[i+5:], []byte{0xff, 0xdc, 0xff, 0xdc})
	return b
}

// TestLarge sends pictures of 16 megapixels, as phones take them: upright, turned,
// as PNG. They fit in the memory of an isolate.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const side = 3990
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := 0; i < len(img.Pix); i += 4 {
		x, y := i/4%side, i/4/side
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = byte(x/16), byte(y/16), byte(x*y/4096), 255
	}
	jpg := apitest.JPEG(t, img)
	turned := append([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"), jpg[2:]...)
	img.Pix[3] = 254 // so that the PNG has alpha, which package picture decodes faster
	w, h := start(t, config{}), native(t)
	for name, body := range map[string][]byte{"JPEG": jpg, "turned JPEG": turned, "PNG": apitest.PNG(t, img)} {
		got := w.send(t, "POST", "/classify?logits=1", "", body)
		want := httptest.NewRecorder()
		h.ServeHTTP(want, httptest.NewRequest("POST", "/classify?logits=1", bytes.NewReader(body)))
		if got.status != 200 || !bytes.Equal(times.ReplaceAll(got.body, nil), times.ReplaceAll(want.Body.Bytes(), nil)) {
			t.Errorf("%s: %d %.300s\nnative %.300s", name, got.status, got.body, want.Body)
		}
		memory := decode[api.Health](t, w.send(t, "GET", "/healthz", "", nil)).Memory
		t.Logf("%s, %d bytes: memory %v, resident %d", name, len(body), memory, w.resident(t))
	}
	// A damaged one is called that, though only a decoder that it is too large for
	// could say more.
	cut, png := jpg[:len(jpg)/2], apitest.PNG(t, img)
	flipped := bytes.Clone(png)
	flipped[len(flipped)/2] ^= 1
	for name, body := range map[string][]byte{
		"JPEG cut off": cut, "JPEG of half a stream": append(bytes.Clone(cut), 0xff, 0xd9), "turned JPEG cut off": turned[:len(turned)/2],
		"PNG cut off": png[:len(png)/2], "PNG with a bit flipped": flipped,
	} {
		t.Run(name, func(t *testing.T) {
			checkError(t, w.send(t, "POST", "/classify", "", body), 422, api.DamagedImage, "damaged")
		})
	}
	// What takes too much memory to decode is refused and does not get that far.
	gif := apitest.GIF(t, apitest.Picture(8, 8, 1))
	copy(gif[6:], []byte{side & 255, side >> 8, side & 255, side >> 8})
	checkError(t, w.send(t, "POST", "/classify", "", gif), 413, api.ImageTooLarge, "scale it down")
}

// TestLogits compares with the command line, for both models and 20 pictures:
// the bits are the same.
func TestLogits(t *testing.T) {
	w := start(t, config{})
	dir := t.TempDir()
	binary := filepath.Join(dir, "classify")
	build := exec.Command("go", "build", "-o", binary, "./tools/classify")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var names []string
	for i := range 20 {
		img := apitest.Picture(120+37*i, 500-17*i, uint64(i))
		name, data := fmt.Sprintf("%02d.jpg", i), []byte(nil)
		switch i % 4 {
		case 0:
			name, data = fmt.Sprintf("%02d.png", i), apitest.PNG(t, img)
		case 1:
			name, data = fmt.Sprintf("%02d.gif", i), apitest.GIF(t, img)
		default:
			data = apitest.JPEG(t, img)
		}
		names = append(names, filepath.Join(dir, name))
		if err := os.WriteFile(names[i], data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, model := range []string{small, moderation} {
		args := append([]string{"-logits", "-model", filepath.Join(built(t).weights, model+".safetensors")}, names...)
		out, err := exec.Command(binary, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		for i, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want []float32
			if err := json.Unmarshal([]byte(lines[i]), &want); err != nil {
				t.Fatal(err)
			}
			got := decode[api.Classification](t, w.send(t, "POST", "/classify?logits=true&model="+model, "", data))
			if len(want) == 0 || !slices.Equal(got.Logits, want) {
				t.Errorf("%s, %s: logits differ from the command line's: %v and %v first", model, filepath.Base(name), got.Logits[:1], want[:1])
			}
		}
	}
}

// TestModeration classifies with the model for content moderation that is
// bundled, if `make weights` could fetch it.
func TestModeration(t *testing.T) {
	const name = "nsfw_mobilenet_v2"
	if _, err := os.Stat("../../weights/" + name + ".safetensors"); err != nil {
		t.Skipf("no weights of %s: run `make weights` first", name)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := buildFor(root, dir, name); err != nil {
		t.Fatal(err)
	}
	w := start(t, config{dir: dir})
	got := decode[api.Classification](t, w.send(t, "POST", "/classify", "", apitest.JPEG(t, apitest.Picture(400, 300, 1))))
	var sum float32
	classes := []string{}
	for _, p := range got.Predictions {
		sum += p.Probability
		classes = append(classes, p.ClassName)
	}
	slices.Sort(classes)
	if want := []string{"drawing", "hentai", "neutral", "porn", "sexy"}; !slices.Equal(classes, want) || sum < 0.999 || sum > 1.001 {
		t.Errorf("got %v, sum %v", got.Predictions, sum)
	}
}
