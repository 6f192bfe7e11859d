// Package site_test runs the JavaScript API and the page in Chromium.
package site_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
	"glance/tools/site/assemble"
)

// fixture is what all tests share: the built site, its servers, a browser.
type fixture struct {
	dir     string // scratch
	blobs   map[string]blob
	facts   []byte           // for the tests in JavaScript
	worker  []byte           // sw.js, which only the tests of it serve
	open    *httptest.Server // without isolation: one thread
	safe    *httptest.Server // cross-origin isolated: threads
	browser context.Context
	close   []func()
}

var (
	once   sync.Once
	shared *fixture
	failed error
)

// insecureHost is a name that the browser resolves to this machine but does not
// take for it: its pages are not a secure context.
const insecureHost = "glance.test"

// setUp returns the fixture, made by the first test that asks.
func setUp(t testing.TB) *fixture {
	t.Helper()
	once.Do(func() { shared, failed = newFixture() })
	if failed != nil {
		t.Fatal(failed)
	}
	return shared
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		for _, f := range shared.close {
			f()
		}
	}
	os.Exit(code)
}

func newFixture() (*fixture, error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("chromium is missing: apt-get install chromium")
	}
	dir, err := os.MkdirTemp("", "glance-site-test-")
	if err != nil {
		return nil, err
	}
	f := &fixture{dir: dir, close: []func(){func() { os.RemoveAll(dir) }}}
	weights, out := filepath.Join(dir, "weights"), filepath.Join(dir, "site")
	if f.blobs, err = writeBlobs(weights); err != nil {
		return f, err
	}
	if err := writePictures(dir); err != nil {
		return f, err
	}
	if _, err := assemble.Site(assemble.Options{Root: "..", Out: out, Weights: weights}); err != nil {
		return f, err
	}
	worker := filepath.Join(out, "sw.js")
	if f.worker, err = os.ReadFile(worker); err != nil {
		return f, err
	}
	if err := os.Remove(worker); err != nil {
		return f, err
	}
	f.open = httptest.NewServer(f.handler(static.Handler(out, static.Options{}), false))
	f.safe = httptest.NewServer(f.handler(static.Handler(out, static.Options{Isolate: true}), true))
	f.close = append(f.close, f.open.Close, f.safe.Close)

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium),
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP "+insecureHost+" 127.0.0.1"),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", filepath.Join(dir, "camera.mjpeg")),
		chromedp.Flag("enable-precise-memory-info", true),
		chromedp.Flag("js-flags", "--expose-gc"),
		chromedp.Flag("enable-blink-features", "ForceEagerMeasureMemory"), // at once, not when idle
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	f.browser = browser
	f.close = append([]func(){func() {
		if err := chromedp.Cancel(browser); err != nil {
			fmt.Fprintln(os.Stderr, "closing Chromium:", err)
		}
		cancelBrowser()
		cancel()
	}}, f.close...)
	return f, chromedp.Do(browser)
}

// handler adds what tests need beside the site, below /test/.
func (f *fixture) handler(site http.Handler, isolated bool) http.Handler {
	files := http.FileServer(http.Dir("testdata"))
	pictures := http.FileServer(http.Dir(f.dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		name, ok := strings.CutPrefix(r.URL.Path, "/test/")
		if !ok {
			site.ServeHTTP(w, r)
			return
		}
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", static.Policy)
		if isolated {
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		}
		switch first, rest, _ := strings.Cut(name, "/"); first {
		case "html": // what many servers answer instead of a 404
			h.Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><title>Not found</title><p>There is nothing here, but the status says 200.")
		case "copy": // the site below another path
			r.URL.Path = "/" + rest
			site.ServeHTTP(w, r)
		case "plain": // a server that does not know WebAssembly
			h.Set("Content-Type", "text/plain")
			http.ServeFile(w, r, filepath.Join(f.dir, "site", filepath.FromSlash(rest)))
		case "trap.wasm":
			h.Set("Content-Type", "application/wasm")
			w.Write(trapModule())
		case "facts.json":
			h.Set("Content-Type", "application/json")
			w.Write(f.facts)
		case "weights":
			f.serveWeights(w, r, rest)
		case "stalled.png": // a picture whose host does not answer
			<-r.Context().Done()
		case "pictures":
			r.URL.Path = "/" + rest
			pictures.ServeHTTP(w, r)
		default:
			r.URL.Path = "/" + name
			files.ServeHTTP(w, r)
		}
	})
}

// trapModule is a kernel module whose run traps.
func trapModule() []byte {
	section := func(id byte, content ...byte) []byte { return append([]byte{id, byte(len(content))}, content...) }
	export := func(name string, kind, index byte) []byte {
		return append(append([]byte{byte(len(name))}, name...), kind, index)
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, 2, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0), // types of run, and of setup and serve
		section(3, 2, 0, 1),
		section(5, 1, 0, 1), // a page of memory
		section(7, slices.Concat([]byte{4}, export("memory", 2, 0), export("run", 0, 0), export("setup", 0, 1), export("serve", 0, 1))...),
		section(10, 2, 3, 0, 0x00, 0x0b, 2, 0, 0x0b)) // run: unreachable
}

// serveWeights serves a blob in the way the query says.
func (f *fixture) serveWeights(w http.ResponseWriter, r *http.Request, name string) {
	b, ok := f.blobs[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	data := b.bytes
	switch r.URL.Query().Get("as") {
	case "flipped":
		data = append([]byte(nil), data...)
		data[len(data)/2] ^= 1
	case "truncated":
		data = data[:len(data)-100]
	case "longer":
		data = append(append([]byte(nil), data...), 0)
	case "notanumber":
		data = append([]byte(nil), data...)
		copy(data[len(data)-4:], []byte{0, 0, 0xc0, 0x7f})
	case "stale", "stalesize": // a browser keeps what it gets, but for when it asks past its cache
		if r.Header.Get("Cache-Control") == "no-cache" {
			w.Header().Set("X-Fresh", "yes")
		} else if r.URL.Query().Get("as") == "stale" {
			data = append([]byte(nil), data...)
			data[len(data)/2] ^= 1
		} else {
			data = f.blobs["wide"].bytes
		}
		w.Header().Set("Cache-Control", "max-age=3600")
	case "refused":
		panic(http.ErrAbortHandler)
	case "slow": // half of it, then nothing until the client goes away
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	w.Write(data)
}

// tab opens a new tab whose console errors, exceptions and policy violations
// fail the test, unless allow lets a message pass.
func tab(t *testing.T, f *fixture, limit time.Duration, allow func(string) bool) context.Context {
	t.Helper()
	report := func(text string) {
		if strings.HasSuffix(strings.TrimSpace(text), "received when fetching the script.") {
			return // sw.js, which most tests do without
		}
		if allow == nil || !allow(text) {
			t.Errorf("console: %s", text)
		}
	}
	ctx, cancel := chromedp.NewContext(f.browser, chromedp.WithListener(func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			var text []string
			for _, arg := range e.Args {
				text = append(text, arg.Description+string(arg.Value))
			}
			switch e.Type {
			case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
				report(string(e.Type) + ": " + strings.Join(text, " "))
			default:
				t.Logf("console: %s", strings.Join(text, " "))
			}
		case *runtime.EventExceptionThrown:
			text := "exception: " + e.ExceptionDetails.Text
			if thrown := e.ExceptionDetails.Exception; thrown != nil {
				text += " " + thrown.Description
			}
			report(text)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				report(string(e.Entry.Source) + ": " + e.Entry.Text + " " + e.Entry.URL)
			}
		}
	}))
	if err := chromedp.Do(ctx); err != nil { // without the limit, which would end the browser
		cancel()
		t.Fatal(err)
	}
	limited, cancelLimit := context.WithTimeout(ctx, limit)
	t.Cleanup(func() { cancelLimit(); cancel() })
	if _, err := chromedp.Call(limited, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return limited
}

// do runs actions.
func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// evaluate runs JavaScript and decodes what it, or the promise it gives, comes to.
func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%v\nin %s", err, script)
	}
	return value
}
