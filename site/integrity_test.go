package site_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
)

// flipping serves a handler's answers, with one bit of one of them the other way
// round.
type flipping struct {
	http.Handler
	file atomic.Value // the path of that one, or ""
}

func (f *flipping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, _ := f.file.Load().(string); name != r.URL.Path {
		f.Handler.ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	r.Header.Del("If-None-Match")
	r.Header.Del("If-Modified-Since")
	recorded := httptest.NewRecorder()
	f.Handler.ServeHTTP(recorded, r)
	for name, values := range recorded.Header() {
		w.Header()[name] = values
	}
	body := bytes.Clone(recorded.Body.Bytes())
	if len(body) > 0 {
		body[len(body)/2] ^= 1
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(recorded.Code)
	w.Write(body)
}

// TestFlippedByte damages each file that the engine and the page fetch, and
// looks at what they say.
func TestFlippedByte(t *testing.T) {
	f := setUp(t)
	site := &flipping{Handler: f.handler(static.Handler(filepath.Join(f.dir, "site"), static.Options{Isolate: true}), true)}
	server := httptest.NewServer(site)
	defer server.Close()
	ctx := tab(t, f, time.Minute, func(text string) bool {
		// Damaged code may throw anything; start.js reports it.
		return strings.HasPrefix(text, "error: ") || strings.HasPrefix(text, "exception: ") || strings.Contains(text, "favicon.ico") ||
			strings.Contains(text, "Failed to find a valid digest") || strings.Contains(text, "integrity checks failed")
	})

	const load = `import('/glance.js').then(({ load }) => load({ model: 'small', baseURL: '/', %s }))
		.then((classifier) => { classifier.dispose(); return 'no error'; }, ({ code, message }) => code + ': ' + message)`
	engine := []struct{ file, options, code string }{
		{"/engine.wasm", "threads: 1", "engine-integrity"},
		{"/engine-twin.wasm", "backend: 'go'", "engine-integrity"},
		{"/kernels/simd128.wasm", "backend: 'simd128', threads: 1", "engine-integrity"},
		{"/kernels/simd128-threads.wasm", "backend: 'simd128', threads: 2", "engine-integrity"},
		{"/kernels/relaxed.wasm", "backend: 'relaxed', threads: 1", "engine-integrity"},
		{"/kernels/relaxed-threads.wasm", "backend: 'relaxed', threads: 2", "engine-integrity"},
		{"/worker.js", "", "engine-integrity"},
		{"/helper.js", "threads: 2", "engine-integrity"},
		{"/models.json", "", "manifest"},
		{"/weights/small.safetensors", "", "weights-integrity"},
		{"", "", "no error"},
	}
	for _, tt := range engine {
		site.file.Store(tt.file)
		do(t, ctx, chromedp.Navigate(server.URL+"/test/html/"))
		got := evaluate[string](t, ctx, fmt.Sprintf(load, tt.options))
		if !strings.HasPrefix(got, tt.code) || tt.file != "" && !strings.Contains(got, "damaged") {
			t.Errorf("%s flipped: %q, want %s and words that say so", tt.file, got, tt.code)
		}
	}
	// In a worker of the page's own the engine has helpers too.
	const inside = `new Promise((resolve) => {
		const worker = new Worker('/test/inner.js', { type: 'module' });
		worker.onmessage = ({ data }) => { worker.terminate(); resolve(data.error); };
		worker.postMessage({ options: { model: 'small', baseURL: '/', threads: 2 } });
	})`
	site.file.Store("/helper.js")
	if got := evaluate[string](t, ctx, inside); !strings.HasPrefix(got, "engine-integrity") || !strings.Contains(got, "damaged") {
		t.Errorf("/helper.js flipped, in a worker: %q, want engine-integrity and words that say so", got)
	}
	const words = `document.querySelector('main')?.textContent ?? ''`
	for page, files := range map[string][]string{
		"/":              {"/page.js", "/glance.js", "/wasm_exec.js", "/page.wasm", "/worker.js"},
		"/bench.html":    {"/bench.js", "/glance.js", "/wasm_exec.js", "/models.json"},
		"/examples.html": {"/examples.js", "/wasm_exec.js"},
	} {
		for _, file := range files {
			site.file.Store(file)
			do(t, ctx, chromedp.Navigate(server.URL+page))
			_, err := chromedp.Run(ctx, chromedp.Poll[bool](`/damaged/.test(`+words+`)`, chromedp.WithPollingTimeout(5*time.Second)))
			if text := evaluate[string](t, ctx, words); err != nil || !strings.Contains(text, "Reload") {
				t.Errorf("%s flipped: the page says %q, want that it is damaged and what to do", file, text)
			}
		}
	}
}

// TestTooOld opens the pages in a browser that does not know what their modules are
// written in, and in one without WebAssembly.
func TestTooOld(t *testing.T) {
	f := setUp(t)
	site := static.Handler(filepath.Join(f.dir, "site"), static.Options{})
	integrity := regexp.MustCompile(` integrity="[^"]*"`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page.js", "/bench.js", "/examples.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, "syntax of later years;")
		case "/", "/bench.html", "/examples.html":
			r.Header.Del("Accept-Encoding")
			recorded := httptest.NewRecorder()
			site.ServeHTTP(recorded, r)
			w.Header().Set("Content-Type", "text/html")
			w.Write(integrity.ReplaceAll(recorded.Body.Bytes(), nil))
		default:
			site.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	ctx := tab(t, f, time.Minute, func(text string) bool {
		return strings.HasPrefix(text, "error: ") || strings.Contains(text, "preloaded")
	})
	const says = `document.querySelector('main').textContent.includes(%q)`
	for _, page := range []string{"/", "/bench.html", "/examples.html"} {
		do(t, ctx, chromedp.Navigate(server.URL+page), until(fmt.Sprintf(says, "This browser is too old for this page.")))
	}
	before(t, ctx, `delete globalThis.WebAssembly`)
	do(t, ctx, chromedp.Navigate(f.open.URL+"/"), until(fmt.Sprintf(says, "This browser has no WebAssembly")))
	do(t, ctx, chromedp.Navigate(f.open.URL+"/bench.html"), until(`document.getElementById('start')?.disabled === false`),
		chromedp.Click(chromedp.CSS("#start")), until(fmt.Sprintf(says, "This browser has no WebAssembly")))
}

// TestSupportLater loads an engine in the page's own thread where Go's support
// script is missing at first.
func TestSupportLater(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/")
	ctx := tab(t, f, time.Minute, quiet)
	do(t, ctx, chromedp.Navigate(h.address+"manifest.webmanifest"))
	const load = `import('/glance.js').then(({ load }) => load({ model: 'small', worker: false }))
		.then((classifier) => { classifier.dispose(); return 'loaded'; }, ({ code, message }) => code + ': ' + message)`
	h.set("wasm_exec.js", nil)
	if got := evaluate[string](t, ctx, load); !strings.HasPrefix(got, "engine-http: The file wasm_exec.js is missing") {
		t.Errorf("without wasm_exec.js: %q", got)
	}
	h.set("wasm_exec.js", []byte(readText(t, filepath.Join(f.dir, "site", "wasm_exec.js"))))
	if got := evaluate[string](t, ctx, load); got != "loaded" {
		t.Errorf("when wasm_exec.js is there: %q", got)
	}
}
