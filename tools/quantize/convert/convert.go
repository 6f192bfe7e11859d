package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/weights"
)

// Options say what is to be converted and what is known about it.
type Options struct {
	In string // the checkpoint's path, for [Convert]
	// Config is the network. What is zero is inferred from the checkpoint: the
	// architecture, variant ([Published] insists on the papers' table), alpha, head
	// and classes from names and shapes, padding from the family, the input's size
	// from a TF.js topology (else 224). BNEpsilon is ignored, see below.
	Config models.Config
	// BNEpsilon is what batch norms add to the variance; 0 is what the family's
	// models have, or what a TF.js topology says of each.
	BNEpsilon float64
	// Preprocess is the recipe for images; nil is the family's usual one.
	Preprocess *models.Preprocess
	Labels     []string      // class names, or nil
	Name       string        // of the model, for people
	Source     string        // where the checkpoint comes from
	Licence    string        // its terms: an SPDX identifier
	DType      weights.DType // of weights: F16 (also where empty) or F32; biases are always F32
	Out        string        // the blob's path, for [Convert]
	// Progress is called after each tensor, if not nil.
	Progress func(done, total int)
}

// Report says what a conversion did.
type Report struct {
	Config     models.Config
	Preprocess models.Preprocess
	Family     Family
	Format     checkpoint.Format
	Notes      []string // what was inferred or assumed
	Tensors    []TensorReport
	Parameters int   // values in the blob
	MACs       int   // multiply-accumulates of an inference
	Bytes      int64 // of the blob
	SHA256     string
}

// Convert converts the checkpoint o.In to the blob o.Out, which appears only when
// it is complete.
func Convert(ctx context.Context, o Options) (*Report, error) {
	c, err := checkpoint.Open(o.In)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	m, err := MatchCheckpoint(c, o)
	if err != nil {
		return nil, err
	}
	list, err := m.ReadAll(ctx)
	if err != nil {
		return nil, err
	}
	r, err := m.WriteFile(ctx, list, o)
	if err != nil {
		return nil, err
	}
	r.Format = c.Format
	return r, nil
}

// WriteFile folds, rounds and writes parameters, which are those of [Match.Params]
// in order, to o.Out.
func (m *Match) WriteFile(ctx context.Context, list []*Params, o Options) (*Report, error) {
	r := &Report{Config: m.Network.Config, Preprocess: m.Preprocess, Family: m.Family, Notes: m.Notes, MACs: m.Network.MACs()}
	data, err := r.quantize(ctx, list, o)
	if err != nil {
		return nil, err
	}
	metadata, err := m.metadata(o)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	r.Bytes, err = writeAtomically(o.Out, func(w io.Writer) error {
		return weights.Write(io.MultiWriter(w, sum), metadata, data)
	})
	if err != nil {
		return nil, err
	}
	r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return r, nil
}

// metadata returns what the blob says about itself. It is read back as a page
// would, so that a blob that is written can be loaded.
func (m *Match) metadata(o Options) (map[string]string, error) {
	n := m.Network
	md := models.Metadata(n.Config, m.Preprocess)
	for key, value := range map[string]string{"name": o.Name, "source": o.Source, "licence": o.Licence} {
		if value != "" {
			md[key] = value
		}
	}
	if o.Labels != nil {
		if len(o.Labels) != n.OutputUnits() {
			return nil, fail(BadOption, "", "%d labels for %d classes", len(o.Labels), n.OutputUnits())
		}
		for i, l := range o.Labels {
			if strings.ContainsAny(l, "\r\n") || !utf8.ValidString(l) {
				return nil, fail(BadOption, "", "label %d is %s: want a line of UTF-8 text", i, checkpoint.Printable(l))
			}
		}
		md["labels"] = strings.Join(o.Labels, "\n")
	}
	if _, _, err := models.ConfigFromMetadata(md); err != nil {
		return nil, err
	}
	return md, nil
}

// writeAtomically writes a file that appears under its name only when it is
// complete, and returns its size.
func writeAtomically(path string, write func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = write(f)
	if err == nil {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			size = info.Size()
		}
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return 0, fmt.Errorf("convert: %s: %w", path, err)
	}
	return size, os.Rename(f.Name(), path)
}
