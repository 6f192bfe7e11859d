package site_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
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

// BenchmarkVisit measures a first visit, with nothing in the browser's caches,
// and a repeated one; it logs what the first one fetched before its prediction.
//
//	go test ./site -run '^$' -bench Visit -benchtime 10x
func BenchmarkVisit(b *testing.B) {
	f := setUp(b)
	blobs, out := filepath.Join("..", "weights"), filepath.Join(b.TempDir(), "site")
	if _, err := os.Stat(filepath.Join(blobs, nsfwjs+".safetensors")); err != nil {
		blobs = filepath.Join(f.dir, "weights")
	}
	if _, err := assemble.Site(assemble.Options{Root: "..", Out: out, Weights: blobs, Compress: true}); err != nil {
		b.Fatal(err)
	}
	site := static.Handler(out, static.Options{Isolate: true})
	var mutex sync.Mutex
	fetched := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counting := &countingWriter{ResponseWriter: w}
		site.ServeHTTP(counting, r)
		mutex.Lock()
		defer mutex.Unlock()
		fetched[r.URL.Path] += counting.bytes
	}))
	defer server.Close()
	picture, err := os.ReadFile(filepath.Join(f.dir, photoPNG))
	if err != nil {
		b.Fatal(err)
	}
	script := strings.Replace(pasteWhenReady, "%s", base64.StdEncoding.EncodeToString(picture), 1)

	visit := func(ctx context.Context) visitFacts {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
			b.Fatal(err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`'visitFacts' in globalThis`)); err != nil {
			b.Fatal(err)
		}
		facts, err := chromedp.Run(ctx, chromedp.Evaluate[visitFacts](`visitFacts`))
		if err != nil {
			b.Fatal(err)
		}
		return facts
	}
	var first, again []visitFacts
	var list map[string]int
	for range b.N {
		ctx, cancel := chromedp.NewContext(f.browser, chromedp.WithNewBrowserContext())
		if err := chromedp.Do(ctx); err != nil {
			b.Fatal(err)
		}
		if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
			b.Fatal(err)
		}
		mutex.Lock()
		clear(fetched)
		mutex.Unlock()
		first = append(first, visit(ctx))
		mutex.Lock()
		list = maps.Clone(fetched)
		mutex.Unlock()
		time.Sleep(3 * time.Second)
		again = append(again, visit(ctx))
		cancel()
	}
	for name, facts := range map[string][]visitFacts{"first": first, "again": again} {
		b.ReportMetric(medianOf(facts, func(v visitFacts) float64 { return v.Paint }), name+"-paint-ms")
		b.ReportMetric(medianOf(facts, func(v visitFacts) float64 { return v.Ready }), name+"-ready-ms")
		b.ReportMetric(medianOf(facts, func(v visitFacts) float64 { return v.Prediction }), name+"-prediction-ms")
	}
	b.ReportMetric(0, "ns/op")
	var text bytes.Buffer
	total := 0
	for _, name := range slices.SortedFunc(maps.Keys(list), func(x, y string) int { return cmp.Compare(list[y], list[x]) }) {
		fmt.Fprintf(&text, "\n%9d  %s", list[name], name)
		total += list[name]
	}
	b.Logf("bytes before the first prediction, as sent: %d%s", total, text.String())
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
