package assemble

import (
	"bytes"
	"image/png"
	"maps"
	"strings"
	"testing"
)

// unsealed are the files that seal needs, as the sources have them.
func unsealed() map[string][]byte {
	return map[string][]byte{
		"glance.js":          []byte("// hashes.js\n" + noHashes + "\n"),
		"pwa.js":             []byte(noOption + "\n"),
		"sw.js":              []byte(noVersion + "\n"),
		"index.html":         []byte(`<link rel="modulepreload" href="glance.js"><link rel="preload" href="page.wasm" as="fetch"><link rel="modulepreload" href="gone.js">`),
		"page.wasm":          []byte("\x00asm"),
		"engine.wasm":        []byte("\x00asm\x01"),
		"worker.js":          []byte("onmessage = 0;"),
		"examples/worker.js": []byte("onmessage = 1;"),
		"glance.d.ts":        []byte("export {};"),
		"models.json":        []byte("{}"),
	}
}

func TestSeal(t *testing.T) {
	files := unsealed()
	if err := seal(files, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"glance.js": {
			// printf '\0asm' | openssl dgst -sha256 -binary | base64
			`"page.wasm": 'sha256-zV1JNaSMBnLLBkB7tEO8AIev+UfGuGS6yIaYLHOzAn8='`,
			`"worker.js": '` + integrity(files["worker.js"]), `"models.json": '`, `"engine.wasm": '`,
		},
		"index.html": {
			`href="glance.js" integrity="` + integrity(files["glance.js"]) + `"`, `href="page.wasm" as="fetch">`, `href="gone.js">`,
		},
		"sw.js":  {`"index.html": '` + integrity(files["index.html"]), `"page.wasm": '`, `later: {` + "\n" + `  "engine.wasm": '`, "isolate: true"},
		"pwa.js": {"const isolate = true;"},
	} {
		for _, text := range want {
			if !bytes.Contains(files[name], []byte(text)) {
				t.Errorf("%s lacks %q:\n%s", name, text, files[name])
			}
		}
	}
	for name, unwanted := range map[string]string{"glance.js": "examples/", "sw.js": ".d.ts"} {
		if bytes.Contains(files[name], []byte(unwanted)) {
			t.Errorf("%s lists %s", name, unwanted)
		}
	}

	// Whatever changes, the version does; without a change it stays.
	same, other, plain := unsealed(), unsealed(), unsealed()
	other["page.wasm"] = append(other["page.wasm"], 0)
	for _, sealed := range []map[string][]byte{same, other} {
		if err := seal(sealed, true); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.EqualFunc(files, same, bytes.Equal) {
		t.Error("the same files were sealed in two ways")
	}
	version := func(files map[string][]byte) string { return strings.Split(string(files["sw.js"]), "'")[1] }
	if len(version(files)) != 16 || version(files) == version(other) {
		t.Errorf("versions %q and %q", version(files), version(other))
	}
	if err := seal(plain, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sw.js", "pwa.js"} {
		if bytes.Contains(plain[name], []byte("true")) {
			t.Errorf("%s isolates though it is not to", name)
		}
	}
	if err := seal(files, true); err == nil || !strings.Contains(err.Error(), "glance.js") {
		t.Errorf("sealing twice: error %v, want one that names the file", err)
	}
}

func TestIcons(t *testing.T) {
	files := map[string][]byte{}
	if err := addIcons(files); err != nil {
		t.Fatal(err)
	}
	for _, icon := range icons {
		m, err := png.Decode(bytes.NewReader(files[icon.file]))
		if err != nil {
			t.Fatal(err)
		}
		if size := m.Bounds().Size(); size.X != icon.size || size.Y != icon.size {
			t.Errorf("%s: %v", icon.file, size)
		}
		// A system may cut off the corners only where the picture goes on below them.
		if _, _, _, alpha := m.At(0, 0).RGBA(); (alpha == 0) != (icon.corner > 0) {
			t.Errorf("%s: the corner has alpha %d", icon.file, alpha)
		}
		middle, white := m.At(icon.size/2, icon.size/2), m.At(icon.size/2, icon.size/2-icon.size/5)
		if r, _, _, _ := middle.RGBA(); r>>8 != 0x0b {
			t.Errorf("%s: the pupil is %v", icon.file, middle)
		}
		if r, _, _, _ := white.RGBA(); r>>8 < 0xf0 {
			t.Errorf("%s: the eye is %v", icon.file, white)
		}
	}
}
