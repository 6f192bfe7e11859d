package edge_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"glance/models"
	"glance/tools/api/apitest"
	"glance/wasm/edge"
)

// The models of the tests. Networks with random weights stand for trained ones:
// what is tested is the way to them.
const (
	small      = "random_v3_small" // MobileNetV3-small, 224x224, 1000 classes without labels
	moderation = "random_v2"       // as the bundled model for content moderation: 5 classes with labels
	tiny       = "random_v1"       // hardly anything to compute
)

// bundle is the worker built with the models of the tests, once for all tests.
type bundle struct {
	dir     string // has worker and assets
	weights string
	report  *edge.Report
	err     error
}

var scratch string // removed when the tests end

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "glance-edge-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

var buildOnce = sync.OnceValue(func() (b bundle) {
	b.dir, b.weights = filepath.Join(scratch, "edge"), filepath.Join(scratch, "weights")
	if b.err = os.Mkdir(b.weights, 0o755); b.err != nil {
		return b
	}
	t := new(testing.T)
	blobs := map[string][]byte{
		small: apitest.Blob(t, models.Config{Arch: models.MobileNetV3Small}, 1, nil),
		moderation: apitest.Blob(t, models.Config{Arch: models.MobileNetV2, Padding: models.Same, Classes: 5}, 2, map[string]string{
			"labels": "drawing\nhentai\nneutral\nporn\nsexy", "preprocess.resize": "exact", "preprocess.crop": "none",
			"preprocess.filter": string(models.TFBilinearCorner), "preprocess.mean": "0,0,0", "preprocess.std": "1,1,1"}),
		tiny: apitest.Blob(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.25, Classes: 2, Height: 32, Width: 32}, 3, nil),
	}
	for name, blob := range blobs {
		apitest.WriteBlob(t, b.weights, name, blob)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		b.err = err
		return b
	}
	if b.err = noteSources(); b.err != nil {
		return b
	}
	b.report, b.err = edge.Build(edge.Options{Root: root, Out: b.dir, Weights: b.weights, Models: []string{small, tiny, moderation}})
	return b
})

// noteSources looks at the Go files of the worker, which another process compiles,
// so that `go test` does not take a result from its cache when one has changed.
func noteSources() error {
	list := exec.Command("go", "list", "-deps", "-f", `{{if .Module}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}`, "./worker")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	for _, name := range strings.Fields(string(names)) {
		if _, err := os.Stat(name); err != nil {
			return err
		}
	}
	return nil
}

func built(t testing.TB) bundle {
	t.Helper()
	b := buildOnce()
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b
}

// npm finds a file that `npm ci` in this folder installs.
func npm(t testing.TB, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("node_modules", pattern))
	if err != nil || len(found) == 0 {
		t.Skipf("no %s: run `npm --prefix wasm/edge ci` first", pattern)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// worker is a running workerd.
type worker struct {
	url    string
	pid    int
	stderr *bytes.Buffer
}

// config changes how a worker is run.
type config struct {
	vars   map[string]string
	assets string // address of an HTTP server that takes the place of the assets
	main   string // code of a module that takes the place of index.mjs
	dir    string // of the bundle; "": that of the tests
}

// start runs workerd with the bundle until the test ends.
func start(t testing.TB, c config) *worker {
	t.Helper()
	binary := npm(t, "@cloudflare/workerd-*/bin/workerd")
	dir := c.dir
	if dir == "" {
		dir = built(t).dir
	}
	file, err := os.CreateTemp(filepath.Join(dir, "worker"), "config-*.capnp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(file.Name()) })
	fmt.Fprint(file, c.capnp(t, dir))
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	control, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	w := &worker{stderr: new(bytes.Buffer)}
	cmd := exec.Command(binary, "serve", file.Name(), "--control-fd=3")
	cmd.ExtraFiles = []*os.File{pipe}
	cmd.Stderr = w.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pipe.Close()
	w.pid = cmd.Process.Pid
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() && w.stderr.Len() > 0 {
			t.Logf("workerd says:\n%s", w.stderr)
		}
	})
	line, err := bufio.NewReader(control).ReadBytes('\n')
	var event struct{ Port int }
	if err != nil || json.Unmarshal(line, &event) != nil || event.Port == 0 {
		cmd.Wait()
		t.Fatalf("workerd does not listen: %v %s\n%s", err, line, w.stderr)
	}
	w.url = fmt.Sprintf("http://127.0.0.1:%d", event.Port)
	return w
}

// capnp is workerd's configuration. Files are named relative to dir/worker.
func (c config) capnp(t testing.TB, dir string) string {
	t.Helper()
	var modules, bindings strings.Builder
	entries, err := os.ReadDir(filepath.Join(dir, "worker"))
	if err != nil {
		t.Fatal(err)
	}
	first := "index.mjs"
	if c.main != "" {
		first = "main.mjs"
		fmt.Fprintf(&modules, "(name = %q, esModule = %q),\n", first, c.main)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { // the main module comes first
		return strings.Compare(strings.TrimPrefix(a.Name(), "index"), strings.TrimPrefix(b.Name(), "index"))
	})
	for _, e := range entries {
		kind := map[string]string{".mjs": "esModule", ".js": "esModule", ".wasm": "wasm"}[filepath.Ext(e.Name())]
		if kind != "" {
			fmt.Fprintf(&modules, "(name = %q, %s = embed %q),\n", e.Name(), kind, e.Name())
		}
	}
	for name, value := range c.vars {
		fmt.Fprintf(&bindings, "(name = %q, text = %q),\n", name, value)
	}
	assets := fmt.Sprintf("disk = (path = %q)", filepath.Join(dir, "assets"))
	if c.assets != "" {
		assets = fmt.Sprintf("external = (address = %q, http = ())", c.assets)
	}
	return fmt.Sprintf(`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .glance), (name = "assets", %s)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const glance :Workerd.Worker = (
  compatibilityDate = "2026-04-20",
  modules = [%s],
  bindings = [(name = "ASSETS", service = "assets"), %s]
);
`, assets, modules.String(), bindings.String())
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

func (w *worker) do(method, target, contentType string, body io.Reader) (answer, error) {
	r, err := http.NewRequest(method, w.url+target, body)
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	// After seconds without a pause workerd takes idle connections for older than
	// they are and closes them. This says that a POST which meets that may be repeated.
	r.Header.Set("Idempotency-Key", "")
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, content}, err
}

// send is do for tests.
func (w *worker) send(t testing.TB, method, target, contentType string, body []byte) answer {
	t.Helper()
	a, err := w.do(method, target, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

// decode reads an answer that must be 200.
func decode[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v in %.300s", err, a.body)
	}
	return v
}

// cpu is the processor time that workerd has used so far.
func (w *worker) cpu(t testing.TB) time.Duration {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processor time is read from /proc")
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", w.pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no tasks of %d: %v", w.pid, err)
	}
	var total time.Duration
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the task has just ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += time.Duration(ns)
	}
	return total
}

// resident is workerd's memory in bytes.
func (w *worker) resident(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.pid))
	if err != nil {
		t.Skip("resident memory is read from /proc")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// buildFor builds the worker with one of the fetched models.
func buildFor(root, dir, model string) (*edge.Report, error) {
	return edge.Build(edge.Options{Root: root, Out: dir, Weights: filepath.Join(root, "weights"), Models: []string{model}})
}
