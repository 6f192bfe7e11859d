package api

import (
	"strconv"
	"sync"

	"glance/kernels"
	"glance/models"
	"glance/weights"
)

// Info describes a model, loaded or not, as GET /models lists it.
type Info struct {
	Name         string     `json:"name"`
	Title        string     `json:"title,omitempty"`
	Architecture string     `json:"architecture"`
	Classes      int        `json:"classes"`
	Embedding    int        `json:"embedding"` // values that /embed answers
	Input        Size       `json:"input"`     // in pixels
	Preprocess   Preprocess `json:"preprocess"`
	Bytes        int64      `json:"bytes"` // of the blob
	Source       string     `json:"source,omitempty"`
	Licence      string     `json:"licence,omitempty"`
}

// Size is a picture's size in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Preprocess tells a client how a picture becomes the model's input, so that it
// can scale down before it uploads.
type Preprocess struct {
	Resize int           `json:"resize"` // shorter side in pixels before a centre crop; 0: the input's size, ignoring aspect
	Filter models.Filter `json:"filter"`
}

// NewInfo reads a model's description from the header of its blob.
func NewInfo(name string, f *weights.File) (Info, error) {
	config, p, err := models.ConfigFromMetadata(f.Metadata)
	if err != nil {
		return Info{}, err
	}
	network, err := models.New(config)
	if err != nil {
		return Info{}, err
	}
	in := network.InputShape()
	return Info{
		Name:         name,
		Title:        f.Metadata["title"],
		Architecture: string(config.Arch),
		Classes:      network.OutputUnits(),
		Embedding:    network.EmbeddingUnits(),
		Input:        Size{in.W, in.H},
		Preprocess:   Preprocess{p.Resize, p.Filter},
		Bytes:        f.DataOffset + f.DataSize,
		Source:       f.Metadata["source"],
		Licence:      f.Metadata["licence"],
	}, nil
}

// Machine is what models run on. Of all its models' pictures it holds the last one.
type Machine struct {
	kernels.Machine
	picture *models.Session // whose it is, or nil
}

// ReleasePicture gives the picture's memory back. It is to be called before anything
// else is allocated, which would lie above the picture and keep it there.
func (m *Machine) ReleasePicture() {
	if m.picture != nil {
		m.picture.ReleaseImage()
		m.picture = nil
	}
}

// hold makes room for a picture of the session's, which may take the place of its
// last one.
func (m *Machine) hold(s *models.Session) {
	if m.picture != s {
		m.ReleasePicture()
		m.picture = s
	}
}

// Model is a network that is loaded. It runs one picture at a time; others wait.
type Model struct {
	mu      sync.Mutex
	machine *Machine
	session *models.Session
	labels  []string // nil: class indices stand for names
	rows    []byte   // scratch for strips of pixels
}

// NewModel makes a model of a session on a machine; metadata is that of its blob.
func NewModel(m *Machine, s *models.Session, metadata map[string]string) (*Model, error) {
	labels, err := models.Labels(metadata, s.Network().OutputUnits())
	if err != nil {
		return nil, err
	}
	return &Model{machine: m, session: s, labels: labels}, nil
}

// className is the label of a class, or its index.
func (m *Model) className(class int) string {
	if m.labels == nil {
		return strconv.Itoa(class)
	}
	return m.labels[class]
}

// set makes the picture the network's input.
func (m *Model) set(p Picture) error {
	width, height := p.Size()
	m.machine.hold(m.session)
	img, err := m.session.Image(width, height)
	if err != nil {
		return err
	}
	for {
		at, row, rows := img.Strip()
		if rows == 0 {
			return p.Close()
		}
		pixels := m.scratch(rows * width * 4)
		if err := p.Rows(pixels, row, rows); err != nil {
			return err
		}
		if !p.Opaque() {
			models.Flatten(pixels, pixels)
		}
		if err := m.machine.Write(at, pixels); err != nil {
			return err
		}
		if err := img.Push(rows); err != nil {
			return err
		}
	}
}

func (m *Model) scratch(n int) []byte {
	if cap(m.rows) < n {
		m.rows = make([]byte, n)
	}
	return m.rows[:n]
}
