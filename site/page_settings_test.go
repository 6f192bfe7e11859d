package site_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
)

// set makes a choice in one of the page's choosers and waits until it has been
// followed.
func set(t *testing.T, ctx context.Context, id, value string) {
	t.Helper()
	evaluate[bool](t, ctx, fmt.Sprintf(`(() => {
		const chooser = document.getElementById(%q);
		chooser.value = %q;
		if (chooser.selectedIndex < 0) throw new Error('no such choice');
		return chooser.dispatchEvent(new Event('change'));
	})()`, id, value))
	do(t, ctx, chromedp.Sleep(50*time.Millisecond), untilLoaded)
}

func facts(t *testing.T, ctx context.Context) string {
	t.Helper()
	return evaluate[string](t, ctx, `document.getElementById('facts').textContent`)
}

// TestPageSettings runs every kernel and several numbers of threads on the same
// picture, which stays on the stage, and finds the choices kept at the next visit.
func TestPageSettings(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.safe.URL)
	choose(t, ctx, "Random mobilenet_v3_small")
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), chromedp.Sleep(20*time.Millisecond), answered)
	want := evaluate[[]shownBar](t, ctx, readBars)
	if choices := evaluate[bool](t, ctx, `document.querySelectorAll('#threads option').length === 1 + Math.min(navigator.hardwareConcurrency, 32)`); !choices {
		t.Error("the threads offered are not those of the device")
	}
	for _, tt := range []struct{ id, value, fact string }{
		{"threads", "1", "· 1 thread"},
		{"backend", "simd128", "· SIMD · 1 thread"},
		{"backend", "go", "· Go, no SIMD (slow) · 1 thread"},
		{"backend", "relaxed", "· relaxed SIMD · 1 thread"},
	} {
		set(t, ctx, tt.id, tt.value)
		do(t, ctx, answered)
		if got := facts(t, ctx); !strings.HasSuffix(got, tt.fact) {
			t.Errorf("%s %s: %q, want %q in it", tt.id, tt.value, got, tt.fact)
		}
		bars := evaluate[[]shownBar](t, ctx, readBars)
		for i, bar := range bars {
			if bar.Label != want[i].Label || math.Abs(bar.Probability-want[i].Probability) > 1e-3 {
				t.Errorf("%s %s: %+v, want %+v", tt.id, tt.value, bar, want[i])
			}
		}
		if gone := evaluate[bool](t, ctx, `document.getElementById('picture').hidden`); gone {
			t.Errorf("%s %s: the picture is gone", tt.id, tt.value)
		}
	}

	do(t, ctx, chromedp.Navigate(f.safe.URL+"/"), untilLoaded)
	kept := evaluate[string](t, ctx, `['model', 'threads', 'backend'].map((id) => document.getElementById(id).value).join()`)
	if kept != "small,1,relaxed" || !strings.HasSuffix(facts(t, ctx), "· relaxed SIMD · 1 thread") {
		t.Errorf("at the next visit: %s, %s", kept, facts(t, ctx))
	}
	evaluate[bool](t, ctx, `localStorage.clear() ?? true`)

	models := evaluate[[]string](t, ctx, `[...document.querySelectorAll('#models li')].map((line) => line.textContent)`)
	if len(models) != len(f.blobs) {
		t.Fatalf("%d models are described, there are %d", len(models), len(f.blobs))
	}
	for _, text := range models {
		if !strings.Contains(text, "MB · ") || !strings.Contains(text, "accuracy not published") {
			t.Errorf("model %q", text)
		}
		if _, trained := f.blobs[nsfwjs]; trained && strings.Contains(text, "NSFWJS") && !strings.Contains(text, "Licence: MIT") {
			t.Errorf("model %q has no licence", text)
		}
	}
}

// TestPageWithoutIsolation says why there is one thread, and goes on where storage
// is switched off.
func TestPageWithoutIsolation(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	before(t, ctx, `Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });`)
	do(t, ctx, chromedp.Navigate(f.open.URL), untilLoaded)
	state := evaluate[string](t, ctx, `[document.getElementById('threads').disabled, document.getElementById('threads-note').textContent].join()`)
	if !strings.HasPrefix(state, "true,One thread") || !strings.Contains(state, "Cross-Origin-Embedder-Policy") {
		t.Errorf("threads: %s", state)
	}
	set(t, ctx, "backend", "simd128")
	if got := facts(t, ctx); !strings.HasSuffix(got, "· SIMD · 1 thread") {
		t.Errorf("after choosing SIMD: %s", got)
	}
}

// TestPageOffline loses the network before the list of models is there and again
// before the weights are. Events come twice, and settings that change before the list
// is there are followed later.
func TestPageOffline(t *testing.T) {
	f := setUp(t)
	var offline, weightless atomic.Bool
	offline.Store(true)
	weightless.Store(true)
	list := make(chan struct{}) // closed to let the list through
	asked := make(chan struct{}, 10)
	site := static.Handler(filepath.Join(f.dir, "site"), static.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		manifest := r.URL.Path == "/models.json"
		if manifest && offline.Load() || weightless.Load() && strings.HasPrefix(r.URL.Path, "/weights/") {
			panic(http.ErrAbortHandler)
		}
		if manifest {
			asked <- struct{}{}
			<-list
		}
		site.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close) // after the tab, whose request may hang
	ctx := tab(t, f, time.Minute, func(text string) bool { return strings.HasPrefix(text, "network: Failed to load resource") })
	before(t, ctx, `globalThis.online = false; Object.defineProperty(Navigator.prototype, 'onLine', { get: () => online });`)
	told := func() {
		t.Helper()
		if text := noticed(t, ctx); !strings.HasPrefix(text, "You are offline and this model has not been fetched yet.") {
			t.Errorf("notice %q", text)
		}
	}
	do(t, ctx, chromedp.Navigate(server.URL))
	told()
	offline.Store(false)
	evaluate[bool](t, ctx, `(() => {
		online = true;
		dispatchEvent(new Event('online'));
		dispatchEvent(new Event('online'));
		for (const [id, value] of [['threads', 'auto'], ['backend', 'simd128']]) {
			const chooser = document.getElementById(id);
			chooser.value = value;
			chooser.dispatchEvent(new Event('change'));
		}
		return true;
	})()`)
	select {
	case <-asked:
	case <-ctx.Done():
		t.Fatal("the list of models was not asked for again")
	}
	evaluate[bool](t, ctx, `(online = false) || true`)
	close(list)
	told()
	weightless.Store(false)
	evaluate[bool](t, ctx, `(online = true) && dispatchEvent(new Event('online'))`)
	do(t, ctx, untilLoaded, until(`document.getElementById('notice').hidden`))
	if got := facts(t, ctx); !strings.HasSuffix(got, "· SIMD · 1 thread") {
		t.Errorf("runs %s", got)
	}
	if n := evaluate[int](t, ctx, `document.getElementById('model').length`); n != len(f.blobs) {
		t.Errorf("%d models to choose from, there are %d", n, len(f.blobs))
	}
}

// TestPageSavesData fetches no weights before a picture where the visitor saves data,
// and fetches them for one that was opened before the list of models was there.
func TestPageSavesData(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	const savesData = `Object.defineProperty(Navigator.prototype, 'connection', { value: { saveData: true } });`
	before(t, ctx, savesData)
	do(t, ctx, chromedp.Navigate(f.open.URL), until(`document.getElementById('hint')?.textContent.startsWith('This device saves data')`))
	fetched := `performance.getEntriesByType('resource').some(({ name }) => name.includes('/weights/'))`
	if evaluate[bool](t, ctx, fetched) || !evaluate[bool](t, ctx, `document.getElementById('loading').hidden`) {
		t.Error("the weights were fetched")
	}
	open := func(files ...string) chromedp.Action[chromedp.Void] {
		return chromedp.SetUploadFiles(chromedp.CSS("#file"), files)
	}
	photo := filepath.Join(f.dir, photoPNG)
	do(t, ctx, open(photo), untilLoaded, answered)

	list := make(chan struct{}) // closed to let the list through
	site := static.Handler(filepath.Join(f.dir, "site"), static.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/models.json" {
			<-list
		}
		site.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx = tab(t, f, time.Minute, nil)
	before(t, ctx, savesData)
	do(t, ctx, chromedp.Navigate(server.URL), until(`document.getElementById('backend')?.length > 0`), open(photo, photo),
		until(`!document.getElementById('gallery').hidden`))
	if progress := evaluate[string](t, ctx, `document.getElementById('gallery-progress').textContent`); progress != "0 of 2" {
		t.Errorf("before there is a model, %q are done", progress)
	}
	close(list)
	do(t, ctx, untilLoaded, answered)
}

// TestPageBars holds the bars' order in the document to the one on the screen while
// the camera runs, and lets nothing move for those who want no motion.
func TestPageBars(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.open.URL)
	choose(t, ctx, "Random mobilenet_v3_small")
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")), framesGo)
	if wrong := evaluate[[]string](t, ctx, `new Promise((resolve) => {
		const wrong = [];
		let frames = 0;
		const observer = new MutationObserver(() => {
			const lines = [...document.querySelectorAll('#bars li')];
			const ranks = lines.map((line) => line.style.getPropertyValue('--rank')).join();
			const labels = new Set(lines.map((line) => line.querySelector('.label').textContent));
			if (ranks !== '0,1,2,3,4' || labels.size !== 5) wrong.push(ranks + ' ' + [...labels].join());
			if (++frames === 40) { observer.disconnect(); resolve(wrong); }
		});
		observer.observe(document.querySelector('#chart path'), { attributes: true });
	})`); len(wrong) > 0 {
		t.Errorf("bars out of order: %q", wrong)
	}
	durations := `[...document.querySelectorAll('#bars li:first-child, #bars .fill, #stage, progress')].map((e) => getComputedStyle(e).transitionDuration + getComputedStyle(e).animationName)`
	if moving := evaluate[bool](t, ctx, durations+`.some((d) => d.startsWith('0.'))`); !moving {
		t.Error("the bars do not move smoothly")
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	if still := evaluate[bool](t, ctx, durations+`.every((d) => d === '0snone')`); !still {
		t.Errorf("with reduced motion: %q", evaluate[[]string](t, ctx, durations))
	}
}

// TestPageKeepsItsLayout loads the page, shows a sample and runs the camera: hardly
// anything may move meanwhile. The figure is the sum of Chromium's layout shifts
// (Layout Instability, a draft of the WICG), of which 0.1 is called good.
func TestPageKeepsItsLayout(t *testing.T) {
	f := setUp(t)
	for _, screen := range screens {
		ctx := tab(t, f, time.Minute, nil)
		emulate(t, ctx, screen.width, screen.height, screen.phone, "light")
		before(t, ctx, `globalThis.shifts = [];
			new PerformanceObserver((list) => {
				for (const { value, sources } of list.getEntries()) shifts.push({ value, names: sources.map(({ node }) => node?.id || node?.className || node?.nodeName).join() });
			}).observe({ type: 'layout-shift', buffered: true });`)
		do(t, ctx, chromedp.Navigate(f.safe.URL+"/"), untilLoaded)
		evaluate[bool](t, ctx, `document.querySelector('#samples button').click() ?? true`)
		do(t, ctx, until(`!document.getElementById('picture').hidden`), answered)
		evaluate[bool](t, ctx, `document.getElementById('camera').click() ?? true`)
		do(t, ctx, framesGo, chromedp.Sleep(300*time.Millisecond))
		sum := 0.0
		shifts := evaluate[[]struct {
			Value float64 `json:"value"`
			Names string  `json:"names"`
		}](t, ctx, `shifts`)
		for _, shift := range shifts {
			sum += shift.Value
		}
		if sum > 0.02 {
			t.Errorf("%s: the layout shifts by %.4f: %+v", screen.name, sum, shifts)
		}
	}
}
