package site_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"glance/tools/serve/static"
	"glance/tools/site/assemble"
)

// block returns the nth code block below a heading of a document: fenced, or
// indented by four spaces.
func block(t *testing.T, file, heading string, n int) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, below, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no heading %s", file, heading)
	}
	below, _, _ = strings.Cut(below, "\n## ")
	blocks := regexp.MustCompile("(?ms)^```\\w+\n(.*?)^```$|((?:^    .*\n)+)").FindAllStringSubmatch(below, -1)
	if n >= len(blocks) {
		t.Fatalf("%s, %s: %d blocks of code, want one more than %d", file, heading, len(blocks), n)
	}
	if fenced := blocks[n][1]; fenced != "" {
		return fenced
	}
	return regexp.MustCompile(`(?m)^    `).ReplaceAllString(blocks[n][2], "")
}

// forTests puts a model that is always there in the place of the trained one.
func forTests(code string) string { return strings.ReplaceAll(code, bundled, "small") }

// wantAnswer is what the examples of the documents write of the photo.
func wantAnswer(t *testing.T, f *fixture) string {
	t.Helper()
	a := native(t, f.blobs["small"], filepath.Join(f.dir, photoPNG))
	best := slices.Max(a.Probabilities)
	return fmt.Sprintf("%s: %.1f %%", a.Labels[slices.Index(a.Probabilities, best)], 100*best)
}

// checkAnswer opens a page made of an example and compares what it says.
func checkAnswer(t *testing.T, f *fixture, url string) {
	t.Helper()
	ctx := tab(t, f, time.Minute, func(text string) bool { return strings.Contains(text, "favicon.ico") })
	do(t, ctx, chromedp.Navigate(url))
	do(t, ctx, until(`!!document.querySelector('#answer')?.textContent`))
	if got, want := evaluate[string](t, ctx, `document.querySelector('#answer').textContent`), wantAnswer(t, f); got != want {
		t.Errorf("the page says %q, want %q", got, want)
	}
}

// writeTree writes files below a folder.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func photo(t *testing.T, f *fixture) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, photoPNG))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPlainPages makes pages by following the documents, below a path of a server
// that knows nothing of the site.
func TestPlainPages(t *testing.T) {
	f := setUp(t)
	dir := t.TempDir()
	inPage := "<!doctype html>\n<html lang=\"en\">\n<title>What is it?</title>\n" + forTests(block(t, "../README.md", "## In a page", 0))
	before, _, _ := strings.Cut(block(t, "README.md", "## In a plain page", 0), "<script")
	writeTree(t, dir, map[string]string{
		"readme.html": inPage,
		"plain.html":  forTests(block(t, "README.md", "## In a plain page", 0)),
		"inner.html":  before + `<script type="module" src="page.js"></script></html>`,
		"worker.js":   forTests(block(t, "README.md", "## In a module worker", 0)),
		"page.js":     block(t, "README.md", "## In a module worker", 1),
		"photo.jpg":   photo(t, f),
	})
	if err := os.Symlink(filepath.Join(f.dir, "site"), filepath.Join(dir, "glance")); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/some/where", http.FileServer(http.Dir(dir))))
	defer server.Close()
	for _, page := range []string{"readme", "plain", "inner"} {
		t.Run(page, func(t *testing.T) { checkAnswer(t, f, server.URL+"/some/where/"+page+".html") })
	}
}

// TestPackage packs the npm package, installs it into a project and uses it there
// as its README says.
func TestPackage(t *testing.T) {
	f := setUp(t)
	vite, err := filepath.Abs("testdata/vite/node_modules/vite/bin/vite.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(vite); err != nil {
		t.Fatal("vite is missing: npm --prefix site/testdata/vite ci (make test does it)")
	}
	folder, project := filepath.Join(t.TempDir(), "package"), t.TempDir()
	if err := assemble.Package("..", filepath.Join(f.dir, "site"), folder); err != nil {
		t.Fatal(err)
	}
	run(t, folder, "npm", "pack", "--loglevel=error", "--pack-destination", project)
	tarballs, err := filepath.Glob(filepath.Join(project, "glance-*.tgz"))
	if err != nil || len(tarballs) != 1 {
		t.Fatalf("tarballs %v, %v", tarballs, err)
	}
	t.Run("files", func(t *testing.T) { checkTarball(t, tarballs[0], folder) })

	writeTree(t, project, map[string]string{
		"package.json":     `{ "name": "mine", "private": true, "type": "module" }`,
		"index.html":       block(t, "README.md", "## In a bundled project", 0),
		"main.js":          forTests(block(t, "README.md", "## In a bundled project", 1)),
		"consumer.ts":      consumer,
		"public/photo.jpg": photo(t, f),
	})
	run(t, project, "npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", tarballs[0])

	t.Run("types", func(t *testing.T) {
		compiler, err := filepath.Abs("node_modules/typescript/bin/tsc")
		if err != nil {
			t.Fatal(err)
		}
		for _, resolution := range [][2]string{{"nodenext", "nodenext"}, {"esnext", "bundler"}} {
			run(t, project, "node", compiler, "--noEmit", "--strict", "--target", "es2022",
				"--module", resolution[0], "--moduleResolution", resolution[1], "consumer.ts")
		}
	})
	t.Run("vite build", func(t *testing.T) {
		run(t, project, "node", vite, "build", "--logLevel", "warn")
		// With the site's Content-Security-Policy, with and without threads.
		for _, isolate := range []bool{true, false} {
			server := httptest.NewServer(static.Handler(filepath.Join(project, "dist"), static.Options{Isolate: isolate}))
			checkAnswer(t, f, server.URL)
			server.Close()
		}
	})
	t.Run("vite dev", func(t *testing.T) {
		address := freeAddress(t)
		host, port, _ := net.SplitHostPort(address)
		server := exec.Command("node", vite, "--host", host, "--port", port, "--strictPort")
		server.Dir = project
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			server.Process.Kill()
			server.Wait()
		}()
		wait(t, "http://"+address)
		checkAnswer(t, f, "http://"+address)
	})
}

// run runs a command in a folder.
func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// consumer is compiled against the installed package.
const consumer = `import { load, type Prediction } from 'glance';
import * as mobilenet from 'glance/compat';
import { createTeacher } from 'glance/teach';
import model from 'glance/models/small';

export async function use(image: HTMLImageElement): Promise<Prediction[]> {
  const name: string = model.name;
  const classifier = await load({ model, labels: [name] });
  const old = await mobilenet.load({ modelUrl: model });
  createTeacher(classifier).dispose();
  // @ts-expect-error the package has no such entry
  await import('glance/engine');
  return [...await classifier.classify(image), ...await old.classify(image)];
}
`

// checkTarball compares a tarball with the folder it was packed from.
func checkTarball(t *testing.T, tarball, folder string) {
	want := map[string]int64{}
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, file)
		want["package/"+filepath.ToSlash(name)] = info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(tarball)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	archive := tar.NewReader(unpacked)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = header.Size
	}
	if !maps.Equal(got, want) {
		t.Errorf("the tarball holds %v\nthe folder %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	for _, name := range []string{"README.md", "LICENSE", "LICENSE-THIRD-PARTY", "glance.js", "compat.js", "worker.js", "helper.js",
		"wasm_exec.js", "engine.wasm", "engine-twin.wasm", "kernels/relaxed-threads.wasm", "models/small.js", "weights/small.safetensors"} {
		if _, ok := got["package/"+name]; !ok {
			t.Errorf("%s is not in the package", name)
		}
	}
}

// freeAddress finds a port that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// wait waits until a server answers.
func wait(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not answer", url)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
