package site_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"glance/tools/serve/static"
)

// teachServer serves the site on an origin of its own, where nothing is kept yet.
func teachServer(t *testing.T, f *fixture) string {
	t.Helper()
	server := httptest.NewServer(f.handler(static.Handler(filepath.Join(f.dir, "site"), static.Options{}), false))
	t.Cleanup(server.Close)
	return server.URL
}

// openTeaching opens the page with a model and its section for teaching.
func openTeaching(t *testing.T, ctx context.Context, server, model string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(server+"/"), untilLoaded)
	choose(t, ctx, model)
	evaluate[bool](t, ctx, `document.getElementById('teach-details').open = true`)
	do(t, ctx, teachReady)
}

var (
	teachReady = until(`document.querySelector('.teach')?.getAttribute('aria-busy') === 'false'`)
	trained    = until(`document.querySelector('.teach-report table') !== null && document.querySelector('.teach .stale') === null`)
	asTaught   = until(`document.getElementById('teach-taught').checked`)
)

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
		const want = parseInt(card.querySelector('.count').textContent) + %d;
		const data = new DataTransfer();
		for (const file of await files(%q, %d, %d)) data.items.add(file);
		const input = card.querySelector('input[type=file]');
		input.files = data.files;
		input.dispatchEvent(new Event('change'));
		while (parseInt(card.querySelector('.count').textContent) !== want) await new Promise((done) => setTimeout(done, 10));
		return true;
	})()`, card, count, class, count, seed))
}

// showDrawing puts a drawn picture on the stage and returns the bars it gets.
func showDrawing(t *testing.T, ctx context.Context, class string, seed int) []shownBar {
	t.Helper()
	evaluate[bool](t, ctx, fmt.Sprintf(`(async () => {
		const { files } = await import('/test/drawings.js');
		const data = new DataTransfer();
		data.items.add((await files(%q, 1, %d))[0]);
		const input = document.getElementById('file');
		input.files = data.files;
		input.dispatchEvent(new Event('change'));
		return true;
	})()`, class, seed))
	do(t, ctx, chromedp.Sleep(50*time.Millisecond), answered)
	return evaluate[[]shownBar](t, ctx, readBars)
}

const teachProblem = `document.querySelector('.teach > .problem').textContent`

// complains waits until the section says that something is wrong.
func complains(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	do(t, ctx, until(teachProblem+` !== ''`))
	if got := evaluate[string](t, ctx, teachProblem); !strings.Contains(got, want) {
		t.Errorf("problem %q, want %q in it", got, want)
	}
}

// told waits until the section's live region says something.
func told(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	do(t, ctx, until(fmt.Sprintf(`document.querySelector('.teach .status').textContent.includes(%q)`, want)))
}

// counts are the numbers of examples that the classes' cards say.
func counts(t *testing.T, ctx context.Context) []int {
	t.Helper()
	return evaluate[[]int](t, ctx, `[...document.querySelectorAll('.teach-class .count')].map((count) => parseInt(count.textContent))`)
}

// press presses a button of the section that has this text.
func press(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	evaluate[bool](t, ctx, fmt.Sprintf(`(() => {
		const button = [...document.querySelectorAll('#teach button, .teach-note button')].find((button) => button.textContent === %q && !button.closest('[hidden]'));
		if (!button) throw new Error('no such button');
		button.focus();
		button.click();
		return true;
	})()`, text))
}

// loadHead gives a file to the section.
func loadHead(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS(".teach .files input"), []string{file}))
}

// TestTeachPage teaches three drawn classes, reloads, saves, deletes and loads.
func TestTeachPage(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, 2*time.Minute, nil)
	server := teachServer(t, f)
	names := []string{"discs", "stripes", "gradients"}

	// By keyboard: open, name the classes, add one.
	do(t, ctx, chromedp.Navigate(server+"/"), untilLoaded)
	choose(t, ctx, bestModel(f))
	own := showDrawing(t, ctx, "discs", 7)
	do(t, ctx, chromedp.Focus(chromedp.CSS("#teach summary")), chromedp.KeyEvent(kb.Enter), teachReady)
	do(t, ctx, chromedp.KeyEvent(kb.Tab)) // the camera's button
	do(t, ctx, chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("discs"), chromedp.KeyEvent(kb.Tab))
	evaluate[bool](t, ctx, `(document.querySelectorAll('.teach-class input')[2].select(), true)`)
	do(t, ctx, chromedp.KeyEvent("discs"), chromedp.KeyEvent(kb.Tab), until(`document.querySelector('.teach-class [aria-invalid]') !== null`))
	if got := evaluate[string](t, ctx, `document.querySelector('[aria-invalid]').closest('li').querySelector('.problem').textContent`); !strings.Contains(got, "already") {
		t.Errorf("a name that is taken: %q", got)
	}
	press(t, ctx, "Train")
	complains(t, ctx, "Correct the name of Class 2")
	evaluate[bool](t, ctx, `(document.querySelectorAll('.teach-class input')[2].select(), true)`)
	do(t, ctx, chromedp.KeyEvent("stripes"), chromedp.KeyEvent(kb.Tab), until(`document.querySelector('.teach-class [aria-invalid]') === null`))
	do(t, ctx, chromedp.Focus(chromedp.CSS(".teach > .row > .button")), chromedp.KeyEvent(kb.Enter),
		until(`document.activeElement.value === 'Class 3'`), chromedp.KeyEvent("gradients"), chromedp.KeyEvent(kb.Tab))
	labels := evaluate[[]string](t, ctx, `[...document.querySelectorAll('.teach-class')].map((card) => card.getAttribute('aria-label'))`)
	if !slices.Equal(labels, names) {
		t.Fatalf("classes %q", labels)
	}

	// Examples.
	press(t, ctx, "Train")
	complains(t, ctx, "discs has no examples: at least 2")
	for i, name := range names {
		addDrawings(t, ctx, i, name, 10, i+1)
	}
	told(t, ctx, "10 pictures added to gradients, 10 examples in all")
	text := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(text, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS(".teach-class input[type=file]"), []string{text}))
	complains(t, ctx, "1 of 1 file could not be read as a picture: letter.txt")

	// Training.
	press(t, ctx, "Train")
	do(t, ctx, trained, asTaught)
	told(t, ctx, "Trained, ")
	report := evaluate[string](t, ctx, `document.querySelector('.accuracy').textContent`)
	t.Log(report)
	percent, _, _ := strings.Cut(report, "\u00a0%")
	wanted := untrainedAccuracy
	if _, ok := f.blobs[nsfwjs]; ok {
		wanted = trainedAccuracy
	}
	if n, err := strconv.Atoi(percent); err != nil || float64(n) < 100*wanted || !strings.Contains(report, "of 30 held-back examples") {
		t.Errorf("accuracy %q, want %g %% or more of 30", report, 100*wanted)
	}
	rows := evaluate[[][]int](t, ctx, `[...document.querySelectorAll('.teach-report tbody tr')].map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent)))`)
	for _, row := range rows {
		if len(rows) != 3 || len(row) != 3 || row[0]+row[1]+row[2] != 10 {
			t.Errorf("confusion %v", rows)
		}
	}

	// In use, and the model's own classes again.
	var taught [][]shownBar
	for i, name := range names {
		bars := showDrawing(t, ctx, name, 20+i)
		if len(bars) != 3 || bars[0].Label != name && bars[0].Label != "None of these ("+name+"?)" {
			t.Errorf("a picture of %s gets %+v", name, bars)
		}
		taught = append(taught, bars)
	}
	press(t, ctx, "Show the model’s own")
	if bars := showDrawing(t, ctx, "discs", 7); !slices.Equal(bars, own) {
		t.Errorf("the model's own classes: %+v, before teaching %+v", bars, own)
	}
	press(t, ctx, "Show yours")
	same := func(when string) {
		t.Helper()
		for i, name := range names {
			if bars := showDrawing(t, ctx, name, 20+i); !slices.Equal(bars, taught[i]) {
				t.Errorf("%s: %+v, before %+v", when, bars, taught[i])
			}
		}
	}
	same("after switching")

	// Saving.
	downloads := t.TempDir()
	if _, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: downloads,
	}); err != nil {
		t.Fatal(err)
	}
	press(t, ctx, "Save to a file")
	head := awaitFile(t, downloads)

	// Removing an example, and all of it after a reload.
	do(t, ctx, chromedp.Focus(chromedp.CSS(".thumbnails button")), chromedp.KeyEvent(kb.Enter))
	if got := counts(t, ctx); !slices.Equal(got, []int{9, 10, 10}) {
		t.Errorf("after removing one: %v", got)
	}
	if focused := evaluate[string](t, ctx, `document.activeElement.getAttribute('aria-label')`); focused != "Delete example 9 of discs" {
		t.Errorf("focus went to %q", focused)
	}
	if !evaluate[bool](t, ctx, `document.querySelector('.teach .stale') !== null`) {
		t.Error("nothing says that examples have changed since the training")
	}
	evaluate[bool](t, ctx, `(async () => { // what was written is on its way
		const database = await new Promise((done) => { indexedDB.open('glance-teach').onsuccess = (event) => done(event.target.result); });
		for (let kept = 0; kept !== 29;) {
			const count = database.transaction('examples').objectStore('examples').count();
			kept = await new Promise((done) => { count.onsuccess = () => done(count.result); });
		}
		database.close();
		return true;
	})()`)
	do(t, ctx, chromedp.Reload(), untilLoaded)
	choose(t, ctx, bestModel(f)) // the page may have begun with another
	do(t, ctx, teachReady, asTaught)
	if got := counts(t, ctx); !slices.Equal(got, []int{9, 10, 10}) {
		t.Errorf("after the reload: %v", got)
	}
	if n := evaluate[int](t, ctx, `[...document.querySelectorAll('.thumbnails img')].filter((image) => image.naturalWidth > 0).length`); n != 29 {
		t.Errorf("after the reload: %d thumbnails", n)
	}
	same("after the reload")

	// Another network has its own classes, and refuses the head.
	choose(t, ctx, "Random mobilenet_v2")
	do(t, ctx, teachReady)
	if got := counts(t, ctx); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("another network: %v", got)
	}
	loadHead(t, ctx, head)
	complains(t, ctx, "The head was taught on ")
	if bars := showDrawing(t, ctx, "discs", 7); !strings.HasPrefix(bars[0].Label, "class ") {
		t.Errorf("another network: %+v", bars)
	}
	choose(t, ctx, bestModel(f))
	do(t, ctx, teachReady, asTaught)
	if got := counts(t, ctx); !slices.Equal(got, []int{9, 10, 10}) {
		t.Errorf("back at the first network: %v", got)
	}

	// Deleting all asks first, and takes what is on its way along.
	if !evaluate[bool](t, ctx, `(() => { // as in browsers that do not focus what is clicked
		[...document.querySelectorAll('.teach button')].find((button) => button.textContent === 'Delete all').click();
		return document.activeElement.classList.contains('asking');
	})()`) {
		t.Error("leaving the question would not take it back")
	}
	told(t, ctx, "Press again")
	evaluate[bool](t, ctx, `(async () => {
		const { files } = await import('/test/drawings.js');
		const data = new DataTransfer();
		for (const file of await files('discs', 20, 9)) data.items.add(file);
		[...document.querySelectorAll('.teach button')].find((button) => button.textContent === 'Train').click();
		const input = document.querySelector('.teach-class input[type=file]');
		input.files = data.files;
		input.dispatchEvent(new Event('change'));
		document.querySelector('.teach .asking').click();
		return true;
	})()`)
	told(t, ctx, "deleted")
	do(t, ctx, chromedp.Sleep(500*time.Millisecond))
	if left := evaluate[[]int](t, ctx, `(async () => {
		const database = await new Promise((done) => { indexedDB.open('glance-teach').onsuccess = (event) => done(event.target.result); });
		const counts = await Promise.all(['networks', 'examples'].map((name) => new Promise((done) => {
			database.transaction(name).objectStore(name).count().onsuccess = (event) => done(event.target.result);
		})));
		database.close();
		return counts;
	})()`); !slices.Equal(left, []int{0, 0}) {
		t.Errorf("after deleting all, %v networks and examples are kept", left)
	}
	do(t, ctx, chromedp.Reload(), untilLoaded)
	choose(t, ctx, bestModel(f))
	do(t, ctx, teachReady)
	if got := counts(t, ctx); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("after deleting all: %v", got)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.safetensors")
	content, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	content[30] ^= 0x80
	if err := os.WriteFile(damaged, content, 0o644); err != nil {
		t.Fatal(err)
	}
	loadHead(t, ctx, damaged) // a saved head works without its examples
	complains(t, ctx, "damaged.safetensors is damaged, or was not saved here. Head file: ")
	loadHead(t, ctx, head)
	do(t, ctx, asTaught)
	told(t, ctx, "holds 3 classes: discs, stripes, gradients")
	same("after loading the file")
}

// awaitFile waits until a folder holds one complete file.
func awaitFile(t *testing.T, dir string) string {
	t.Helper()
	for range 500 {
		files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 1 {
			return files[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("no file was downloaded")
	return ""
}
