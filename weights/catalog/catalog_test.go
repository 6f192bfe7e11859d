package catalog

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Models {
		labels, err := m.ClassNames()
		if err != nil || len(labels) == 0 {
			t.Errorf("%s: %d labels, %v", m.Name, len(labels), err)
		}
	}
	m, ok := c.Model("nsfw_mobilenet_v2")
	if !ok {
		t.Fatal("no nsfw_mobilenet_v2")
	}
	labels, _ := m.ClassNames()
	if want := []string{"drawing", "hentai", "neutral", "porn", "sexy"}; !slices.Equal(labels, want) {
		t.Errorf("labels %q, want %q", labels, want)
	}
	if _, ok := c.Model("resnet"); ok {
		t.Error("found a model that is not there")
	}
}

func TestSort(t *testing.T) {
	c := &Catalog{Models: []Model{{Name: "preferred"}, {Name: "b"}, {Name: "a"}, {Name: "absent"}}}
	names := []string{"own", "a", "mine", "b", "preferred"}
	c.Sort(names)
	if got := strings.Join(names, " "); got != "preferred b a mine own" {
		t.Errorf("sorted %s", got)
	}
}

// TestLabels spot-checks class indices everybody in the field knows.
func TestLabels(t *testing.T) {
	for file, want := range map[string]map[int]string{
		"imagenet-1k.txt":         {0: "tench", 207: "golden retriever", 281: "tabby", 817: "sports car", 999: "toilet tissue"},
		"imagenet-1k-wordnet.txt": {0: "tench, Tinca tinca", 207: "golden retriever", 281: "tabby, tabby cat", 817: "sports car, sport car"},
	} {
		labels, err := Model{Labels: file}.ClassNames()
		if err != nil || len(labels) != 1000 {
			t.Fatalf("%s: %d labels, %v", file, len(labels), err)
		}
		for i, name := range want {
			if labels[i] != name {
				t.Errorf("%s: class %d is %q, want %q", file, i, labels[i], name)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	bundled := func(sum string) Model {
		m := entry(t)
		m.Sources = []Source{{Type: Bundled, Format: Safetensors, File: "m.safetensors"}}
		m.Blob = &Blob{SHA256: sum, Bytes: 1}
		return m
	}
	tests := []struct {
		name   string
		change func(m *Model)
		want   string
	}{
		{"as it is", func(m *Model) {}, ""},
		{"name with a path", func(m *Model) { m.Name = "../m" }, "name"},
		{"no title", func(m *Model) { m.Title = "" }, "title"},
		{"option missing", func(m *Model) { delete(m.Options, "padding") }, "option padding"},
		{"epsilon", func(m *Model) { m.BNEpsilon = 1 }, "bnEpsilon"},
		{"labels missing", func(m *Model) { m.Labels = "nowhere.txt" }, "labels"},
		{"labels of other classes", func(m *Model) { m.Labels = "nsfw.txt" }, "5 lines"},
		{"no licence", func(m *Model) { m.Licence.SPDX = "" }, "spdx"},
		{"no licence text", func(m *Model) { m.Licence.Text = "" }, "licence text"},
		{"licence text missing", func(m *Model) { m.Licence.Text = "nowhere.txt" }, "licence"},
		{"no sources", func(m *Model) { m.Sources = nil }, "no sources"},
		{"unknown type", func(m *Model) { m.Sources[0].Type = "ftp" }, `unknown type "ftp"`},
		{"unknown format", func(m *Model) { m.Sources[0].Format = "onnx" }, `unknown format "onnx"`},
		{"file outside the cache", func(m *Model) { m.Sources[0].File = "../x.pth" }, "relative path"},
		{"plain HTTP", func(m *Model) { m.Sources[0].URL = "http://host/x.pth" }, "https"},
		{"short sum", func(m *Model) { m.Sources[0].SHA256 = "5c1a" }, "hexadecimal"},
		{"modules by address", func(m *Model) { m.Sources[0].Format = TFJSModules }, "npm packages only"},
		{"layers-model without a directory", func(m *Model) { m.Sources[0].Format = TFJSLayers }, "model.json"},
		{"npm fields on an address", func(m *Model) { m.Sources[0].Package = "p" }, "npm's"},
		{"npm range", func(m *Model) {
			m.Sources[0] = Source{Type: NPM, Format: TFJSModules, File: "p.tgz", Package: "p", Version: "^1.0.0"}
		}, "exact version"},
		{"npm without files", func(m *Model) {
			m.Sources[0] = Source{Type: NPM, Format: TFJSModules, File: "p.tgz", Package: "p", Version: "1.0.0"}
		}, "no files"},
		{"npm file without a full sum", func(m *Model) {
			m.Sources[0] = Source{Type: NPM, Format: TFJSModules, File: "p.tgz", Package: "p", Version: "1.0.0", Files: map[string]string{"a": sum[:8]}}
		}, "sha-256"},
		{"npm licence not read", func(m *Model) {
			m.Sources[0] = Source{Type: NPM, Format: TFJSModules, File: "p.tgz", Package: "p", Version: "1.0.0", Files: map[string]string{"a": sum}, LicenceFile: "b"}
		}, "not among"},
		{"npm of another format", func(m *Model) {
			m.Sources[0] = Source{Type: NPM, Format: PTH, File: "p.tgz", Package: "p", Version: "1.0.0", Files: map[string]string{"a": sum}}
		}, "not read from npm"},
		{"bundled", func(m *Model) { *m = bundled(sum) }, ""},
		{"bundled without a blob", func(m *Model) { *m = bundled(sum); m.Blob = nil }, "bundled one"},
		{"bundled in a folder", func(m *Model) { *m = bundled(sum); m.Sources[0].File = "cache/m.safetensors" }, "folder weights"},
		{"bundled checkpoint", func(m *Model) { *m = bundled(sum); m.Sources[0].Format = PTH }, "bundled blob"},
		{"bundled with an address", func(m *Model) { *m = bundled(sum); m.Sources[0].URL = "https://host/m" }, "no address"},
		{"blob without a size", func(m *Model) { m.Blob = &Blob{SHA256: sum} }, "blob"},
		{"no dataset", func(m *Model) { m.Accuracy.Dataset = "" }, "dataset"},
		{"score nobody gives", func(m *Model) { m.Accuracy.Published.By = "" }, "who says so"},
		{"top-5 below top-1", func(m *Model) { low := 1.0; m.Accuracy.Published.Top5 = &low }, "top5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := entry(t)
			tt.change(&m)
			err := (&Catalog{Models: []Model{m}}).Validate()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	for name, c := range map[string]Catalog{
		"empty":             {},
		"two of a name":     {Models: []Model{entry(t), entry(t)}},
		"two files of name": {Models: []Model{entry(t), func() Model { m := entry(t); m.Name = "other"; return m }()}},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// entry is a valid entry of its own.
func entry(t *testing.T) Model {
	var c Catalog
	if err := json.Unmarshal(catalogJSON, &c); err != nil {
		t.Fatal(err)
	}
	return c.Models[slices.IndexFunc(c.Models, func(m Model) bool { return m.Name == "mobilenet_v3_large" })]
}
