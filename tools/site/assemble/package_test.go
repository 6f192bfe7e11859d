package assemble

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEntryPoints(t *testing.T) {
	got, err := entryPoints([]byte(`{"exports": {
		".": {"types": "./a.d.ts", "default": "./a.js"},
		"./b": "./b.js", "./models/*": "./models/*.js", "./package.json": "./package.json"
	}}`))
	if want := []string{"a.d.ts", "a.js", "b.js"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, manifest := range []string{`{"exports": {".": "a.js"}}`, `{"exports": {".": {"default": {"node": "./a.js"}}}}`, `{"exports": {".": null}}`, `not JSON`} {
		if got, err := entryPoints([]byte(manifest)); err == nil {
			t.Errorf("%s: %v, want an error", manifest, got)
		}
	}
}

// sources writes files and returns a packer that finds them.
func sources(t *testing.T, files map[string]string) packer {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return packer{source: dir, site: t.TempDir(), files: map[string][]byte{}}
}

func TestAdd(t *testing.T) {
	p := sources(t, map[string]string{
		"main.js":   "import { a } from './one.js';\nnew Worker(new URL('./worker.js', import.meta.url), {});\n",
		"one.js":    "/** @type {import('./types').A} */\nexport const a = 1;\nnew URL('./data.bin', import.meta.url);\n",
		"worker.js": "import { two } from './two.js';\n",
		"two.js":    "export async function two() {\n  await import('./script.js');\n  return (await import('./late.js')).late();\n}\n",
		"script.js": "globalThis.x = 1;\n",
		"late.js":   "export function late() {}\n",
		"main.d.ts": "import type { B } from './more.js';\n",
		"more.d.ts": "export interface B {}\n",
		"other.js":  "",
	})
	if err := os.WriteFile(filepath.Join(p.site, "data.bin"), []byte("built"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.js", "main.d.ts"} {
		if err := p.add(name); err != nil {
			t.Fatal(err)
		}
	}
	p.joinLate()
	var got []string
	for name := range p.files {
		got = append(got, name)
	}
	slices.Sort(got)
	if want := []string{"data.bin", "late.js", "main.d.ts", "main.js", "more.d.ts", "one.js", "script.js", "two.js", "worker.js"}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if got, want := string(p.files["worker.js"]), "import './script.js';\nimport { two } from './two.js';\n"; got != want {
		t.Errorf("worker.js is\n%s, want\n%s", got, want)
	}
	want := "import * as lateModule from './late.js';\nexport async function two() {\n  await import('./script.js');\n  return (lateModule).late();\n}\n"
	if got := string(p.files["two.js"]); got != want {
		t.Errorf("two.js is\n%s, want\n%s", got, want)
	}
}

func TestAddMissing(t *testing.T) {
	p := sources(t, map[string]string{"main.js": "import { a } from './one.js';\n", "one.js": "import { b } from './gone.js';\n"})
	if err := p.add("main.js"); err == nil || !strings.Contains(err.Error(), "main.js names one.js names ") || !strings.Contains(err.Error(), "gone.js") {
		t.Errorf("error %v, want one that says who names gone.js", err)
	}
}

func TestModelModule(t *testing.T) {
	got := string(modelModule(Model{Name: "mine", Title: `A "title"`, URL: "weights/mine.safetensors", Bytes: 5, SHA256: "00ff"}))
	for _, want := range []string{`name: "mine",`, `title: "A \"title\"",`, `new URL("../weights/mine.safetensors", import.meta.url)`, "bytes: 5,", `sha256: "00ff",`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
