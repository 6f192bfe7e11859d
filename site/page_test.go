package site_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
)

// shownBar is a line of the result as the page shows it.
type shownBar struct {
	Label       string  `json:"label"`
	Percent     string  `json:"percent"`
	Probability float64 `json:"probability"` // the bar's length
}

const readBars = `[...document.querySelectorAll('#bars li:not([hidden])')].map((li) => ({
	label: li.querySelector('.label').textContent,
	percent: li.querySelector('.percent').textContent,
	probability: Number(/scaleX\((.*)\)/.exec(li.querySelector('.fill').style.transform)[1]),
}))`

// openPage loads the page of a server and waits until it has a model.
func openPage(t *testing.T, f *fixture, server string) context.Context {
	t.Helper()
	ctx := tab(t, f, time.Minute, nil)
	do(t, ctx, chromedp.Navigate(server+"/"), untilLoaded)
	return ctx
}

var untilLoaded = until(`document.getElementById('facts')?.textContent !== '' && document.getElementById('loading').hidden`)

// until waits for a condition in JavaScript.
func until(condition string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool](condition)(ctx, target)
		return chromedp.Void{}, err
	}
}

// answered waits for the answer to the picture that was shown last.
var answered = until(`document.getElementById('results').getAttribute('aria-busy') === 'false' && !document.getElementById('bars').hidden`)

// choose picks the model whose title contains the text.
func choose(t *testing.T, ctx context.Context, title string) {
	t.Helper()
	evaluate[bool](t, ctx, fmt.Sprintf(`(() => {
		const select = document.getElementById('model');
		const i = [...select.options].findIndex((option) => option.textContent.includes(%q));
		if (i < 0) throw new Error('no such model');
		if (i !== select.selectedIndex) {
			select.selectedIndex = i;
			select.dispatchEvent(new Event('change'));
		}
		return true;
	})()`, title))
	do(t, ctx, chromedp.Sleep(50*time.Millisecond), untilLoaded)
}

func TestPageClassifiesChosenPicture(t *testing.T) {
	f := setUp(t)
	titles := map[string]string{"small": "Random mobilenet_v3_small", "wide": "Random mobilenet_v2", nsfwjs: "NSFWJS"}
	for _, server := range []*httptest.Server{f.safe, f.open} {
		ctx := openPage(t, f, server.URL)
		for model, b := range f.blobs {
			choose(t, ctx, titles[model])
			for _, name := range []string{photoPNG, turnedJPG} {
				do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, name)}), chromedp.Sleep(20*time.Millisecond), answered)
				bars := evaluate[[]shownBar](t, ctx, readBars)
				want := native(t, b, filepath.Join(f.dir, name))
				if len(bars) != min(5, len(want.Labels)) {
					t.Fatalf("%s, %s: %d bars for %d classes", model, name, len(bars), len(want.Labels))
				}
				for i, bar := range bars {
					class := slices.Index(want.Labels, bar.Label)
					if class < 0 {
						t.Fatalf("%s, %s: class %q is none of the model's", model, name, bar.Label)
					}
					probability := float64(want.Probabilities[class])
					if i == 0 && want.Probabilities[class] != slices.Max(want.Probabilities) {
						t.Errorf("%s, %s: top-1 %q, natively it is another", model, name, bar.Label)
					}
					tolerance := 1e-3
					if name == turnedJPG { // browsers turn YCbCr into RGB with other roundings
						tolerance = 5e-3
					}
					if math.Abs(bar.Probability-probability) > tolerance {
						t.Errorf("%s, %s: %s has probability %.4f, natively %.4f", model, name, bar.Label, bar.Probability, probability)
					}
					if !regexp.MustCompile(`^(\d+|\d\.\d|<\x{a0}0\.1)\x{a0}%$`).MatchString(bar.Percent) {
						t.Errorf("%s, %s: percentage %q", model, name, bar.Percent)
					}
				}
				spoken := evaluate[string](t, ctx, `document.getElementById('spoken').textContent`)
				if want := bars[0].Label + ", " + bars[0].Percent; spoken != want {
					t.Errorf("screen readers hear %q, want %q", spoken, want)
				}
				times := evaluate[string](t, ctx, `document.getElementById('time').textContent`)
				if !regexp.MustCompile(`^[\d.]+\x{a0}ms, network [\d.]+\x{a0}ms$`).MatchString(times) {
					t.Errorf("times %q", times)
				}
			}
		}
	}
}

// TestPageCamera runs the fake webcam through a change of the model, a picture, and
// its end.
func TestPageCamera(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.safe.URL)
	choose(t, ctx, "Random mobilenet_v3_small")
	more := func(n int) {
		t.Helper()
		evaluate[bool](t, ctx, countFrames)
		frames(t, ctx, n)
	}
	evaluate[bool](t, ctx, `(() => {
		globalThis.heard = [];
		const spoken = document.getElementById('spoken');
		new MutationObserver(() => heard.push({ at: performance.now(), text: spoken.textContent })).observe(spoken, { childList: true });
		return true;
	})()`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")))
	more(5)
	do(t, ctx, chromedp.Sleep(4*time.Second)) // the pictures of the camera differ
	var last float64
	for i, one := range evaluate[[]struct {
		At   float64
		Text string
	}](t, ctx, `heard`) {
		if i > 0 && one.At-last < 2900 {
			t.Errorf("screen readers hear %q %.0f ms after what was said before", one.Text, one.At-last)
		}
		last = one.At
	}
	if last == 0 {
		t.Error("screen readers hear nothing of the camera")
	}
	if bars := evaluate[[]shownBar](t, ctx, readBars); len(bars) != 5 || !strings.HasPrefix(bars[0].Label, "class ") {
		t.Errorf("bars %+v", bars)
	}

	// Another model while the camera runs, then a picture, which ends it.
	choose(t, ctx, "Random mobilenet_v2")
	more(5)
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), chromedp.Sleep(50*time.Millisecond), answered)
	if live := evaluate[bool](t, ctx, `document.getElementById('video').srcObject !== null`); live {
		t.Error("the camera still runs behind the picture")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")))
	more(3)
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")))
	state := evaluate[string](t, ctx, `[document.getElementById('camera').textContent, document.getElementById('empty').hidden, document.getElementById('video').srcObject].join()`)
	if state != "Use the camera,false," {
		t.Errorf("after stopping: %s", state)
	}
}

func TestPageDropAndPaste(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.open.URL+"/test/copy") // the site in another folder
	choose(t, ctx, "Random mobilenet_v3_small")
	script := func(event, property, file string) string {
		return fmt.Sprintf(`(async () => {
			const data = new DataTransfer();
			data.items.add(%s);
			dispatchEvent(new %s);
			return true;
		})()`, file, strings.ReplaceAll(event, "DATA", property+": data"))
	}
	const (
		drop    = `DragEvent('drop', { bubbles: true, cancelable: true, DATA })`
		paste   = `ClipboardEvent('paste', { bubbles: true, DATA })`
		picture = `new File([await (await fetch('/test/pictures/photo.png')).blob()], 'photo.png', { type: 'image/png' })`
		broken  = `new File(['no picture'], 'broken.png', { type: 'image/png' })`
		text    = `new File(['hello'], 'hello.txt', { type: 'text/plain' })`
	)
	const vector = `new File(['<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="60" height="30" fill="red"/></svg>'], 'drawing.svg', { type: 'image/svg+xml' })`
	tests := []struct{ event, property, file, want string }{
		{drop, "dataTransfer", vector, ""},
		{drop, "dataTransfer", picture, ""},
		{paste, "clipboardData", picture, ""},
		{drop, "dataTransfer", text, "not a picture file"},
		{paste, "clipboardData", text, "no picture on the clipboard"},
		{drop, "dataTransfer", broken, "could not be decoded"},
	}
	for _, tt := range tests {
		evaluate[bool](t, ctx, script(tt.event, tt.property, tt.file))
		if tt.want == "" {
			do(t, ctx, chromedp.Sleep(20*time.Millisecond), answered)
			continue
		}
		do(t, ctx, until(`!document.getElementById('notice').hidden`))
		if got := evaluate[string](t, ctx, `document.getElementById('notice-text').textContent`); !strings.Contains(got, tt.want) {
			t.Errorf("%s of %s: notice %q, want %q in it", tt.property, tt.file, got, tt.want)
		}
		do(t, ctx, chromedp.Click(chromedp.CSS("#dismiss")))
	}
}

// TestPageLeavesTextAlone pastes text into a field, and drags a picture over the page
// to a class, which takes it.
func TestPageLeavesTextAlone(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	openTeaching(t, ctx, teachServer(t, f), "Random mobilenet_v3_small")
	marked := evaluate[[]bool](t, ctx, `(() => {
		const clipboardData = new DataTransfer();
		clipboardData.setData('text/plain', 'cup');
		document.querySelector('.teach-class input').dispatchEvent(new ClipboardEvent('paste', { bubbles: true, clipboardData }));
		const stage = document.getElementById('stage');
		const card = document.querySelector('.teach-class');
		const drag = (target, type) => target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: new DataTransfer() }));
		return [[stage, 'dragover'], [card, 'dragover'], [stage, 'dragover'], [card, 'drop']].map(([target, type]) => {
			drag(target, type);
			return stage.classList.contains('over');
		});
	})()`)
	if !slices.Equal(marked, []bool{true, false, true, false}) {
		t.Errorf("the stage is marked %v", marked)
	}
	if !evaluate[bool](t, ctx, `document.getElementById('notice').hidden`) {
		t.Errorf("notice %q", noticed(t, ctx))
	}
}

// TestPageWithoutList opens a picture where the list of models could not be had: it is
// asked for again, and no answer is waited for in vain.
func TestPageWithoutList(t *testing.T) {
	f := setUp(t)
	var missing atomic.Bool
	missing.Store(true)
	site := static.Handler(filepath.Join(f.dir, "site"), static.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/models.json" && missing.Load() {
			http.NotFound(w, r)
			return
		}
		site.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx := tab(t, f, time.Minute, func(text string) bool {
		return strings.HasPrefix(text, "network: Failed to load resource") || strings.Contains(text, "integrity")
	})
	do(t, ctx, chromedp.Navigate(server.URL))
	photo := []string{filepath.Join(f.dir, photoPNG)}
	for _, opens := range []bool{false, true} {
		if opens {
			do(t, ctx, chromedp.Click(chromedp.CSS("#dismiss")), chromedp.SetUploadFiles(chromedp.CSS("#file"), photo))
		}
		if text := noticed(t, ctx); !strings.Contains(text, "list of models") {
			t.Errorf("notice %q", text)
		}
		if busy := evaluate[string](t, ctx, `document.getElementById('results').getAttribute('aria-busy')`); busy != "false" {
			t.Errorf("the result is still waited for: aria-busy=%s", busy)
		}
	}
	missing.Store(false)
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), photo), answered)
}

// TestPageLoading cancels a download, meets missing weights, and recovers.
func TestPageLoading(t *testing.T) {
	f := setUp(t)
	var state atomic.Value
	state.Store("slow")
	site := static.Handler(filepath.Join(f.dir, "site"), static.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/weights/")
		name, isBlob := strings.CutSuffix(name, ".safetensors")
		switch {
		case ok && isBlob && state.Load() == "slow":
			r.URL.RawQuery = "as=slow"
			f.serveWeights(w, r, name)
		case ok && isBlob && state.Load() == "missing":
			http.NotFound(w, r)
		default:
			site.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close) // after the tab, whose request may hang
	ctx := tab(t, f, time.Minute, func(text string) bool { return strings.HasPrefix(text, "network: Failed to load resource") })
	notice := func(want string) {
		t.Helper()
		do(t, ctx, until(`!document.getElementById('notice').hidden`))
		if got := evaluate[string](t, ctx, `document.getElementById('notice-text').textContent`); !strings.Contains(got, want) {
			t.Errorf("notice %q, want %q in it", got, want)
		}
	}
	do(t, ctx, chromedp.Navigate(server.URL), until(`document.getElementById('progress')?.value > 0.3 * document.getElementById('progress').max`))
	if text := evaluate[string](t, ctx, `document.getElementById('loading-bytes').textContent`); !regexp.MustCompile(`^\d+\.\d of \d+\.\d MB$`).MatchString(text) {
		t.Errorf("progress says %q", text)
	}
	keepScreen(t, ctx, "loading")
	do(t, ctx, chromedp.Click(chromedp.CSS("#cancel")))
	notice("cancelled")
	state.Store("missing")
	do(t, ctx, chromedp.Click(chromedp.CSS("#retry")), until(`document.getElementById('loading').hidden`))
	notice("missing")
	// A picture is kept until there is a model.
	state.Store("there")
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), answered)
}
