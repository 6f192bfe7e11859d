package site_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// openTeaching opens the page with a model and its section for teaching.
func openTeaching(t *testing.T, ctx context.Context, server, model string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(server+"/"), untilLoaded)
	choose(t, ctx, model)
	evaluate[bool](t, ctx, `document.getElementById('teach-details').open = true`)
	do(t, ctx, teachReady)
}

var teachReady = until(`document.querySelector('.teach')?.getAttribute('aria-busy') === 'false'`)

// bestModel is the title of the model whose embeddings tell pictures apart best.
func bestModel(f *fixture) string {
	if _, ok := f.blobs[nsfwjs]; ok {
		return "NSFWJS"
	}
	return "Random mobilenet_v3_small"
}

// addDrawings adds drawn pictures to a class by its file input.
func addDrawings(t *testing.T, ctx context.Context, card int, class string, count, seed int) {
	t.Helper()
	evaluate[bool](t, ctx, fmt.Sprintf(`(async () => {
		const { files } = await import('/test/drawings.js');
		const card = document.querySelectorAll('.teach-class')[%d];
		const before = card.querySelector('.count').textContent;
		const data = new DataTransfer();
		for (const file of await files(%q, %d, %d)) data.items.add(file);
		const input = card.querySelector('input[type=file]');
		input.files = data.files;
		input.dispatchEvent(new Event('change'));
		while (!card.querySelector('.count').textContent.startsWith(parseInt(before) + %d)) await new Promise((done) => setTimeout(done, 10));
		return true;
	})()`, card, class, count, seed, count))
}

var trained = until(`document.querySelector('.teach-report table') !== null`)

const teachProblem = `document.querySelector('.teach > .problem').textContent`
const teachStatus = `document.querySelector('.teach .status').textContent`

func TestTeachPage(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	openTeaching(t, ctx, f.open.URL, bestModel(f))
	do(t, ctx, chromedp.Click(chromedp.CSS(".teach > .row > .button")))
	for i, name := range []string{"discs", "stripes", "gradients"} {
		addDrawings(t, ctx, i, name, 10, i+1)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(".teach .primary")), trained)
	t.Log(evaluate[string](t, ctx, `document.querySelector('.teach').innerText`))
	shot(t, ctx, "taught")
}

// shot writes a picture of the page where GLANCE_SHOTS names a folder for it.
func shot(t *testing.T, ctx context.Context, name string) {
	dir := os.Getenv("GLANCE_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/"+name+".png", png, 0o644); err != nil {
		t.Fatal(err)
	}
}
