//go:build !js

package simd_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"glance/kernels/kerneltest"
	"glance/kernels/simd"
)

var suiteDir string // where suite built

// suite builds this package's tests for GOOS=js, once.
var suite = sync.OnceValues(func() (file string, err error) {
	if suiteDir, err = os.MkdirTemp("", "simd-suite-"); err != nil {
		return "", err
	}
	file = filepath.Join(suiteDir, "suite.wasm")
	cmd := exec.Command("go", "test", "-c", "-o", file, ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the suite for GOOS=js: %w\n%s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if suiteDir != "" {
		os.RemoveAll(suiteDir)
	}
	os.Exit(code)
}

var wasmExec = filepath.Join(runtime.GOROOT(), "lib", "wasm", "wasm_exec.js")

func moduleFile(backend string, threads int) string {
	if threads > 1 {
		backend += "-threads"
	}
	return backend + ".wasm"
}

// inNode runs the suite in node.
func inNode(t *testing.T, backend string, threads int, args ...string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is missing")
	}
	file, err := suite()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, append([]string{filepath.Join("testdata", "suite.mjs"), wasmExec, file,
		moduleFile(backend, threads), backend, strconv.Itoa(threads)}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// browser is a Chromium with a page that can start workers with shared memory.
type browser struct{ ctx context.Context }

func newBrowser(t *testing.T) *browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is missing")
	}
	file, err := suite()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"/wasm_exec.js": wasmExec, "/suite.wasm": file, "/suite.mjs": filepath.Join("testdata", "suite.mjs")}
	for _, backend := range []string{"simd128", "relaxed"} {
		for _, threads := range []int{1, 2} {
			files["/"+moduleFile(backend, threads)] = moduleFile(backend, threads)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		if name, ok := files[r.URL.Path]; ok {
			if strings.HasSuffix(name, "js") {
				w.Header().Set("Content-Type", "text/javascript")
			}
			http.ServeFile(w, r, name)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>suite</title>")
	}))
	t.Cleanup(server.Close)
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	return &browser{ctx}
}

// run runs the suite in a worker of the page.
func (b *browser) run(t *testing.T, backend string, threads int, args ...string) string {
	t.Helper()
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = strconv.Quote(a)
	}
	type reply struct {
		Code   int    `json:"code"`
		Output string `json:"output"`
	}
	answer, err := chromedp.Run(b.ctx, chromedp.Evaluate[reply](fmt.Sprintf(`new Promise((resolve) => {
		const worker = new Worker('/suite.mjs', { type: 'module' });
		const answer = (reply) => { worker.terminate(); resolve(reply); };
		worker.onmessage = ({ data }) => answer(data);
		worker.onerror = (e) => answer({ code: -1, output: e.message });
		worker.postMessage({ module: %q, backend: %q, threads: %d, args: [%s] });
	})`, moduleFile(backend, threads), backend, threads, strings.Join(quoted, ", ")), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Code != 0 {
		t.Fatalf("exit code %d\n%s", answer.Code, answer.Output)
	}
	return answer.Output
}

var checksumLine = regexp.MustCompile(`(?m)^checksum ([0-9a-f]{16}) (.*)$`)

// sameChecksums holds what the suite printed to native checksums.
func sameChecksums(t *testing.T, want map[string]uint64, output string) {
	t.Helper()
	got := checksumLine.FindAllStringSubmatch(output, -1)
	if len(got) != len(want) {
		t.Fatalf("%d checksums, want %d:\n%s", len(got), len(want), output)
	}
	for _, line := range got {
		if w := fmt.Sprintf("%016x", want[line[2]]); w != line[1] {
			t.Errorf("%s: checksum %s, natively %s", line[2], line[1], w)
		}
	}
}

// TestHosts runs the suite and the corpus in node and Chromium. What simd128
// computes must be the same bits as on wazero, compiled and interpreted.
func TestHosts(t *testing.T) {
	native := func(o simd.Options) map[string]uint64 {
		m := machines(o)(t)
		defer m.Close()
		sums, err := kerneltest.Checksums(m)
		if err != nil {
			t.Fatal(err)
		}
		return sums
	}
	want := native(simd.Options{})
	for name, got := range map[string]map[string]uint64{
		"interpreter": native(simd.Options{Interpreter: true}), "threads": native(simd.Options{Threads: 2}),
	} {
		for c, sum := range got {
			if sum != want[c] {
				t.Errorf("%s: %s: checksum %016x, compiled %016x", name, c, sum, want[c])
			}
		}
	}
	args := []string{"-test.v", "-test.short"}
	t.Run("node", func(t *testing.T) {
		sameChecksums(t, want, inNode(t, "simd128", 1, args...))
	})
	t.Run("node threads", func(t *testing.T) {
		inNode(t, "simd128", 3, append(args, "-test.run=TestSuite")...)
	})
	t.Run("chromium", func(t *testing.T) {
		b := newBrowser(t)
		sameChecksums(t, want, b.run(t, "simd128", 1, args...))
		b.run(t, "simd128", 3, append(args, "-test.run=TestSuite")...)
		b.run(t, "relaxed", 1, args...)
		b.run(t, "relaxed", 2, append(args, "-test.run=TestSuite")...)
	})
}
