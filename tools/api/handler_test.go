package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"glance/kernels/simd"
	"glance/models"
	"glance/tools/api"
	"glance/tools/api/apitest"
	"glance/tools/picture"
)

const (
	small = "random_v3_small" // 1000 classes, without labels
	other = "random_v2"       // 3 classes, with labels
)

// blobs are made once: two networks with random weights.
var blobs = sync.OnceValue(func() map[string][]byte {
	t := new(testing.T)
	return map[string][]byte{
		small: apitest.Blob(t, models.Config{Arch: models.MobileNetV3Small, Height: 96, Width: 96}, 1, nil),
		other: apitest.Blob(t, models.Config{Arch: models.MobileNetV2, Alpha: 0.35, Classes: 3, Height: 64, Width: 96}, 2,
			map[string]string{"labels": "cat\ndog\nfish", "preprocess.resize": "exact", "preprocess.crop": "none", "source": "made up"}),
	}
})

const maxBody, maxPixels = 1 << 20, 1 << 20

func newHandler(t testing.TB, origins ...string) http.Handler {
	t.Helper()
	dir := t.TempDir()
	for name, blob := range blobs() {
		apitest.WriteBlob(t, dir, name, blob)
	}
	files, err := api.NewFiles(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	return api.NewHandler(files, api.Options{
		Limits:  api.Limits{Body: maxBody, Pixels: maxPixels, Decode: 1 << 30},
		Origins: origins,
		Backend: "simd128",
	})
}

func do(h http.Handler, method, target, contentType string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// session loads one of the models as the CLI does.
func session(t testing.TB, name string) *models.Session {
	t.Helper()
	machine, err := simd.New(simd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { machine.Close() })
	s, err := models.LoadBytes(machine, blobs()[name], models.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// logits is what the CLI computes for a picture file.
func logits(t testing.TB, s *models.Session, file []byte) []float32 {
	t.Helper()
	img, err := picture.Decode(file, maxPixels)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPixels(img.Pix, img.Width, img.Height); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s.Logits(nil)
}

func decode[T any](t testing.TB, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

func form(t testing.TB, name string, data []byte) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if err := m.WriteField("comment", "not the picture"); err != nil {
		t.Fatal(err)
	}
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

// TestClassify sends the same picture in every form.
func TestClassify(t *testing.T) {
	h := newHandler(t)
	img := apitest.Picture(140, 110, 3)
	jpg := apitest.JPEG(t, img)
	multi, multiType := form(t, "my photo.jpg", jpg)
	s := session(t, small)
	fromPixels, fromJPEG, fromGIF := logits(t, s, apitest.PNG(t, img)), logits(t, s, jpg), logits(t, s, apitest.GIF(t, img))
	tests := []struct {
		name, query, contentType, file string
		body                           []byte
		want                           []float32
	}{
		{"JPEG", "", "image/jpeg", "", jpg, fromJPEG},
		{"no type", "", "", "", jpg, fromJPEG},
		{"multipart", "", multiType, "my photo.jpg", multi, fromJPEG},
		{"PNG", "", "image/png", "", apitest.PNG(t, img), fromPixels},
		{"GIF", "", "image/gif", "", apitest.GIF(t, img), fromGIF},
		{"RGB", "&width=140&height=110", "", "", apitest.RGB(img), fromPixels},
		{"RGBA", "&width=140&height=110", "application/octet-stream", "", img.Pix, fromPixels},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decode[api.Classification](t, do(h, "POST", "/classify?logits=true"+tt.query, tt.contentType, tt.body))
			if got.Model != small || got.File != tt.file || len(got.Predictions) != 5 {
				t.Errorf("model %q, file %q, %d predictions", got.Model, got.File, len(got.Predictions))
			}
			if !slices.Equal(got.Logits, tt.want) {
				t.Errorf("logits differ from the command line's, %v and %v first", got.Logits[0], tt.want[0])
			}
			probabilities := make([]float32, len(tt.want))
			models.Softmax(probabilities, tt.want)
			for i, p := range models.TopK(probabilities, 5) {
				if got.Predictions[i] != (api.Prediction{ClassName: fmt.Sprint(p.Index), Probability: p.Probability}) {
					t.Errorf("prediction %d is %v, want %v", i, got.Predictions[i], p)
				}
			}
			if got.Milliseconds <= 0 || math.Abs(got.Milliseconds-got.Timing.Decode-got.Timing.Preprocess-got.Timing.Network) > 1e-9 {
				t.Errorf("%v ms, %+v", got.Milliseconds, got.Timing)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	h := newHandler(t)
	jpg := apitest.JPEG(t, apitest.Picture(80, 90, 4))
	all := decode[api.Classification](t, do(h, "POST", "/classify?model="+other, "", jpg))
	if len(all.Predictions) != 3 || all.Logits != nil || !strings.Contains("cat dog fish", all.Predictions[0].ClassName) {
		t.Errorf("got %+v", all)
	}
	one := decode[api.Classification](t, do(h, "POST", "/classify?top=1&model="+other, "", jpg))
	if len(one.Predictions) != 1 || one.Predictions[0] != all.Predictions[0] {
		t.Errorf("top=1 gives %v, want the first of %v", one.Predictions, all.Predictions)
	}
	likely := decode[api.Classification](t, do(h, "POST", fmt.Sprintf("/classify?model=%s&threshold=%v", other, all.Predictions[1].Probability), "", jpg))
	if len(likely.Predictions) != 2 {
		t.Errorf("the threshold of the second leaves %d", len(likely.Predictions))
	}
	none := do(h, "POST", "/classify?threshold=1", "", jpg)
	if !strings.Contains(none.Body.String(), `"predictions":[]`) {
		t.Errorf("no prediction is %s, want an empty list", none.Body)
	}
}

func TestEmbed(t *testing.T) {
	h := newHandler(t)
	jpg := apitest.JPEG(t, apitest.Picture(100, 100, 6))
	got := decode[api.Embedding](t, do(h, "POST", "/embed", "", jpg))
	s := session(t, small)
	logits(t, s, jpg)
	if want := s.Embedding(nil); !slices.Equal(got.Embedding, want) || len(want) != 576 {
		t.Errorf("%d values differ from the session's %d", len(got.Embedding), len(want))
	}
}

func TestModels(t *testing.T) {
	h := newHandler(t)
	got := decode[struct{ Models []api.Info }](t, do(h, "GET", "/models", "", nil))
	want := []api.Info{
		{Name: small, Architecture: "mobilenet_v3_small", Classes: 1000, Embedding: 576, Input: api.Size{Width: 96, Height: 96},
			Preprocess: api.Preprocess{Resize: 109, Filter: models.PILBilinear}, Bytes: int64(len(blobs()[small]))},
		{Name: other, Architecture: "mobilenet_v2", Classes: 3, Embedding: 1280, Input: api.Size{Width: 96, Height: 64},
			Preprocess: api.Preprocess{Filter: models.PILBilinear}, Bytes: int64(len(blobs()[other])), Source: "made up"},
	}
	if !slices.Equal(got.Models, want) {
		t.Errorf("got  %+v\nwant %+v", got.Models, want)
	}
}

func TestHealth(t *testing.T) {
	h := newHandler(t)
	do(h, "POST", "/classify", "", apitest.JPEG(t, apitest.Picture(10, 10, 7)))
	got := decode[api.Health](t, do(h, "GET", "/healthz", "", nil))
	if got.Status != "ok" || got.Backend != "simd128" || got.Memory["kernels"] < 1<<20 || got.Memory["go"] < 1<<20 {
		t.Errorf("got %+v", got)
	}
}

// TestConcurrent runs both models from many goroutines and compares every answer.
func TestConcurrent(t *testing.T) {
	server := httptest.NewServer(newHandler(t))
	defer server.Close()
	pictures := make([][]byte, 4)
	want := map[string][][]float32{}
	for i := range pictures {
		pictures[i] = apitest.JPEG(t, apitest.Picture(60+i, 70, uint64(i)))
	}
	for _, name := range []string{small, other} {
		s := session(t, name)
		for _, p := range pictures {
			want[name] = append(want[name], logits(t, s, p))
		}
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 8 {
				name, n := []string{small, other}[(worker+i)%2], (worker*3+i)%len(pictures)
				response, err := http.Post(server.URL+"/classify?logits=1&model="+name, "image/jpeg", bytes.NewReader(pictures[n]))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				var got api.Classification
				if err != nil || json.Unmarshal(body, &got) != nil || !slices.Equal(got.Logits, want[name][n]) {
					t.Errorf("%s, picture %d: %v, wrong answer %.200s", name, n, err, body)
				}
			}
		})
	}
	group.Wait()
}
