package checkpoint

import (
	"encoding/binary"
	"io"

	"github.com/nlpodyssey/gopickle/types"
)

// legacyMagic is how the files start that torch.save wrote before version 1.6:
// a pickle of the number 0x1950a86a20f9469cfc6c.
const legacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// legacyProtocol is the version number that follows the magic number.
const legacyProtocol = 1001

// torchStream reads the legacy format: five pickles (magic number, protocol
// version, system, the object, the keys of its storages) and then each storage
// as its number of elements (int64) and the elements.
type torchStream struct {
	r        io.ReaderAt
	size     int64
	at       int64 // next byte
	budget   int64
	storages map[string]*torchStorage
}

func readTorchLegacy(r io.ReaderAt, size int64) (*Checkpoint, error) {
	s := &torchStream{r: r, size: size, at: int64(len(legacyMagic)), budget: size + 4*slack,
		storages: make(map[string]*torchStorage)}
	version, err := s.next()
	if err != nil {
		return nil, err
	}
	if version != any(legacyProtocol) {
		return nil, fail(BadFormat, "", "legacy file of version %v, only %d is known", version, legacyProtocol)
	}
	system, err := s.next()
	if err != nil {
		return nil, err
	}
	info, _ := entries(system)
	for _, e := range info {
		if e.key == "little_endian" && e.value != any(true) {
			return nil, fail(BadFormat, "", "only little-endian checkpoints are read")
		}
	}
	root, err := s.next()
	if err != nil {
		return nil, err
	}
	keys, err := s.next()
	if err != nil {
		return nil, err
	}
	if err := s.locate(keys); err != nil {
		return nil, err
	}
	c := &Checkpoint{Format: PyTorchLegacy}
	return c, c.torchTensors(root, size)
}

// next vets and reads the next pickle of the stream.
func (s *torchStream) next() (any, error) {
	end := min(s.size, s.at+maxPickle)
	n, left, err := vet(io.NewSectionReader(s.r, s.at, end-s.at), s.budget)
	if err != nil {
		return nil, err
	}
	value, err := unpickle(io.NewSectionReader(s.r, s.at, n), s.load)
	s.at += n
	s.budget = left
	return value, err
}

// load resolves a persistent id to a storage whose place in the file is not
// known yet. A view of a storage has (key, first element, elements) as its sixth
// field.
func (s *torchStream) load(id any) (any, error) {
	p, err := parsePersistentID(id)
	if err != nil {
		return nil, err
	}
	base := s.storages[p.key]
	if base == nil {
		base = &torchStorage{key: p.key, dtype: p.dtype, elements: p.elements, data: new(storage)}
		s.storages[p.key] = base
	}
	if base.dtype != p.dtype {
		return nil, fail(BadDType, "", "storage %s is used as %s and as %s", Printable(p.key), base.dtype, p.dtype)
	}
	if len(p.rest) == 0 || p.rest[0] == nil {
		return base, nil
	}
	part, ok := p.rest[0].(*types.Tuple)
	if !ok || part.Len() != 3 {
		return nil, fail(BadFormat, "", "storage %s: malformed view", Printable(p.key))
	}
	first, ok := part.Get(1).(int)
	if !ok || first < 0 || int64(first) > base.elements {
		return nil, fail(BadShape, "", "storage %s: a view starts at %v of %d elements", Printable(p.key), part.Get(1), base.elements)
	}
	return &torchStorage{key: p.key, dtype: p.dtype, elements: base.elements, first: int64(first), data: base.data}, nil
}

// locate finds the storages behind the pickles, in the order keys lists them.
func (s *torchStream) locate(keys any) error {
	list, ok := keys.(*types.List)
	if !ok {
		return fail(BadFormat, "", "the list of storages is missing")
	}
	found := make(map[string]bool, len(s.storages))
	for _, k := range *list {
		key, _ := k.(string)
		base := s.storages[key]
		if base == nil || found[key] {
			return fail(BadFormat, "", "the list of storages names %q, which no tensor uses or which came before", Printable(key))
		}
		found[key] = true
		var b [8]byte
		if n, err := s.r.ReadAt(b[:], s.at); n < len(b) {
			if err == io.EOF {
				err = fail(Truncated, "", "the file ends before storage %s", Printable(key))
			}
			return err
		}
		s.at += int64(len(b))
		elements := binary.LittleEndian.Uint64(b[:])
		if elements != uint64(base.elements) {
			return fail(BadShape, "", "storage %s: the pickle says %d elements, the file %d", Printable(key), base.elements, elements)
		}
		size := int64(base.dtype.Size())
		if base.elements > (s.size-s.at)/size {
			return fail(Truncated, "", "the file ends inside storage %s of %d elements of %s", Printable(key), base.elements, base.dtype)
		}
		*base.data = storage{r: io.NewSectionReader(s.r, s.at, base.elements*size), bytes: base.elements * size}
		s.at += base.elements * size
	}
	for key := range s.storages {
		if !found[key] {
			return fail(Missing, "", "the list of storages lacks %s", Printable(key))
		}
	}
	if s.at != s.size {
		return fail(Oversized, "", "%d bytes follow the last storage", s.size-s.at)
	}
	return nil
}
