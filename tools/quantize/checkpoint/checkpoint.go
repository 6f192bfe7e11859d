package checkpoint

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Format names a container.
type Format string

// The formats.
const (
	PyTorchZip    Format = "PyTorch (zip)"
	PyTorchLegacy Format = "PyTorch (legacy)"
	Safetensors   Format = "safetensors"
	TFJSLayers    Format = "TensorFlow.js layers-model"
)

// Checkpoint is an open checkpoint.
type Checkpoint struct {
	Format   Format
	Metadata map[string]string // safetensors' __metadata__; else empty
	Tensors  []*Tensor         // in stored order
	// Wrapper is the path of keys under which the state dict was found, such as
	// "state_dict" or "model.ema"; "" where it was at the top.
	Wrapper string
	// Prefix is what every stored name began with and Tensors' names no longer do,
	// such as "module." (torch.nn.DataParallel) or "_orig_mod." (torch.compile).
	Prefix string
	// Layers are the layers of a TF.js model.json as Keras configured them, in its
	// order; nil for other formats.
	Layers []KerasLayer

	closers []io.Closer
}

// Tensor returns the tensor of that name, nil if there is none.
func (c *Checkpoint) Tensor(name string) *Tensor {
	for _, t := range c.Tensors {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Close closes the files behind the checkpoint.
func (c *Checkpoint) Close() error {
	var err error
	for _, f := range c.closers {
		err = errors.Join(err, f.Close())
	}
	c.closers = nil
	return err
}

// Open opens the checkpoint at path: a PyTorch or safetensors file, a TF.js
// model.json, or a folder that holds one. What it is is told from its first
// bytes, not from its name.
//
// A file that is not a readable checkpoint is reported as an [Error].
func Open(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		path = filepath.Join(path, "model.json")
		if info, err = os.Stat(path); err != nil {
			return nil, fail(BadFormat, "", "%s is a folder without a model.json: name a file, or a folder with a TF.js layers-model", filepath.Dir(path))
		}
	}
	if !info.Mode().IsRegular() {
		return nil, fail(BadFormat, "", "%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	start := make([]byte, 512)
	n, err := f.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		f.Close()
		return nil, err
	}
	var c *Checkpoint
	if looksLikeJSON(start[:n]) {
		f.Close()
		root, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		if c, err = ReadTFJS(root.FS(), filepath.Base(path)); err != nil {
			root.Close()
			return nil, err
		}
		c.closers = append(c.closers, root)
		return c, nil
	}
	if c, err = Read(f, info.Size()); err != nil {
		f.Close()
		return nil, err
	}
	c.closers = append(c.closers, f)
	return c, nil
}

// Read reads a checkpoint that is one file of size bytes. r must stay readable
// for as long as the values of tensors are asked for.
func Read(r io.ReaderAt, size int64) (*Checkpoint, error) {
	start := make([]byte, min(size, 512))
	if _, err := r.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, err
	}
	var c *Checkpoint
	var err error
	switch s := string(start); {
	case strings.HasPrefix(s, "PK\x03\x04"):
		c, err = readTorchZip(r, size)
	case strings.HasPrefix(s, legacyMagic):
		c, err = readTorchLegacy(r, size)
	case len(s) > 8 && s[8] == '{':
		c, err = readSafetensors(r, size)
	case looksLikeJSON(start):
		return nil, fail(BadFormat, "", "this is JSON: a TF.js model is opened by the path of its model.json, with the shards beside it")
	default:
		return nil, fail(BadFormat, "", "%s", describeUnknown(s))
	}
	if err != nil {
		return nil, err
	}
	if len(c.Tensors) == 0 {
		return nil, fail(Missing, "", "the %s file holds no tensors", c.Format)
	}
	c.stripPrefix()
	return c, c.checkNames()
}

func looksLikeJSON(start []byte) bool {
	s := strings.TrimLeft(strings.TrimPrefix(string(start), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(s, "{")
}

// describeUnknown says what a file is that no reader takes, and what to do.
func describeUnknown(start string) string {
	at := func(offset int, magic string) bool {
		return len(start) >= offset+len(magic) && start[offset:offset+len(magic)] == magic
	}
	switch {
	case start == "":
		return "the file is empty"
	case at(0, "\x89HDF\r\n\x1a\n"):
		return "this is HDF5 (a Keras .h5 file): convert it with tensorflowjs_converter --input_format=keras to a layers-model first"
	case at(4, "TFL3"):
		return "this is a TFLite model: convert from the checkpoint it was made of"
	case at(257, "ustar"):
		return "this is a tar archive: PyTorch before 0.1.10 saved such files; load and save it again with a newer PyTorch"
	case at(0, "\x80"):
		return "this is a pickle, but not one that torch.save wrote: save model.state_dict() with torch.save"
	case at(0, "<"):
		return "this is a web page (HTML or XML), not a checkpoint: a server's error page?"
	case at(0, "version https://git-lfs"):
		return "this is a Git LFS pointer: run git lfs pull"
	}
	return "not a checkpoint: want a PyTorch .pth (zip or legacy), a .safetensors or a TF.js model.json"
}

// wrappers are the prefixes that containers of models add to every name.
var wrappers = []string{"module.", "_orig_mod.", "model.", "net."}

// stripPrefix removes from all names the wrappers they share.
func (c *Checkpoint) stripPrefix() {
	for again := true; again; {
		again = false
		for _, w := range wrappers {
			if all(c.Tensors, func(t *Tensor) bool { return strings.HasPrefix(t.Name, w) }) {
				for _, t := range c.Tensors {
					t.Name = t.Name[len(w):]
				}
				c.Prefix += w
				again = true
			}
		}
	}
}

func all(list []*Tensor, f func(*Tensor) bool) bool {
	for _, t := range list {
		if !f(t) {
			return false
		}
	}
	return len(list) > 0
}

// checkNames refuses two tensors of one name.
func (c *Checkpoint) checkNames() error {
	seen := make(map[string]bool, len(c.Tensors))
	for _, t := range c.Tensors {
		if seen[t.Name] {
			return fail(Duplicate, t.Name, "two tensors have this name")
		}
		seen[t.Name] = true
	}
	return nil
}
