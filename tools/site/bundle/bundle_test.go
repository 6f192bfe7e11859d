package bundle

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	files := map[string][]byte{
		"main.js":   []byte("/** Docs. */\n\nimport { a, b } from './one.js';\nimport { c } from './two.js';\n\nexport { a };\n\nexport async function run() {\n  return a + b + c;\n}\n"),
		"one.js":    []byte("import { c } from './two.js';\n\nexport const a = c;\nexport class b {}\n"),
		"two.js":    []byte("/**\n * The number.\n */\nexport const c = 1; // one\n\n  // more\n\nlet hidden = /** @type {any} */ (2);\n/** @type {any} */ (hidden).x = '*/';\n"),
		"worker.js": []byte("import { c } from './two.js';\nimport { other } from './lone.js';\n\nc(other);\n"),
		"lone.js":   []byte("export const other = 1;\n"),
		"page.css":  []byte("import { not } from './two.js';"),
	}
	if err := Files(files, "main.js"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"main.js": "// two.js\n\nconst c = 1; // one\n\nlet hidden = /** @type {any} */ (2);\n/** @type {any} */ (hidden).x = '*/';\n\n// one.js\n\nconst a = c;\nclass b {}\n\n" +
			"// main.js\n\nasync function run() {\n  return a + b + c;\n}\n\nexport { a, b, c, run };\n",
		"worker.js": "import { c } from './main.js';\nimport { other } from './lone.js';\n\nc(other);\n",
		"lone.js":   "export const other = 1;\n",
		"page.css":  "import { not } from './two.js';",
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("files %v", got)
	}
	for name, text := range want {
		if got := string(files[name]); got != text {
			t.Errorf("%s:\n%q, want\n%q", name, got, text)
		}
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, main, other, want string }{
		{"missing", "import { a } from './nothing.js';", "", "there is no nothing.js"},
		{"circle", "import { a } from './other.js';", "import { b } from './main.js';", "imports itself"},
		{"same name", "import { a } from './other.js';\nconst x = 1;", "export const a = 1;\nfunction x() {}", "both have a top-level x"},
		{"default import", "import a from './other.js';", "", "main.js:1: not understood"},
		{"renamed import", "import { a as b } from './other.js';", "export const a = 1;", ""},
		{"default export", "\nexport default 1;", "", "main.js:2: not understood"},
		{"star export", "export * from './other.js';", "", "main.js:1: not understood"},
		{"text of several lines", "const a = `\n// b`;", "", "main.js:1: a text in backticks"},
		{"destructuring", "const { a, b } = c;", "", "main.js:1: not understood"},
	}
	for _, tt := range tests {
		files := map[string][]byte{"main.js": []byte(tt.main), "other.js": []byte(tt.other)}
		err := Files(files, "main.js")
		if tt.want == "" {
			tt.want = "not understood"
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}
