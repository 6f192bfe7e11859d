package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"glance/kernels/twin"
	"glance/models"
	"glance/weights"
	"glance/weights/catalog"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// site serves files by path.
type site map[string][]byte

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, ok := s[r.URL.Path]
	if !ok {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<!DOCTYPE html>")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(b)
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func load(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func network(t *testing.T, m catalog.Model) *models.Network {
	t.Helper()
	r, err := newRecipe(m)
	if err != nil {
		t.Fatal(err)
	}
	n, err := models.New(r.config)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEntriesBuildNetworks: every entry's options are a network's, with as many
// outputs as labels.
func TestEntriesBuildNetworks(t *testing.T) {
	for _, m := range load(t).Models {
		r, err := newRecipe(m)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		if n := network(t, m); n.OutputUnits() != len(r.labels) {
			t.Errorf("%s: %d outputs, %d labels", m.Name, n.OutputUnits(), len(r.labels))
		}
	}
}

// TestUpstreamEntries puts every upstream entry through the whole command, from a
// server that has a checkpoint of the right names and shapes where the publisher
// has the trained one.
func TestUpstreamEntries(t *testing.T) {
	files := site{}
	base := serve(t, files)
	c := &catalog.Catalog{}
	for _, m := range load(t).Models {
		s := m.Sources[0]
		if s.Type != catalog.URL {
			continue
		}
		listing, ok := namesOf[m.Name]
		if !ok {
			t.Fatalf("%s: say in namesOf which listing its checkpoint is named like", m.Name)
		}
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		for rel, b := range encode(t, s.Format, stateDict(t, listing, network(t, m))) {
			at := u.Path
			if rel != "" {
				at = path.Join(path.Dir(u.Path), rel)
			} else if s.SHA256 != "" {
				s.SHA256 = sum(b)[:len(s.SHA256)]
			}
			files[at] = b
		}
		s.URL = base + u.Path
		m.Sources = []catalog.Source{s}
		c.Models = append(c.Models, m)
	}
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if status := run(t.Context(), c, []string{"-dir", dir}, &out, &errs); status != exitOK {
		t.Fatalf("status %d\n%s%s", status, &out, &errs)
	}
	if want := fmt.Sprintf("%d of %d models are in", len(c.Models), len(c.Models)); !strings.Contains(out.String(), want) {
		t.Errorf("got %s%s", &out, &errs)
	}
	for _, m := range c.Models {
		f, err := readHeader(filepath.Join(dir, m.Name+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if f.Metadata["source"] != m.Sources[0].URL || f.Metadata["name"] != m.Name {
			t.Errorf("%s: metadata %q", m.Name, f.Metadata["source"])
		}
		if stem, _ := f.Tensor("stem.weight"); stem.DType != weights.F16 {
			t.Errorf("%s: stem of %s", m.Name, stem.DType)
		}
		if b, err := os.ReadFile(filepath.Join(dir, m.Name+".LICENSE")); err != nil || len(b) < 1000 {
			t.Errorf("%s: licence of %d bytes, %v", m.Name, len(b), err)
		}
	}
}

// small is an entry for a small network and its checkpoint.
func small(t *testing.T, name, base string) (catalog.Model, []byte) {
	m, _ := load(t).Model("mobilenet_v1")
	m.Name = name
	m.Labels = "nsfw.txt"
	m.Options = maps.Clone(m.Options)
	maps.Copy(m.Options, map[string]string{"alpha": "0.25", "classes": "5", "height": "32", "width": "32", "preprocess.resize": "36"})
	b := encode(t, "pth", stateDict(t, "timm_mobilenetv1_100", network(t, m)))[""]
	m.Sources = []catalog.Source{{Type: catalog.URL, Format: catalog.PTH, URL: base + "/" + name + ".pth", File: name + ".pth", SHA256: sum(b)[:8]}}
	return m, b
}

// fetch runs the command.
func fetch(t *testing.T, c *catalog.Catalog, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), c, append([]string{"-timeout", "2s", "-mirror", ""}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

// TestOneFailureLeavesTheRest: five models from servers that fail each in its own
// way, and one that can be had.
func TestOneFailureLeavesTheRest(t *testing.T) {
	files := site{}
	base := serve(t, files)
	hanging := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	cut := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(make([]byte, 1000))
	}))
	gone := httptest.NewServer(files)
	gone.Close()

	c := &catalog.Catalog{}
	reasons := map[string]string{
		"wrong_hash": "the catalogue says", "not_found": "404 Not Found", "hanging": "did not answer for 2s",
		"cut_off": "broke off", "unreachable": "does not answer", "other_network": "convert:",
	}
	for name, base := range map[string]string{"wrong_hash": base, "not_found": base, "hanging": hanging, "cut_off": cut, "unreachable": gone.URL, "other_network": base} {
		m, b := small(t, name, base)
		switch name {
		case "wrong_hash":
			files["/wrong_hash.pth"] = []byte("something else")
		case "other_network":
			m.Options["alpha"] = "0.5"
			files["/other_network.pth"] = b
		}
		c.Models = append(c.Models, m)
	}
	m, b := small(t, "good", base)
	files["/good.pth"] = b
	c.Models = append(c.Models, m)

	dir := t.TempDir()
	status, out, errs := fetch(t, c, "-dir", dir)
	if status != exitOK || !strings.Contains(out, "1 of 7 models") {
		t.Errorf("status %d, %s", status, out)
	}
	for name, want := range reasons {
		line := ""
		for l := range strings.Lines(errs) {
			if strings.HasPrefix(l, name+":") {
				line = l
			}
		}
		if !strings.Contains(line, want) {
			t.Errorf("%s: %q, want %q", name, line, want)
		}
		if _, err := os.Stat(filepath.Join(dir, name+".safetensors")); err == nil {
			t.Errorf("%s: a blob is there", name)
		}
	}
	// The blob that is there runs.
	blob, err := os.ReadFile(filepath.Join(dir, "good.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	machine := twin.New(twin.Options{})
	defer machine.Close()
	if _, err := models.LoadBytes(machine, blob, models.PlanOptions{}); err != nil {
		t.Error(err)
	}
	// Named, a model that cannot be had is a failure.
	if status, _, _ := fetch(t, c, "-dir", dir, "good", "not_found"); status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
	if status, _, _ := fetch(t, c, "-dir", t.TempDir(), "not_found"); status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
}

func TestSecondRunDoesNothing(t *testing.T) {
	files := site{}
	base := serve(t, files)
	m, b := small(t, "tiny", base)
	files["/tiny.pth"] = b
	c := &catalog.Catalog{Models: []catalog.Model{m}}
	dir := t.TempDir()
	if status, out, errs := fetch(t, c, "-dir", dir); status != exitOK || !strings.Contains(out, "new") {
		t.Fatalf("status %d, %s%s", status, out, errs)
	}
	delete(files, "/tiny.pth")
	if err := os.RemoveAll(filepath.Join(dir, "cache")); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := fetch(t, c, "-dir", dir); status != exitOK || !strings.Contains(out, "there already") || errs != "" {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	// Another recipe, a damaged blob, a missing licence or -force: again from the source.
	files["/tiny.pth"] = b
	blob := filepath.Join(dir, "tiny.safetensors")
	for name, change := range map[string]func(){
		"recipe":  func() { m.Options["preprocess.mean"] = "0,0,0" },
		"damaged": func() { os.Truncate(blob, 5000) },
		"licence": func() { os.Remove(filepath.Join(dir, "tiny.LICENSE")) },
		"force":   func() {},
	} {
		change()
		args := []string{"-dir", dir}
		if name == "force" {
			args = append(args, "-force")
		}
		if status, out, errs := fetch(t, c, args...); status != exitOK || !strings.Contains(out, "(new)") {
			t.Errorf("%s: status %d, %s%s", name, status, out, errs)
		}
	}
}

// TestBlobThatChanged makes a blob again whose header is right and whose weights are
// not those the catalogue knows.
func TestBlobThatChanged(t *testing.T) {
	files := site{}
	m, b := small(t, "tiny", serve(t, files))
	files["/tiny.pth"] = b
	c := &catalog.Catalog{Models: []catalog.Model{m}}
	dir := t.TempDir()
	if status, _, errs := fetch(t, c, "-dir", dir); status != exitOK {
		t.Fatal(errs)
	}
	path := filepath.Join(dir, "tiny.safetensors")
	blob, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Models[0].Blob = &catalog.Blob{SHA256: sum(blob), Bytes: int64(len(blob))}
	if status, out, errs := fetch(t, c, "-dir", dir); status != exitOK || !strings.Contains(out, "there already") || errs != "" {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	damaged := bytes.Clone(blob)
	damaged[len(damaged)-1] ^= 1
	if err := os.WriteFile(path, damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := fetch(t, c, "-dir", dir); status != exitOK || !strings.Contains(out, "(new)") || !strings.Contains(errs, sum(damaged)) {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, blob) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestUnusableCheckpoint: what no sum vouches for does not stay in the cache when it
// cannot be converted.
func TestUnusableCheckpoint(t *testing.T) {
	wide, _ := small(t, "wide", "")
	wide.Options["alpha"] = "0.5"
	for name, bad := range map[string][]byte{
		"no checkpoint":   []byte("something else"),
		"another network": encode(t, "pth", stateDict(t, "timm_mobilenetv1_100", network(t, wide)))[""],
	} {
		t.Run(name, func(t *testing.T) {
			files := site{}
			m, b := small(t, "tiny", serve(t, files))
			m.Sources[0].SHA256 = ""
			files["/tiny.pth"] = bad
			c := &catalog.Catalog{Models: []catalog.Model{m}}
			dir := t.TempDir()
			if status, _, errs := fetch(t, c, "-dir", dir, "tiny"); status != exitFailed || !strings.Contains(errs, "removed from the cache") {
				t.Errorf("status %d, %s", status, errs)
			}
			files["/tiny.pth"] = b
			if status, out, errs := fetch(t, c, "-dir", dir, "tiny"); status != exitOK || !strings.Contains(out, "(new; nobody") {
				t.Errorf("status %d, %s%s", status, out, errs)
			}
		})
	}
}

// TestBundled installs a blob that is part of the repository: where it lies nothing
// is copied, elsewhere it is, and it is verified each time.
func TestBundled(t *testing.T) {
	base := t.TempDir()
	m, b := small(t, "tiny", "http://127.0.0.1:1")
	if err := os.WriteFile(filepath.Join(base, "tiny.pth"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	repository := t.TempDir()
	t.Chdir(repository)
	blob := filepath.Join("weights", "tiny.safetensors")
	if status, _, errs := fetch(t, &catalog.Catalog{Models: []catalog.Model{m}}, "-dir", "weights", "-mirror", base); status != exitOK {
		t.Fatal(errs)
	}
	content, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	m.Blob = &catalog.Blob{SHA256: sum(content), Bytes: int64(len(content))}
	m.Sources = []catalog.Source{{Type: catalog.Bundled, Format: catalog.Safetensors, File: "tiny.safetensors"}}
	c := &catalog.Catalog{Models: []catalog.Model{m}}
	for _, dir := range []string{"weights", t.TempDir()} {
		if status, out, errs := fetch(t, c, "-dir", dir); status != exitOK || !strings.Contains(out, "part of the repository") || errs != "" {
			t.Errorf("%s: status %d, %s%s", dir, status, out, errs)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "tiny.safetensors")); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", dir, len(got), err)
		}
		if _, err := os.Stat(filepath.Join(dir, "tiny.LICENSE")); err != nil {
			t.Error(err)
		}
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(blob, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := fetch(t, c, "-dir", "weights"); status != exitFailed || !strings.Contains(errs, "git checkout -- "+blob) {
		t.Errorf("damaged: status %d, %s%s", status, out, errs)
	}
}

func TestMirror(t *testing.T) {
	m, b := small(t, "tiny", "http://127.0.0.1:1")
	c := &catalog.Catalog{Models: []catalog.Model{m}}
	other, otherB := small(t, "tiny", "http://127.0.0.1:1")
	other.Options["preprocess.resize"] = "40"
	finished := func(m catalog.Model, b []byte) []byte {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "tiny.pth"), b, 0o644); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		if status, _, errs := fetch(t, &catalog.Catalog{Models: []catalog.Model{m}}, "-dir", out, "-mirror", dir); status != exitOK {
			t.Fatal(errs)
		}
		blob, err := os.ReadFile(filepath.Join(out, "tiny.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return blob
	}
	tests := []struct {
		name   string
		mirror site
		status int
		want   string
	}{
		{"checkpoint", site{"/tiny.pth": b}, exitOK, "(new)"},
		{"finished blob", site{"/tiny.safetensors": finished(m, b)}, exitOK, "nobody publishes a checksum"},
		{"finished blob of another recipe", site{"/tiny.safetensors": finished(other, otherB)}, exitFailed, "metadata preprocess.resize"},
		{"web page for a blob, and the checkpoint", site{"/tiny.safetensors": []byte("<!DOCTYPE html>"), "/tiny.pth": b}, exitOK, "web page"},
		{"nothing", site{}, exitFailed, "0 of 1"},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		for name, b := range tt.mirror {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for kind, mirror := range map[string]string{"directory": dir, "address": serve(t, tt.mirror)} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				status, out, errs := fetch(t, c, "-dir", t.TempDir(), "-mirror", mirror)
				if status != tt.status || !strings.Contains(out+errs, tt.want) {
					t.Errorf("status %d, %s%s", status, out, errs)
				}
			})
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	m, _ := small(t, "tiny", base)
	var out, errs bytes.Buffer
	status := run(ctx, &catalog.Catalog{Models: []catalog.Model{m}}, []string{"-dir", t.TempDir(), "-mirror", ""}, &out, &errs)
	if status != exitFailed || !strings.Contains(errs.String(), "interrupted") || out.Len() > 0 {
		t.Errorf("status %d, %s%s", status, &out, &errs)
	}
}

func TestCommandLine(t *testing.T) {
	c := load(t)
	dir := t.TempDir()
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"-h"}, exitOK, "Examples:"},
		{[]string{"-nonsense"}, exitUsage, "-nonsense"},
		{[]string{"resnet50"}, exitUsage, "no model resnet50"},
		{[]string{"-mirror", filepath.Join(dir, "nowhere")}, exitUsage, "no such file"},
		{[]string{"-list"}, exitOK, "mobilenet_v3_small-047dcff4.pth"},
	} {
		status, out, errs := fetch(t, c, append([]string{"-dir", dir}, tt.args...)...)
		if status != tt.status || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%q: status %d, %s%s", tt.args, status, out, errs)
		}
	}
}

// TestBlobOfCatalogue holds the catalogue's sums to the blobs that are part of the
// repository, and to those that `make weights` made here, if it did.
func TestBlobOfCatalogue(t *testing.T) {
	for _, m := range load(t).Models {
		if m.Blob == nil {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("../../weights", m.Name+".safetensors"))
			if err != nil && m.Bundled() {
				t.Fatal(err)
			} else if err != nil {
				t.Skipf("%s is not there: make weights fetches it", m.Name)
			}
			if sum(b) != m.Blob.SHA256 || int64(len(b)) != m.Blob.Bytes {
				t.Errorf("%d bytes of sha-256 %s, the catalogue says %d of %s: if the converter or the model changed, correct catalog.json",
					len(b), sum(b), m.Blob.Bytes, m.Blob.SHA256)
			}
		})
	}
}
