package assemble

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
}

// readModels describes the blobs of a folder, in the catalogue's order of
// preference; those the catalogue does not know come last, by name. A file that
// is no blob is an error: a page that offers it would fail.
func readModels(dir string) ([]Model, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		return nil, err
	}
	c, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	rank := map[string]int{}
	titles := map[string]string{}
	for i, m := range c.Models {
		rank[m.Name] = i - len(c.Models)
		titles[m.Name] = m.Title
	}
	list := []Model{}
	for _, file := range files {
		m, err := describe(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if title := titles[m.Name]; title != "" {
			m.Title = title
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Model) int {
		if d := rank[a.Name] - rank[b.Name]; d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list, nil
}

func describe(file string) (Model, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Model{}, err
	}
	size := int64(len(b))
	n, err := weights.HeaderSize(b[:min(8, len(b))], size)
	if err != nil {
		return Model{}, err
	}
	header, err := weights.ParseHeader(b[:n], size)
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
		Name:    strings.TrimSuffix(base, ".safetensors"),
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
