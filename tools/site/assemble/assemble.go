// Package assemble puts the static site together; see [Site].
package assemble

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"glance/tools/serve/static"
	"glance/tools/site/bundle"
	"glance/tools/site/slim"
)

// Options says what to build from and where to.
type Options struct {
	Root     string // of the module
	Out      string // folder to write; files in it that are not the site's are removed
	Weights  string // folder with the .safetensors files
	Compress bool   // write NAME.gz beside what compresses
	// NoIsolation leaves out what the service worker does for threads: it adds COOP
	// and COEP where the host sends none.
	NoIsolation bool
}

// Report lists what was written.
type Report struct {
	Models []Model
	// Sizes are the bytes of each file and of its gzip -9 form, by its path. The
	// latter is 0 where there is none.
	Sizes map[string]Size
}

// Size is what a file costs.
type Size struct{ Plain, Packed int64 }

// Packed sums the bytes a browser fetches for the given files.
func (r *Report) Packed(files []string) int64 {
	var sum int64
	for _, name := range files {
		size := r.Sizes[name]
		if size.Packed > 0 {
			sum += size.Packed
		} else {
			sum += size.Plain
		}
	}
	return sum
}

// EngineFiles are what a page fetches to run one model through the JavaScript
// API, in a browser with fixed-width SIMD and on one thread; relaxed.wasm or the
// modules with threads come instead of simd128.wasm and are a little larger.
var EngineFiles = []string{
	"glance.js", "worker.js", "wasm_exec.js", "engine.wasm", "kernels/simd128.wasm", "models.json",
}

// PageFiles are what the site's page fetches: its module is the engine as well.
var PageFiles = []string{
	"index.html", "page.css", "start.js", "page.js", "icon.svg",
	"glance.js", "worker.js", "wasm_exec.js", "page.wasm", "kernels/simd128.wasm", "models.json",
}

// programs are the WebAssembly programs of the site.
var programs = []struct{ file, pkg, tags string }{
	{"engine.wasm", "./wasm/engine", ""},
	{"engine-twin.wasm", "./wasm/engine", "twin"},
	{"page.wasm", "./wasm/page", ""},
	{"teach.wasm", "./wasm/teach", ""},
}

// kernelModules are copied from kernels/simd.
var kernelModules = []string{"simd128", "relaxed", "simd128-threads", "relaxed-threads", "roofline128", "roofline_relaxed"}

// Site builds the site. Files whose content has not changed keep their time, so
// that browsers keep them too.
func Site(o Options) (*Report, error) {
	files := map[string][]byte{}
	if err := readSources(filepath.Join(o.Root, "site"), files); err != nil {
		return nil, err
	}
	if err := bundle.Files(files, "glance.js"); err != nil {
		return nil, err
	}
	for _, name := range kernelModules {
		b, err := os.ReadFile(filepath.Join(o.Root, "kernels", "simd", name+".wasm"))
		if err != nil {
			return nil, fmt.Errorf("kernel modules (go generate ./kernels/... makes them): %w", err)
		}
		files["kernels/"+name+".wasm"] = b
	}
	support, err := goSupport()
	if err != nil {
		return nil, err
	}
	files["wasm_exec.js"] = support
	for _, p := range programs {
		if files[p.file], err = compile(o.Root, p.pkg, p.tags); err != nil {
			return nil, err
		}
	}
	models, err := readModels(o.Weights)
	if err != nil {
		return nil, err
	}
	list, err := json.MarshalIndent(map[string]any{"models": models}, "", "  ")
	if err != nil {
		return nil, err
	}
	files["models.json"] = append(list, '\n')
	if err := addIcons(files); err != nil {
		return nil, err
	}
	if err := seal(files, !o.NoIsolation); err != nil {
		return nil, err
	}

	report := &Report{Models: models, Sizes: map[string]Size{}}
	for name, b := range files {
		report.Sizes[name] = Size{Plain: int64(len(b))}
	}
	if o.Compress {
		compressAll(files, report)
	}
	for _, m := range models {
		for _, name := range []string{m.URL, m.LicenceURL} {
			if name == "" {
				continue
			}
			if files[name], err = os.ReadFile(filepath.Join(o.Weights, path.Base(name))); err != nil {
				return nil, err
			}
		}
	}
	files["_headers"] = hostHeaders(static.Options{Isolate: !o.NoIsolation})
	return report, write(o.Out, files)
}

// hostHeaders is the file that tells hosts such as Cloudflare Pages and Netlify which
// header fields to send with every file. Others do without.
func hostHeaders(o static.Options) []byte {
	b := []byte("/*\n")
	for _, field := range static.Headers(o) {
		b = fmt.Appendf(b, "  %s: %s\n", field[0], field[1])
	}
	return b
}

// readSources reads the files of site/ that are served: not its tests, nor what
// npm and the type checker need.
func readSources(dir string, files map[string][]byte) error {
	return filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "node_modules" || name == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(file) {
		case ".js", ".ts", ".html", ".css", ".svg", ".png", ".jpg", ".webmanifest":
			name, err := filepath.Rel(dir, file)
			if err != nil {
				return err
			}
			files[filepath.ToSlash(name)], err = os.ReadFile(file)
			return err
		}
		return nil
	})
}

// goSupport reads the script that Go's programs need, of the toolchain that
// compiles them: the two belong together.
func goSupport() ([]byte, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
}

// compile builds a program for the browser and slims it.
func compile(root, pkg, tags string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "glance-site-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "program.wasm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", tags, "-o", file, pkg)
	build.Dir = root
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling %s: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	module, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if module, err = slim.Module(module); err != nil {
		return nil, fmt.Errorf("compiling %s: %w", pkg, err)
	}
	return module, nil
}

// compressAll adds the gzip -9 forms.
func compressAll(files map[string][]byte, report *Report) {
	var mutex sync.Mutex
	var group sync.WaitGroup
	for name, content := range maps.Clone(files) {
		group.Go(func() {
			var packed bytes.Buffer
			z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
			z.Write(content)                                           // to memory: cannot fail
			z.Close()
			if packed.Len() >= len(content) {
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			files[name+".gz"] = packed.Bytes()
			report.Sizes[name] = Size{Plain: int64(len(content)), Packed: int64(packed.Len())}
		})
	}
	group.Wait()
}

// write brings the folder to hold exactly the given files.
func write(out string, files map[string][]byte) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := ours(out); err != nil {
		return err
	}
	err := filepath.WalkDir(out, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(out, file)
		if err != nil {
			return err
		}
		if _, ok := files[filepath.ToSlash(name)]; !ok {
			return os.Remove(file)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, content := range files {
		if strings.HasSuffix(name, ".gz") {
			continue
		}
		changed, err := update(filepath.Join(out, filepath.FromSlash(name)), content, false)
		if err != nil {
			return err
		}
		if packed, ok := files[name+".gz"]; ok { // after the plain form, so that it is not older
			if _, err := update(filepath.Join(out, filepath.FromSlash(name)+".gz"), packed, changed); err != nil {
				return err
			}
		}
	}
	return nil
}

// ours makes sure that a folder is empty or holds a site, as files in it that are
// not the site's are going to be removed.
func ours(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) == 0 {
		return err
	}
	for _, name := range []string{"glance.js", "models.json"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			return fmt.Errorf("%s is not empty and holds no site: name another folder, or empty this one", out)
		}
	}
	return nil
}

// update writes a file, unless it is there and the same and not forced. It
// replaces it in one step: a server may be reading it.
func update(file string, content []byte, force bool) (changed bool, err error) {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, content) && !force {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, err
	}
	temporary := file + ".tmp"
	if err := os.WriteFile(temporary, content, 0o644); err != nil {
		return false, err
	}
	return true, os.Rename(temporary, file)
}
