package checkpoint

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"

	"glance/weights"
)

const (
	// maxDirectory is how many bytes of a zip archive may be read to list its
	// entries. The largest network here has 500, of a hundred bytes each.
	maxDirectory = 1 << 20
	// maxPickle is the largest pickle that is read; those of the networks here
	// have 50 KB, optimizers make them some hundred.
	maxPickle = 64 << 20
)

// limitedReaderAt fails once more than left bytes were asked for. zip.NewReader
// reads through it, which bounds the entries it can list.
type limitedReaderAt struct {
	r    io.ReaderAt
	left int64
}

var errDirectory = fail(Oversized, "", "the zip archive's directory has more than %d bytes: not a checkpoint of these networks", maxDirectory)

func (l *limitedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errDirectory
	}
	return l.r.ReadAt(p, off)
}

// readTorchZip reads what torch.save has written since version 1.6: a zip
// archive with NAME/data.pkl and one entry NAME/data/KEY a storage.
func readTorchZip(r io.ReaderAt, size int64) (*Checkpoint, error) {
	limited := &limitedReaderAt{r: r, left: maxDirectory}
	archive, err := zip.NewReader(limited, size)
	if err != nil {
		var typed *Error
		if errors.As(err, &typed) {
			return nil, typed
		}
		return nil, fail(Truncated, "", "the zip archive has no readable directory, is the file complete? (%v)", err)
	}
	limited.left = size + maxDirectory // zip.File reads local headers through it
	z := &torchArchive{r: r, size: size, entries: make(map[string]*zip.File, len(archive.File)), storages: make(map[string]*torchStorage)}
	var total uint64
	for _, f := range archive.File {
		if f.UncompressedSize64 > 1<<62 || total > 1<<62 {
			return nil, fail(Oversized, "", "entry %s of the zip archive claims %d bytes", Printable(f.Name), f.UncompressedSize64)
		}
		total += f.UncompressedSize64
		name := f.Name[strings.IndexByte(f.Name, '/')+1:]
		if z.entries[name] != nil {
			return nil, fail(Duplicate, "", "the zip archive has two entries %s", Printable(name))
		}
		z.entries[name] = f
	}
	if total > 2*uint64(size)+slack {
		return nil, fail(Oversized, "", "the zip archive unpacks to %d bytes, the file has %d: a zip bomb?", total, size)
	}
	if z.entries["constants.pkl"] != nil {
		return nil, fail(BadFormat, "", "this is a TorchScript archive: save model.state_dict() with torch.save")
	}
	if order := z.entries["byteorder"]; order != nil {
		text, _, err := z.open(order)
		if err != nil {
			return nil, err
		}
		if b, err := io.ReadAll(io.LimitReader(io.NewSectionReader(text, 0, 16), 16)); err != nil || string(b) != "little" {
			return nil, fail(BadFormat, "", "byte order %q, only little-endian checkpoints are read", b)
		}
	}
	return z.read()
}

// torchArchive is an opened zip archive.
type torchArchive struct {
	r        io.ReaderAt
	size     int64
	entries  map[string]*zip.File // by name without the archive's own folder
	storages map[string]*torchStorage
}

func (z *torchArchive) read() (*Checkpoint, error) {
	pickled := z.entries["data.pkl"]
	if pickled == nil {
		return nil, fail(Missing, "", "a zip archive without data.pkl: not a file of torch.save")
	}
	data, n, err := z.open(pickled)
	if err != nil {
		return nil, err
	}
	if n > maxPickle {
		return nil, fail(Oversized, "", "data.pkl has %d bytes, the limit is %d", n, maxPickle)
	}
	section := io.NewSectionReader(data, 0, n)
	if _, _, err := vet(section, z.size+4*slack); err != nil {
		return nil, err
	}
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	root, err := unpickle(section, z.load)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Format: PyTorchZip}
	return c, c.torchTensors(root, z.size)
}

// open returns an entry's bytes and their number. Those that torch.save writes
// are stored as they are and stay in the file; a compressed entry is unpacked,
// which the check on the sum of all sizes has bounded.
func (z *torchArchive) open(f *zip.File) (io.ReaderAt, int64, error) {
	n := int64(f.UncompressedSize64)
	if f.Method == zip.Store {
		offset, err := f.DataOffset()
		if err != nil {
			return nil, 0, fail(Truncated, "", "entry %s of the zip archive: %v", Printable(f.Name), err)
		}
		if offset < 0 || offset > z.size || n > z.size-offset {
			return nil, 0, fail(Truncated, "", "entry %s of the zip archive ends outside the file", Printable(f.Name))
		}
		return io.NewSectionReader(z.r, offset, n), n, nil
	}
	rc, err := f.Open()
	if err != nil {
		return nil, 0, fail(BadFormat, "", "entry %s of the zip archive: %v", Printable(f.Name), err)
	}
	defer rc.Close()
	b := make([]byte, n)
	if _, err := io.ReadFull(rc, b); err != nil {
		return nil, 0, fail(Truncated, "", "entry %s of the zip archive: %v", Printable(f.Name), err)
	}
	return bytes.NewReader(b), n, nil
}

// load resolves a persistent id to its storage.
func (z *torchArchive) load(id any) (any, error) {
	p, err := parsePersistentID(id)
	if err != nil {
		return nil, err
	}
	if s := z.storages[p.key]; s != nil {
		if s.dtype != p.dtype {
			return nil, fail(BadDType, "", "storage %s is used as %s and as %s", Printable(p.key), s.dtype, p.dtype)
		}
		return s, nil
	}
	f := z.entries["data/"+p.key]
	if f == nil {
		return nil, fail(Missing, "", "the zip archive lacks the storage data/%s", Printable(p.key))
	}
	data, n, err := z.open(f)
	if err != nil {
		return nil, err
	}
	if err := checkStorage(p, n); err != nil {
		return nil, err
	}
	s := &torchStorage{key: p.key, dtype: p.dtype, elements: p.elements, data: &storage{r: data, bytes: n}}
	z.storages[p.key] = s
	return s, nil
}

// checkStorage holds the size a pickle states against the bytes stored.
func checkStorage(p *persistentID, stored int64) error {
	size := int64(p.dtype.Size())
	switch {
	case p.elements > stored/size:
		return fail(Truncated, "", "storage %s: the pickle says %d elements of %s, %d bytes are stored",
			Printable(p.key), p.elements, p.dtype, stored)
	case p.elements*size != stored && p.dtype != weights.Bool:
		return fail(Oversized, "", "storage %s: the pickle says %d elements of %s, %d bytes are stored",
			Printable(p.key), p.elements, p.dtype, stored)
	}
	return nil
}
