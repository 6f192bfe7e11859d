package edge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/api/apitest"
	"glance/wasm/edge"
)

// TestBuild looks at what the tests' own build wrote.
func TestBuild(t *testing.T) {
	b := built(t)
	names := []string{}
	for _, m := range b.report.Models {
		names = append(names, m.Name)
		if m.Memory < 1<<18 || m.Bytes < 1<<18 || len(m.SHA256) != 64 {
			t.Errorf("%s: %d bytes, %d in memory, sum %q", m.Name, m.Bytes, m.Memory, m.SHA256)
		}
		if info, err := os.Stat(filepath.Join(b.dir, "assets", "weights", m.File)); err != nil || info.Size() != m.Bytes {
			t.Errorf("%s: %v", m.File, err)
		}
	}
	if got := strings.Join(names, " "); got != small+" "+tiny+" "+moderation {
		t.Errorf("models %s", got)
	}
	const limit = 3 << 20 // of the free plan, after gzip
	if b.report.Packed >= limit || b.report.Upload < b.report.Packed {
		t.Errorf("the upload has %d bytes, %d after gzip", b.report.Upload, b.report.Packed)
	}
}

// TestBuildPrivate leaves the weights out of the assets where they come from
// elsewhere in any environment.
func TestBuildPrivate(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	const comment = "// \"WEIGHTS_SOURCE\": \"kv\"\n"
	for text, want := range map[string]string{
		"{\n" + comment + `"vars": {"WEIGHTS_SOURCE": "assets"}}`:                                     "assets",
		`{"vars": {"WEIGHTS_SOURCE": "assets"}, "env": {"live": {"vars": {"WEIGHTS_SOURCE" :"r2"}}}}`: "r2",
	} {
		dir := t.TempDir()
		config := filepath.Join(dir, "wrangler.jsonc")
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		report, err := edge.Build(edge.Options{Root: root, Out: dir, Weights: built(t).weights, Models: []string{tiny}, Config: config})
		if err != nil {
			t.Fatal(err)
		}
		_, err = os.Stat(filepath.Join(dir, "assets", "weights", tiny+".safetensors"))
		if report.Source != want || (err == nil) != (want == "assets") {
			t.Errorf("%s: weights come from %s, want %s; among the assets: %v", text, report.Source, want, err == nil)
		}
		if _, err := os.Stat(filepath.Join(dir, "assets", "index.html")); err != nil {
			t.Error(err)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	weights := t.TempDir()
	blob := apitest.Blob(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.25, Classes: 2, Height: 32, Width: 32}, 1, nil)
	apitest.WriteBlob(t, weights, "cut", blob[:len(blob)/2])
	apitest.WriteBlob(t, weights, "nan", append(blob[:len(blob)-4:len(blob)-4], 0, 0, 0xc0, 0x7f))
	tests := map[string]struct {
		models []string
		dir    string
		text   string
	}{
		"nothing there":   {nil, t.TempDir(), "make weights"},
		"not there":       {[]string{"other"}, weights, "other.safetensors"},
		"cut off":         {[]string{"cut"}, weights, "cut.safetensors"},
		"weights are NaN": {[]string{"nan"}, weights, "nan.safetensors"},
	}
	for name, tt := range tests {
		_, err := edge.Build(edge.Options{Root: root, Out: t.TempDir(), Weights: tt.dir, Models: tt.models})
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %q", name, err, tt.text)
		}
	}
}
