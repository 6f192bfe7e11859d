package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"glance/kernels"
	"glance/models"
	"glance/weights"
	"glance/weights/catalog"
)

const extension = ".safetensors"

// find returns the file of the model the user means: a path, a name in the
// weights directory, or, for "", the catalogue's first that is there, else any.
func find(model, dir string) (string, error) {
	if strings.HasSuffix(model, extension) || strings.ContainsAny(model, `/\`) {
		return model, nil
	}
	there, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		return "", err
	}
	for i, path := range there {
		there[i] = strings.TrimSuffix(filepath.Base(path), extension)
	}
	switch {
	case slices.Contains(there, model):
		return filepath.Join(dir, model+extension), nil
	case len(there) == 0:
		return "", fmt.Errorf("no models in %s: `make weights` fetches them, -model names a file", dir)
	case model != "":
		return "", fmt.Errorf("no model %s in %s, there are %s (`go run ./tools/fetch -list` names those that can be had)",
			model, dir, strings.Join(there, ", "))
	}
	c, err := catalog.Load()
	if err != nil {
		return "", err
	}
	c.Sort(there)
	return filepath.Join(dir, there[0]+extension), nil
}

// classifier is a model ready to run.
type classifier struct {
	options *options
	name    string
	labels  []string // nil: class indices stand for names
	machine kernels.Machine
	session *models.Session
}

// load reads a model and lays it out on the chosen backend.
func load(o *options) (*classifier, error) {
	path, err := find(o.model, o.weights)
	if err != nil {
		return nil, err
	}
	blob, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no file %s: `make weights` fetches models", path)
	} else if err != nil {
		return nil, err
	}
	c := &classifier{options: o}
	if err := c.open(blob); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.name == "" {
		c.name = strings.TrimSuffix(filepath.Base(path), extension)
	}
	return c, nil
}

func (c *classifier) open(blob []byte) error {
	f, err := weights.ParseHeader(blob, int64(len(blob)))
	if err != nil {
		return err
	}
	config, _, err := models.ConfigFromMetadata(f.Metadata)
	if err != nil {
		return err
	}
	if c.options.height > 0 {
		config.Height = c.options.height
	}
	if c.options.width > 0 {
		config.Width = c.options.width
	}
	network, err := models.New(config)
	if err != nil {
		return err
	}
	if config.NoHead && !c.options.embedding && !c.options.logits {
		return errors.New("the model has no classifier; -embedding prints its features")
	}
	if c.labels, err = models.Labels(f.Metadata, network.OutputUnits()); err != nil {
		return err
	}
	c.name = f.Metadata["name"]
	if c.machine, err = backends[c.options.backend](c.options.threads); err != nil {
		return err
	}
	if c.session, err = models.NewSession(c.machine, network, f, models.PlanOptions{Threads: c.options.threads}); err == nil {
		staging, _ := c.session.Staging()
		if err = c.machine.Write(staging, blob[f.DataOffset:]); err == nil {
			err = c.session.Pack()
		}
	}
	if err != nil {
		c.close()
	}
	return err
}

func (c *classifier) close() { c.machine.Close() }

// className is the label of a class, or its index.
func (c *classifier) className(index int) string {
	if c.labels == nil {
		return fmt.Sprint(index)
	}
	return c.labels[index]
}
