package weights

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Data is a tensor to write.
type Data struct {
	Name  string
	DType DType
	Shape []int
	Bytes []byte // elements, little-endian, row-major
}

// Write writes a safetensors file. The same arguments give the same bytes:
// metadata keys are sorted, and tensors come by descending element size, within
// one size in the order given, so that each is aligned to its element as the
// format's own writers have it. The data section starts at a multiple of 8.
//
// Errors are the writer's, or of type *[Error] for a tensor whose bytes are not
// its shape's, a name that is empty or taken, or anything else a reader would
// refuse; nothing has been written then.
func Write(w io.Writer, metadata map[string]string, tensors []Data) error {
	ordered := slices.Clone(tensors)
	slices.SortStableFunc(ordered, func(a, b Data) int { return cmp.Compare(b.DType.Size(), a.DType.Size()) })
	prefix, err := header(metadata, ordered)
	if err != nil {
		return err
	}
	if _, err := w.Write(prefix); err != nil {
		return err
	}
	for _, t := range ordered {
		if _, err := w.Write(t.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// header returns the header's length and the header, and checks both by reading
// them back.
func header(metadata map[string]string, tensors []Data) ([]byte, error) {
	b := make([]byte, prefixSize, 1024+128*len(tensors))
	b = append(b, '{')
	if len(metadata) > 0 {
		b = append(b, `"`+metadataKey+`":{`...)
		keys := make([]string, 0, len(metadata))
		for key := range metadata {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for i, key := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, key)
			b = append(b, ':')
			b = appendString(b, metadata[key])
		}
		b = append(b, '}')
	}
	var offset int64
	for i, t := range tensors {
		if err := t.check(); err != nil {
			return nil, err
		}
		if i > 0 || len(metadata) > 0 {
			b = append(b, ',')
		}
		b = appendString(b, t.Name)
		b = append(b, `:{"dtype":"`+string(t.DType)+`","shape":[`...)
		for j, n := range t.Shape {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(n), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, offset, 10)
		b = append(b, ',')
		offset += int64(len(t.Bytes))
		b = strconv.AppendInt(b, offset, 10)
		b = append(b, "]}"...)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-prefixSize))
	if _, err := ParseHeader(b, int64(len(b))+offset); err != nil {
		return nil, err
	}
	return b, nil
}

// check reports what reading the header back cannot see.
func (t Data) check() error {
	if t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name) {
		return errorf(BadHeader, t.Name, "a tensor cannot have the name ", strconv.Quote(t.Name))
	}
	if t.DType.Size() == 0 {
		return errorf(BadDType, t.Name, "unknown element type ", strconv.Quote(string(t.DType)))
	}
	for _, n := range t.Shape {
		if n < 0 {
			return errorf(BadShape, t.Name, "negative dimension in ", shapeString(t.Shape))
		}
	}
	return nil
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
