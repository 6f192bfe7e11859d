package site_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// release puts a later version of the site on the host: its page, its style and its
// script say which.
func (h *plainHost) release(t *testing.T, f *fixture, version string) {
	t.Helper()
	worker := f.worker
	var script, old []byte // the last one's, whose hash the page has
	for _, file := range []struct{ name, mark string }{
		{"page.css", ":root { --version: '" + version + "' }"},
		{"page.js", "globalThis.version = '" + version + "';\n"},
		{"index.html", "<!-- version " + version + " -->"},
	} {
		before := []byte(readText(t, filepath.Join(f.dir, "site", file.name)))
		content := append(bytes.Replace(before, integrityOf(old), integrityOf(script), 1), file.mark...)
		worker = bytes.Replace(worker, integrityOf(before), integrityOf(content), 1)
		h.set(file.name, content)
		old, script = before, content
	}
	h.set("sw.js", regexp.MustCompile(`version: '[^']*'`).ReplaceAll(worker, []byte("version: '"+version+"'")))
}

func integrityOf(content []byte) []byte {
	sum := sha256.Sum256(content)
	return []byte("sha256-" + base64.StdEncoding.EncodeToString(sum[:]))
}

// versions is which version the page, its style, its script and the kept files are of.
const versions = `(async () => [
	/<!-- version (\w+)/.exec(await (await fetch('./')).text())?.[1] ?? 'first',
	/^ version (\w+) $/.exec(document.lastChild.textContent)?.[1] ?? 'first',
	getComputedStyle(document.documentElement).getPropertyValue('--version').slice(1, -1) || 'first',
	globalThis.version ?? 'first',
	(await caches.keys()).filter((name) => name.startsWith('glance /')).length,
].join())()`

// visitAgain opens a tab that the service worker serves.
func visitAgain(t *testing.T, f *fixture, h *plainHost) context.Context {
	t.Helper()
	ctx := tab(t, f, 90*time.Second, quiet)
	do(t, ctx, chromedp.Navigate(h.address), eventually(ready), eventually(`Boolean(navigator.serviceWorker.controller)`))
	return ctx
}

const (
	reloaded = `document.lastChild.textContent === ' version second '` // asks for nothing: a version does not change while it answers
	offered  = `!document.getElementById('update').hidden`
	lookNow  = `navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => true, () => false)`
	waiting  = `navigator.serviceWorker.ready.then((registration) => Boolean(registration.waiting))`
	settling = `navigator.serviceWorker.ready.then((registration) => !registration.installing)`
)

func expectVersions(t *testing.T, ctx context.Context, want, when string) {
	t.Helper()
	if got := evaluate[string](t, ctx, versions); got != want {
		t.Errorf("%s: page fetched, page shown, style, script, kept versions are %s, want %s", when, got, want)
	}
}

// TestUpdate brings out a version while two tabs are open. Nothing changes until
// one of them takes it; then both do.
func TestUpdate(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/")
	firstVisit(t, f, h)
	one := visitAgain(t, f, h)
	two := visitAgain(t, f, h)
	expectVersions(t, one, "first,first,first,first,1", "before")

	h.release(t, f, "second")
	evaluate[bool](t, one, lookNow)
	do(t, one, eventually(offered))
	do(t, two, eventually(offered))
	expectVersions(t, one, "first,first,first,first,2", "while it waits")
	do(t, one, chromedp.Click(chromedp.ID("update-later")), eventually(`!(`+offered+`)`))
	do(t, one, chromedp.Navigate(h.address), eventually(ready), eventually(offered)) // offered again
	expectVersions(t, one, "first,first,first,first,2", "after a navigation")

	classifyPhoto(t, two, f)
	do(t, two, chromedp.Click(chromedp.ID("update-now")))
	for _, ctx := range []context.Context{one, two} {
		do(t, ctx, eventually(reloaded), eventually(ready))
		expectVersions(t, ctx, "second,second,second,second,1", "after the update")
		if evaluate[bool](t, ctx, offered) {
			t.Error("the version that runs is offered")
		}
	}
	h.stop()
	do(t, one, chromedp.Navigate(h.address), eventually(ready))
	expectVersions(t, one, "second,second,second,second,1", "offline")
}

// TestFailedUpdate brings out a version of which one file is damaged, then missing,
// then right.
func TestFailedUpdate(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/")
	firstVisit(t, f, h)
	ctx := visitAgain(t, f, h)
	h.release(t, f, "second")
	right := h.changed["page.css"]
	for _, wrong := range []struct {
		how     string
		content []byte
	}{{"damaged", append(bytes.Clone(right), ' ')}, {"missing", nil}} {
		h.set("page.css", wrong.content)
		evaluate[bool](t, ctx, lookNow)
		do(t, ctx, eventually(settling))
		if evaluate[bool](t, ctx, waiting) || evaluate[bool](t, ctx, offered) {
			t.Errorf("a version with a %s file is offered", wrong.how)
		}
		do(t, ctx, chromedp.Navigate(h.address), eventually(ready))
		expectVersions(t, ctx, "first,first,first,first,1", "after a failed update")
		classifyPhoto(t, ctx, f)
	}
	h.set("page.css", right)
	evaluate[bool](t, ctx, lookNow)
	do(t, ctx, eventually(offered), chromedp.Click(chromedp.ID("update-now")), eventually(reloaded), eventually(ready))
	expectVersions(t, ctx, "second,second,second,second,1", "after the update")
}
