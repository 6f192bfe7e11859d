package site_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"glance/weights/catalog"
)

// TestCompatModels asks the compatibility module for every version and width that
// the original has, on a site without models: the names that its message gives
// are those under which tools/fetch stores them.
func TestCompatModels(t *testing.T) {
	f := setUp(t)
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range c.Models {
		known = append(known, m.Name)
	}
	fetched := map[string]bool{"1/0.25": true, "1/1": true, "2/0.5": true, "2/1": true}
	ctx := tab(t, f, time.Minute, nil)
	do(t, ctx, chromedp.Navigate(f.open.URL+"/test/blank.html"))
	for version, alphas := range map[int][]float64{1: {0.25, 0.5, 0.75, 1}, 2: {0.5, 0.75, 1}} {
		for _, alpha := range alphas {
			key := fmt.Sprintf("%d/%v", version, alpha)
			message := evaluate[string](t, ctx, fmt.Sprintf(`import('/compat.js')
				.then(({ load }) => load({ version: %d, alpha: %v, urls: { manifest: '/test/empty.json' } }))
				.catch((error) => error.code + ': ' + error.message)`, version, alpha))
			_, rest, _ := strings.Cut(message, "the list of models has no ")
			names, _, _ := strings.Cut(rest, " (it has none)")
			found := slices.ContainsFunc(strings.Split(names, " or "), func(name string) bool { return slices.Contains(known, name) })
			if !strings.HasPrefix(message, "model-unknown: ") || names == "" {
				t.Errorf("%s: %s", key, message)
			} else if found != fetched[key] {
				t.Errorf("%s: that the catalogue knows %s is %v, want %v", key, names, found, fetched[key])
			}
		}
	}
}
