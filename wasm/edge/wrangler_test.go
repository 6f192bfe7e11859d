//go:build unix

package edge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"glance/tools/api/apitest"
)

// wrangler prepares a command of wrangler that calls nobody.
func wrangler(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(npm(t, ".bin/wrangler"), args...)
	cmd.Env = append(os.Environ(), "WRANGLER_SEND_METRICS=false", "WRANGLER_HIDE_BANNER=true", "CLOUDFLARE_CF_FETCH_ENABLED=false",
		"WRANGLER_LOG_PATH="+filepath.Join(scratch, "wrangler-logs"), "CI=true", "NO_COLOR=1")
	return cmd
}

// wranglerConfig is wrangler.jsonc for the bundle of the tests, edited.
func wranglerConfig(t testing.TB, edits ...string) string {
	t.Helper()
	text, err := os.ReadFile("wrangler.jsonc")
	if err != nil {
		t.Fatal(err)
	}
	edits = append(edits, "../../build/edge", filepath.ToSlash(built(t).dir))
	for i := 0; i < len(edits); i += 2 {
		if !bytes.Contains(text, []byte(edits[i])) {
			t.Fatalf("wrangler.jsonc has no %q", edits[i])
		}
		text = bytes.ReplaceAll(text, []byte(edits[i]), []byte(edits[i+1]))
	}
	path := filepath.Join(t.TempDir(), "wrangler.jsonc")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// dev runs `wrangler dev` until the test ends.
func dev(t testing.TB, config string, args ...string) *worker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	w := &worker{url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	cmd := wrangler(t, append([]string{"dev", "--config", config, "--port", fmt.Sprint(port), "--inspector-port", "0"}, args...)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the workerds it starts
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if t.Failed() {
			t.Logf("wrangler says:\n%s", &output)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if response, err := http.Get(w.url + "/healthz"); err == nil {
			response.Body.Close()
			return w
		}
		select {
		case <-ended:
			t.Fatal("wrangler ended")
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("wrangler does not listen")
		}
	}
}

// putCommand is a command of README.md that puts weights where they are read from,
// for a file of the tests, without the flag that says where to.
func putCommand(t testing.TB, what, path string) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(readme)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "npx wrangler "+what)
		if !ok {
			continue
		}
		line, remote := strings.CutSuffix(line, " --remote")
		if !remote {
			t.Errorf("README.md puts weights in a place that is not Cloudflare's: %s", line)
		}
		const file = "nsfw_mobilenet_v2.safetensors"
		line = strings.ReplaceAll(line, "../../weights/"+file, path)
		return strings.Fields(what + strings.ReplaceAll(line, file, filepath.Base(path)))
	}
	t.Fatalf("README.md has no command for %s", what)
	return nil
}

// TestWrangler runs the worker as `make edge` does, with the weights in each place
// they may be in.
func TestWrangler(t *testing.T) {
	path := filepath.Join(built(t).weights, small+".safetensors")
	jpg := apitest.JPEG(t, apitest.Picture(300, 200, 1))
	want := start(t, config{}).send(t, "POST", "/classify?logits=1", "", jpg)
	const source = `"WEIGHTS_SOURCE": "assets"`
	const r2, kv = `// "r2_buckets": [`, `// "kv_namespaces": [`
	tests := []struct {
		name  string
		edits []string
		put   string
	}{
		{"assets", nil, ""},
		{"R2", []string{source, `"WEIGHTS_SOURCE": "r2"`, r2, r2[3:]}, "r2 object put"},
		{"KV", []string{source, `"WEIGHTS_SOURCE": "kv"`, kv, kv[3:], `"..."`, `"0123456789abcdef"`}, "kv key put"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config, state := wranglerConfig(t, tt.edits...), t.TempDir()
			if tt.put != "" {
				cmd := wrangler(t, append(putCommand(t, tt.put, path), "--local", "--persist-to", state, "--config", config)...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			w := dev(t, config, "--persist-to", state)
			got := w.send(t, "POST", "/classify?logits=1", "image/jpeg", jpg)
			if got.status != 200 || !bytes.Equal(times.ReplaceAll(got.body, nil), times.ReplaceAll(want.body, nil)) {
				t.Errorf("%d %.300s\nwithout wrangler %.300s", got.status, got.body, want.body)
			}
			if tt.name != "assets" {
				a := w.send(t, "POST", "/classify?model="+moderation, "", jpg)
				checkError(t, a, 503, "weights_unavailable", moderation+".safetensors")
				return
			}
			page := w.send(t, "GET", "/", "", nil)
			if page.status != 200 || !strings.Contains(page.header.Get("Content-Type"), "text/html") {
				t.Errorf("the page: %d %s", page.status, page.header.Get("Content-Type"))
			}
		})
	}
}

// TestUpload asks wrangler what a deployment would upload.
func TestUpload(t *testing.T) {
	out, err := wrangler(t, "deploy", "--dry-run", "--outdir", t.TempDir(), "--config", wranglerConfig(t)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	match := regexp.MustCompile(`gzip: ([0-9.]+) KiB`).FindSubmatch(out)
	if match == nil {
		t.Fatalf("no size in\n%s", out)
	}
	var size float64
	if err := json.Unmarshal(match[1], &size); err != nil {
		t.Fatal(err)
	}
	t.Logf("the upload has %.0f KiB after gzip", size)
	if own := float64(built(t).report.Packed) / 1024; size >= 3072 || own < size*0.95 || own > size*1.05 {
		t.Errorf("wrangler says %.0f KiB, the build says %.0f, the limit is 3072", size, own)
	}
}
