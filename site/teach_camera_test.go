package site_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
)

// TestTeachCamera collects examples from the fake webcam with a button that is held
// by mouse, touch and keyboard, then shows what was taught live.
func TestTeachCamera(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	openTeaching(t, ctx, teachServer(t, f), "Random mobilenet_v3_small")
	do(t, ctx, chromedp.Click(chromedp.CSS(".teach-camera button")), until(`document.querySelector('.teach-camera video').readyState >= 2`))

	// What screen readers are told while a button is held.
	evaluate[bool](t, ctx, `(() => {
		globalThis.spoken = [];
		new MutationObserver(() => spoken.push(document.querySelector('.teach .status').textContent)).observe(document.querySelector('.teach .status'), { childList: true });
		return true;
	})()`)
	type point struct{ X, Y float64 }
	hold := func(card int) point {
		return evaluate[point](t, ctx, fmt.Sprintf(`(() => {
			const button = document.querySelectorAll('.teach-class .hold')[%d];
			button.scrollIntoView({ block: 'center', behavior: 'instant' });
			const { left, top, width, height } = button.getBoundingClientRect();
			return { X: left + width / 2, Y: top + height / 2 };
		})()`, card))
	}
	collected := func(card, n int) chromedp.Action[chromedp.Void] {
		return until(fmt.Sprintf(`parseInt(document.querySelectorAll('.teach-class .count')[%d].textContent) >= %d`, card, n))
	}
	released := until(`document.querySelector('.hold.held') === null`)

	// By mouse: several while it is held, one for a press.
	at := hold(0)
	do(t, ctx, chromedp.MouseEvent(chromedp.MousePressed, at.X, at.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)), collected(0, 4))
	if evaluate[int](t, ctx, `spoken.length`) != 0 {
		t.Error("screen readers are told of every example")
	}
	do(t, ctx, chromedp.MouseEvent(chromedp.MouseReleased, at.X, at.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)), released)
	n := counts(t, ctx)[0]
	if got, want := evaluate[[]string](t, ctx, `spoken`), fmt.Sprintf("%d examples of Class 1 added, %d in all.", n, n); !slices.Equal(got, []string{want}) {
		t.Errorf("screen readers hear %q, want %q", got, want)
	}
	at = hold(0)
	do(t, ctx, chromedp.MouseClickXY(at.X, at.Y), collected(0, n+1), released)
	if got := counts(t, ctx)[0]; got != n+1 {
		t.Errorf("a press took %d examples, want one", got-n)
	}
	// A click without a press, as assistive technology makes it.
	evaluate[bool](t, ctx, `(document.querySelector('.hold').click(), true)`)
	do(t, ctx, collected(0, n+2), released)
	if got := counts(t, ctx); !slices.Equal(got, []int{n + 2, 0}) {
		t.Errorf("after a click: %v", got)
	}

	// By touch.
	at = hold(1)
	touch := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		if _, err := chromedp.Call(ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}); err != nil {
			t.Fatal(err)
		}
	}
	touch(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: at.X, Y: at.Y})
	do(t, ctx, collected(1, 3))
	touch(input.DispatchTouchEventTypeTouchEnd, []*input.TouchPoint{}...)
	do(t, ctx, released)

	// By keyboard, where the key repeats.
	for _, key := range []struct{ key, code string }{{" ", "Space"}, {"Enter", "Enter"}} {
		before := counts(t, ctx)[1]
		do(t, ctx, chromedp.Focus(chromedp.CSS(".teach-class:nth-child(2) .hold")))
		send := func(kind input.DispatchKeyEventType, repeat bool) {
			if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key.key, Code: key.code, AutoRepeat: &repeat}); err != nil {
				t.Fatal(err)
			}
		}
		send(input.DispatchKeyEventTypeKeyDown, false)
		send(input.DispatchKeyEventTypeKeyDown, true)
		do(t, ctx, collected(1, before+3))
		send(input.DispatchKeyEventTypeKeyUp, false)
		do(t, ctx, released)
	}
	last := counts(t, ctx)[1]

	// Live, and the camera taken away while a button is held.
	press(t, ctx, "Train")
	do(t, ctx, trained, asTaught, until(`document.querySelector('.teach-camera .now').textContent.includes('Class ')`))
	if bars := evaluate[[]shownBar](t, ctx, readBars); len(bars) != 2 || !strings.Contains(bars[0].Label, "Class ") {
		t.Errorf("live: %+v", bars)
	}
	at = hold(1)
	do(t, ctx, chromedp.MouseEvent(chromedp.MousePressed, at.X, at.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)), collected(1, last+1))
	evaluate[bool](t, ctx, `(document.getElementById('camera').click(), true)`)
	do(t, ctx, released, until(`document.querySelector('.teach-camera video').hidden`))
	do(t, ctx, chromedp.MouseEvent(chromedp.MouseReleased, at.X, at.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	if problem := evaluate[string](t, ctx, teachProblem); problem != "" {
		t.Errorf("problem %q", problem)
	}
	// More examples than thumbnails are shown at a time.
	addDrawings(t, ctx, 0, "discs", 25, 1)
	if n := evaluate[int](t, ctx, `document.querySelectorAll('.teach-class:first-child .thumbnails li').length`); n != 24 {
		t.Errorf("%d thumbnails", n)
	}
	press(t, ctx, "Earlier")
	if got, want := evaluate[int](t, ctx, `document.querySelectorAll('.teach-class:first-child .thumbnails li').length`), counts(t, ctx)[0]-24; got != want {
		t.Errorf("%d earlier thumbnails, want %d", got, want)
	}
}

// TestTeachNotKept teaches where the browser keeps nothing: its storage is full, or
// there is none.
func TestTeachNotKept(t *testing.T) {
	f := setUp(t)
	for _, tc := range []struct{ name, script, want string }{
		{"full", `{
			const put = IDBObjectStore.prototype.put;
			IDBObjectStore.prototype.put = function (...args) {
				const request = put.apply(this, args);
				const { transaction } = this;
				Object.defineProperty(transaction, 'error', { value: new DOMException('no room', 'QuotaExceededError') });
				transaction.abort();
				request.onerror = (event) => event.preventDefault();
				return request;
			};
		}`, "is full"},
		{"forbidden", `IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }`, "private window"},
		{"missing", `Object.defineProperty(globalThis, 'indexedDB', { get() { throw new ReferenceError('indexedDB is not defined'); } })`, "private window"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := tab(t, f, time.Minute, nil)
			if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: tc.script}); err != nil {
				t.Fatal(err)
			}
			openTeaching(t, ctx, teachServer(t, f), "Random mobilenet_v3_small")
			for i, name := range []string{"discs", "stripes"} {
				addDrawings(t, ctx, i, name, 4, i+1)
			}
			do(t, ctx, until(fmt.Sprintf(`document.querySelector('.teach > .kept').textContent.includes(%q)`, tc.want)))
			press(t, ctx, "Train")
			do(t, ctx, trained, asTaught)
			// Kept for this visit, though another model was used meanwhile.
			choose(t, ctx, "Random mobilenet_v2")
			do(t, ctx, teachReady)
			choose(t, ctx, "Random mobilenet_v3_small")
			do(t, ctx, teachReady, asTaught)
			if got := counts(t, ctx); !slices.Equal(got, []int{4, 4}) {
				t.Errorf("back at the first network: %v", got)
			}
		})
	}
}

// TestTeachModule cancels the training while its module arrives, meets one that is
// missing, and recovers.
func TestTeachModule(t *testing.T) {
	f := setUp(t)
	site := f.handler(static.Handler(filepath.Join(f.dir, "site"), static.Options{}), false)
	arrive := make(chan struct{})
	var missing atomic.Bool
	missing.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/teach.wasm" {
			select {
			case <-arrive:
			case <-r.Context().Done():
				return
			}
			if missing.Load() {
				http.NotFound(w, r)
				return
			}
		}
		site.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx := tab(t, f, time.Minute, func(text string) bool {
		return strings.HasPrefix(text, "network: Failed to load resource") || strings.Contains(text, "integrity")
	})
	openTeaching(t, ctx, server.URL, "Random mobilenet_v3_small")
	for i, name := range []string{"discs", "stripes"} {
		addDrawings(t, ctx, i, name, 3, i+1)
	}
	press(t, ctx, "Train")
	press(t, ctx, "Cancel training")
	told(t, ctx, "Training was cancelled.")
	press(t, ctx, "Train")
	close(arrive)
	complains(t, ctx, "teach.wasm is missing: the server answered 404")
	missing.Store(false)
	press(t, ctx, "Train")
	do(t, ctx, trained, asTaught)

	// A picture that is dropped on a class becomes its example, and is not shown.
	evaluate[bool](t, ctx, `(async () => {
		const { files } = await import('/test/drawings.js');
		const data = new DataTransfer();
		data.items.add((await files('discs', 1, 9))[0]);
		document.querySelector('.teach-class').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));
		return true;
	})()`)
	told(t, ctx, "1 picture added to Class 1, 4 examples in all.")
	if !evaluate[bool](t, ctx, `document.getElementById('picture').hidden`) {
		t.Error("the dropped picture is on the stage")
	}
	drawing, err := filepath.Abs("icon.svg")
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS(".teach-class input[type=file]"), []string{drawing}))
	told(t, ctx, "1 picture added to Class 1, 5 examples in all.")
}
