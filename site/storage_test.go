package site_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// TestStorageList examines the list of kept models and the notice of a new version
// with axe-core, and deletes a model by its button.
func TestStorageList(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/")
	ctx := firstVisit(t, f, h)
	ctx = visitAgain(t, f, h)
	choose(t, ctx, "Random mobilenet_v3_small")
	const lines = `[...document.querySelectorAll('#storage-models li')].map((li) => li.textContent)`
	do(t, ctx, eventually(kept+`.then((n) => n === 2)`),
		chromedp.Click(chromedp.CSS("#settings summary")), eventually(lines+`.length === 2`))
	total := evaluate[string](t, ctx, `document.getElementById('storage-total').textContent`)
	if !strings.HasPrefix(total, "2 models, ") || !strings.Contains(total, "GB that the browser grants") || !strings.HasSuffix(total, "The page opens without a network.") {
		t.Errorf("the sum says %q", total)
	}
	axe := readText(t, filepath.Join("node_modules", "axe-core", "axe.min.js"))
	h.release(t, f, "second")
	evaluate[bool](t, ctx, lookNow)
	do(t, ctx, eventually(offered))
	for _, screen := range screens {
		for _, theme := range []string{"light", "dark"} {
			emulate(t, ctx, screen.width, screen.height, screen.phone, theme)
			at := fmt.Sprintf("storage-%s-%s", screen.name, theme)
			keepScreen(t, ctx, at)
			examine(t, ctx, at, axe, screen.phone)
		}
	}
	do(t, ctx, chromedp.Focus(chromedp.CSS(`#storage-models button[aria-label="Delete Random mobilenet_v3_small"]`)),
		chromedp.KeyEvent("\r"), eventually(lines+`.length === 1`), eventually(kept+`.then((n) => n === 1)`),
		eventually(`document.getElementById('storage-status').textContent.startsWith('Random mobilenet_v3_small is deleted')`))
	if focus := evaluate[string](t, ctx, `document.activeElement.id`); focus != "storage-total" {
		t.Errorf("after deleting the focus is on %q", focus)
	}
	do(t, ctx, chromedp.Click(chromedp.ID("storage-persist")), eventually(`document.getElementById('storage-status').textContent.startsWith('The browser')`))
	h.stop()
	evaluate[bool](t, ctx, `(() => {
		const select = document.getElementById('model');
		select.selectedIndex = [...select.options].findIndex(({ textContent }) => textContent.includes('Random mobilenet_v2'));
		return select.dispatchEvent(new Event('change'));
	})()`)
	do(t, ctx, eventually(`/reached/.test(document.getElementById('notice-text').textContent)`)) // it was never kept
	for _, screen := range screens {                                                             // with the new version, which is still offered
		emulate(t, ctx, screen.width, screen.height, screen.phone, "light")
		keepScreen(t, ctx, "notices-"+screen.name)
		if !evaluate[bool](t, ctx, `(() => {
			const [update, notice] = ['update', 'notice'].map((id) => document.getElementById(id).getBoundingClientRect());
			return update.height > 0 && update.bottom < notice.top && notice.bottom < innerHeight;
		})()`) {
			t.Errorf("%s: one notice covers the other", screen.name)
		}
	}
}

// TestStorageFull gives the origin less space than a model needs.
func TestStorageFull(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/")
	ctx := tab(t, f, time.Minute, quiet)
	do(t, ctx, chromedp.Navigate(h.address+"manifest.webmanifest"))
	quota := 50e3
	if _, err := chromedp.Call(ctx, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: h.URL, QuotaSize: &quota}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(h.address), eventually(ready), eventually(`!document.getElementById('notice').hidden`))
	if text := evaluate[string](t, ctx, `document.getElementById('notice-text').textContent`); !strings.Contains(text, "storage is full") {
		t.Errorf("the page says %q", text)
	}
	classifyPhoto(t, ctx, f)
	do(t, ctx, chromedp.Click(chromedp.CSS("#settings summary")),
		eventually(`document.getElementById('storage-total').textContent.includes('does not open without a network')`))
	if n := evaluate[int](t, ctx, kept); n != 0 {
		t.Errorf("%d models are kept", n)
	}
}

// TestWithoutStorage visits the page where there are neither service workers nor
// caches: on an insecure origin, as in the private windows of some browsers.
func TestWithoutStorage(t *testing.T) {
	f := setUp(t)
	h := newPlainHost(t, f, "/")
	ctx := tab(t, f, time.Minute, nil)
	do(t, ctx, chromedp.Navigate(strings.Replace(h.address, "127.0.0.1", insecureHost, 1)), eventually(ready))
	classifyPhoto(t, ctx, f)
	if evaluate[bool](t, ctx, `'caches' in globalThis || 'serviceWorker' in navigator`) {
		t.Error("the browser can keep things here")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#settings summary")),
		eventually(`/^No models are kept.*does not open without a network/.test(document.getElementById('storage-total').textContent)`))
}

// TestKept takes a model from those the browser keeps, and meets damaged ones and
// a browser that refuses.
func TestKept(t *testing.T) {
	f := setUp(t)
	server := httptest.NewServer(f.open.Config.Handler) // an origin of its own
	defer server.Close()
	ctx := tab(t, f, time.Minute, func(text string) bool { return strings.Contains(text, "favicon.ico") })
	do(t, ctx, chromedp.Navigate(server.URL+"/test/html/x"))
	run := func(script string) string {
		t.Helper()
		return evaluate[string](t, ctx, fmt.Sprintf(`(async () => {
			const { load, models, keptModels, dropKept } = await import('/glance.js');
			const entry = (await models()).find(({ name }) => name === 'small');
			const outcome = async (worker) => {
				let classifier;
				const said = await new Promise((resolve) => load({ model: 'small', keep: true, worker, onKept: (error) => resolve(error?.code ?? 'kept') })
					.then((loaded) => { classifier = loaded; }, ({ code }) => resolve(code)));
				classifier?.dispose();
				return said;
			};
			const key = '/glance-weights/' + entry.sha256;
			const cache = await caches.open('glance-weights');
			%s
		})()`, script))
	}
	steps := []struct{ name, script, want string }{
		{"kept", `return [await outcome(true), JSON.stringify((await keptModels()).map(({ title, ...rest }) => rest))].join()`,
			fmt.Sprintf(`kept,[{"name":"small","bytes":%d,"sha256":"SHA"}]`, len(f.blobs["small"].bytes))},
		{"read", `const fetched = performance.getEntriesByName(entry.url).length;
			const classifier = await load({ model: 'small', keep: true, worker: false });
			return String(performance.getEntriesByName(entry.url).length - fetched)`, "0"},
		{"damaged", `const response = await cache.match(key);
			const bytes = new Uint8Array(await response.arrayBuffer());
			bytes[bytes.length - 9] ^= 1;
			await cache.put(key, new Response(bytes, { headers: response.headers }));
			return [await outcome(true), (await (await cache.match(key)).blob()).size === entry.bytes].join()`, "kept,true"},
		{"cut short", `const response = await cache.match(key);
			await cache.put(key, new Response((await response.arrayBuffer()).slice(0, 5000), { headers: response.headers }));
			return [await outcome(true), (await (await cache.match(key)).blob()).size === entry.bytes].join()`, "kept,true"},
		{"dropped", `return [await dropKept(entry.sha256), await dropKept(entry.sha256), (await keptModels()).length].join()`, "true,false,0"},
		{"broken off", `const codes = [];
			for (const as of ['truncated', 'flipped', 'slow']) {
				const signal = as === 'slow' ? AbortSignal.timeout(300) : undefined;
				const model = { name: 'small', weights: '/test/weights/small?as=' + as, sha256: entry.sha256 };
				codes.push(await load({ model, keep: true, signal }).then(() => 'loaded', ({ code }) => code));
			}
			return [...codes, (await keptModels()).length].join()`, "weights-integrity,weights-integrity,aborted,0"},
		{"full", `const { put } = Cache.prototype;
			Cache.prototype.put = () => Promise.reject(new DOMException('no space', 'QuotaExceededError'));
			const said = await outcome(false);
			Cache.prototype.put = put;
			return [said, (await keptModels()).length].join()`, "storage,0"},
	}
	for _, step := range steps {
		got := run(step.script)
		if before, rest, ok := strings.Cut(got, `"sha256":"`); ok {
			got = before + `"sha256":"SHA` + rest[bytes.IndexByte([]byte(rest), '"'):]
		}
		if got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
}
