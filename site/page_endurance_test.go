package site_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
)

// usage is what a running camera could leave behind.
type usage struct {
	Heap      float64 // bytes of JavaScript on the page, after collection
	Total     float64 `json:"total"` // bytes of page and workers, WebAssembly included
	Frames    int     `json:"frames"`
	Nodes     int64   // of all documents
	Listeners int64
	Resident  float64 // bytes of the browser's page processes, the kernels' memory included
}

// countFrames counts the camera's frames in the global frames, from now on.
const countFrames = `globalThis.frames = 0;
	globalThis.counter?.disconnect();
	globalThis.counter = new MutationObserver(() => frames++);
	counter.observe(document.querySelector('#chart path'), { attributes: true }); true`

// measureUsage needs a page that is isolated and runs on one thread: the browser asks
// every thread for its memory, and helpers never answer as they wait inside
// WebAssembly.
func measureUsage(t *testing.T, ctx context.Context) usage {
	t.Helper()
	u := evaluate[usage](t, ctx, `(async () => {
		gc();
		return { total: (await performance.measureUserAgentSpecificMemory()).bytes, frames };
	})()`)
	u.Heap = heapUsed(t, ctx)
	counters, err := chromedp.Call(ctx, memory.GetDOMCounters, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	u.Nodes, u.Listeners = counters.Nodes, counters.JsEventListeners
	info, err := chromedp.CallBrowser(ctx, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range info.ProcessInfo {
		if process.Type != "renderer" {
			continue
		}
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", process.ID))
		if err != nil {
			continue // ended meanwhile
		}
		var size, resident int
		if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
			t.Fatal(err)
		}
		u.Resident += float64(resident * os.Getpagesize())
	}
	return u
}

// onOneThread opens the page without helper threads and runs the camera.
func onOneThread(t *testing.T, f *fixture, limit time.Duration) context.Context {
	t.Helper()
	ctx := tab(t, f, limit, nil)
	before(t, ctx, `localStorage.setItem('glance.threads', '1'); localStorage.setItem('glance.model', 'small');`)
	do(t, ctx, chromedp.Navigate(f.safe.URL+"/"), untilLoaded, chromedp.Click(chromedp.CSS("#camera")), framesGo)
	evaluate[bool](t, ctx, `localStorage.clear() ?? true`)
	evaluate[bool](t, ctx, countFrames)
	return ctx
}

// frames waits for a number of frames since counting began.
func frames(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	do(t, ctx, until(fmt.Sprintf(`frames >= %d`, n)))
}

// TestPageTwoHundredFrames compares what there is after the first hundred frames
// with what there is after the second. The Go program's collector lets go of
// JavaScript objects in its own time, a few hundred frames, hence the tolerance.
func TestPageTwoHundredFrames(t *testing.T) {
	f := setUp(t)
	ctx := onOneThread(t, f, time.Minute)
	frames(t, ctx, 100)
	first := measureUsage(t, ctx)
	frames(t, ctx, 200)
	second := measureUsage(t, ctx)
	t.Logf("%+v, then %+v", first, second)
	if grown := second.Heap - first.Heap; grown > 1.5e6 {
		t.Errorf("100 frames left %.0f bytes on the JavaScript heap", grown)
	}
	if grown := second.Total - first.Total; grown > 3e6 {
		t.Errorf("100 frames left %.0f bytes in memory", grown)
	}
	if second.Nodes > first.Nodes+20 || second.Listeners > first.Listeners+5 {
		t.Errorf("100 frames left %d nodes and %d listeners", second.Nodes-first.Nodes, second.Listeners-first.Listeners)
	}
}

// TestPageTenMinutes runs the camera for ten minutes and measures every half: the
// mean of the last five minutes may not lie above that of the five before. Frames
// come first that fill the caches of the browser itself. It is
// skipped unless GLANCE_LONG=1.
func TestPageTenMinutes(t *testing.T) {
	if os.Getenv("GLANCE_LONG") == "" {
		t.Skip("takes ten minutes: GLANCE_LONG=1 runs it")
	}
	f := setUp(t)
	ctx := onOneThread(t, f, 25*time.Minute)
	for evaluate[int](t, ctx, `frames`) < 2000 {
		time.Sleep(time.Second)
	}
	const each, count = 30 * time.Second, 20
	var samples []usage
	for range count {
		time.Sleep(each)
		u := measureUsage(t, ctx)
		t.Logf("%+v", u)
		if len(samples) > 0 && u.Frames == samples[len(samples)-1].Frames {
			t.Fatalf("the frames have stopped: %+v", u)
		}
		samples = append(samples, u)
	}
	mean := func(samples []usage, value func(usage) float64) float64 {
		sum := 0.0
		for _, u := range samples {
			sum += value(u)
		}
		return sum / float64(len(samples))
	}
	for _, kind := range []struct {
		name      string
		value     func(usage) float64
		tolerance float64
	}{
		{"bytes on the JavaScript heap", func(u usage) float64 { return u.Heap }, 500e3},
		{"bytes in memory", func(u usage) float64 { return u.Total }, 3e6},
		{"bytes resident", func(u usage) float64 { return u.Resident }, 20e6},
		{"nodes", func(u usage) float64 { return float64(u.Nodes) }, 20},
		{"listeners", func(u usage) float64 { return float64(u.Listeners) }, 5},
	} {
		early, late := mean(samples[:count/2], kind.value), mean(samples[count/2:], kind.value)
		if late > early+kind.tolerance {
			t.Errorf("%s: %.0f in the first five minutes, %.0f in the second", kind.name, early, late)
		}
	}
}

// BenchmarkPageMainThread runs the camera with the first model of the site for ten
// seconds an iteration and reports the page's main thread: how many tasks took
// longer than 50 milliseconds, and the longest.
func BenchmarkPageMainThread(b *testing.B) {
	once.Do(func() { shared, failed = newFixture() })
	if failed != nil {
		b.Fatal(failed)
	}
	ctx, cancel := chromedp.NewContext(shared.browser)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(shared.safe.URL+"/"), untilLoaded, chromedp.Click(chromedp.CSS("#camera")), framesGo, chromedp.Sleep(2*time.Second)); err != nil {
		b.Fatal(err)
	}
	type tasks struct {
		Frames, Long int
		Longest      float64
	}
	var sum tasks
	for b.Loop() {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[tasks](countFrames+`;
			new Promise((resolve) => {
				const durations = [];
				const observer = new PerformanceObserver((list) => durations.push(...list.getEntries().map((entry) => entry.duration)));
				observer.observe({ type: 'longtask' });
				setTimeout(() => {
					observer.disconnect();
					resolve({ Frames: frames, Long: durations.length, Longest: Math.max(0, ...durations) });
				}, 10000);
			})`, chromedp.EvalAwaitPromise))
		if err != nil {
			b.Fatal(err)
		}
		sum.Frames += got.Frames
		sum.Long += got.Long
		sum.Longest = max(sum.Longest, got.Longest)
	}
	b.ReportMetric(float64(sum.Frames)/float64(b.N), "frames/op")
	b.ReportMetric(float64(sum.Long)/float64(b.N), "long-tasks/op")
	b.ReportMetric(sum.Longest, "longest-ms")
}
