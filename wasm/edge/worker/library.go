//go:build js

package main

import (
	"fmt"
	"net/url"
	"slices"
	"syscall/js"

	"glance/kernels"
	"glance/models"
	"glance/tools/api"
	"glance/weights"
)

// library is the models of the manifest, all on one machine. JavaScript reads
// their blobs and writes them to the machine's memory.
type library struct {
	machine  *api.Machine
	memories js.Value // WebAssembly.Memory by name of its owner
	infos    []api.Info
	opening  map[string]*opening
	loaded   map[string]*api.Model
}

// opening is a model whose weights are being written.
type opening struct {
	session  *models.Session
	metadata map[string]string
	mark     kernels.Ptr
}

// newLibrary puts the default model first, if one is named.
func newLibrary(m kernels.Machine, memories js.Value, infos []api.Info, first string) (*library, error) {
	if first != "" {
		i := slices.IndexFunc(infos, func(m api.Info) bool { return m.Name == first })
		if i < 0 {
			return nil, fmt.Errorf("DEFAULT_MODEL is %q, which was not deployed", first)
		}
		infos[0], infos[i] = infos[i], infos[0]
	}
	return &library{machine: &api.Machine{Machine: m}, memories: memories, infos: infos, opening: map[string]*opening{}, loaded: map[string]*api.Model{}}, nil
}

// Models implements [api.Library].
func (l *library) Models() []api.Info { return l.infos }

// Model implements [api.Library].
func (l *library) Model(name string) (*api.Model, error) {
	if m := l.loaded[name]; m != nil {
		return m, nil
	}
	return nil, &api.Error{Code: api.WeightsUnavailable, Message: "the weights of " + name + " are not loaded"}
}

// Memory implements [api.Library].
func (l *library) Memory() map[string]int64 {
	m := map[string]int64{}
	for _, name := range []string{"go", "kernels", "pictures"} {
		m[name] = int64(l.memories.Get(name).Get("buffer").Get("byteLength").Int())
	}
	return m
}

// export sets the functions that engine.mjs calls:
//
//	wants(method, url)  the name of the model that a request needs, or null
//	open(name, blob)    checks a blob's header and makes room for its data section
//	                    -> {pointer, offset, length}: copy blob[offset, offset+length) to pointer
//	pack(name)          makes the model of what was copied -> null
//
// open and pack answer {error} where the blob is not right.
func (l *library) export(binding js.Value, handler *api.Handler) {
	binding.Set("wants", js.FuncOf(func(_ js.Value, args []js.Value) any {
		u, err := url.Parse(args[1].String())
		if err != nil {
			return nil
		}
		if name := handler.Wants(args[0].String(), u); name != "" {
			return name
		}
		return nil
	}))
	binding.Set("open", js.FuncOf(func(_ js.Value, args []js.Value) any {
		place, err := l.open(args[0].String(), args[1])
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		return place
	}))
	binding.Set("pack", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if err := l.pack(args[0].String()); err != nil {
			return map[string]any{"error": err.Error()}
		}
		return nil
	}))
}

func (l *library) open(name string, blob js.Value) (map[string]any, error) {
	size := int64(blob.Length())
	n, err := weights.HeaderSize(copyStart(blob, min(8, size)), size)
	if err != nil {
		return nil, err
	}
	file, err := weights.ParseHeader(copyStart(blob, n), size)
	if err != nil {
		return nil, err
	}
	config, _, err := models.ConfigFromMetadata(file.Metadata)
	if err != nil {
		return nil, err
	}
	network, err := models.New(config)
	if err != nil {
		return nil, err
	}
	l.machine.ReleasePicture()
	mark := l.machine.Mark()
	session, err := models.NewSession(l.machine.Machine, network, file, models.PlanOptions{})
	if err != nil {
		return nil, err
	}
	l.opening[name] = &opening{session, file.Metadata, mark}
	pointer, length := session.Staging()
	return map[string]any{"pointer": float64(pointer), "offset": float64(file.DataOffset), "length": length}, nil
}

func copyStart(blob js.Value, n int64) []byte {
	b := make([]byte, n)
	js.CopyBytesToGo(b, blob)
	return b
}

func (l *library) pack(name string) error {
	l.machine.ReleasePicture() // another model's, since open
	o := l.opening[name]
	delete(l.opening, name)
	err := o.session.Pack()
	if err == nil {
		l.loaded[name], err = api.NewModel(l.machine, o.session, o.metadata)
	}
	if err != nil {
		delete(l.loaded, name)
		l.machine.Release(o.mark)
	}
	return err
}
