package catalog

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed catalog.json
var catalogJSON []byte

//go:embed labels licences
var texts embed.FS

// Catalog is the list of known models, the preferred one first.
type Catalog struct {
	Models []Model `json:"models"`
}

// Model is one entry.
type Model struct {
	Name  string `json:"name"`  // of the blob, NAME.safetensors, and on command lines
	Title string `json:"title"` // for people: network, task, origin
	// Options are what the network and its preprocessing are built from, as the
	// metadata of a blob spells it (models.ConfigFromMetadata).
	Options map[string]string `json:"options"`
	// BNEpsilon is what the checkpoint's batch norms add to the variance; 0 is the
	// architecture's default.
	BNEpsilon float64  `json:"bnEpsilon,omitempty"`
	Labels    string   `json:"labels"` // file under labels/: one class name a line; "" for none
	Licence   Licence  `json:"licence"`
	Sources   []Source `json:"sources"` // in order of preference
	Blob      *Blob    `json:"blob,omitempty"`
	Accuracy  Accuracy `json:"accuracy"`
}

// Bundled reports whether the model's blob is part of the repository.
func (m Model) Bundled() bool {
	return slices.ContainsFunc(m.Sources, func(s Source) bool { return s.Type == Bundled })
}

// Licence is the terms the weights are published under.
type Licence struct {
	SPDX   string `json:"spdx"`           // identifier of the SPDX licence list
	Holder string `json:"holder"`         // whom the copyright line names
	Text   string `json:"text"`           // file under licences/; "" if the source brings it along
	Note   string `json:"note,omitempty"` // what a user should know besides
}

// The types of sources.
const (
	URL     = "url"
	NPM     = "npm"
	Bundled = "bundled"
)

// The formats of checkpoints.
const (
	PTH         = "pth"
	Safetensors = "safetensors"
	TFJSLayers  = "tfjs-layers"
	TFJSModules = "tfjs-modules"
)

// Source is one place a checkpoint can be had from.
type Source struct {
	Type   string `json:"type"`
	Format string `json:"format"`
	// File is the name under which a mirror and the cache keep what is downloaded,
	// unique in the catalogue. A layers-model's shards lie beside it.
	File string `json:"file"`

	URL string `json:"url,omitempty"` // type url: the address of File
	// SHA256 is the sum of File in hexadecimal, or its start where the publisher
	// names no more of it (8 digits in the file names of PyTorch's hub). "" means
	// that nobody published one: the file is then held to its format and network.
	SHA256 string `json:"sha256,omitempty"`

	Package     string            `json:"package,omitempty"`     // type npm
	Version     string            `json:"version,omitempty"`     // exact
	Files       map[string]string `json:"files,omitempty"`       // what is read from the package, and its sha-256
	LicenceFile string            `json:"licenceFile,omitempty"` // which of Files is the licence's text
}

// String names the source for messages and for the blob's metadata.
func (s Source) String() string {
	switch s.Type {
	case NPM:
		return "npm " + s.Package + "@" + s.Version
	case Bundled:
		return "this repository"
	}
	return s.URL
}

// Blob describes the float16 file that converting the checkpoint gives.
type Blob struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Accuracy is what is known of a model's quality.
type Accuracy struct {
	Dataset   string `json:"dataset"`
	Published *Score `json:"published"` // by the source
	Measured  *Score `json:"measured"`  // with this project's blob and kernels; null where not done
}

// Score is accuracy in per cent.
type Score struct {
	Top1 float64  `json:"top1"`
	Top5 *float64 `json:"top5"` // null if not given
	By   string   `json:"by"`   // who says so, and where
}

// Best is the measured score, else the published one, else nil.
func (a Accuracy) Best() *Score {
	if a.Measured != nil {
		return a.Measured
	}
	return a.Published
}

// Load returns the embedded catalogue.
func Load() (*Catalog, error) {
	var c Catalog
	d := json.NewDecoder(strings.NewReader(string(catalogJSON)))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("catalog: catalog.json: %w", err)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Model returns the entry of that name.
func (c *Catalog) Model(name string) (Model, bool) {
	for _, m := range c.Models {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// Sort puts the names of models into the catalogue's order of preference; those it
// does not know come last, in the order of the alphabet.
func (c *Catalog) Sort(names []string) {
	rank := map[string]int{}
	for i, m := range c.Models {
		rank[m.Name] = i - len(c.Models)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(rank[a]-rank[b], strings.Compare(a, b)) })
}

// ClassNames returns the model's labels in order of class index, nil if it has
// none.
func (m Model) ClassNames() ([]string, error) {
	if m.Labels == "" {
		return nil, nil
	}
	b, err := texts.ReadFile("labels/" + m.Labels)
	if err != nil {
		return nil, fmt.Errorf("catalog: %s: labels: %w", m.Name, err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), nil
}

// LicenceText returns the licence's text as this package has it, nil if only the
// source does.
func (m Model) LicenceText() ([]byte, error) {
	if m.Licence.Text == "" {
		return nil, nil
	}
	b, err := texts.ReadFile("licences/" + m.Licence.Text)
	if err != nil {
		return nil, fmt.Errorf("catalog: %s: licence: %w", m.Name, err)
	}
	return b, nil
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	sumPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	startOfSum  = regexp.MustCompile(`^([0-9a-f]{8,64})?$`)
	exact       = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
)

// Validate checks every entry for what can be said without the network: names
// unique and fit for a file, all fields there and consistent.
func (c *Catalog) Validate() error {
	names, files := map[string]bool{}, map[string]bool{}
	if len(c.Models) == 0 {
		return fmt.Errorf("catalog: no models")
	}
	for _, m := range c.Models {
		if names[m.Name] {
			return fmt.Errorf("catalog: two models are named %s", m.Name)
		}
		names[m.Name] = true
		for _, s := range m.Sources {
			if files[s.File] {
				return fmt.Errorf("catalog: %s: file %s is another source's too", m.Name, s.File)
			}
			files[s.File] = true
		}
		if err := m.validate(); err != nil {
			return fmt.Errorf("catalog: %s: %w", m.Name, err)
		}
	}
	return nil
}
