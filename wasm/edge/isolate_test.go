package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glance/tools/api"
	"glance/tools/api/apitest"
)

// checkError wants a refusal.
func checkError(t *testing.T, a answer, status int, code api.Code, text string) {
	t.Helper()
	var got struct{ Error api.Error }
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatalf("status %d, %v in %.300s", a.status, err, a.body)
	}
	if a.status != status || got.Error.Code != code || !strings.Contains(got.Error.Message, text) {
		t.Errorf("got %d %+v, want %d %s with %q", a.status, got.Error, status, code, text)
	}
}

// assets serves the bundle's assets, through handle, which says whether it has
// answered itself.
func assets(t *testing.T, handle func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	files := http.FileServer(http.Dir(filepath.Join(built(t).dir, "assets")))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !handle(w, r) {
			files.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestWeights serves weights that are not there, not whole, not those of the
// build, and then the right ones: a request that fails leaves nothing behind.
func TestWeights(t *testing.T) {
	blob, err := os.ReadFile(filepath.Join(built(t).weights, small+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(blob)
	flipped[len(flipped)/2] ^= 1
	served := http.NotFound
	serve := func(b []byte) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write(b) }
	}
	w := start(t, config{assets: assets(t, func(w http.ResponseWriter, r *http.Request) bool {
		served(w, r)
		return true
	})})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	post := func() answer { return w.send(t, "POST", "/classify", "", jpg) }
	checkError(t, post(), 503, api.WeightsUnavailable, "404")
	served = serve(blob[:1000])
	checkError(t, post(), 503, api.WeightsMismatch, "1000 bytes")
	served = serve(flipped)
	checkError(t, post(), 503, api.WeightsMismatch, "sha-256")
	served = func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }
	checkError(t, post(), 503, api.WeightsUnavailable, "cannot be read")
	served = serve(blob)
	if a := post(); a.status != 200 {
		t.Errorf("with the right weights: %d %s", a.status, a.body)
	}
	served = http.NotFound
	if a := post(); a.status != 200 {
		t.Errorf("once they are loaded: %d %s", a.status, a.body)
	}
}

// TestColdConcurrent sends many first requests at the same time: the weights are
// read once.
func TestColdConcurrent(t *testing.T) {
	var reads atomic.Int32
	w := start(t, config{assets: assets(t, func(_ http.ResponseWriter, _ *http.Request) bool {
		reads.Add(1)
		time.Sleep(200 * time.Millisecond)
		return false
	})})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if a, err := w.do("POST", "/classify", "", bytes.NewReader(jpg)); err != nil || a.status != 200 {
				t.Errorf("%v, status %d: %s", err, a.status, a.body)
			}
		})
	}
	group.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("weights were read %d times", n)
	}
}

// TestColdCancelled takes the request away that began to load the weights;
// another one that waits for them still gets its answer.
func TestColdCancelled(t *testing.T) {
	begun, release := make(chan bool, 10), make(chan bool)
	w := start(t, config{assets: assets(t, func(http.ResponseWriter, *http.Request) bool {
		begun <- true
		<-release
		return false
	})})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	ctx, cancel := context.WithCancel(context.Background())
	first, err := http.NewRequestWithContext(ctx, "POST", w.url+"/classify", bytes.NewReader(jpg))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		if response, err := http.DefaultClient.Do(first); err == nil {
			response.Body.Close()
			t.Error("the first request was not cancelled")
		}
	})
	<-begun
	group.Go(func() {
		if a, err := w.do("POST", "/classify", "", bytes.NewReader(jpg)); err != nil || a.status != 200 {
			t.Errorf("second request: %v, status %d: %s", err, a.status, a.body)
		}
	})
	time.Sleep(50 * time.Millisecond) // for the second one to arrive
	cancel()
	time.Sleep(50 * time.Millisecond) // for workerd to notice
	close(release)
	group.Wait()
}

// TestBodies sends bodies that are too long, end early or arrive slowly.
func TestBodies(t *testing.T) {
	w := start(t, config{vars: map[string]string{"MAX_BODY_BYTES": "100000", "MAX_BUFFERED_BYTES": "250000"}})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	long := make([]byte, 100_001)
	chunked := func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b)) } // of no known length

	checkError(t, w.send(t, "POST", "/classify", "", long), 413, api.BodyTooLarge, "100000")
	a, err := w.do("POST", "/classify", "", chunked(long))
	if err != nil {
		t.Fatal(err)
	}
	checkError(t, a, 413, api.BodyTooLarge, "100000")
	if a, err = w.do("POST", "/classify", "", chunked(jpg)); err != nil || a.status != 200 {
		t.Errorf("chunked: %v, %d %s", err, a.status, a.body)
	}

	// A body that ends early closes the connection; others are served.
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
	conn.Write(jpg[:100])
	conn.Close()
	if a := w.send(t, "POST", "/classify", "", jpg); a.status != 200 {
		t.Errorf("after a broken body: %d %s", a.status, a.body)
	}

	// Three uploads of 80000 bytes that stall keep nobody out. Once most of them is
	// there they fill what may be in memory: the fourth is told to come back, and when
	// they have ended there is room again.
	const size = 80_000
	var slow []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /classify HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", size)
		slow = append(slow, conn)
	}
	time.Sleep(time.Second) // for all three to arrive
	checkError(t, w.send(t, "POST", "/classify", "", make([]byte, size)), 415, api.UnsupportedType, "")
	for _, conn := range slow {
		conn.Write(make([]byte, size-1))
	}
	time.Sleep(time.Second)
	a = w.send(t, "POST", "/classify", "", make([]byte, size))
	checkError(t, a, 503, api.Busy, "try again")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	for _, conn := range slow {
		conn.Write(make([]byte, 1))
		if text, err := io.ReadAll(conn); err != nil || !strings.Contains(string(text), "unsupported_type") {
			t.Errorf("slow upload: %v %.300s", err, text)
		}
	}
	checkError(t, w.send(t, "POST", "/classify", "", make([]byte, size)), 415, api.UnsupportedType, "")
}

// TestCrash breaks the engine under a request, as a trap in WebAssembly does. That
// request gets 500, and the next one a new engine.
func TestCrash(t *testing.T) {
	w := start(t, config{main: `
		import worker from "./index.mjs";
		export default {
			fetch(request, env, ctx) {
				if (new URL(request.url).searchParams.has("crash")) {
					context.binding.handleRequest = () => { throw new WebAssembly.RuntimeError("unreachable"); };
				}
				return worker.fetch(request, env, ctx);
			},
		};`})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	before := w.send(t, "POST", "/classify", "", jpg)
	for range 3 {
		checkError(t, w.send(t, "POST", "/classify?crash=yes", "", jpg), 500, api.Internal, "starts a new one")
		after := w.send(t, "POST", "/classify", "", jpg)
		if g, w := times.ReplaceAll(after.body, nil), times.ReplaceAll(before.body, nil); after.status != 200 || !bytes.Equal(g, w) {
			t.Errorf("after the crash: %d %.300s\nbefore: %.300s", after.status, g, w)
		}
	}
}

// TestKernelMemory deploys more models than may be loaded at the same time.
func TestKernelMemory(t *testing.T) {
	w := start(t, config{vars: map[string]string{"MAX_KERNEL_BYTES": "20000000"}})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	first := map[string]answer{}
	for range 3 {
		for _, model := range []string{small, moderation, tiny} {
			a := w.send(t, "POST", "/classify?logits=1&model="+model, "", jpg)
			if a.status != 200 {
				t.Fatalf("%s: %d %s", model, a.status, a.body)
			}
			if known, ok := first[model]; !ok {
				first[model] = a
			} else if !bytes.Equal(times.ReplaceAll(a.body, nil), times.ReplaceAll(known.body, nil)) {
				t.Errorf("%s: another answer after it was loaded again", model)
			}
			if m := decode[api.Health](t, w.send(t, "GET", "/healthz", "", nil)).Memory["kernels"]; m > 24<<20 {
				t.Errorf("the kernels have %d bytes", m)
			}
		}
	}
}

// TestSlowUpload changes the model while a body arrives: the engine that had been
// made ready for it is not kept, and there is another when the body is there.
func TestSlowUpload(t *testing.T) {
	var reads atomic.Int32
	w := start(t, config{vars: map[string]string{"MAX_KERNEL_BYTES": "1"}, assets: assets(t, func(http.ResponseWriter, *http.Request) bool {
		reads.Add(1)
		return false
	})})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /classify?model=%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", small, len(jpg))
	for deadline := time.Now().Add(time.Minute); reads.Load() < 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no weights are read while the body arrives")
		}
	}
	if a := w.send(t, "POST", "/classify?model="+tiny, "", jpg); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	conn.Write(jpg)
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 200") {
		t.Errorf("slow upload: %v %.300s", err, text)
	}
	if n := reads.Load(); n != 3 {
		t.Errorf("weights were read %d times, want small, tiny and small again", n)
	}
}

// TestManyModels asks for models at the same time that may not be in memory at the
// same time: one is loaded after the other.
func TestManyModels(t *testing.T) {
	var loading, most atomic.Int32
	w := start(t, config{vars: map[string]string{"MAX_KERNEL_BYTES": "1"}, assets: assets(t, func(w http.ResponseWriter, r *http.Request) bool {
		most.Store(max(most.Load(), loading.Add(1)))
		defer loading.Add(-1)
		time.Sleep(100 * time.Millisecond)
		http.ServeFile(w, r, filepath.Join(built(t).dir, "assets", r.URL.Path))
		return true
	})})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	var group sync.WaitGroup
	for i := range 9 {
		group.Go(func() {
			model := []string{small, tiny, moderation}[i%3]
			if a, err := w.do("POST", "/classify?model="+model, "", bytes.NewReader(jpg)); err != nil || a.status != 200 {
				t.Errorf("%s: %v, status %d: %s", model, err, a.status, a.body)
			}
		})
	}
	group.Wait()
	if n := most.Load(); n != 1 {
		t.Errorf("%d models were loaded at the same time", n)
	}
}

// TestPictureMemory sends larger and larger pictures to two models in turn, which
// share the kernels' memory: it holds one picture, not all.
func TestPictureMemory(t *testing.T) {
	w := start(t, config{})
	var first, last int64
	for side := 400; side <= 1300; side += 75 {
		body := make([]byte, 3*side*side)
		for _, model := range []string{small, tiny} {
			target := fmt.Sprintf("/classify?model=%s&width=%d&height=%d", model, side, side)
			if a := w.send(t, "POST", target, "", body); a.status != 200 {
				t.Fatalf("%s: %d %s", target, a.status, a.body)
			}
		}
		last = decode[api.Health](t, w.send(t, "GET", "/healthz", "", nil)).Memory["kernels"]
		if first == 0 {
			first = last
		}
	}
	if last > first+4<<20 {
		t.Errorf("the kernels' memory grew from %d to %d bytes", first, last)
	}
}

// TestSettings refuses settings that cannot be, with their name.
func TestSettings(t *testing.T) {
	tests := map[string]string{
		"MAX_PIXELS": "many", "MAX_BODY_BYTES": "-1", "BACKEND": "cuda", "WEIGHTS_SOURCE": "ftp", "DEFAULT_MODEL": "resnet",
	}
	for name, value := range tests {
		w := start(t, config{vars: map[string]string{name: value}})
		a := w.send(t, "GET", "/healthz", "", nil)
		if a.status != 500 || !strings.Contains(string(a.body)+w.stderr.String(), name) {
			t.Errorf("%s=%s: %d %s", name, value, a.status, a.body)
		}
	}
	w := start(t, config{vars: map[string]string{"DEFAULT_MODEL": moderation, "BACKEND": "relaxed", "CORS_ORIGINS": "https://a.example, https://b.example"}})
	jpg := apitest.JPEG(t, apitest.Picture(50, 50, 1))
	if got := decode[api.Classification](t, w.send(t, "POST", "/classify", "", jpg)); got.Model != moderation {
		t.Errorf("the default model is %s", got.Model)
	}
	if got := decode[api.Health](t, w.send(t, "GET", "/healthz", "", nil)); got.Backend != "relaxed" {
		t.Errorf("the backend is %s", got.Backend)
	}
	r, err := http.NewRequest("POST", w.url+"/classify", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://b.example")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Access-Control-Allow-Origin"); got != "https://b.example" {
		t.Errorf("allowed origin %q", got)
	}
}
