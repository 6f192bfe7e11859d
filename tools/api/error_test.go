package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"glance/tools/api"
	"glance/tools/api/apitest"
)

// pngOf is the start of a PNG file of the given size.
func pngOf(width, height uint32) []byte {
	chunk := []byte("IHDR")
	for _, v := range []uint32{width, height} {
		chunk = append(chunk, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	chunk = append(chunk, 8, 2, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	sum := crc32.ChecksumIEEE(chunk)
	return append(b, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
}

func TestErrors(t *testing.T) {
	h := newHandler(t)
	jpg := apitest.JPEG(t, apitest.Picture(60, 50, 1))
	multi, multiType := form(t, "a.jpg", jpg)
	damaged, _ := form(t, "a.jpg", jpg[:len(jpg)/2])
	noFile := "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n"
	tests := []struct {
		name, method, target, contentType string
		body                              []byte
		status                            int
		code                              api.Code
		text                              string // in the message
	}{
		{"path", "POST", "/nothing", "", jpg, 404, api.NotFound, "/nothing"},
		{"method", "GET", "/classify", "", nil, 405, api.MethodNotAllowed, "POST"},
		{"method of models", "POST", "/models", "", jpg, 405, api.MethodNotAllowed, "GET"},
		{"strange method", "BREW", "/embed", "", jpg, 405, api.MethodNotAllowed, "BREW"},
		{"model", "POST", "/classify?model=resnet", "", jpg, 404, api.UnknownModel, "resnet"},
		{"model is a path", "POST", "/embed?model=../" + small, "", jpg, 404, api.UnknownModel, "../"},
		{"top 0", "POST", "/classify?top=0", "", jpg, 400, api.BadRequest, "top"},
		{"top a word", "POST", "/classify?top=five", "", jpg, 400, api.BadRequest, "top"},
		{"top huge", "POST", "/classify?top=99999999999", "", jpg, 400, api.BadRequest, "top"},
		{"threshold above 1", "POST", "/classify?threshold=50", "", jpg, 400, api.BadRequest, "threshold"},
		{"threshold NaN", "POST", "/classify?threshold=NaN", "", jpg, 400, api.BadRequest, "threshold"},
		{"logits", "POST", "/classify?logits=some", "", jpg, 400, api.BadRequest, "logits"},
		{"width alone", "POST", "/classify?width=3", "", jpg, 400, api.BadRequest, "height"},
		{"negative width", "POST", "/classify?width=-3&height=1", "", jpg, 400, api.BadRequest, "width"},
		{"raw length", "POST", "/classify?width=3&height=2", "", make([]byte, 19), 400, api.BadRequest, "18 (RGB) or 24 (RGBA)"},
		{"raw too large", "POST", "/classify?width=2000000000&height=2000000000", "", make([]byte, 19), 413, api.ImageTooLarge, "2000000000"},
		{"empty", "POST", "/classify", "image/jpeg", nil, 400, api.BadRequest, "empty"},
		{"empty raw", "POST", "/classify?width=1&height=1", "", nil, 400, api.BadRequest, "empty"},
		{"too large", "POST", "/classify", "", make([]byte, maxBody+1), 413, api.BodyTooLarge, "1048576"},
		{"too many pixels", "POST", "/classify", "", pngOf(65535, 65535), 413, api.ImageTooLarge, "65535x65535"},
		{"text", "POST", "/classify", "text/plain", []byte("hello"), 415, api.UnsupportedType, "JPEG, PNG, GIF and WebP"},
		{"page", "POST", "/classify", "", []byte("<!doctype html>"), 415, api.UnsupportedType, "web page"},
		{"HEIC", "POST", "/classify", "image/heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), 415, api.UnsupportedType, "HEIC"},
		{"cut off", "POST", "/classify", "", jpg[:len(jpg)/2], 422, api.DamagedImage, "JPEG"},
		{"cut off in a form", "POST", "/classify", multiType, damaged, 400, api.BadRequest, "multipart"},
		{"PNG without data", "POST", "/embed", "", pngOf(20, 20), 422, api.DamagedImage, "PNG"},
		{"form without end", "POST", "/classify", multiType, multi[:len(multi)-30], 400, api.BadRequest, "multipart"},
		{"form too large", "POST", "/classify", multiType, append(multi[:len(multi)-60:len(multi)-60], make([]byte, maxBody)...), 413, api.BodyTooLarge, "1048576"},
		{"form without file", "POST", "/classify", "multipart/form-data; boundary=x", []byte(noFile), 400, api.BadRequest, "no file"},
		{"form without boundary", "POST", "/classify", "multipart/form-data", multi, 400, api.BadRequest, "multipart"},
		{"form with another boundary", "POST", "/classify", "multipart/form-data; boundary=y", multi, 400, api.BadRequest, "multipart"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, bytes.NewReader(tt.body))
			r.ContentLength = -1
			r.Header.Set("Content-Type", tt.contentType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			checkError(t, w, tt.status, tt.code, tt.text)
			if allow := w.Header().Get("Allow"); (allow != "") != (tt.status == 405) {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
}

func checkError(t *testing.T, w *httptest.ResponseRecorder, status int, code api.Code, text string) {
	t.Helper()
	var got struct{ Error api.Error }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("status %d, %v in %.200s", w.Code, err, w.Body)
	}
	if w.Code != status || got.Error.Code != code || !strings.Contains(got.Error.Message, text) {
		t.Errorf("got %d %+v, want %d %s with %q", w.Code, got.Error, status, code, text)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
}

// TestDeclaredLength refuses by what the request says, before it reads.
func TestDeclaredLength(t *testing.T) {
	r := httptest.NewRequest("POST", "/classify", failing{t})
	r.ContentLength = maxBody + 1
	w := httptest.NewRecorder()
	newHandler(t).ServeHTTP(w, r)
	checkError(t, w, 413, api.BodyTooLarge, "scale")
}

type failing struct{ t *testing.T }

func (f failing) Read([]byte) (int, error) {
	f.t.Error("the body is read")
	return 0, io.EOF
}

// TestBodyError passes a refusal on that the body's reader makes.
func TestBodyError(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   api.Code
	}{
		{&api.Error{Code: api.Busy, Message: "too many"}, 503, api.Busy},
		{errors.New("connection reset"), 400, api.BadRequest},
	}
	for _, tt := range tests {
		body := io.MultiReader(strings.NewReader("abc"), readerFunc(func([]byte) (int, error) { return 0, tt.err }))
		w := httptest.NewRecorder()
		newHandler(t).ServeHTTP(w, httptest.NewRequest("POST", "/classify", body))
		checkError(t, w, tt.status, tt.code, "")
		if retry := w.Header().Get("Retry-After"); (retry == "1") != (tt.code == api.Busy) {
			t.Errorf("Retry-After is %q", retry)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestPanic answers a defect with status 500, and serves on.
func TestPanic(t *testing.T) {
	h := newHandler(t)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/classify", readerFunc(func([]byte) (int, error) { panic("oh no") })))
	checkError(t, w, 500, api.Internal, "oh no")
	if w := do(h, "POST", "/classify", "", apitest.JPEG(t, apitest.Picture(9, 9, 1))); w.Code != 200 {
		t.Errorf("the next request gets %d: %s", w.Code, w.Body)
	}
}

func TestCORS(t *testing.T) {
	tests := []struct {
		name    string
		allowed []string
		origin  string
		want    string // Access-Control-Allow-Origin
		vary    string
	}{
		{"none allowed", nil, "https://a.example", "", ""},
		{"all allowed", []string{"*"}, "https://a.example", "*", ""},
		{"listed", []string{"https://b.example", "https://a.example"}, "https://a.example", "https://a.example", "Origin"},
		{"not listed", []string{"https://b.example"}, "https://a.example", "", "Origin"},
		{"same origin", []string{"https://b.example"}, "", "", "Origin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHandler(t, tt.allowed...)
			for _, method := range []string{"GET", "DELETE", "OPTIONS"} { // an answer, an error, a preflight
				r := httptest.NewRequest(method, "/healthz", nil)
				if tt.origin != "" {
					r.Header.Set("Origin", tt.origin)
				}
				r.Header.Set("Access-Control-Request-Method", "GET")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if got := w.Header().Get("Access-Control-Allow-Origin"); got != tt.want || w.Header().Get("Vary") != tt.vary {
					t.Errorf("%s: allowed origin %q, Vary %q; want %q, %q", method, got, w.Header().Get("Vary"), tt.want, tt.vary)
				}
				if method != "OPTIONS" {
					continue
				}
				if w.Code != http.StatusNoContent || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" || w.Body.Len() > 0 {
					t.Errorf("preflight: %d, Allow %q, body %q", w.Code, w.Header().Get("Allow"), w.Body)
				}
				if methods := w.Header().Get("Access-Control-Allow-Methods"); (methods != "") != (tt.want != "") {
					t.Errorf("preflight allows %q", methods)
				}
			}
		})
	}
}

// TestWants says which requests need a model.
func TestWants(t *testing.T) {
	h := newHandler(t).(*api.Handler)
	tests := []struct{ method, target, want string }{
		{"POST", "/classify", small},
		{"POST", "/embed?model=" + other, other},
		{"POST", "/classify?model=no", ""},
		{"POST", "/classify?top=0", ""},
		{"GET", "/classify", ""},
		{"OPTIONS", "/classify", ""},
		{"GET", "/models", ""},
		{"POST", "/", ""},
	}
	for _, tt := range tests {
		u, err := url.Parse("https://edge.example" + tt.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Wants(tt.method, u); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.method, tt.target, got, tt.want)
		}
	}
}

func TestNewFilesErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := api.NewFiles(dir, ""); err == nil || !strings.Contains(err.Error(), "make weights") {
		t.Errorf("empty folder: %v", err)
	}
	apitest.WriteBlob(t, dir, "b", blobs()[small])
	apitest.WriteBlob(t, dir, "a", blobs()[other])
	if _, err := api.NewFiles(dir, "c"); err == nil || !strings.Contains(err.Error(), "no model c") {
		t.Errorf("missing default: %v", err)
	}
	for first, want := range map[string][]string{"": {"a", "b"}, "a": {"a", "b"}, "b": {"b", "a"}} {
		files, err := api.NewFiles(dir, first)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range files.Models() {
			got = append(got, m.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("default %q: %v, want %v", first, got, want)
		}
	}
	for name, blob := range map[string][]byte{"short": []byte("abc"), "page": []byte("<!doctype html> 404"), "cut": blobs()[small][:1000]} {
		apitest.WriteBlob(t, dir, "bad", blob)
		if _, err := api.NewFiles(dir, ""); err == nil || !strings.Contains(err.Error(), "bad.safetensors") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzServe sends any body in any of the forms: the answer is JSON with a
// sensible status, and the next picture is still classified rightly.
func FuzzServe(f *testing.F) {
	img := apitest.Picture(20, 16, 1)
	jpg := apitest.JPEG(f, img)
	multi, multiType := form(f, "a.jpg", jpg)
	f.Add("", "", jpg)
	f.Add("", "", apitest.PNG(f, img))
	f.Add("", "", apitest.GIF(f, img))
	f.Add("", multiType, multi)
	f.Add("width=20&height=16", "", apitest.RGB(img))
	f.Add("threshold=0.5&top=3&model="+other, "image/jpeg", jpg[:200])
	h := newHandler(f)
	want := do(h, "POST", "/embed", "", jpg).Body.String()
	embedding := func(body string) string {
		before, _, _ := strings.Cut(body, `"milliseconds"`)
		return before
	}
	f.Fuzz(func(t *testing.T, query, contentType string, body []byte) {
		r := httptest.NewRequest("POST", "/classify", bytes.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) || w.Code >= 500 {
			t.Fatalf("%d %.300s", w.Code, w.Body)
		}
		if got := do(h, "POST", "/embed", "", jpg).Body.String(); embedding(got) != embedding(want) {
			t.Errorf("the next picture's answer changed")
		}
	})
}

// TestDecodeLimit refuses what takes more memory to decode than allowed, before it
// is decoded. 0 allows everything.
func TestDecodeLimit(t *testing.T) {
	data := apitest.GIF(t, apitest.Picture(60, 50, 1))
	const need = 60 * 50 * 5 // RGBA, and an index into the palette
	for _, allowed := range []int64{0, need} {
		if _, err := api.Decode(data, api.Limits{Pixels: maxPixels, Decode: allowed}); err != nil {
			t.Errorf("with %d bytes: %v", allowed, err)
		}
	}
	_, err := api.Decode(data, api.Limits{Pixels: maxPixels, Decode: need - 1})
	var e *api.Error
	if !errors.As(err, &e) || e.Code != api.ImageTooLarge || !strings.Contains(e.Message, "60 x 50") {
		t.Errorf("with less: %v", err)
	}
}
