package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/convert"
	"glance/weights"
	"glance/weights/catalog"
)

// installer brings models to the weights directory.
type installer struct {
	dir      string
	force    bool
	fetcher  *catalog.Fetcher
	progress *progress
}

// recipe is an entry's options, read.
type recipe struct {
	config     models.Config
	preprocess models.Preprocess
	labels     []string
}

func newRecipe(m catalog.Model) (*recipe, error) {
	md := maps.Clone(m.Options)
	md["glance"] = "1"
	r := &recipe{}
	var err error
	if r.config, r.preprocess, err = models.ConfigFromMetadata(md); err != nil {
		return nil, err
	}
	r.labels, err = m.ClassNames()
	return r, err
}

// install makes sure that a model is there and describes it in one line.
func (in *installer) install(ctx context.Context, m catalog.Model) (string, error) {
	r, err := newRecipe(m)
	if err != nil {
		return "", err
	}
	path := filepath.Join(in.dir, m.Name+".safetensors")
	if !in.force && !m.Bundled() { // which costs nothing to verify
		if f, err := r.check(path, m); err == nil && in.hasLicence(m) {
			changed, err := differs(path, m.Blob)
			if err != nil {
				return "", err
			}
			if changed == "" {
				return describe(path, m, f, "there already"), nil
			}
			in.progress.note(m.Name + ": " + changed + ": it is made again")
		}
	}
	c, err := in.fetcher.Fetch(ctx, m)
	if err != nil {
		return "", err
	}
	if c.Finished {
		err = place(c.Path, path)
	} else {
		err = in.convert(ctx, m, r, c, path)
	}
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(in.licencePath(m), c.Licence, 0o644); err != nil {
		return "", err
	}
	f, err := r.check(path, m)
	if err != nil {
		return "", err
	}
	how := "new"
	switch {
	case m.Bundled():
		how = "part of the repository"
	case !c.Verified:
		how = "new; nobody publishes a checksum for it"
	}
	return describe(path, m, f, how), nil
}

// convert converts a checkpoint to the blob.
func (in *installer) convert(ctx context.Context, m catalog.Model, r *recipe, c *catalog.Checkpoint, path string) error {
	step, done := in.progress.steps("converting " + m.Name)
	report, err := convert.Convert(ctx, convert.Options{
		In:         c.Path,
		Config:     r.config,
		BNEpsilon:  m.BNEpsilon,
		Preprocess: &r.preprocess,
		Labels:     r.labels,
		Name:       m.Name,
		Source:     c.Source,
		Licence:    m.Licence.SPDX,
		Out:        path,
		Progress:   step,
	})
	done()
	var unreadable *checkpoint.Error
	var unfit *convert.Error
	if errors.As(err, &unreadable) || errors.As(err, &unfit) {
		err = c.Discard(err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Source, err)
	}
	if m.Blob != nil && report.SHA256 != m.Blob.SHA256 {
		in.progress.note(fmt.Sprintf("%s: converted to sha-256 %s, the catalogue says %s: the converter has changed, or this machine rounds differently",
			m.Name, report.SHA256, m.Blob.SHA256))
	}
	return nil
}

// check reports whether a file is the model's blob: a valid one, of the network,
// preprocessing and labels that the entry says.
func (r *recipe) check(path string, m catalog.Model) (*weights.File, error) {
	f, err := readHeader(path)
	if err != nil {
		return nil, err
	}
	n, err := models.New(r.config)
	if err != nil {
		return nil, err
	}
	if err := n.Check(f); err != nil {
		return nil, err
	}
	want := models.Metadata(n.Config, r.preprocess)
	want["name"] = m.Name
	want["licence"] = m.Licence.SPDX
	want["labels"] = strings.Join(r.labels, "\n")
	for key, v := range want {
		if f.Metadata[key] != v {
			return nil, fmt.Errorf("metadata %s is %.60q, the catalogue says %.60q", key, f.Metadata[key], v)
		}
	}
	return f, nil
}

// accept is check for a mirror's finished blob.
func accept(m catalog.Model, blob string) error {
	r, err := newRecipe(m)
	if err == nil {
		_, err = r.check(blob, m)
	}
	return err
}

func readHeader(path string) (*weights.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return weights.ReadHeader(file, info.Size())
}

// differs says how a file's content is not that of the blob that the catalogue
// knows; "" where it is, or where the catalogue knows none.
func differs(path string, want *catalog.Blob) (string, error) {
	if want == nil {
		return "", nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.SHA256 {
		return fmt.Sprintf("%s has sha-256 %s, the catalogue says %s", path, got, want.SHA256), nil
	}
	return "", nil
}

func (in *installer) licencePath(m catalog.Model) string {
	return filepath.Join(in.dir, m.Name+".LICENSE")
}

func (in *installer) hasLicence(m catalog.Model) bool {
	info, err := os.Stat(in.licencePath(m))
	return err == nil && info.Size() > 0
}

func describe(path string, m catalog.Model, f *weights.File, how string) string {
	return fmt.Sprintf("%-24s %5.1f MB  %s, %s (%s)", m.Name, float64(f.DataOffset+f.DataSize)/1e6, m.Licence.SPDX, f.Metadata["source"], how)
}

// place copies a file to where it is not yet; the copy appears only when it is
// complete.
func place(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if same, err := isFile(in, to); same || err != nil {
		return err
	}
	out, err := os.Create(to + ".tmp")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}

// isFile reports whether an open file is the one at path.
func isFile(open *os.File, path string) (bool, error) {
	a, err := open.Stat()
	if err != nil {
		return false, err
	}
	b, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(a, b), err
}
