package assemble

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// What the sources of site/ hold in the places that [seal] fills.
const (
	noHashes  = "const hashes = {};"                                                  // in glance.js, from hashes.js
	noOption  = "const isolate = true;"                                               // in pwa.js
	noVersion = "const built = { version: '', isolate: true, files: {}, later: {} };" // in sw.js
)

// onDemand are the files that few visits of the site's pages need: the engine alone,
// as the page's module holds it too; the twin and the hash function of browsers
// without SIMD or crypto.subtle; and the interface of another package. The service
// worker keeps them when they are first used.
var onDemand = []string{"engine.wasm", "engine-twin.wasm", "compat.js", "sha256.js"}

// checked are the files besides WebAssembly whose hashes glance.js has.
var checked = []string{"models.json", "worker.js", "helper.js", "teach-worker.js"}

// seal writes the SHA-256 of the site's files where browsers check it: into
// glance.js those of what the API fetches, into the pages those of the modules
// they preload, and into sw.js those of all that it keeps for use without a network. The
// weights have theirs in models.json.
func seal(files map[string][]byte, isolate bool) error {
	table := map[string]string{}
	for name, content := range files {
		if path.Ext(name) == ".wasm" || slices.Contains(checked, name) {
			table[name] = integrity(content)
		}
	}
	if err := fill(files, "glance.js", noHashes, "const hashes = "+object(table)+";"); err != nil {
		return err
	}
	for name := range files {
		if path.Ext(name) == ".html" {
			files[name] = sealPage(files, name)
		}
	}
	if err := fill(files, "pwa.js", noOption, fmt.Sprintf("const isolate = %t;", isolate)); err != nil {
		return err
	}
	kept, later := map[string]string{}, map[string]string{}
	for name, content := range files {
		switch {
		case slices.Contains(onDemand, name):
			later[name] = integrity(content)
		case name != "sw.js" && path.Ext(name) != ".ts":
			kept[name] = integrity(content)
		}
	}
	version := integrity([]byte(object(kept) + object(later)))[len("sha256-"):][:16]
	return fill(files, "sw.js", noVersion, fmt.Sprintf("const built = { version: '%s', isolate: %t, files: %s, later: %s };",
		version, isolate, object(kept), object(later)))
}

// fill replaces the one place that holds old.
func fill(files map[string][]byte, name, old, replacement string) error {
	if n := bytes.Count(files[name], []byte(old)); n != 1 {
		return fmt.Errorf("%s holds %q %d times, once is right", name, old, n)
	}
	files[name] = bytes.Replace(files[name], []byte(old), []byte(replacement), 1)
	return nil
}

// object writes a table as JavaScript, sorted, so that it changes only with what
// is in it.
func object(table map[string]string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(table)) {
		quoted, _ := json.Marshal(name) // strings can be written
		fmt.Fprintf(&b, "  %s: '%s',\n", quoted, table[name])
	}
	b.WriteString("}")
	return b.String()
}

// integrity is the hash of a file as the integrity attribute writes it (Subresource
// Integrity, section 3.1).
func integrity(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// link is an element that preloads a module of a page.
var link = regexp.MustCompile(`<link rel="modulepreload" href="([\w./-]+)"`)

// sealPage adds the integrity attribute to the modules that a page preloads, for
// start.js to compare. That file itself has none: it says what is wrong with the
// others.
func sealPage(files map[string][]byte, name string) []byte {
	return link.ReplaceAllFunc(files[name], func(element []byte) []byte {
		target := path.Join(path.Dir(name), string(link.FindSubmatch(element)[1]))
		content, ok := files[target]
		if !ok {
			return element
		}
		return fmt.Appendf(nil, `%s integrity="%s"`, element, integrity(content))
	})
}
