package site_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screens are the windows that the page is looked at in.
var screens = []struct {
	name          string
	width, height int64
	phone         bool
}{
	{"phone", 390, 844, true},
	{"desktop", 1280, 800, false},
}

// looks are what the page shows when it is examined, in the order a visitor may
// see them.
var looks = []struct {
	name string
	show func(t *testing.T, f *fixture, ctx context.Context)
}{
	{"start", func(t *testing.T, f *fixture, ctx context.Context) {
		do(t, ctx, chromedp.Navigate(f.safe.URL+"/"), untilLoaded)
	}},
	{"sample", func(t *testing.T, f *fixture, ctx context.Context) {
		do(t, ctx, chromedp.Click(chromedp.CSS("#samples button")), until(`!document.getElementById('picture').hidden`), answered)
	}},
	{"camera", func(t *testing.T, f *fixture, ctx context.Context) {
		do(t, ctx, chromedp.Click(chromedp.CSS("#camera")), until(`document.getElementById('time').textContent.includes('frames/s')`))
	}},
	{"gallery", func(t *testing.T, f *fixture, ctx context.Context) {
		broken := filepath.Join(f.dir, "broken.png")
		if err := os.WriteFile(broken, []byte("no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
		sample := func(name string) string { return filepath.Join("samples", name+".jpg") }
		var files []string
		for _, file := range []string{sample("oranges"), sample("lighthouse"), filepath.Join(f.dir, otherPNG), broken, sample("seashore")} {
			absolute, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, absolute)
		}
		do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), files), galleryDone)
		evaluate[bool](t, ctx, `(() => {
			for (const details of document.querySelectorAll('details')) details.open = true;
			const clipboardData = new DataTransfer();
			clipboardData.setData('text/plain', 'hello');
			dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
			return true;
		})()`)
		do(t, ctx, until(`!document.getElementById('notice').hidden`))
	}},
	{"bench", func(t *testing.T, f *fixture, ctx context.Context) {
		do(t, ctx, chromedp.Navigate(f.safe.URL+"/bench.html"), until(`document.getElementById('start')?.disabled === false`))
	}},
	{"examples", func(t *testing.T, f *fixture, ctx context.Context) {
		do(t, ctx, chromedp.Navigate(f.safe.URL+"/examples.html"), until(`document.querySelector('pre')?.textContent.length > 0`))
	}},
}

// violation is a rule of axe-core that the page breaks.
type violation struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"` // HTML of the elements
}

// TestPageAccessible examines the site's pages with axe-core on a phone and on a desktop,
// light and dark: nothing serious may be found. Besides, what is touched is at
// least 44 pixels high on the phone, and nothing is wider than the window.
//
// GLANCE_SCREENS=FOLDER keeps a picture of each look.
func TestPageAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("%v; npm --prefix site ci installs it", err)
	}
	f := setUp(t)
	ctx := tab(t, f, 2*time.Minute, nil)
	for _, look := range looks {
		look.show(t, f, ctx)
		for _, screen := range screens {
			for _, theme := range []string{"light", "dark"} {
				emulate(t, ctx, screen.width, screen.height, screen.phone, theme)
				at := fmt.Sprintf("%s-%s-%s", look.name, screen.name, theme)
				keepScreen(t, ctx, at)
				examine(t, ctx, at, string(axe), screen.phone)
			}
		}
	}
}

// emulate makes the tab a window of a size on a phone or not, in a colour scheme
// and without transitions.
func emulate(t *testing.T, ctx context.Context, width, height int64, phone bool, theme string) {
	t.Helper()
	var options []chromedp.EmulateViewportOption
	if phone {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
	}
	do(t, ctx, chromedp.EmulateViewport(width, height, options...))
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Sleep(50*time.Millisecond))
}

// examine runs axe-core and measures what is touched.
func examine(t *testing.T, ctx context.Context, at, axe string, phone bool) {
	t.Helper()
	found := evaluate[[]violation](t, ctx, axe+";\n"+`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
		violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map(({ html }) => html) })))`)
	for _, v := range found {
		text := fmt.Sprintf("%s: %s: %s (%s)\n%s", at, v.Impact, v.Help, v.ID, strings.Join(v.Nodes, "\n"))
		if v.Impact == "serious" || v.Impact == "critical" {
			t.Error(text)
		} else {
			t.Log(text)
		}
	}
	for _, text := range evaluate[[]string](t, ctx, fmt.Sprintf(`(() => {
		const found = [];
		if (document.documentElement.scrollWidth > innerWidth) found.push('the page is wider than the window');
		if (%t) for (const e of document.querySelectorAll('button, select, summary, label.button')) {
			const { width, height } = e.getBoundingClientRect();
			if (e.checkVisibility() && (height < 43.9 || width < 43.9)) found.push(e.outerHTML.slice(0, 100) + ' is ' + width + ' x ' + height);
		}
		return found;
	})()`, phone)) {
		t.Errorf("%s: %s", at, text)
	}
}

// keepScreen writes a picture of the whole page where GLANCE_SCREENS says so.
func keepScreen(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("GLANCE_SCREENS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err = chromedp.Run(ctx, chromedp.FullScreenshot(100)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+"-whole.png"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
