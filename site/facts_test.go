package site_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
	"glance/tools/site/assemble"
)

// visitFacts is what a visit to the page came to, in milliseconds from the start
// of the navigation.
type visitFacts struct {
	Paint      float64 `json:"paint"`      // first contentful paint
	Ready      float64 `json:"ready"`      // the model can be used
	Prediction float64 `json:"prediction"` // a picture pasted then has its answer on the page
}

// pasteWhenReady pastes a picture as soon as a model is there and leaves what
// was measured in the global visitFacts.
const pasteWhenReady = `addEventListener('DOMContentLoaded', () => {
	const picture = Uint8Array.from(atob('%s'), (c) => c.charCodeAt(0));
	const file = new File([picture], 'photo.png', { type: 'image/png' });
	let ready = 0;
	const look = () => {
		if (!ready && document.getElementById('loading').hidden && document.getElementById('facts').textContent) {
			ready = performance.now();
			const data = new DataTransfer();
			data.items.add(file);
			dispatchEvent(new ClipboardEvent('paste', { bubbles: true, clipboardData: data }));
		}
		if (ready && !document.getElementById('bars').hidden) {
			observer.disconnect();
			const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
			globalThis.visitFacts = { paint, ready, prediction: performance.now() };
		}
	};
	const observer = new MutationObserver(look);
	observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
});`

var latency = flag.Duration("latency", 0, "how long the host of BenchmarkVisit waits before each answer")

// BenchmarkVisit measures a first visit, with nothing in the browser's caches, and
// a repeated one, with a service worker and, in turn, without. It prints what
// the first one fetched before its prediction.
//
//	go test ./site -run '^$' -bench Visit -benchtime 10x [-latency 40ms]
func BenchmarkVisit(b *testing.B) {
	f := setUp(b)
	blobs, out := filepath.Join("..", "weights"), filepath.Join(b.TempDir(), "site")
	if _, err := os.Stat(filepath.Join(blobs, nsfwjs+".safetensors")); err != nil {
		blobs = filepath.Join(f.dir, "weights")
	}
	if _, err := assemble.Site(assemble.Options{Root: "..", Out: out, Weights: blobs, Compress: true}); err != nil {
		b.Fatal(err)
	}
	picture, err := os.ReadFile(filepath.Join(f.dir, photoPNG))
	if err != nil {
		b.Fatal(err)
	}
	script := strings.Replace(pasteWhenReady, "%s", base64.StdEncoding.EncodeToString(picture), 1)

	hosts := map[string]*countingHost{"": newCountingHost(b, out, true), "-no-worker": newCountingHost(b, out, false)}
	visits := map[string][]visitFacts{}
	var list map[string]int
	for range b.N {
		for suffix, h := range hosts {
			ctx, cancel := chromedp.NewContext(f.browser, chromedp.WithNewBrowserContext())
			if err := chromedp.Do(ctx); err != nil {
				b.Fatal(err)
			}
			if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
				b.Fatal(err)
			}
			h.take()
			visits["first"+suffix] = append(visits["first"+suffix], visit(b, ctx, h.URL))
			if suffix == "" {
				list = h.take()
				if err := chromedp.Do(ctx, eventually(`Boolean(navigator.serviceWorker.controller)`)); err != nil {
					b.Fatal(err)
				}
			}
			time.Sleep(3 * time.Second)
			visits["again"+suffix] = append(visits["again"+suffix], visit(b, ctx, h.URL))
			cancel()
		}
	}
	for name, facts := range visits {
		b.ReportMetric(medianOf(facts, func(v visitFacts) float64 { return v.Paint }), name+"-paint-ms")
		b.ReportMetric(medianOf(facts, func(v visitFacts) float64 { return v.Ready }), name+"-ready-ms")
		b.ReportMetric(medianOf(facts, func(v visitFacts) float64 { return v.Prediction }), name+"-prediction-ms")
	}
	b.ReportMetric(0, "ns/op")
	var text strings.Builder
	total := 0
	for _, name := range slices.SortedFunc(maps.Keys(list), func(x, y string) int { return cmp.Compare(list[y], list[x]) }) {
		fmt.Fprintf(&text, "\n%9d  %s", list[name], name)
		total += list[name]
	}
	fmt.Fprintf(os.Stderr, "bytes before the first prediction, as sent: %d%s\n", total, text.String())
}

// visit opens the page and waits until its picture is answered.
func visit(b *testing.B, ctx context.Context, url string) visitFacts {
	b.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"), eventually(`'visitFacts' in globalThis`)); err != nil {
		b.Fatal(err)
	}
	facts, err := chromedp.Run(ctx, chromedp.Evaluate[visitFacts](`visitFacts`))
	if err != nil {
		b.Fatal(err)
	}
	return facts
}

// countingHost serves a site and counts the bytes of its answers.
type countingHost struct {
	*httptest.Server
	mutex sync.Mutex
	sent  map[string]int // by path
}

func newCountingHost(b *testing.B, dir string, worker bool) *countingHost {
	h := &countingHost{sent: map[string]int{}}
	site := static.Handler(dir, static.Options{Isolate: true})
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sw.js" && !worker {
			http.NotFound(w, r)
			return
		}
		time.Sleep(*latency)
		counting := &countingWriter{ResponseWriter: w}
		site.ServeHTTP(counting, r)
		h.mutex.Lock()
		defer h.mutex.Unlock()
		h.sent[r.URL.Path] += counting.bytes
	}))
	b.Cleanup(h.Close)
	return h
}

// take returns the counts and begins anew.
func (h *countingHost) take() map[string]int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	sent := h.sent
	h.sent = map[string]int{}
	return sent
}

func medianOf(visits []visitFacts, value func(visitFacts) float64) float64 {
	values := []float64{}
	for _, v := range visits {
		values = append(values, value(v))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// countingWriter counts the bytes of a body.
type countingWriter struct {
	http.ResponseWriter
	bytes int
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += n
	return n, err
}
