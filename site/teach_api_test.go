package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The held-back accuracies to reach on the drawn pictures: with the embeddings of a
// trained network, and where none was fetched with those of a random one.
const trainedAccuracy, untrainedAccuracy = 0.95, 0.8

// TestTeachAPI runs the tests of testdata/teach.js.
func TestTeachAPI(t *testing.T) {
	f := setUp(t)
	best, wanted := "small", untrainedAccuracy
	if _, ok := f.blobs[nsfwjs]; ok {
		best, wanted = nsfwjs, trainedAccuracy
	}
	for _, name := range []string{"teachAndUse", "refusals", "cancel", "assets"} {
		t.Run(name, func(t *testing.T) {
			ctx := tab(t, f, time.Minute, func(text string) bool {
				return strings.HasPrefix(text, "network: Failed to load resource") || strings.HasPrefix(text, "worker: Failed to load") || strings.Contains(text, "integrity")
			})
			do(t, ctx, chromedp.Navigate(f.open.URL+"/test/teach.html"))
			if outcome := evaluate[string](t, ctx, fmt.Sprintf(`import('/test/teach.js').then(({ tests }) => tests[%q]({ best: %q, wanted: %g }))
				.then(() => '', (error) => String(error.stack ?? error))`, name, best, wanted)); outcome != "" {
				t.Error(outcome)
			}
		})
	}
}
