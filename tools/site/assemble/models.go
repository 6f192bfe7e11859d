package assemble

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"glance/models"
	"glance/weights"
	"glance/weights/catalog"
)

// Model is an entry of models.json, which the JavaScript API reads (ModelEntry in
// site/glance.d.ts).
type Model struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	URL        string `json:"url"` // relative to models.json
	Bytes      int64  `json:"bytes"`
	SHA256     string `json:"sha256"`
	Classes    int    `json:"classes"`
	Licence    string `json:"licence,omitempty"`
	LicenceURL string `json:"licenceURL,omitempty"`
	Source     string `json:"source,omitempty"`
	// Accuracy is what the catalogue knows: measured with this blob, or as published.
	Accuracy *Accuracy `json:"accuracy,omitempty"`
}

// Accuracy is a model's accuracy on a data set.
type Accuracy struct {
	Dataset string   `json:"dataset"`
	Top1    float64  `json:"top1"`           // per cent
	Top5    *float64 `json:"top5,omitempty"` // per cent
	By      string   `json:"by"`             // who says so, and where
}

func accuracy(a catalog.Accuracy) *Accuracy {
	score := a.Best()
	if score == nil {
		return nil
	}
	return &Accuracy{Dataset: a.Dataset, Top1: score.Top1, Top5: score.Top5, By: score.By}
}

// extension is that of blobs.
const extension = ".safetensors"

// readModels describes the blobs of a folder, in the catalogue's order of
// preference; those the catalogue does not know come last, by name. A file that
// is no blob is an error: a page that offers it would fail.
func readModels(dir string) ([]Model, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		return nil, err
	}
	c, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), extension)
	}
	c.Sort(files)
	list := []Model{}
	for _, name := range files {
		file := filepath.Join(dir, name+extension)
		m, err := describe(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if entry, ok := c.Model(name); ok {
			m.Title, m.Accuracy = entry.Title, accuracy(entry.Accuracy)
		}
		list = append(list, m)
	}
	return list, nil
}

func describe(file string) (Model, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Model{}, err
	}
	size := int64(len(b))
	header, err := weights.ParseHeader(b, size)
	if err != nil {
		return Model{}, err
	}
	config, _, err := models.ConfigFromMetadata(header.Metadata)
	if err != nil {
		return Model{}, err
	}
	network, err := models.New(config)
	if err != nil {
		return Model{}, err
	}
	if err := network.Check(header); err != nil {
		return Model{}, err
	}
	sum := sha256.Sum256(b)
	base := filepath.Base(file)
	m := Model{
		Name:    strings.TrimSuffix(base, extension),
		Title:   header.Metadata["name"],
		URL:     "weights/" + base,
		Bytes:   size,
		SHA256:  hex.EncodeToString(sum[:]),
		Classes: network.OutputUnits(),
		Licence: header.Metadata["licence"],
		Source:  header.Metadata["source"],
	}
	if m.Title == "" {
		m.Title = m.Name
	}
	licence := m.Name + ".LICENSE"
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(file), licence)); err == nil && len(bytes.TrimSpace(text)) > 0 {
		m.LicenceURL = "weights/" + licence
	}
	return m, nil
}
