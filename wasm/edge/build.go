package edge

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"glance/kernels/simd"
	"glance/models"
	"glance/tools/api"
	"glance/weights"
)

// Options says what to build from and where to.
type Options struct {
	Root    string   // of the module
	Out     string   // folder to write; it gets the folders worker and assets
	Weights string   // folder with the .safetensors files
	Models  []string // names of those to deploy, the default first; nil: all that are there
	Config  string   // wrangler's configuration, which says where weights come from; "": from the assets
}

// Model is an entry of the manifest that the worker is built with.
type Model struct {
	api.Info
	File   string `json:"file"`   // under assets/weights, and the key in R2 or KV
	SHA256 string `json:"sha256"` // of the file
	Memory int    `json:"memory"` // bytes of the kernels' memory
}

// Report says what a build wrote.
type Report struct {
	Models []Model
	Source string // of the weights at run time: WEIGHTS_SOURCE of the configuration
	// Upload and Packed are the bytes of the worker's modules, as they are and after
	// gzip: Cloudflare limits the latter to 3 MB on the free plan and 10 MB on others.
	Upload, Packed int64
}

// extension of a blob's file.
const extension = ".safetensors"

// Build writes what wrangler uploads: the worker's modules, and its assets, which
// are the example page and, unless they come from elsewhere, the weights. Assets can
// be fetched by anybody.
func Build(o Options) (*Report, error) {
	list, err := o.readModels()
	if err != nil {
		return nil, err
	}
	source, err := o.weightsSource()
	if err != nil {
		return nil, err
	}
	report := &Report{Models: list, Source: source}
	modules, err := o.modules()
	if err != nil {
		return nil, err
	}
	if modules["manifest.mjs"], err = manifest(report.Models); err != nil {
		return nil, err
	}
	report.Upload, report.Packed = uploadSize(modules)

	assets := map[string][]byte{}
	if err := readDir(filepath.Join(o.Root, "wasm", "edge", "public"), assets); err != nil {
		return nil, err
	}
	if source == inAssets {
		for _, m := range report.Models {
			if assets["weights/"+m.File], err = os.ReadFile(filepath.Join(o.Weights, m.File)); err != nil {
				return nil, err
			}
		}
	}
	if err := write(filepath.Join(o.Out, "worker"), modules); err != nil {
		return nil, err
	}
	return report, write(filepath.Join(o.Out, "assets"), assets)
}

// inAssets is the WEIGHTS_SOURCE of a worker that takes weights from its assets.
const inAssets = "assets"

var (
	lineComment = regexp.MustCompile(`(?m)^\s*//.*$`)
	sourceVar   = regexp.MustCompile(`"WEIGHTS_SOURCE"\s*:\s*"([^"]*)"`)
)

// weightsSource reads WEIGHTS_SOURCE. A configuration may set it for several
// environments; where one of them is not the assets, that is the answer, so that
// weights which are private in one are not published by another.
func (o Options) weightsSource() (string, error) {
	if o.Config == "" {
		return inAssets, nil
	}
	text, err := os.ReadFile(o.Config)
	if err != nil {
		return "", err
	}
	for _, match := range sourceVar.FindAllSubmatch(lineComment.ReplaceAll(text, nil), -1) {
		if source := string(match[1]); source != inAssets {
			return source, nil
		}
	}
	return inAssets, nil
}

// modules are the files of the worker, but for its manifest.
func (o Options) modules() (map[string][]byte, error) {
	files := map[string][]byte{}
	edge := filepath.Join(o.Root, "wasm", "edge")
	if err := readDir(filepath.Join(edge, "js"), files); err != nil {
		return nil, err
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	sources := map[string]string{
		"wasm_exec.js": filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"),
		"simd128.wasm": filepath.Join(o.Root, "kernels", "simd", "simd128.wasm"),
		"relaxed.wasm": filepath.Join(o.Root, "kernels", "simd", "relaxed.wasm"),
		"jpeg.wasm":    filepath.Join(edge, "jpeg", "jpeg.wasm"),
	}
	for name, path := range sources {
		if files[name], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	files["worker.wasm"], err = o.compile()
	return files, err
}

// compile builds the Go program of the worker.
func (o Options) compile() ([]byte, error) {
	dir, err := os.MkdirTemp("", "glance-edge-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "worker.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "./wasm/edge/worker")
	cmd.Dir = o.Root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling ./wasm/edge/worker: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

// readModels loads the models once, so that a blob that is not right is found
// here and not at the edge.
func (o Options) readModels() ([]Model, error) {
	names := o.Models
	if names == nil {
		var err error
		if names, err = api.Names(o.Weights); err != nil {
			return nil, err
		}
	}
	var list []Model
	for _, name := range names {
		m, err := readModel(filepath.Join(o.Weights, name+extension), name)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func readModel(path, name string) (Model, error) {
	blob, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Model{}, fmt.Errorf("no file %s: `make weights` fetches models", path)
	} else if err != nil {
		return Model{}, err
	}
	machine, err := simd.New(simd.Options{})
	if err != nil {
		return Model{}, err
	}
	defer machine.Close()
	session, err := models.LoadBytes(machine, blob, models.PlanOptions{})
	if err != nil {
		return Model{}, fmt.Errorf("%s: %w", path, err)
	}
	header, err := weights.ParseHeader(blob, int64(len(blob)))
	if err != nil {
		return Model{}, fmt.Errorf("%s: %w", path, err)
	}
	info, err := api.NewInfo(name, header)
	if err != nil {
		return Model{}, fmt.Errorf("%s: %w", path, err)
	}
	sum := sha256.Sum256(blob)
	return Model{info, name + extension, hex.EncodeToString(sum[:]), session.Memory().Total()}, nil
}

func manifest(list []Model) ([]byte, error) {
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, err
	}
	return []byte("// Written by ./wasm/edge/build.\nexport default " + string(b) + ";\n"), nil
}

// uploadSize is the size of the modules, and of all of them in one gzip stream.
func uploadSize(modules map[string][]byte) (plain, packed int64) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		plain += int64(len(modules[name]))
		z.Write(modules[name])
	}
	z.Close()
	return plain, int64(b.Len())
}

// readDir reads the files in dir, which has no folders.
func readDir(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// write makes dir hold the files and nothing else.
func write(dir string, files map[string][]byte) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
