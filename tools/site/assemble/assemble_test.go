package assemble

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glance/models"
	"glance/tools/serve/static"
	"glance/weights"
)

// writeBlob writes a small valid model; nothing is ever run on it.
func writeBlob(t *testing.T, dir, name string, md map[string]string) {
	t.Helper()
	c := models.Config{Arch: models.MobileNetV1, Alpha: 0.25, Classes: 2, Height: 32, Width: 32}
	network, err := models.New(c)
	if err != nil {
		t.Fatal(err)
	}
	all := models.Metadata(c, models.DefaultPreprocess(c))
	for k, v := range md {
		all[k] = v
	}
	var tensors []weights.Data
	for _, want := range network.Tensors() {
		n := 1
		for _, d := range want.Shape {
			n *= d
		}
		tensors = append(tensors, weights.Data{Name: want.Name, DType: weights.F32, Shape: want.Shape, Bytes: make([]byte, 4*n)})
	}
	var b bytes.Buffer
	if err := weights.Write(&b, all, tensors); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".safetensors"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSite(t *testing.T) {
	blobs, out := t.TempDir(), filepath.Join(t.TempDir(), "site")
	writeBlob(t, blobs, "own", map[string]string{"name": "Our own", "licence": "MIT", "source": "a test"})
	writeBlob(t, blobs, "mobilenet_v1", nil)
	if err := os.WriteFile(filepath.Join(blobs, "own.LICENSE"), []byte("Permission is granted"), 0o644); err != nil {
		t.Fatal(err)
	}
	options := Options{Root: "../../..", Out: out, Weights: blobs, Compress: true}
	report, err := Site(options)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("list", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(out, "models.json"))
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Models []Model }
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Models) != 2 || list.Models[0].Name != "mobilenet_v1" || list.Models[1].Name != "own" {
			t.Fatalf("models %+v, want the catalogue's first", list.Models)
		}
		if got := list.Models[0]; !strings.HasPrefix(got.Title, "MobileNetV1") || got.Classes != 2 || got.LicenceURL != "" {
			t.Errorf("known model: %+v", got)
		}
		got := list.Models[1]
		if got.Title != "Our own" || got.Licence != "MIT" || got.Source != "a test" || len(got.SHA256) != 64 {
			t.Errorf("own model: %+v", got)
		}
		for _, url := range []string{got.URL, got.LicenceURL} {
			if _, err := os.Stat(filepath.Join(out, filepath.FromSlash(url))); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("files", func(t *testing.T) {
		for _, name := range append(append([]string{"engine-twin.wasm", "glance.d.ts", "helper.js", "sha256.js"}, EngineFiles...), PageFiles...) {
			if _, ok := report.Sizes[name]; !ok {
				t.Errorf("%s was not built", name)
			}
		}
		for name := range report.Sizes {
			if strings.Contains(name, "testdata") || strings.Contains(name, "_test") || strings.HasSuffix(name, "package.json") {
				t.Errorf("%s does not belong to the site", name)
			}
		}
	})

	t.Run("headers", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(out, "_headers"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"/*\n  Cache-Control: no-cache\n", "\n  Content-Security-Policy: " + static.Policy + "\n", "\n  Cross-Origin-Embedder-Policy: require-corp\n"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("_headers lacks %q:\n%s", want, b)
			}
		}
		if b := hostHeaders(static.Options{}); bytes.Contains(b, []byte("Embedder")) {
			t.Errorf("without isolation:\n%s", b)
		}
	})

	t.Run("budget", func(t *testing.T) {
		if got := report.Packed(EngineFiles); got > 700<<10 {
			t.Errorf("the code to run one model has %d bytes (gzip -9), at most %d are allowed", got, 700<<10)
		}
	})

	t.Run("compressed", func(t *testing.T) {
		for name, size := range report.Sizes {
			file := filepath.Join(out, filepath.FromSlash(name))
			plain, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(file + ".gz")
			if size.Packed == 0 {
				if err == nil {
					t.Errorf("%s.gz is there, but not reported", name)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			if unpacked, err := io.ReadAll(z); err != nil || !bytes.Equal(unpacked, plain) {
				t.Errorf("%s.gz unpacks to something else (%v)", name, err)
			}
		}
	})

	t.Run("again", func(t *testing.T) {
		past := time.Now().Add(-time.Hour).Truncate(time.Second)
		stale := filepath.Join(out, "stale.js")
		if err := os.WriteFile(stale, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		files := []string{"glance.js", "engine.wasm", "engine.wasm.gz", "models.json"}
		for _, name := range files {
			if err := os.Chtimes(filepath.Join(out, name), past, past); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Site(options); err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if info, err := os.Stat(filepath.Join(out, name)); err != nil || !info.ModTime().Equal(past) {
				t.Errorf("%s was written again though nothing has changed (%v)", name, err)
			}
		}
		if _, err := os.Stat(stale); !os.IsNotExist(err) {
			t.Errorf("a stale file is still there: %v", err)
		}
	})

	t.Run("folder of others", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "letter.txt")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := write(dir, map[string][]byte{"glance.js": nil}); err == nil {
			t.Error("a folder that holds something else was written to")
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	})

	t.Run("damaged weights", func(t *testing.T) {
		header := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
		damaged := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		file := filepath.Join(blobs, "damaged.safetensors")
		if err := os.WriteFile(file, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(file)
		if _, err := readModels(blobs); err == nil || !strings.Contains(err.Error(), "damaged.safetensors") {
			t.Errorf("error %v, want one that names the file", err)
		}
	})
}
