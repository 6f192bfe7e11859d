package site_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestExamples runs every example of examples.html, compares the code shown with
// the file that runs, and examines the page with axe-core afterwards.
func TestExamples(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, 2*time.Minute, func(text string) bool { return strings.Contains(text, "weights/missing.safetensors") })
	do(t, ctx, chromedp.Navigate(f.safe.URL+"/examples.html"), until(`document.querySelectorAll('.example').length > 5`),
		until(`[...document.querySelectorAll('.code code')].every((code) => code.textContent)`))

	files, err := filepath.Glob(filepath.Join("examples", "*.js"))
	if err != nil {
		t.Fatal(err)
	}
	shown := evaluate[map[string]string](t, ctx, `Object.fromEntries([...document.querySelectorAll('.code .name')].map((name) => [name.textContent, name.nextSibling.textContent]))`)
	if len(shown) != len(files) {
		t.Errorf("%d files are shown, there are %d", len(shown), len(files))
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if shown[filepath.Base(file)] != string(want) {
			t.Errorf("%s is not what the page shows", file)
		}
	}

	prints := map[string]string{
		"classify": "ms", "progress": "weights: ", "labels": "my class", "camera": "frames in two seconds", "frames": "the bitmap is closed",
		"embed": "espresso: 1.00", "several": ": ", "worker": " %", "teach": "stripes", "compat": "embedding: 1 x ", "errors": "weights-format: ",
	}
	for _, id := range evaluate[[]string](t, ctx, `[...document.querySelectorAll('.example')].map(({ id }) => id)`) {
		t.Run(id, func(t *testing.T) {
			output := fmt.Sprintf(`document.querySelector('#%s .output')`, id)
			for range 2 { // again gives the same
				do(t, ctx, chromedp.Click(chromedp.CSS("#"+id+" .run")), until(fmt.Sprintf(`!document.querySelector('#%s .run').disabled`, id)))
				text := evaluate[string](t, ctx, output+`.textContent`)
				if evaluate[bool](t, ctx, output+`.classList.contains('failed')`) || prints[id] == "" || !strings.Contains(text, prints[id]) {
					t.Fatalf("it printed %q, want %q in it", text, prints[id])
				}
				t.Log(strings.TrimSpace(text))
				if id == "camera" {
					break
				}
			}
		})
	}

	t.Run("worker without models", func(t *testing.T) {
		h := newPlainHost(t, f, "/")
		h.set("models.json", nil)
		ctx := tab(t, f, time.Minute, func(text string) bool { return quiet(text) || strings.Contains(text, "models.json") })
		do(t, ctx, chromedp.Navigate(h.address+"examples.html"), until(`document.querySelector('#worker .run') !== null`),
			chromedp.Click(chromedp.CSS("#worker .run")), until(`!document.querySelector('#worker .run').disabled`))
		if text := evaluate[string](t, ctx, `document.querySelector('#worker .output.failed').textContent`); !strings.Contains(text, "manifest: ") {
			t.Errorf("it printed %q, want why the model was not loaded", text)
		}
	})

	t.Run("own picture", func(t *testing.T) {
		name, err := filepath.Abs(filepath.Join(f.dir, photoPNG))
		if err != nil {
			t.Fatal(err)
		}
		do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{name}), until(`document.getElementById('image').naturalWidth === 320`),
			chromedp.Click(chromedp.CSS("#classify .run")), until(`!document.querySelector('#classify .run').disabled`))
		model := evaluate[string](t, ctx, `import('/glance.js').then(({ models }) => models()).then(([{ name }]) => name)`)
		a := native(t, f.blobs[model], name)
		best := a.Labels[slices.Index(a.Probabilities, slices.Max(a.Probabilities))]
		if text := evaluate[string](t, ctx, `document.querySelector('#classify .output').textContent`); !strings.HasPrefix(text, best+": ") {
			t.Errorf("it printed %q, natively it is %s", text, best)
		}
	})

	axe := readText(t, filepath.Join("node_modules", "axe-core", "axe.min.js"))
	for _, screen := range screens {
		for _, theme := range []string{"light", "dark"} {
			emulate(t, ctx, screen.width, screen.height, screen.phone, theme)
			at := fmt.Sprintf("examples-%s-%s", screen.name, theme)
			keepScreen(t, ctx, at)
			examine(t, ctx, at, axe, screen.phone)
		}
	}
}
