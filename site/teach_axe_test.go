package site_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestTeachAccessible examines the section for teaching with axe-core, on a phone
// and on a desktop, light and dark: with the camera, examples that were taken for
// others, and words on what is wrong.
func TestTeachAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("%v; npm --prefix site ci installs it", err)
	}
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	openTeaching(t, ctx, teachServer(t, f), "Random mobilenet_v3_small")
	for i, name := range []string{"discs", "gradients"} {
		addDrawings(t, ctx, i, name, 26, 1)
	}
	addDrawings(t, ctx, 1, "discs", 2, 1) // in the wrong class
	press(t, ctx, "Train")
	do(t, ctx, trained, asTaught)
	press(t, ctx, "Add a class")
	do(t, ctx, chromedp.KeyEvent("Class 1\t"), until(`document.querySelector('.teach-class [aria-invalid]') !== null`))
	press(t, ctx, "Train")
	complains(t, ctx, "Correct the name")
	press(t, ctx, "Delete all")
	press(t, ctx, "Start the camera")
	do(t, ctx, until(`document.querySelector('.teach-camera .now').textContent !== ''`))
	for _, screen := range screens {
		for _, theme := range []string{"light", "dark"} {
			emulate(t, ctx, screen.width, screen.height, screen.phone, theme)
			evaluate[bool](t, ctx, `(document.getElementById('teach').scrollIntoView({ behavior: 'instant' }), true)`)
			at := "teach-" + screen.name + "-" + theme
			keepScreen(t, ctx, at)
			examine(t, ctx, at, string(axe), screen.phone)
		}
	}
}
