package recalibrate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"glance/kernels"
	"glance/kernels/twin"
	"glance/models"
	"glance/tools/picture"
	"glance/weights"
)

const (
	maxPixels = 100_000_000 // of a picture
	headBytes = 1 << 16     // of a file that are read to recognise it
	maxFile   = 512 << 20   // bytes of a picture's file
	maxFiles  = 1 << 20     // files looked at
)

// Folder is the pictures in a folder, as inputs of a network.
type Folder struct {
	Files   []string // in the order they are used
	Skipped int      // files that are no pictures
	// Fitting is how many of the files have the input's size as they are: those are
	// not resized.
	Fitting int

	shape          models.Shape
	resize, asItIs *preparer
}

// OpenFolder lists the pictures in dir and the folders below it. Of more than
// count, those at even distances in the order of their names are taken, so that
// folders of classes are all represented; count 0 takes all.
func OpenFolder(dir string, count int, n *models.Network, p models.Preprocess) (*Folder, error) {
	f := &Folder{shape: n.InputShape()}
	fits := make(map[string]bool)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if len(f.Files)+f.Skipped == maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		isPicture, fitting, err := f.probe(path)
		if err != nil {
			return err
		}
		if !isPicture {
			f.Skipped++
			return nil
		}
		fits[path] = fitting
		f.Files = append(f.Files, path)
		return nil
	})
	if err != nil {
		return nil, &Error{fmt.Sprintf("%s: %v", dir, err)}
	}
	if len(f.Files) == 0 {
		return nil, &Error{fmt.Sprintf("%s holds no pictures (JPEG, PNG, GIF or WebP)", dir)}
	}
	slices.Sort(f.Files)
	if total := len(f.Files); count > 0 && count < total {
		for i := range count {
			f.Files[i] = f.Files[i*total/count]
		}
		f.Files = f.Files[:count]
	}
	for _, path := range f.Files {
		if fits[path] {
			f.Fitting++
		}
	}
	if f.resize, err = newPreparer(n, p); err != nil {
		return nil, err
	}
	p.Resize = 0
	f.asItIs, err = newPreparer(n, p)
	return f, err
}

// probe says whether a file is a picture, and one of the input's size.
func (f *Folder) probe(path string) (isPicture, fitting bool, err error) {
	r, err := os.Open(path)
	if err != nil {
		return false, false, err
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, headBytes))
	if err != nil {
		return false, false, err
	}
	info, err := picture.Probe(head, maxPixels)
	var e *picture.Error
	if errors.As(err, &e) {
		return e.Code != picture.Unsupported, false, nil
	}
	if info.Orientation >= 5 { // stored on its side
		info.Width, info.Height = info.Height, info.Width
	}
	return true, info.Width == f.shape.W && info.Height == f.shape.H, err
}

// Len implements [Images].
func (f *Folder) Len() int { return len(f.Files) }

// Input implements [Images].
func (f *Folder) Input(i int) ([]float32, error) {
	info, err := os.Stat(f.Files[i])
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, &Error{fmt.Sprintf("%s has %d bytes, the limit is %d", f.Files[i], info.Size(), maxFile)}
	}
	data, err := os.ReadFile(f.Files[i])
	if err != nil {
		return nil, err
	}
	p, err := picture.Decode(data, maxPixels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Files[i], err)
	}
	if p.Width == f.shape.W && p.Height == f.shape.H {
		return f.asItIs.input(p)
	}
	return f.resize.input(p)
}

// preparer makes a network's input of pictures, as a session does.
type preparer struct {
	machine kernels.Machine
	session *models.Session
	at      kernels.Ptr // where the session keeps its input
	values  int
}

// newPreparer sets up a session of the smallest network that takes inputs of the
// same size.
func newPreparer(n *models.Network, p models.Preprocess) (*preparer, error) {
	small, err := models.New(models.Config{Arch: models.MobileNetV1, Alpha: 0.1, Classes: 1, Height: n.Config.Height, Width: n.Config.Width})
	if err != nil {
		return nil, err
	}
	header := &weights.File{Metadata: models.Metadata(small.Config, p)}
	for _, t := range small.Tensors() {
		size := int64(weights.F32.Size())
		for _, d := range t.Shape {
			size *= int64(d)
		}
		header.Tensors = append(header.Tensors, weights.Tensor{Name: t.Name, DType: weights.F32, Shape: t.Shape, Offset: header.DataSize, Size: size})
		header.DataSize += size
	}
	prep := &preparer{machine: twin.New(twin.Options{}), values: n.InputShape().Size()}
	if prep.session, err = models.NewSession(prep.machine, small, header, models.PlanOptions{}); err != nil {
		return nil, err
	}
	if err := prep.session.Pack(); err != nil {
		return nil, err
	}
	prep.at = prep.session.Input()
	return prep, nil
}

// input returns the normalised input of a picture.
func (p *preparer) input(img *picture.Image) ([]float32, error) {
	if err := p.session.SetPixels(img.Pix, img.Width, img.Height); err != nil {
		return nil, err
	}
	raw := make([]byte, 4*p.values)
	if err := p.machine.Read(raw, p.at); err != nil {
		return nil, err
	}
	values := make([]float32, p.values)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values, nil
}
