package site_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// traceEvent is what a trace says of a task, or of a thread's name.
type traceEvent struct {
	Name string  `json:"name"`
	Pid  int     `json:"pid"`
	Tid  int     `json:"tid"`
	CPU  float64 `json:"tdur"` // microseconds
	Args struct {
		Name string `json:"name"`
	} `json:"args"`
}

// TestPageMainThread runs the camera on the first model of the site: no task of the
// main thread computes for 50 milliseconds. Its own time counts, not that in which
// other programs had the processor.
func TestPageMainThread(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.safe.URL)
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")), framesGo)
	evaluate[bool](t, ctx, countFrames)
	events := trace(t, ctx, 4*time.Second)
	if n := evaluate[int](t, ctx, `frames`); n < 4 {
		t.Fatalf("%d frames", n)
	}
	type thread struct{ pid, tid int }
	main := map[thread]bool{}
	for _, e := range events {
		if e.Name == "thread_name" && e.Args.Name == "CrRendererMain" {
			main[thread{e.Pid, e.Tid}] = true
		}
	}
	tasks, longest := 0, 0.0
	for _, e := range events {
		if main[thread{e.Pid, e.Tid}] && strings.HasSuffix(e.Name, "RunTask") {
			tasks++
			longest = max(longest, e.CPU/1000)
		}
	}
	t.Logf("%d tasks, the longest computed for %.1f ms", tasks, longest)
	if tasks < 100 || longest == 0 || longest > 50 {
		t.Errorf("%d tasks, the longest computed for %.1f ms", tasks, longest)
	}
}

// trace records the browser's tasks for a while.
func trace(t *testing.T, ctx context.Context, d time.Duration) []traceEvent {
	t.Helper()
	var mutex sync.Mutex
	var events []traceEvent
	done := make(chan struct{})
	if err := chromedp.Listen(ctx, func(event any) {
		mutex.Lock()
		defer mutex.Unlock()
		switch e := event.(type) {
		case *tracing.EventDataCollected:
			for _, value := range e.Value {
				var one traceEvent
				if json.Unmarshal(value, &one) == nil { // others have other arguments
					events = append(events, one)
				}
			}
		case *tracing.EventTracingComplete:
			close(done)
		}
	}); err != nil {
		t.Fatal(err)
	}
	config := &tracing.TraceConfig{IncludedCategories: []string{"toplevel", "__metadata"}}
	if _, err := chromedp.Call(ctx, tracing.Start, tracing.StartParams{TraceConfig: config}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Sleep(d))
	if _, err := chromedp.Call(ctx, tracing.End, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("the trace does not end")
	}
	mutex.Lock()
	defer mutex.Unlock()
	return events
}
