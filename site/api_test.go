package site_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"glance/kernels/simd"
	"glance/models"
)

// TestAPI runs the tests of testdata/api.js on origins with and without
// cross-origin isolation.
func TestAPI(t *testing.T) {
	f := setUp(t)
	writeFacts(t, f)
	// What the browser itself says about requests that are meant to fail.
	expected := func(text string) bool {
		return strings.HasPrefix(text, "network: Failed to load resource") || strings.HasPrefix(text, "worker: Failed to load module script")
	}
	for _, origin := range []struct {
		name   string
		server *httptest.Server
	}{{"isolated", f.safe}, {"open", f.open}} {
		t.Run(origin.name, func(t *testing.T) {
			ctx := openAPI(t, f, origin.server.URL, expected)
			for _, name := range evaluate[[]string](t, ctx, `ready.then(({ names }) => names)`) {
				if name == "insecure" || name == "withoutSIMD" {
					continue
				}
				t.Run(name, func(t *testing.T) { runAPITest(t, ctx, name) })
			}
		})
	}
	t.Run("withoutSIMD", func(t *testing.T) {
		runAPITest(t, openAPI(t, f, f.open.URL, expected), "withoutSIMD")
	})
	t.Run("insecure", func(t *testing.T) {
		// A name that is not localhost, resolved to it by the browser's flag.
		_, port, _ := strings.Cut(strings.TrimPrefix(f.open.URL, "http://"), ":")
		runAPITest(t, openAPI(t, f, "http://"+insecureHost+":"+port, expected), "insecure")
	})
}

func openAPI(t *testing.T, f *fixture, origin string, allow func(string) bool) context.Context {
	t.Helper()
	ctx := tab(t, f, 3*time.Minute, allow)
	do(t, ctx, chromedp.Navigate(origin+"/test/api.html"))
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`"ready" in globalThis`)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func runAPITest(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	outcome := evaluate[string](t, ctx, `ready.then(({ run }) => run("`+name+`")).catch((error) => "failed: " + error.message)`)
	if reason, ok := strings.CutPrefix(outcome, "skip: "); ok {
		t.Skip(reason)
	}
	if outcome != "" {
		t.Error(outcome)
	}
}

// writeFacts writes what the native engine says, for the tests in JavaScript.
func writeFacts(t *testing.T, f *fixture) {
	t.Helper()
	answers := map[string]map[string]answer{}
	for _, name := range []string{photoPNG, otherPNG, alphaPNG, turnedJPG} {
		answers[name] = map[string]answer{}
		for model, b := range f.blobs {
			answers[name][model] = native(t, b, filepath.Join(f.dir, name))
		}
	}
	input := make([]float32, 64*64*3)
	for i := range input {
		input[i] = float32(i%97)/48 - 1
	}
	machine, err := simd.New(simd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	session, err := models.LoadBytes(machine, f.blobs["small"].bytes, models.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.SetInput(input); err != nil {
		t.Fatal(err)
	}
	if err := session.Run(); err != nil {
		t.Fatal(err)
	}
	facts, err := json.Marshal(map[string]any{"native": answers, "input": input, "logits": session.Logits(nil)})
	if err != nil {
		t.Fatal(err)
	}
	f.facts = facts
}

// TestTypes compiles the type tests, and the JavaScript with its JSDoc types.
func TestTypes(t *testing.T) {
	compiler := filepath.Join("node_modules", "typescript", "bin", "tsc")
	if _, err := os.Stat(compiler); err != nil {
		t.Skip("typescript is not installed: npm --prefix site ci")
	}
	if out, err := exec.Command("node", compiler, "-p", ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
