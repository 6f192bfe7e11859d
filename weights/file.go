package weights

import (
	"cmp"
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"slices"
)

// Limits on what a header may hold. They bound what parsing allocates; the
// largest network here needs 114 tensors of rank 4.
const (
	MaxHeader   = 4 << 20 // bytes of JSON
	MaxTensors  = 4096    // tensors
	MaxRank     = 6       // dimensions of a tensor
	MaxMetadata = 256     // entries of __metadata__
)

// prefixSize is the length of the little-endian header length a file starts with.
const prefixSize = 8

// metadataKey is the one name in a header that is not a tensor's.
const metadataKey = "__metadata__"

// DType names a tensor's element type as safetensors spells it.
type DType string

// The element types a header may name. Blobs of this project hold F16 and F32;
// checkpoints come with the others too.
const (
	Bool   DType = "BOOL"
	U8     DType = "U8"
	I8     DType = "I8"
	F8E5M2 DType = "F8_E5M2"
	F8E4M3 DType = "F8_E4M3"
	U16    DType = "U16"
	I16    DType = "I16"
	F16    DType = "F16"
	BF16   DType = "BF16"
	U32    DType = "U32"
	I32    DType = "I32"
	F32    DType = "F32"
	U64    DType = "U64"
	I64    DType = "I64"
	F64    DType = "F64"
)

// Size returns the bytes of one element, 0 for a type this package does not
// know.
func (d DType) Size() int {
	switch d {
	case Bool, U8, I8, F8E5M2, F8E4M3:
		return 1
	case U16, I16, F16, BF16:
		return 2
	case U32, I32, F32:
		return 4
	case U64, I64, F64:
		return 8
	}
	return 0
}

// dtypes lists every known type, for the parser to hand out without copying.
var dtypes = [...]DType{Bool, U8, I8, F8E5M2, F8E4M3, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64}

// Tensor describes one array in a file.
type Tensor struct {
	Name   string
	DType  DType
	Shape  []int // empty for a scalar; a dimension may be 0
	Offset int64 // first byte, counted from the start of the data section
	Size   int64 // bytes: the product of Shape times DType.Size()
}

// File is a parsed and checked header.
type File struct {
	Metadata   map[string]string // never nil
	Tensors    []Tensor          // sorted by Offset; they cover the data section exactly
	DataOffset int64             // where the data section starts in the file
	DataSize   int64             // bytes of the data section
}

// Tensor returns the tensor of that name.
//
//go:noinline
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// HeaderSize returns how many bytes of the file [ParseHeader] needs: the 8 that
// hold the header's length, and the header. first8 is the start of the file, at
// least 8 bytes unless the file is shorter. fileSize is the length of the file,
// or -1 where it is not known yet (a compressed HTTP response).
//
// Errors are of type *[Error]: [Truncated] where the file is too short for what
// it promises, [Oversized] for a header beyond [MaxHeader], [BadHeader] where the
// file is recognisably something else, such as a web page.
func HeaderSize(first8 []byte, fileSize int64) (int64, error) {
	if len(first8) < prefixSize || (fileSize >= 0 && fileSize < prefixSize) {
		return 0, errorf(Truncated, "", "the file has ", itoa(shorter(len(first8), fileSize)),
			" bytes, a safetensors file has at least 10")
	}
	n := binary.LittleEndian.Uint64(first8)
	if n > MaxHeader {
		if kind := otherFormat(first8); kind != "" {
			return 0, errorf(BadHeader, "", "this is ", kind, ", not a safetensors file")
		}
		return 0, errorf(Oversized, "", "the header's length reads ", utoa(n), " bytes, the limit is ",
			itoa(MaxHeader), ": not a safetensors file, or not one of a MobileNet")
	}
	if n < 2 {
		return 0, errorf(BadHeader, "", "the header's length reads ", utoa(n), " bytes, the shortest header {} has 2")
	}
	size := prefixSize + int64(n)
	if fileSize >= 0 && size > fileSize {
		return 0, errorf(Truncated, "", "the header ends at byte ", itoa(size), ", the file at ", itoa(fileSize))
	}
	return size, nil
}

func shorter(n int, fileSize int64) int64 {
	if fileSize >= 0 && fileSize < int64(n) {
		return fileSize
	}
	return int64(n)
}

// otherFormat recognises what is most often served or named in place of a blob.
// None of these starts reads as a header length within MaxHeader.
func otherFormat(first8 []byte) string {
	switch {
	case first8[0] == '<':
		return "a web page (HTML or XML; a server's error page?)"
	case string(first8[:4]) == "PK\x03\x04":
		return "a zip archive (a PyTorch checkpoint? convert it with tools/quantize)"
	case first8[0] == 0x80 && first8[1] <= 5 && first8[1] >= 2:
		return "a pickle (a PyTorch checkpoint? convert it with tools/quantize)"
	case string(first8[:8]) == "version ":
		return "a Git LFS pointer"
	}
	return ""
}

// ParseHeader reads and checks a file's header. prefix is the start of the file,
// at least the bytes that [HeaderSize] asks for; fileSize is as there, and where
// it is -1 the length of the data section is the header's word, which whoever
// reads it has to hold it to.
//
// Errors are of type *[Error].
func ParseHeader(prefix []byte, fileSize int64) (*File, error) {
	size, err := HeaderSize(prefix, fileSize)
	if err != nil {
		return nil, err
	}
	if int64(len(prefix)) < size {
		return nil, errorf(Truncated, "", "the header ends at byte ", itoa(size), ", only ",
			itoa(int64(len(prefix))), " are there")
	}
	f, err := parseJSON(prefix[prefixSize:size])
	if err != nil {
		return nil, err
	}
	f.DataOffset = size
	if err := f.checkLayout(fileSize); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadHeader is [ParseHeader] for a file of fileSize bytes that is read from r, its
// header alone. Errors are those of r, and of ParseHeader.
func ReadHeader(r io.ReaderAt, fileSize int64) (*File, error) {
	file := io.NewSectionReader(r, 0, fileSize)
	prefix := make([]byte, min(prefixSize, fileSize))
	if _, err := io.ReadFull(file, prefix); err != nil {
		return nil, err
	}
	size, err := HeaderSize(prefix, fileSize)
	if err != nil {
		return nil, err
	}
	prefix = append(prefix, make([]byte, size-prefixSize)...)
	if _, err := io.ReadFull(file, prefix[prefixSize:]); err != nil {
		return nil, err
	}
	return ParseHeader(prefix, fileSize)
}

// checkLayout sorts the tensors by offset and checks that names are unique, that
// each tensor's bytes are its shape's, and that together they cover the data
// section exactly.
func (f *File) checkLayout(fileSize int64) error {
	for i := range f.Tensors {
		if name := f.Tensors[i].Name; named(f.Tensors[:i], name) {
			return errorf(BadHeader, name, "two tensors have this name")
		}
	}
	// A tensor without elements comes before the one that starts at the same byte.
	order := func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	}
	if !slices.IsSortedFunc(f.Tensors, order) { // most are; a page compiles what it runs
		slices.SortFunc(f.Tensors, order)
	}
	available := int64(math.MaxInt64)
	if fileSize >= 0 {
		available = fileSize - f.DataOffset
	}
	var end int64
	for _, t := range f.Tensors {
		want, ok := byteSize(t.DType, t.Shape)
		if !ok {
			return errorf(BadShape, t.Name, "shape ", shapeString(t.Shape), " has more elements than 63 bits count")
		}
		if want != t.Size {
			return errorf(BadShape, t.Name, string(t.DType), " ", shapeString(t.Shape), " takes ", itoa(want),
				" bytes, its data offsets give it ", itoa(t.Size))
		}
		if t.Offset != end {
			what := "overlaps the tensor before it"
			if t.Offset > end {
				what = "leaves a gap after the tensor before it"
			}
			return errorf(BadOffsets, t.Name, "starts at byte ", itoa(t.Offset), " of the data, which ", what,
				" (that ends at ", itoa(end), ")")
		}
		end = t.Offset + t.Size // within int64: both come from one checked end offset
		if end > available {
			return errorf(Truncated, t.Name, "ends at byte ", itoa(end), " of the data, the file has ", itoa(available))
		}
	}
	if fileSize >= 0 && end != available {
		return errorf(Oversized, "", itoa(available-end), " bytes follow the last tensor")
	}
	f.DataSize = end
	return nil
}

// named says whether one of the tensors has the name.
//
//go:noinline
func named(tensors []Tensor, name string) bool {
	for i := range tensors {
		if tensors[i].Name == name {
			return true
		}
	}
	return false
}

// byteSize returns the bytes of a tensor; false if they overflow an int64.
func byteSize(d DType, shape []int) (int64, bool) {
	n := uint64(d.Size())
	overflow := false
	for _, dim := range shape {
		if dim == 0 {
			return 0, true
		}
		hi, lo := bits.Mul64(n, uint64(dim))
		overflow = overflow || hi != 0 || lo > math.MaxInt64
		n = lo
	}
	return int64(n), !overflow
}
