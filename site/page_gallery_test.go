package site_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// galleryDone waits until all pictures of the gallery have been classified.
var galleryDone = until(`document.getElementById('gallery-stop').textContent === 'Clear' && !document.getElementById('gallery').hidden`)

// shownCard is a picture of the gallery as the page shows it.
type shownCard struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Percent string `json:"percent"`
	Failed  bool   `json:"failed"`
	Current bool   `json:"current"`
	Drawn   bool   `json:"drawn"` // the thumbnail is not empty
}

const readCards = `[...document.querySelectorAll('#pictures button')].map((card) => ({
	name: card.querySelector('.name').textContent,
	label: card.querySelector('.label').textContent,
	percent: card.querySelector('.percent').textContent,
	failed: card.classList.contains('failed'),
	current: card.getAttribute('aria-current') === 'true',
	drawn: (() => {
		const context = new OffscreenCanvas(16, 12).getContext('2d', { willReadFrequently: true });
		context.drawImage(card.querySelector('canvas'), 0, 0, 16, 12);
		return context.getImageData(0, 0, 16, 12).data.some((v) => v > 0);
	})(),
}))`

func TestPageGallery(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.safe.URL)
	evaluate[string](t, ctx, `document.documentElement.style.scrollBehavior = 'auto'`) // so that cards are where they were found
	choose(t, ctx, "Random mobilenet_v3_small")
	broken := writeFile(t, f, "broken.png", "no picture")
	files := []string{filepath.Join(f.dir, photoPNG), broken, filepath.Join(f.dir, otherPNG), filepath.Join(f.dir, turnedJPG)}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), files), galleryDone)

	cards := evaluate[[]shownCard](t, ctx, readCards)
	if len(cards) != len(files) {
		t.Fatalf("%d cards for %d files", len(cards), len(files))
	}
	for i, card := range cards {
		if card.Name != filepath.Base(files[i]) || card.Current != (i == 0) {
			t.Errorf("card %d: %+v", i, card)
		}
		if files[i] == broken {
			if !card.Failed || !strings.Contains(card.Label, "could not be decoded") || card.Drawn {
				t.Errorf("the card of a broken picture: %+v", card)
			}
			continue
		}
		want := native(t, f.blobs["small"], files[i])
		best := want.Labels[slices.Index(want.Probabilities, slices.Max(want.Probabilities))]
		if card.Failed || card.Label != best || card.Percent == "" || !card.Drawn {
			t.Errorf("card %+v, natively the first class is %q", card, best)
		}
	}
	if progress := evaluate[string](t, ctx, `document.getElementById('gallery-progress').textContent`); progress != "4 of 4" {
		t.Errorf("progress %q", progress)
	}
	if spoken := evaluate[string](t, ctx, `document.getElementById('spoken').textContent`); spoken != "4 pictures classified" {
		t.Errorf("screen readers hear %q", spoken)
	}

	// The keyboard chooses the third card, which is shown on the stage with all classes.
	do(t, ctx, chromedp.Focus(chromedp.CSS("#pictures li:nth-child(2) button")), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter), answered)
	if current := evaluate[[]shownCard](t, ctx, readCards); !current[2].Current || current[0].Current {
		t.Errorf("after choosing the third: %+v", current)
	}
	bars := evaluate[[]shownBar](t, ctx, readBars)
	if len(bars) != 5 || bars[0].Label != cards[2].Label || bars[0].Percent != cards[2].Percent {
		t.Errorf("the stage shows %+v, the card %+v", bars, cards[2])
	}
	if alt := evaluate[string](t, ctx, `document.getElementById('picture').alt`); alt != otherPNG {
		t.Errorf("the stage shows %q, want %q", alt, otherPNG)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#pictures li:nth-child(2) button")), until(`document.getElementById('hint').textContent.includes('could not be decoded')`))

	// Another model classifies all of them anew, and the chosen one stays.
	do(t, ctx, chromedp.Click(chromedp.CSS("#pictures li:nth-child(1) button")))
	choose(t, ctx, "Random mobilenet_v2")
	do(t, ctx, galleryDone)
	want := native(t, f.blobs["wide"], files[0])
	best := want.Labels[slices.Index(want.Probabilities, slices.Max(want.Probabilities))]
	if card := evaluate[[]shownCard](t, ctx, readCards)[0]; card.Label != best || !card.Current {
		t.Errorf("with another model: %+v, want %q", card, best)
	}

	evaluate[int](t, ctx, `(globalThis.thumbs = [...document.querySelectorAll('#pictures canvas')]).length`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#gallery-stop")), until(`document.getElementById('gallery').hidden`))
	if kept := evaluate[int](t, ctx, `thumbs.filter(({ width }) => width > 0).length`); kept > 0 {
		t.Errorf("%d cleared thumbnails keep their pixels", kept)
	}
	state := evaluate[string](t, ctx, `[document.querySelectorAll('#pictures li').length, document.getElementById('empty').hidden,
		document.getElementById('picture').hasAttribute('src'), document.activeElement.id].join()`)
	if state != "0,false,false,file" {
		t.Errorf("after clearing: %s", state)
	}
}

// TestPageGalleryLimits opens more pictures than the gallery takes, cancels, and
// counts the object URLs that are left. Cards have no listeners of their own, which
// would keep each of them and its picture for as long as the page is open.
func TestPageGalleryLimits(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.open.URL)
	choose(t, ctx, "Random mobilenet_v3_small")
	evaluate[bool](t, ctx, `(async () => {
		globalThis.live = new Set();
		const { createObjectURL, revokeObjectURL } = URL;
		URL.createObjectURL = (blob) => { const url = createObjectURL.call(URL, blob); live.add(url); return url; };
		URL.revokeObjectURL = (url) => { live.delete(url); revokeObjectURL.call(URL, url); };
		globalThis.targets = new Set();
		const { addEventListener } = EventTarget.prototype;
		EventTarget.prototype.addEventListener = function (...args) { targets.add(this); addEventListener.apply(this, args); };
		const data = new DataTransfer();
		const blob = await (await fetch('/test/pictures/photo.png')).blob();
		for (let i = 0; i < 120; i++) data.items.add(new File([blob], i + '.png', { type: 'image/png' }));
		dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));
		return true;
	})()`)
	do(t, ctx, until(`/^[5-9] of 100$/.test(document.getElementById('gallery-progress').textContent)`))
	notice := evaluate[string](t, ctx, `document.getElementById('notice-text').textContent`)
	if !strings.Contains(notice, "120 pictures") || !strings.Contains(notice, "first 100") {
		t.Errorf("notice %q", notice)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#dismiss")), chromedp.Click(chromedp.CSS("#gallery-stop")), galleryDone, chromedp.Sleep(100*time.Millisecond))
	counts := func() int {
		return evaluate[int](t, ctx, `[...document.querySelectorAll('#pictures .label')].filter((label) => label.textContent).length`)
	}
	done := counts()
	if done >= 100 {
		t.Errorf("%d pictures were classified although it was cancelled", done)
	}
	// One that is chosen now is classified now, and only it.
	do(t, ctx, chromedp.Click(chromedp.CSS("#pictures li:nth-child(80) button")), answered)
	if now := counts(); now != done+1 {
		t.Errorf("%d pictures have classes, want %d", now, done+1)
	}
	if live := evaluate[int](t, ctx, `live.size`); live != 1 {
		t.Errorf("%d object URLs are alive, want that of the stage only", live)
	}
	if n := evaluate[int](t, ctx, `[...document.querySelectorAll('#pictures *')].filter((element) => targets.has(element)).length`); n > 0 {
		t.Errorf("%d elements of the gallery have listeners", n)
	}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), answered,
		until(`document.getElementById('gallery').hidden`))
}

func TestPageSamples(t *testing.T) {
	f := setUp(t)
	var bytes int64
	files, err := filepath.Glob(filepath.Join("samples", "*.jpg"))
	if err != nil || len(files) != 6 {
		t.Fatalf("samples %v, %v", files, err)
	}
	for _, file := range files {
		bytes += fileSize(t, file)
	}
	if bytes > 150e3 {
		t.Errorf("the samples have %d bytes, want at most 150,000", bytes)
	}
	ctx := openPage(t, f, f.safe.URL)
	count := evaluate[int](t, ctx, `document.querySelectorAll('#samples button').length`)
	if count != len(files) {
		t.Fatalf("%d buttons for %d samples", count, len(files))
	}
	for i := range count {
		alt := evaluate[string](t, ctx, `(() => {
			const button = document.querySelectorAll('#samples button')[`+string(rune('0'+i))+`];
			button.click();
			return button.querySelector('img').alt;
		})()`)
		do(t, ctx, until(`document.getElementById('picture').alt === '`+alt+`' && document.getElementById('picture').naturalWidth === 384`), answered)
		if spoken := evaluate[string](t, ctx, `document.getElementById('spoken').textContent`); !strings.Contains(spoken, "%") {
			t.Errorf("%s: screen readers hear %q", alt, spoken)
		}
	}
	_, trained := f.blobs[nsfwjs]
	if !trained {
		return
	}
	choose(t, ctx, "NSFWJS")
	for i := range count {
		evaluate[bool](t, ctx, `document.querySelectorAll('#samples button')[`+string(rune('0'+i))+`].click() ?? true`)
		do(t, ctx, chromedp.Sleep(150*time.Millisecond), answered)
		if bars := evaluate[[]shownBar](t, ctx, readBars); bars[0].Label != "neutral" && bars[0].Label != "drawing" {
			t.Errorf("sample %d is taken for %s", i, bars[0].Label)
		}
	}
}
