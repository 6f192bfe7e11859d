package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestTeachAPI runs the tests of testdata/teach.js.
func TestTeachAPI(t *testing.T) {
	f := setUp(t)
	best := "small"
	if _, ok := f.blobs[nsfwjs]; ok {
		best = nsfwjs
	}
	for _, name := range []string{"teachAndUse", "refusals", "cancel", "assets"} {
		t.Run(name, func(t *testing.T) {
			ctx := tab(t, f, time.Minute, func(text string) bool {
				return strings.HasPrefix(text, "network: Failed to load resource") || strings.HasPrefix(text, "worker: Failed to load") || strings.Contains(text, "integrity")
			})
			do(t, ctx, chromedp.Navigate(f.open.URL+"/test/teach.html"))
			if outcome := evaluate[string](t, ctx, fmt.Sprintf(`import('/test/teach.js').then(({ tests }) => tests[%q]({ best: %q }))
				.then(() => '', (error) => String(error.stack ?? error))`, name, best)); outcome != "" {
				t.Error(outcome)
			}
		})
	}
}
