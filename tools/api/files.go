//go:build !js

package api

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"glance/kernels"
	"glance/kernels/simd"
	"glance/models"
	"glance/weights"
	"glance/weights/catalog"
)

const extension = ".safetensors"

// Files is the [Library] of a native server: the blobs of a folder, each on a
// machine of its own, loaded when it is first asked for.
type Files struct {
	dir   string
	infos []Info

	mu     sync.Mutex
	loaded map[string]*Model
}

// Names lists the models in a folder, in the catalogue's order of preference.
func Names(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		return nil, err
	}
	known, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), extension))
	}
	known.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("there are no models in %s: `make weights` fetches them", dir)
	}
	return names, nil
}

// NewFiles lists the blobs in dir. The default is the model named first, or for ""
// the first of [Names].
func NewFiles(dir, first string) (*Files, error) {
	names, err := Names(dir)
	if err != nil {
		return nil, err
	}
	if first != "" {
		i := slices.Index(names, first)
		if i < 0 {
			return nil, fmt.Errorf("there is no model %s in %s", first, dir)
		}
		names = slices.Insert(slices.Delete(names, i, i+1), 0, first)
	}
	f := &Files{dir: dir, loaded: map[string]*Model{}}
	for _, name := range names {
		info, err := readInfo(filepath.Join(dir, name+extension))
		if err != nil {
			return nil, err
		}
		f.infos = append(f.infos, info)
	}
	return f, nil
}

// readInfo reads a blob's header.
func readInfo(path string) (Info, error) {
	file, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return Info{}, err
	}
	header, err := weights.ReadHeader(file, stat.Size())
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	info, err := NewInfo(strings.TrimSuffix(filepath.Base(path), extension), header)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// Models implements [Library].
func (f *Files) Models() []Info { return f.infos }

// Model implements [Library].
func (f *Files) Model(name string) (*Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.loaded[name]; m != nil {
		return m, nil
	}
	m, err := f.load(name)
	if err != nil {
		return nil, Refuse(WeightsUnavailable, "%v", err)
	}
	f.loaded[name] = m
	return m, nil
}

func (f *Files) load(name string) (*Model, error) {
	blob, err := os.ReadFile(filepath.Join(f.dir, name+extension))
	if err != nil {
		return nil, err
	}
	machine, err := simd.New(simd.Options{})
	if err != nil {
		return nil, err
	}
	m, err := load(machine, blob)
	if err != nil {
		machine.Close()
	}
	return m, err
}

func load(machine kernels.Machine, blob []byte) (*Model, error) {
	session, err := models.LoadBytes(machine, blob, models.PlanOptions{})
	if err != nil {
		return nil, err
	}
	header, err := weights.ParseHeader(blob, int64(len(blob)))
	if err != nil {
		return nil, err
	}
	return NewModel(&Machine{Machine: machine}, session, header.Metadata)
}

// Memory implements [Library].
func (f *Files) Memory() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	memory := map[string]int64{"go": int64(stats.Sys), "kernels": 0}
	for _, m := range f.loaded {
		memory["kernels"] += int64(m.machine.MemoryBytes())
	}
	return memory
}
