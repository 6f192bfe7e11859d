package site_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTeachOffline teaches without a network, in a section that was never opened
// with one, and finds what was taught after a reload.
func TestTeachOffline(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/glance/")
	ctx := firstVisit(t, f, h)
	do(t, ctx, eventually(`crossOriginIsolated`), untilLoaded) // the page has reloaded itself for its threads
	h.stop()
	do(t, ctx, chromedp.Navigate(h.address), untilLoaded)
	evaluate[bool](t, ctx, `document.getElementById('teach-details').open = true`)
	do(t, ctx, teachReady)
	for i, names := range [][]string{{photoPNG, otherPNG}, {alphaPNG, turnedJPG}} {
		var files []string
		for _, name := range names {
			files = append(files, filepath.Join(f.dir, name))
		}
		input := chromedp.CSS(fmt.Sprintf(".teach-class:nth-child(%d) input[type=file]", i+1))
		do(t, ctx, chromedp.SetUploadFiles(input, files), until(fmt.Sprintf(`document.querySelectorAll('.teach-class .count')[%d].textContent === '2 examples'`, i)))
	}
	press(t, ctx, "Train")
	do(t, ctx, trained, asTaught)
	do(t, ctx, eventually(`new Promise((done) => {
		indexedDB.open('glance-teach').onsuccess = ({ target: { result: database } }) => {
			database.transaction('networks').objectStore('networks').getAll().onsuccess = ({ target }) => {
				database.close();
				done(target.result.some(({ head, live }) => head && live));
			};
		};
	})`))
	do(t, ctx, chromedp.Navigate(h.address), untilLoaded, teachReady, asTaught)
	classifyPhoto(t, ctx, f)
	if bars := evaluate[[]shownBar](t, ctx, readBars); len(bars) != 2 {
		t.Errorf("after the reload: %+v", bars)
	}
}
