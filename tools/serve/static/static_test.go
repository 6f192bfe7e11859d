package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func site(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "unpacked text")
	z.Close()
	for name, content := range map[string]string{
		"index.html":         "<!doctype html>",
		"app.js":             "unpacked text",
		"app.js.gz":          packed.String(),
		"kernels/simd.wasm":  "\x00asm\x01\x00\x00\x00",
		"weights/a.unknown":  "0123456789",
		".secret":            "no",
		"folder/.git/config": "no",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A packed form counts only if it is not older than the file.
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "app.js"), past, past); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside.txt")
	if err := os.WriteFile(outside, []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func request(h http.Handler, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "http://site"+target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestAnswers(t *testing.T) {
	h := Handler(site(t), Options{Isolate: true})
	tests := []struct {
		name, method, target string
		header               []string
		status               int
		want                 map[string]string // header fields; "" means absent
		body                 string
	}{
		{"index", "GET", "/", nil, 200, map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}, "<!doctype html>"},
		{"plain", "GET", "/app.js", nil, 200,
			map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Content-Encoding": "", "Vary": "Accept-Encoding"}, "unpacked text"},
		{"gzip", "GET", "/app.js", []string{"Accept-Encoding", "br, gzip;q=0.5"}, 200,
			map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Content-Encoding": "gzip"}, "unpacked text"},
		{"gzip refused", "GET", "/app.js", []string{"Accept-Encoding", "br, gzip; q=0"}, 200, map[string]string{"Content-Encoding": ""}, "unpacked text"},
		{"gzip has no ranges", "GET", "/app.js", []string{"Accept-Encoding", "gzip", "Range", "bytes=2-5"}, 200,
			map[string]string{"Content-Encoding": "gzip", "Content-Range": ""}, "unpacked text"},
		{"range", "GET", "/weights/a.unknown", []string{"Range", "bytes=2-5"}, 206,
			map[string]string{"Content-Type": "application/octet-stream", "Content-Range": "bytes 2-5/10"}, "2345"},
		{"wasm", "GET", "/kernels/simd.wasm", nil, 200, map[string]string{"Content-Type": "application/wasm"}, "\x00asm\x01\x00\x00\x00"},
		{"head", "HEAD", "/app.js", nil, 200, map[string]string{"Content-Length": "13"}, ""},
		{"missing", "GET", "/nothing.wasm", nil, 404, nil, "404 page not found\n"},
		{"hidden", "GET", "/.secret", nil, 404, nil, "404 page not found\n"},
		{"hidden folder", "GET", "/folder/.git/config", nil, 404, nil, "404 page not found\n"},
		{"above", "GET", "/../../etc/passwd", nil, 404, nil, "404 page not found\n"},
		{"link out", "GET", "/link.txt", nil, 404, nil, "404 page not found\n"},
		{"folder", "GET", "/weights", nil, 301, map[string]string{"Location": "/weights/"}, ""},
		{"post", "POST", "/", nil, 405, map[string]string{"Allow": "GET, HEAD"}, "only GET and HEAD\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response := request(h, tt.method, tt.target, tt.header...)
			if response.StatusCode != tt.status {
				t.Errorf("status %d, want %d", response.StatusCode, tt.status)
			}
			for field, want := range tt.want {
				if got := response.Header.Get(field); got != want {
					t.Errorf("%s: %q, want %q", field, got, want)
				}
			}
			var body io.Reader = response.Body
			if response.Header.Get("Content-Encoding") == "gzip" {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(body)
			if err != nil {
				t.Fatal(err)
			}
			if tt.status != 301 && string(got) != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			for _, field := range []string{"Content-Security-Policy", "Cross-Origin-Resource-Policy",
				"Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy", "X-Content-Type-Options"} {
				if response.Header.Get(field) == "" {
					t.Errorf("no %s", field)
				}
			}
		})
	}
}

func TestRevalidation(t *testing.T) {
	dir := site(t)
	h := Handler(dir, Options{})
	for _, encoding := range []string{"identity", "gzip"} {
		tag := request(h, "GET", "/app.js", "Accept-Encoding", encoding).Header.Get("ETag")
		if tag == "" {
			t.Fatalf("%s: no ETag", encoding)
		}
		if got := request(h, "GET", "/app.js", "Accept-Encoding", encoding, "If-None-Match", tag).StatusCode; got != 304 {
			t.Errorf("%s: unchanged file answers %d, want 304", encoding, got)
		}
		if err := os.WriteFile(filepath.Join(dir, "app.js"), []byte("changed text, newer than the packed form"), 0o644); err != nil {
			t.Fatal(err)
		}
		response := request(h, "GET", "/app.js", "Accept-Encoding", encoding, "If-None-Match", tag)
		if body, _ := io.ReadAll(response.Body); response.StatusCode != 200 || !strings.HasPrefix(string(body), "changed") {
			t.Errorf("%s: changed file answers %d %q", encoding, response.StatusCode, body)
		}
	}
}

func TestWithoutIsolation(t *testing.T) {
	response := request(Handler(site(t), Options{}), "GET", "/")
	for _, field := range []string{"Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"} {
		if got := response.Header.Get(field); got != "" {
			t.Errorf("%s: %q, want none", field, got)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, p := range []string{"/", "/a/b.js", "/../x", "//x", "/a/./b/../c", "/%2e%2e/x", "/a\x00b", `/..\x`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		name, ok := fileName(p)
		if !ok {
			return
		}
		if !filepath.IsLocal(name) {
			t.Errorf("fileName(%q) = %q, which leaves the folder", p, name)
		}
		for part := range strings.SplitSeq(filepath.ToSlash(name), "/") {
			if strings.HasPrefix(part, ".") {
				t.Errorf("fileName(%q) = %q, which is hidden", p, name)
			}
		}
	})
}
