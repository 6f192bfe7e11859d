package site_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
)

// plainHost serves the site as the simplest of static hosts does: right media
// types, no other headers, below a path.
type plainHost struct {
	*httptest.Server
	address string // of the page
	strict  bool   // whether it sends a Content-Security-Policy after all

	mutex   sync.Mutex
	down    bool              // whether it answers nothing
	changed map[string][]byte // files other than those of the build, by path; nil is missing
}

func newPlainHost(t *testing.T, f *fixture, path string) *plainHost {
	h := &plainHost{changed: map[string][]byte{"sw.js": f.worker}}
	site := http.StripPrefix(path, http.FileServer(http.Dir(filepath.Join(f.dir, "site"))))
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, path)
		if name == "" {
			name = "index.html"
		}
		h.mutex.Lock()
		content, changed := h.changed[name]
		down := h.down
		h.mutex.Unlock()
		if h.strict {
			w.Header().Set("Content-Security-Policy", static.Policy)
		}
		switch {
		case down:
			panic(http.ErrAbortHandler)
		case changed && content == nil, name == "favicon.ico":
			http.NotFound(w, r)
		case changed:
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
		default:
			site.ServeHTTP(w, r)
		}
	}))
	h.address = h.URL + path
	t.Cleanup(h.Close)
	return h
}

// set changes a file; nil makes it missing.
func (h *plainHost) set(name string, content []byte) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.changed[name] = content
}

// stop ends all answers.
func (h *plainHost) stop() {
	h.mutex.Lock()
	h.down = true
	h.mutex.Unlock()
	h.CloseClientConnections()
}

// quiet lets pass what the browser says of requests that are meant to fail.
func quiet(text string) bool {
	return strings.HasPrefix(text, "network: Failed to load resource")
}

// eventually waits for a condition, which may be a promise, as nobody does who uses
// the page: chromedp's own polling counts as a click. Navigations may happen meanwhile.
func eventually(condition string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for range 400 {
			if ok, err := chromedp.Evaluate[bool](condition, chromedp.EvalAwaitPromise)(ctx, target); ok && err == nil {
				return chromedp.Void{}, nil
			}
			if _, err := chromedp.Sleep(50*time.Millisecond)(ctx, target); err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, fmt.Errorf("waited for 20 seconds and more: %s", condition)
	}
}

// ready is whether the page has a model.
const ready = `document.getElementById('facts')?.textContent !== '' && document.getElementById('loading').hidden`

// kept is how many models are kept.
const kept = `caches.open('glance-weights').then((cache) => cache.keys()).then((keys) => keys.length)`

// firstVisit opens the page and waits until it needs no network any more.
func firstVisit(t *testing.T, f *fixture, h *plainHost) context.Context {
	t.Helper()
	ctx := tab(t, f, 90*time.Second, quiet)
	do(t, ctx, chromedp.Navigate(h.address), eventually(ready), eventually(`Boolean(navigator.serviceWorker.controller)`), eventually(kept+`.then((n) => n > 0)`))
	return ctx
}

// classifyPhoto chooses a picture and waits for its bars.
func classifyPhoto(t *testing.T, ctx context.Context, f *fixture) {
	t.Helper()
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), chromedp.Sleep(20*time.Millisecond), answered)
}

func TestInstallable(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/some/repo/")
	h.strict = true // the worker's script obeys it, too
	ctx := firstVisit(t, f, h)
	found, err := chromedp.Call(ctx, page.GetInstallabilityErrors, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range found.InstallabilityErrors {
		t.Errorf("not installable: %s %v", problem.ErrorID, problem.ErrorArguments)
	}
	manifest, err := chromedp.Call(ctx, page.GetAppManifest, page.GetAppManifestParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range manifest.Errors {
		t.Errorf("manifest.webmanifest:%d: %s", problem.Line, problem.Message)
	}
	if app, err := chromedp.Call(ctx, page.GetAppID, cdp.Empty{}); err != nil || app.AppID != h.address {
		t.Errorf("the app is %q (%v), want %q: another one than those of other paths", app.AppID, err, h.address)
	}
	for name, size := range map[string]int{"icon-192": 192, "icon-512": 512, "maskable-512": 512, "touch-180": 180} {
		b, err := os.ReadFile(filepath.Join(f.dir, "site", "icons", name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := png.DecodeConfig(bytes.NewReader(b)); err != nil || c.Width != size || c.Height != size {
			t.Errorf("%s.png: %dx%d, error %v", name, c.Width, c.Height, err)
		}
	}
}

// TestOffline visits the page on a host that sends no headers, below a path, and
// then cuts the network: first in the browser, then by stopping the host.
func TestOffline(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/some/repo/")
	ctx := firstVisit(t, f, h)
	do(t, ctx, eventually(`crossOriginIsolated`), untilLoaded) // the page has reloaded itself for its threads, as nobody had used it
	choose(t, ctx, "Random mobilenet_v3_small")
	do(t, ctx, eventually(kept+`.then((n) => n === 2)`))

	use := func(how, bench string) {
		t.Helper()
		do(t, ctx, chromedp.Navigate(h.address+"?from=bookmark"), untilLoaded)
		if !evaluate[bool](t, ctx, `crossOriginIsolated`) {
			t.Errorf("%s: the page has no threads", how)
		}
		for _, title := range []string{"NSFWJS", "Random mobilenet_v3_small"} {
			if _, there := f.blobs[nsfwjs]; !there && title == "NSFWJS" {
				title = "Random mobilenet_v2"
			}
			choose(t, ctx, title)
			classifyPhoto(t, ctx, f)
		}
		do(t, ctx, chromedp.Navigate(h.address+bench), until(`!document.getElementById('start')?.disabled`),
			chromedp.Click(chromedp.ID("start")), until(`document.getElementById('engine-rows').rows.length > 0`),
			chromedp.Click(chromedp.ID("cancel")), until(`document.getElementById('status').textContent === 'Cancelled.'`))
	}
	offline := func(on bool) {
		t.Helper()
		none := &network.Conditions{Offline: on, DownloadThroughput: -1, UploadThroughput: -1}
		if _, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			EmulateOfflineServiceWorker: &on, MatchedNetworkConditions: []*network.Conditions{none},
		}); err != nil {
			t.Fatal(err)
		}
	}
	offline(true)
	if evaluate[bool](t, ctx, `fetch('elsewhere', { cache: 'no-store' }).then(() => true, () => false)`) {
		t.Error("the browser still reaches the host")
	}
	use("network cut", "bench.html")
	offline(false)
	h.stop()
	use("host stopped", "bench") // as some hosts call it
	if lost := evaluate[string](t, ctx, `Promise.all(['teach.wasm', 'teach-worker.js', 'samples/alp.jpg', 'examples.html', 'kernels/simd128.wasm', 'manifest.webmanifest']
		.map((file) => fetch(file).then(({ ok }) => ok ? '' : file, () => file))).then((lost) => lost.join(''))`); lost != "" {
		t.Errorf("offline there is no %s", lost)
	}
}

// TestIsolation looks at how the page comes to its threads where the host sends no
// headers: by one reload at most, and not once somebody uses it.
func TestIsolation(t *testing.T) {
	f := setUp(t)
	state := `[crossOriginIsolated, performance.getEntriesByType('navigation')[0].type].join()`
	t.Run("reloads once", func(t *testing.T) {
		h := newPlainHost(t, f, "/")
		ctx := firstVisit(t, f, h)
		do(t, ctx, eventually(`crossOriginIsolated && `+ready), chromedp.Sleep(2*time.Second))
		if got := evaluate[string](t, ctx, state); got != "true,reload" {
			t.Errorf("after the first visit: %s, want true,reload", got)
		}
		if !evaluate[bool](t, ctx, `performance.now() > 1500`) {
			t.Error("the page goes on reloading")
		}
		do(t, ctx, chromedp.Navigate(h.address+"?isolate=off"), eventually(ready), chromedp.Sleep(1500*time.Millisecond))
		if got := evaluate[string](t, ctx, state); got != "false,navigate" {
			t.Errorf("with isolate=off: %s, want false,navigate", got)
		}
	})
	t.Run("keeps a picture", func(t *testing.T) {
		h := newPlainHost(t, f, "/")
		ctx := tab(t, f, 90*time.Second, quiet)
		do(t, ctx, chromedp.Navigate(h.address), eventually(ready))
		classifyPhoto(t, ctx, f)
		do(t, ctx, eventually(`Boolean(navigator.serviceWorker.controller)`), chromedp.Sleep(500*time.Millisecond))
		if got := evaluate[string](t, ctx, state+` + document.getElementById('empty').hidden`); got != "false,navigatetrue" {
			t.Errorf("the page with a picture: %s, want it left alone", got)
		}
	})
}
