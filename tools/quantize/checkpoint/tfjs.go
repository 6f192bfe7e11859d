package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"glance/weights"
)

// Limits on a TF.js model.json; MobileNetV2's has 110 KB and 270 weights.
const (
	maxModelJSON = 4 << 20 // bytes
	maxShards    = 256
	maxEntries   = 4096     // weights, or layers
	maxEntry     = 16 << 10 // bytes of JSON of one weight
)

// ReadTFJS reads a TF.js layers-model: the model.json of that name in fsys, and
// the shards its weight manifest lists, by their paths relative to it. Files of
// fsys must implement io.ReaderAt.
//
// Weights may be float32, int32 or bool, or floats stored as float16, or as uint8
// or uint16 with a minimum and a scale (value = stored*scale + min).
func ReadTFJS(fsys fs.FS, name string) (*Checkpoint, error) {
	text, err := readLimited(fsys, name, maxModelJSON)
	if err != nil {
		return nil, err
	}
	var model struct {
		Format          string          `json:"format"`
		ModelTopology   json.RawMessage `json:"modelTopology"`
		WeightsManifest json.RawMessage `json:"weightsManifest"`
	}
	if err := json.Unmarshal(text, &model); err != nil {
		return nil, badJSON("model.json", err)
	}
	if model.Format == "graph-model" || bytes.Contains(head(model.ModelTopology), []byte(`"node"`)) {
		return nil, fail(BadFormat, "", "this is a TF.js graph-model, whose weights have lost their layers' names; only layers-models are read (tensorflowjs_converter --output_format=tfjs_layers_model)")
	}
	if model.WeightsManifest == nil {
		return nil, fail(Missing, "", "the JSON has no weightsManifest: not the model.json of a TF.js model")
	}
	c := &Checkpoint{Format: TFJSLayers}
	c.Layers, err = parseKeras(model.ModelTopology)
	if err != nil {
		return nil, err
	}
	m := manifest{fsys: fsys, dir: path.Dir(name), c: c}
	err = eachElement(model.WeightsManifest, "weightsManifest", m.group)
	if err == nil && len(c.Tensors) == 0 {
		err = fail(Missing, "", "the weight manifest lists no weights")
	}
	if err == nil {
		err = c.checkNames()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// head returns the start of a JSON text.
func head(b []byte) []byte { return b[:min(len(b), 64)] }

func badJSON(what string, err error) error {
	var typed *Error
	if errors.As(err, &typed) {
		return err
	}
	return fail(BadFormat, "", "%s is not what TF.js writes: %v", what, err)
}

func readLimited(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fail(Oversized, "", "%s has %d bytes, the limit is %d", name, info.Size(), limit)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fail(Truncated, "", "%s: %v", name, err)
	}
	return b, nil
}

// eachElement calls f with the elements of a JSON array, one at a time, so that
// a hostile array costs no more than its text.
func eachElement(array []byte, what string, f func(element json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(array))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return fail(BadFormat, "", "%s is not a JSON array", what)
	}
	for n := 0; d.More(); n++ {
		if n == maxEntries {
			return fail(Oversized, "", "%s has more than %d elements", what, maxEntries)
		}
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return badJSON(what, err)
		}
		if err := f(element); err != nil {
			return err
		}
	}
	return nil
}

// manifest walks the groups of a weight manifest.
type manifest struct {
	fsys   fs.FS
	dir    string // of model.json
	c      *Checkpoint
	shards int
}

// group reads one group: its weights lie one after another in the bytes of its
// shards, put together in the order of their paths.
func (m *manifest) group(element json.RawMessage) error {
	var g struct {
		Paths   json.RawMessage `json:"paths"`
		Weights json.RawMessage `json:"weights"`
	}
	if err := json.Unmarshal(element, &g); err != nil {
		return badJSON("weightsManifest", err)
	}
	var joined concatenation
	err := eachElement(g.Paths, "paths", func(p json.RawMessage) error {
		var name string
		if err := json.Unmarshal(p, &name); err != nil {
			return badJSON("paths", err)
		}
		return m.shard(&joined, name)
	})
	if err != nil {
		return err
	}
	var at int64
	err = eachElement(g.Weights, "weights", func(w json.RawMessage) error {
		t, bytes, err := parseWeight(w, joined, at)
		if err != nil {
			return err
		}
		at += bytes
		m.c.Tensors = append(m.c.Tensors, t)
		return nil
	})
	if err != nil {
		return err
	}
	if at != joined.size {
		return fail(Oversized, "", "the shards of a group hold %d bytes, its weights take %d", joined.size, at)
	}
	return nil
}

// shard opens the next file of a group.
func (m *manifest) shard(joined *concatenation, name string) error {
	if m.shards++; m.shards > maxShards {
		return fail(Oversized, "", "more than %d shards", maxShards)
	}
	full := path.Join(m.dir, name)
	if !fs.ValidPath(name) || !fs.ValidPath(full) {
		return fail(Refused, "", "shard %s lies outside the model's folder", Printable(name))
	}
	f, err := m.fsys.Open(full)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(Missing, "", "shard %s is not beside model.json", Printable(name))
	}
	if err != nil {
		return err
	}
	m.c.closers = append(m.c.closers, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, ok := f.(io.ReaderAt)
	if !ok || !info.Mode().IsRegular() {
		return fail(BadFormat, "", "shard %s is not a regular file", Printable(name))
	}
	joined.parts = append(joined.parts, io.NewSectionReader(r, 0, info.Size()))
	joined.size += info.Size()
	return nil
}

// parseWeight reads a manifest's entry for the weight that starts at byte at of
// its group, and returns how many bytes it takes.
func parseWeight(entry json.RawMessage, group concatenation, at int64) (*Tensor, int64, error) {
	if len(entry) > maxEntry {
		return nil, 0, fail(Oversized, "", "a weight's entry has %d bytes of JSON, the limit is %d", len(entry), maxEntry)
	}
	var w struct {
		Name         string `json:"name"`
		Shape        []int  `json:"shape"`
		DType        string `json:"dtype"`
		Quantization *struct {
			DType string   `json:"dtype"`
			Min   *float64 `json:"min"`
			Scale *float64 `json:"scale"`
		} `json:"quantization"`
	}
	if err := json.Unmarshal(entry, &w); err != nil {
		return nil, 0, badJSON("weights", err)
	}
	stored, kind := w.DType, "element"
	if w.Quantization != nil {
		stored, kind = w.Quantization.DType, "quantized"
	}
	dtypes := map[string]weights.DType{"element float32": weights.F32, "element int32": weights.I32, "element bool": weights.Bool,
		"quantized float16": weights.F16, "quantized uint8": weights.U8, "quantized uint16": weights.U16}
	dtype, ok := dtypes[kind+" "+stored]
	if !ok {
		return nil, 0, fail(BadDType, w.Name, "%s type %q, want float32, int32 or bool, or quantized float16, uint8 or uint16", kind, Printable(stored))
	}
	var scaling *affine
	if w.Quantization != nil && dtype != weights.F16 {
		if w.Quantization.Min == nil || w.Quantization.Scale == nil {
			return nil, 0, fail(Missing, w.Name, "the quantization lacks its min or scale")
		}
		scaling = &affine{min: *w.Quantization.Min, scale: *w.Quantization.Scale}
	}
	if at > group.size {
		return nil, 0, fail(Truncated, w.Name, "the shards of its group end before it")
	}
	// Weights follow each other without padding: one may start at any byte.
	data := &storage{r: io.NewSectionReader(group, at, group.size-at), bytes: group.size - at}
	t, err := newTensor(w.Name, dtype, w.Shape, nil, 0, data, group.size)
	if err != nil {
		return nil, 0, err
	}
	t.affine = scaling
	return t, int64(t.Elements()) * int64(dtype.Size()), nil
}

// concatenation is several readers one after another.
type concatenation struct {
	parts []*io.SectionReader
	size  int64
}

// ReadAt implements io.ReaderAt.
func (c concatenation) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for _, part := range c.parts {
		if off >= part.Size() {
			off -= part.Size()
			continue
		}
		n, err := part.ReadAt(p[done:min(len(p), done+int(min(part.Size()-off, int64(len(p)))))], off)
		done += n
		if done == len(p) {
			return done, nil
		}
		if err != nil && err != io.EOF {
			return done, err
		}
		off = 0
	}
	return done, io.ErrUnexpectedEOF
}

// KerasLayer is what a TF.js model.json says of one of its layers.
type KerasLayer struct {
	Class      string  // such as "Conv2D"
	Name       string  // the prefix of its weights' names
	Epsilon    float64 // of a batch norm; 0 where not given
	Units      int     // of a dense layer
	Activation string  // "" where not given
	Height     int     // of an input, 0 where any
	Width      int
}

// parseKeras lists the layers of a model topology, nested models unfolded. A
// topology that is missing gives none.
func parseKeras(topology json.RawMessage) ([]KerasLayer, error) {
	var t struct {
		ModelConfig json.RawMessage `json:"model_config"`
	}
	if len(topology) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(topology, &t); err != nil {
		return nil, badJSON("modelTopology", err)
	}
	if t.ModelConfig == nil {
		t.ModelConfig = topology
	}
	var layers []KerasLayer
	const depth = 4
	return layers, parseKerasLayer(t.ModelConfig, &layers, depth)
}

// parseKerasLayer appends the layer to list, or the layers of the model that it
// is.
func parseKerasLayer(raw json.RawMessage, list *[]KerasLayer, depth int) error {
	if depth == 0 {
		return fail(Oversized, "", "models nested too deep in modelTopology")
	}
	var l struct {
		Class  string          `json:"class_name"`
		Config json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return badJSON("a layer of modelTopology", err)
	}
	nested := l.Config // Sequential models of old Keras have an array as their config
	if !bytes.HasPrefix(bytes.TrimSpace(nested), []byte("[")) {
		var m struct {
			Layers json.RawMessage `json:"layers"`
		}
		if len(l.Config) > 0 {
			if err := json.Unmarshal(l.Config, &m); err != nil {
				return badJSON("a layer of modelTopology", err)
			}
		}
		nested = m.Layers
	}
	if nested != nil {
		return eachElement(nested, "layers", func(e json.RawMessage) error { return parseKerasLayer(e, list, depth-1) })
	}
	if len(*list) == maxEntries {
		return fail(Oversized, "", "more than %d layers in modelTopology", maxEntries)
	}
	var c struct {
		Name       string  `json:"name"`
		Epsilon    float64 `json:"epsilon"`
		Units      int     `json:"units"`
		Activation any     `json:"activation"`
		InputShape []any   `json:"batch_input_shape"`
	}
	if len(l.Config) > maxEntry {
		return fail(Oversized, "", "a layer of modelTopology has %d bytes of JSON, the limit is %d", len(l.Config), maxEntry)
	}
	if len(l.Config) > 0 {
		if err := json.Unmarshal(l.Config, &c); err != nil {
			return badJSON("a layer of modelTopology", fmt.Errorf("%s %s: %w", l.Class, c.Name, err))
		}
	}
	layer := KerasLayer{Class: l.Class, Name: c.Name, Epsilon: c.Epsilon, Units: c.Units}
	layer.Activation, _ = c.Activation.(string)
	if len(c.InputShape) == 4 {
		h, _ := c.InputShape[1].(float64)
		w, _ := c.InputShape[2].(float64)
		layer.Height, layer.Width = int(h), int(w)
	}
	*list = append(*list, layer)
	return nil
}
