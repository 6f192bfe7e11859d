package site_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
)

// writeFile writes a file into the scratch folder.
func writeFile(t *testing.T, f *fixture, name, content string) string {
	t.Helper()
	file := filepath.Join(f.dir, name)
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func fileSize(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// before runs JavaScript in the tab's later pages before theirs.
func before(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatal(err)
	}
}

// noticed waits for the notice and returns it.
func noticed(t *testing.T, ctx context.Context) string {
	t.Helper()
	do(t, ctx, until(`!document.getElementById('notice').hidden`))
	return evaluate[string](t, ctx, `document.getElementById('notice-text').textContent`)
}

// framesGo waits until the camera's frames are being classified.
var framesGo = until(`document.getElementById('time').textContent.includes('frames/s')`)

// TestPageCameraRefused goes through the ways in which there is no camera.
func TestPageCameraRefused(t *testing.T) {
	f := setUp(t)
	reject := func(name, message string) string {
		return `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('` + message + `', '` + name + `'))`
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(f.open.URL, "http://"), ":")
	tests := []struct {
		name, server, script, want string
		again                      bool // another try is offered
	}{
		{"denied", f.open.URL, reject("NotAllowedError", "Permission denied"), "may not use the camera", true},
		{"closed without an answer", f.open.URL, reject("NotAllowedError", "Permission dismissed"), "without an answer", true},
		{"denied by the system", f.open.URL, reject("NotAllowedError", "Permission denied by system"), "privacy settings", true},
		{"absent", f.open.URL, reject("NotFoundError", "Requested device not found"), "No camera was found", true},
		{"in use", f.open.URL, reject("NotReadableError", "Could not start video source"), "in use by another program", true},
		{"something new", f.open.URL, reject("OddError", "the lens is dusty"), "the lens is dusty", true},
		{"unsupported", f.open.URL, `Object.defineProperty(navigator, 'mediaDevices', { value: undefined })`, "gives pages no camera", false},
		{"insecure", "http://" + insecureHost + ":" + port, "", "secure address", false},
	}
	for _, tt := range tests {
		ctx := tab(t, f, time.Minute, nil)
		before(t, ctx, tt.script)
		do(t, ctx, chromedp.Navigate(tt.server), untilLoaded, chromedp.Click(chromedp.CSS("#camera")))
		if text := noticed(t, ctx); !strings.Contains(text, tt.want) {
			t.Errorf("%s: notice %q, want %q in it", tt.name, text, tt.want)
		}
		if again := evaluate[bool](t, ctx, `!document.getElementById('retry').hidden`); again != tt.again {
			t.Errorf("%s: another try is offered: %t", tt.name, again)
		}
		if state := evaluate[string](t, ctx, `[document.getElementById('camera').textContent, document.getElementById('camera').disabled, document.getElementById('empty').hidden].join()`); state != "Use the camera,false,false" {
			t.Errorf("%s: afterwards %s", tt.name, state)
		}
	}
}

// TestPageCameraLost loses the camera while it runs and finds it again, below another path.
func TestPageCameraLost(t *testing.T) {
	f := setUp(t)
	ctx := openPage(t, f, f.open.URL+"/test/copy/")
	evaluate[bool](t, ctx, `document.getElementById('camera').click() ?? true`)
	do(t, ctx, framesGo)

	evaluate[bool](t, ctx, `document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))`)
	if text := noticed(t, ctx); !strings.Contains(text, "The camera has stopped") {
		t.Errorf("notice %q", text)
	}
	if live := evaluate[bool](t, ctx, `document.getElementById('video').srcObject !== null`); live {
		t.Error("the stream is still there")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#retry")), framesGo)

	// A picture ends it and its light.
	evaluate[bool](t, ctx, `(globalThis.track = document.getElementById('video').srcObject.getVideoTracks()[0]) !== null`)
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), answered)
	if state := evaluate[string](t, ctx, `track.readyState`); state != "ended" {
		t.Errorf("the track is %s behind the picture", state)
	}
}

// TestPageCameraChooser has two cameras, of which one looks away from the visitor.
func TestPageCameraChooser(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	before(t, ctx, `
		const { getUserMedia } = MediaDevices.prototype;
		const cameras = [{ kind: 'videoinput', deviceId: 'front', label: 'Front' }, { kind: 'audioinput', deviceId: 'm', label: '' }, { kind: 'videoinput', deviceId: 'back', label: '' }];
		globalThis.asked = [];
		MediaDevices.prototype.enumerateDevices = async () => cameras;
		MediaDevices.prototype.getUserMedia = async function (constraints) {
			asked.push(constraints.video.deviceId?.ideal ?? constraints.video.facingMode);
			const stream = await getUserMedia.call(this, { video: true });
			const back = asked.at(-1) === 'back';
			stream.getVideoTracks()[0].getSettings = () => ({ deviceId: back ? 'back' : 'front', facingMode: back ? 'environment' : 'user' });
			return stream;
		};`)
	state := func() string {
		return evaluate[string](t, ctx, `[asked.join('+'), document.getElementById('cameras').value, document.getElementById('video').classList.contains('mirrored'),
			[...document.getElementById('cameras').options].map((o) => o.textContent).join('+')].join()`)
	}
	do(t, ctx, chromedp.Navigate(f.open.URL), untilLoaded)
	if shown := evaluate[bool](t, ctx, `!document.getElementById('camera-chooser').hidden`); shown {
		t.Error("the chooser is shown before the camera runs")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")), framesGo, until(`!document.getElementById('camera-chooser').hidden`))
	if got := state(); got != "environment,front,true,Front+Camera 2" {
		t.Errorf("first: %s", got)
	}
	evaluate[bool](t, ctx, `(() => {
		const cameras = document.getElementById('cameras');
		cameras.value = 'back';
		return cameras.dispatchEvent(new Event('change'));
	})()`)
	do(t, ctx, until(`asked.length === 2 && !document.getElementById('video').classList.contains('mirrored')`), framesGo)
	if got := state(); got != "environment+back,back,false,Front+Camera 2" {
		t.Errorf("after choosing: %s", got)
	}
	// The choice is kept. One camera needs no chooser.
	do(t, ctx, chromedp.Navigate(f.open.URL), untilLoaded, chromedp.Click(chromedp.CSS("#camera")), framesGo)
	if got := state(); got != "back,back,false,Front+Camera 2" {
		t.Errorf("at the next visit: %s", got)
	}
	evaluate[bool](t, ctx, `cameras.pop() && navigator.mediaDevices.dispatchEvent(new Event('devicechange'))`)
	do(t, ctx, until(`document.getElementById('camera-chooser').hidden`))
	evaluate[bool](t, ctx, `localStorage.clear() ?? true`)
}

// TestPageCameraWaits hides the tab, and opens a picture while the browser asks.
func TestPageCameraWaits(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	before(t, ctx, `
		const { getUserMedia } = MediaDevices.prototype;
		globalThis.allow = undefined;
		MediaDevices.prototype.getUserMedia = async function (constraints) {
			await new Promise((resolve) => { allow = resolve; });
			globalThis.stream = await getUserMedia.call(this, constraints);
			return stream;
		};`)
	do(t, ctx, chromedp.Navigate(f.open.URL), untilLoaded, chromedp.Click(chromedp.CSS("#camera")), until(`!!allow`))
	if text := evaluate[string](t, ctx, `document.getElementById('camera').textContent`); text != "Starting" {
		t.Errorf("the button says %q", text)
	}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(f.dir, photoPNG)}), answered)
	evaluate[bool](t, ctx, `allow() ?? true`)
	do(t, ctx, until(`globalThis.stream?.getVideoTracks()[0].readyState === 'ended'`))
	if hidden := evaluate[bool](t, ctx, `document.getElementById('picture').hidden`); hidden {
		t.Error("the camera took the picture's place")
	}

	evaluate[bool](t, ctx, `!(allow = undefined)`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#camera")), until(`!!allow`))
	evaluate[bool](t, ctx, `allow() ?? true`)
	do(t, ctx, framesGo)
	hide := func(hidden string) {
		evaluate[bool](t, ctx, `(() => {
			Object.defineProperty(document, 'hidden', { value: `+hidden+`, configurable: true });
			return document.dispatchEvent(new Event('visibilitychange'));
		})()`)
	}
	hide("true")
	do(t, ctx, until(`document.getElementById('video').paused`))
	hide("false")
	do(t, ctx, until(`!document.getElementById('video').paused`))
	evaluate[bool](t, ctx, `new Promise((resolve) => new MutationObserver(() => resolve(true)).observe(document.querySelector('#chart path'), { attributes: true }))`)
}

// TestPageCameraWithoutModel loses the weights while the camera runs: they are asked
// for once, and again when the visitor says so, not with every frame.
func TestPageCameraWithoutModel(t *testing.T) {
	f := setUp(t)
	var missing atomic.Bool
	var asked atomic.Int32
	site := static.Handler(filepath.Join(f.dir, "site"), static.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if missing.Load() && strings.HasPrefix(r.URL.Path, "/weights/") {
			asked.Add(1)
			http.NotFound(w, r)
			return
		}
		site.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx := tab(t, f, time.Minute, func(text string) bool { return strings.HasPrefix(text, "network: Failed to load resource") })
	do(t, ctx, chromedp.Navigate(server.URL), untilLoaded, chromedp.Click(chromedp.CSS("#camera")), framesGo)
	missing.Store(true)
	evaluate[bool](t, ctx, `(() => {
		const chooser = document.getElementById('model');
		chooser.selectedIndex = (chooser.selectedIndex + 1) % chooser.length;
		return chooser.dispatchEvent(new Event('change'));
	})()`)
	if text := noticed(t, ctx); !strings.Contains(text, "missing") {
		t.Errorf("notice %q", text)
	}
	first := asked.Load()
	do(t, ctx, chromedp.Sleep(500*time.Millisecond))
	if now := asked.Load(); now != first {
		t.Errorf("the weights were asked for %d times more", now-first)
	}
	if hidden := evaluate[bool](t, ctx, `document.getElementById('notice').hidden`); hidden {
		t.Error("the notice has gone")
	}
	missing.Store(false)
	do(t, ctx, chromedp.Click(chromedp.CSS("#retry")), untilLoaded, framesGo, chromedp.Click(chromedp.CSS("#camera")))
}
