package site_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBenchPage measures a small network and looks at what the tables say.
func TestBenchPage(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, 2*time.Minute, nil)
	do(t, ctx, chromedp.Navigate(f.safe.URL+"/bench.html"), until(`!document.getElementById('start').disabled`),
		chromedp.Click(chromedp.ID("start")), until(`/Done|fail|Cancel/.test(document.getElementById('status').textContent)`))
	if got := evaluate[string](t, ctx, `document.getElementById('status').textContent`); got != "Done." {
		t.Fatalf("status %q, want Done.", got)
	}
	rows := evaluate[[][]string](t, ctx, `[...document.getElementById('engine-rows').rows].map((r) => [...r.cells].map((c) => c.textContent))`)
	if len(rows) < 2 {
		t.Fatalf("rows %q, want one for each backend and number of threads", rows)
	}
	for _, r := range rows {
		if len(r) != 6 || r[2] == "NaN" || r[4] == "NaN" || r[5] == "" {
			t.Errorf("row %q is not complete", r)
		}
	}
	if n := evaluate[int](t, ctx, `document.getElementById('step-rows').rows.length`); n < 5 {
		t.Errorf("%d steps in the profile", n)
	}
	do(t, ctx, chromedp.Click(chromedp.ID("start")), until(`!document.getElementById('cancel').hidden`),
		chromedp.Click(chromedp.ID("cancel")), until(`document.getElementById('status').textContent === 'Cancelled.'`))
}
