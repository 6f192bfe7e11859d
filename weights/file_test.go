package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// blob puts a header and data together as a file.
func blob(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	return append(b, make([]byte, data)...)
}

func TestParseHeader(t *testing.T) {
	tests := []struct {
		name   string
		header string
		data   int
		want   []Tensor
	}{
		{"no tensors", `{}`, 0, []Tensor{}},
		{"padding", `{}      `, 0, []Tensor{}},
		{"one", `{"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}`, 12,
			[]Tensor{{"a", F16, []int{2, 3}, 0, 12}}},
		{"scalar", `{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4,
			[]Tensor{{"a", F32, []int{}, 0, 4}}},
		{"empty tensor", `{"a":{"dtype":"F64","shape":[5,0],"data_offsets":[0,0]}}`, 0,
			[]Tensor{{"a", F64, []int{5, 0}, 0, 0}}},
		{"sorted by offset", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"b":{"dtype":"I16","shape":[1],"data_offsets":[0,2]}}`, 3,
			[]Tensor{{"b", I16, []int{1}, 0, 2}, {"a", U8, []int{1}, 2, 3 - 2}}},
		{"empty tensor before its neighbour", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 1,
			[]Tensor{{"b", U8, []int{0}, 0, 0}, {"a", U8, []int{1}, 0, 1}}},
		{"white space and field order", "{ \"a\" : {\n\t\"shape\": [ 1 , 2 ],\r\n\"data_offsets\":[0,2] , \"dtype\":\"BOOL\" } }  ", 2,
			[]Tensor{{"a", Bool, []int{1, 2}, 0, 2}}},
		{"escapes", `{"\u00e9\ud83d\ude00\n\/\ufffd":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0,
			[]Tensor{{"é😀\n/\ufffd", U8, []int{0}, 0, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := blob(tt.header, tt.data)
			for _, size := range []int64{int64(len(b)), -1} {
				f, err := ParseHeader(b, size)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(f.Tensors, tt.want) {
					t.Errorf("size %d: got %v, want %v", size, f.Tensors, tt.want)
				}
				if f.DataOffset != int64(8+len(tt.header)) || f.DataSize != int64(tt.data) {
					t.Errorf("data section at %d, %d bytes", f.DataOffset, f.DataSize)
				}
			}
		})
	}
}

func TestParseHeaderErrors(t *testing.T) {
	tensor := func(fields string) string { return `{"a":{` + fields + `}}` }
	tests := []struct {
		name   string
		header string
		data   int
		code   Code
		text   string // part of the message
	}{
		{"not an object", `[]`, 0, BadHeader, "want '{'"},
		{"leading space", ` {}`, 0, BadHeader, "want '{'"},
		{"not UTF-8", "{\"\xff\":{}}", 0, BadHeader, "UTF-8"},
		{"trailing bytes", `{}x`, 0, BadHeader, "only spaces"},
		{"trailing newline", "{}\n", 0, BadHeader, "only spaces"},
		{"two documents", `{}{}`, 0, BadHeader, "only spaces"},
		{"unclosed", `{"a":{"dtype":"U8"`, 0, BadHeader, "ends where"},
		{"trailing comma", `{"__metadata__":{},}`, 0, BadHeader, "want '\"'"},
		{"control character", "{\"a\nb\":{}}", 0, BadHeader, "control character"},
		{"open string", `{"a`, 0, BadHeader, "inside a string"},
		{"backslash at the end", `{"a\`, 0, BadHeader, "inside a string"},
		{"bad escape", `{"\x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0, BadHeader, "unknown escape"},
		{"lone surrogate", `{"\ud83d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0, BadHeader, `bad \u escape`},
		{"short escape", `{"\u00e":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0, BadHeader, `bad \u escape`},
		{"tensor is a number", `{"a":1}`, 0, BadHeader, "want '{'"},
		{"tensor nested too deep", tensor(`"shape":[[1]]`), 0, BadHeader, "non-negative integer"},
		{"unknown field", tensor(`"dtype":"U8","strides":[1]`), 0, BadHeader, `unknown field "strides"`},
		{"field twice", tensor(`"dtype":"U8","dtype":"U8"`), 0, BadHeader, "twice"},
		{"field missing", tensor(`"dtype":"U8","shape":[1]`), 1, BadHeader, "lacks"},
		{"unknown dtype", tensor(`"dtype":"F4","shape":[],"data_offsets":[0,0]`), 0, BadDType, `"F4"`},
		{"negative dimension", tensor(`"dtype":"U8","shape":[-1],"data_offsets":[0,0]`), 0, BadHeader, "non-negative"},
		{"fraction", tensor(`"dtype":"U8","shape":[1.5],"data_offsets":[0,1]`), 1, BadHeader, "want ','"},
		{"exponent", tensor(`"dtype":"U8","shape":[1e0],"data_offsets":[0,1]`), 1, BadHeader, "want ','"},
		{"leading zero", tensor(`"dtype":"U8","shape":[01],"data_offsets":[0,1]`), 1, BadHeader, "leading zero"},
		{"number too large", tensor(`"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]`), 1, BadHeader, "63 bits"},
		{"rank", tensor(`"dtype":"U8","shape":[1,1,1,1,1,1,1],"data_offsets":[0,1]`), 1, BadShape, "dimensions"},
		{"product overflows", tensor(`"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]`), 0, BadShape, "63 bits"},
		{"product overflows to the size", tensor(`"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]`), 8, BadShape, "63 bits"},
		{"size is not the shape's", tensor(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), 4, BadShape, "takes 8 bytes"},
		{"offsets backwards", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1,0]`), 1, BadOffsets, "end before"},
		{"one offset", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1]`), 1, BadOffsets, "1 numbers"},
		{"three offsets", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0,1,2]`), 1, BadOffsets, "3 numbers"},
		{"gap at the start", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1,2]`), 2, BadOffsets, "gap"},
		{"overlap", `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3, BadOffsets, "overlaps"},
		{"beyond the file", tensor(`"dtype":"U8","shape":[4],"data_offsets":[0,4]`), 3, Truncated, "the file has 3"},
		{"far beyond the file", tensor(`"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]`), 3, Truncated, "the file has 3"},
		{"bytes left over", tensor(`"dtype":"U8","shape":[2],"data_offsets":[0,2]`), 3, Oversized, "1 bytes follow"},
		{"name twice", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2, BadHeader, "two tensors"},
		{"name twice, once escaped", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2, BadHeader, "two tensors"},
		{"name too long", `{"` + strings.Repeat("n", maxString+1) + `":{}}`, 0, Oversized, "name of"},
		{"metadata twice", `{"__metadata__":{},"__metadata__":{}}`, 0, BadHeader, "twice"},
		{"metadata key twice", `{"__metadata__":{"k":"1","\u006b":"2"}}`, 0, BadHeader, "twice"},
		{"metadata number", `{"__metadata__":{"k":1}}`, 0, BadHeader, "want '\"'"},
		{"metadata nested", `{"__metadata__":{"k":{}}}`, 0, BadHeader, "want '\"'"},
		{"metadata null", `{"__metadata__":null}`, 0, BadHeader, "want '{'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := blob(tt.header, tt.data)
			_, err := ParseHeader(b, int64(len(b)))
			checkError(t, err, tt.code, tt.text)
		})
	}
}

func checkError(t *testing.T, err error, code Code, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want an *Error with code %q", err, code)
	}
	if e.Code != code || !strings.Contains(err.Error(), text) {
		t.Errorf("got code %q, %q; want %q with %q", e.Code, err, code, text)
	}
}

func TestHeaderSize(t *testing.T) {
	length := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	tests := []struct {
		name  string
		first []byte
		size  int64
		want  int64
		code  Code
		text  string
	}{
		{"fits", length(2), 10, 10, "", ""},
		{"unknown size", length(100), -1, 108, "", ""},
		{"at the limit", length(MaxHeader), -1, 8 + MaxHeader, "", ""},
		{"empty file", nil, 0, 0, Truncated, "0 bytes"},
		{"seven bytes", make([]byte, 7), 7, 0, Truncated, "7 bytes"},
		{"shorter than its header", length(3), 10, 0, Truncated, "ends at byte 11"},
		{"too short for {}", length(1), 9, 0, BadHeader, "shortest"},
		{"over the limit", length(MaxHeader + 1), 1 << 40, 0, Oversized, "limit"},
		{"negative as signed", length(1 << 63), 1 << 40, 0, Oversized, "limit"},
		{"web page", []byte("<!DOCTYP"), 4000, 0, BadHeader, "web page"},
		{"zip", []byte("PK\x03\x04\x00\x00\x08\x08"), 4000, 0, BadHeader, "PyTorch"},
		{"pickle", []byte{0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46}, 4000, 0, BadHeader, "PyTorch"},
		{"LFS pointer", []byte("version https"), 130, 0, BadHeader, "LFS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := HeaderSize(tt.first, tt.size)
			if tt.code != "" {
				checkError(t, err, tt.code, tt.text)
			} else if err != nil || got != tt.want {
				t.Errorf("got %d, %v; want %d", got, err, tt.want)
			}
		})
	}
}

// sample is a small file with everything in it.
func sample(t testing.TB) []byte {
	var b bytes.Buffer
	err := Write(&b, map[string]string{"arch": "mobilenet_v2", "labels": "tench\n\"quoted\" \\ é\x01"}, []Data{
		{"stem.weight", F16, []int{1, 3}, []byte{1, 2, 3, 4, 5, 6}},
		{"stem.bias", F32, []int{1}, []byte{7, 8, 9, 10}},
		{"empty", F64, []int{0}, nil},
		{"count", I64, []int{}, []byte{1, 0, 0, 0, 0, 0, 0, 0}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReadHeader reads through a reader what ParseHeader reads from bytes, of whole
// files and of every shorter one.
func TestReadHeader(t *testing.T) {
	b := sample(t)
	for n := range len(b) + 1 {
		want, wantErr := ParseHeader(b[:n], int64(n))
		got, err := ReadHeader(bytes.NewReader(b), int64(n))
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
			t.Errorf("%d bytes: %v, %v; want %v, %v", n, got, err, want, wantErr)
		}
	}
	if _, err := ReadHeader(bytes.NewReader(b[:20]), int64(len(b))); err != io.ErrUnexpectedEOF {
		t.Errorf("a file that has become shorter: %v", err)
	}
}

func TestWrite(t *testing.T) {
	b := sample(t)
	if again := sample(t); !bytes.Equal(b, again) {
		t.Error("two writes differ")
	}
	f, err := ParseHeader(b, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"arch": "mobilenet_v2", "labels": "tench\n\"quoted\" \\ é\x01"}; !maps.Equal(f.Metadata, want) {
		t.Errorf("metadata %q", f.Metadata)
	}
	var names []string
	for _, tensor := range f.Tensors {
		names = append(names, tensor.Name)
	}
	if want := []string{"empty", "count", "stem.bias", "stem.weight"}; !slices.Equal(names, want) {
		t.Errorf("order %v, want %v", names, want)
	}
	if f.DataOffset%8 != 0 {
		t.Errorf("data starts at %d", f.DataOffset)
	}
	bias, ok := f.Tensor("stem.bias")
	if !ok || !bytes.Equal(b[f.DataOffset+bias.Offset:][:bias.Size], []byte{7, 8, 9, 10}) {
		t.Errorf("stem.bias: %v", bias)
	}
	if _, ok := f.Tensor("stem"); ok {
		t.Error("found a tensor that is not there")
	}
}

func TestWriteErrors(t *testing.T) {
	tests := []struct {
		name     string
		metadata map[string]string
		tensors  []Data
		code     Code
	}{
		{"no name", nil, []Data{{"", U8, []int{0}, nil}}, BadHeader},
		{"metadata's name", nil, []Data{{"__metadata__", U8, []int{0}, nil}}, BadHeader},
		{"name not UTF-8", nil, []Data{{"\xff", U8, []int{0}, nil}}, BadHeader},
		{"metadata not UTF-8", map[string]string{"k": "\xff"}, nil, BadHeader},
		{"name twice", nil, []Data{{"a", U8, []int{0}, nil}, {"a", U8, []int{0}, nil}}, BadHeader},
		{"unknown type", nil, []Data{{"a", "F4", []int{0}, nil}}, BadDType},
		{"too few bytes", nil, []Data{{"a", F16, []int{2}, make([]byte, 3)}}, BadShape},
		{"negative", nil, []Data{{"a", F16, []int{-2}, nil}}, BadShape},
		{"rank", nil, []Data{{"a", U8, []int{1, 1, 1, 1, 1, 1, 1}, make([]byte, 1)}}, BadShape},
		{"header too large", map[string]string{"k": strings.Repeat("x", MaxHeader)}, nil, Oversized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			checkError(t, Write(&b, tt.metadata, tt.tensors), tt.code, "")
			if b.Len() > 0 {
				t.Errorf("%d bytes were written", b.Len())
			}
		})
	}
}

func TestTruncatedEverywhere(t *testing.T) {
	b := sample(t)
	for n := range b {
		_, err := ParseHeader(b[:n], int64(n))
		var e *Error
		if !errors.As(err, &e) || e.Code != Truncated {
			t.Fatalf("cut at byte %d of %d: %v", n, len(b), err)
		}
		// A reader that was told the whole length but got less.
		if int64(n) < 8+int64(binary.LittleEndian.Uint64(b)) {
			if _, err = ParseHeader(b[:n], int64(len(b))); !errors.As(err, &e) || e.Code != Truncated {
				t.Fatalf("prefix of %d of %d bytes: %v", n, len(b), err)
			}
		}
	}
}

// TestAllocation holds parsing to twice the input on the headers that are
// smallest for what they describe, with 16 KiB for the fixed part.
func TestAllocation(t *testing.T) {
	entry := func(fields string) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range MaxTensors {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"`)
			b.WriteString(itoa(int64(i)))
			b.WriteString(`":{`)
			b.WriteString(fields)
			b.WriteString(`}`)
		}
		b.WriteByte('}')
		return b.String()
	}
	var metadata strings.Builder
	for i := range MaxMetadata {
		metadata.WriteString(`,"` + itoa(int64(i)) + `":""`)
	}
	tests := map[string]string{
		"tensors":        entry(`"dtype":"U8","shape":[],"data_offsets":[0,0]`),
		"dimensions":     entry(`"dtype":"U8","shape":[0,0,0,0,0,0],"data_offsets":[0,0]`),
		"valid":          entry(`"dtype":"U8","shape":[0],"data_offsets":[0,0]`),
		"metadata":       `{"__metadata__":{` + metadata.String()[1:] + `}}`,
		"long value":     `{"__metadata__":{"labels":"` + strings.Repeat(`\n`, 1<<20) + `"}}`,
		"nested":         strings.Repeat(`{"a":`, 1<<18),
		"huge promises":  `{"a":{"dtype":"F64","shape":[1152921504606846975],"data_offsets":[0,9223372036854775800]}}`,
		"huge dimension": `{"a":{"dtype":"F64","shape":[1152921504606846975],"data_offsets":[0,8]}}`,
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			b := blob(header, 0)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ParseHeader(b, int64(len(b)))
			runtime.ReadMemStats(&after)
			got, limit := after.TotalAlloc-before.TotalAlloc, uint64(2*len(b)+16<<10)
			if got > limit {
				t.Errorf("allocated %d bytes for a header of %d (error: %v)", got, len(b), err)
			}
		})
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(sample(f))
	f.Add(blob(`{"\ud83d\ude00":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0))
	f.Add(blob(`{"__metadata__":{"a":"b"},"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}} `, 4))
	f.Add([]byte("<!DOCTYPE html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ParseHeader(b, int64(len(b)))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		// What was accepted covers the file and can be written and read again.
		end := int64(0)
		var tensors []Data
		for _, tensor := range file.Tensors {
			if tensor.Offset != end {
				t.Fatalf("%s at %d, want %d", tensor.Name, tensor.Offset, end)
			}
			end += tensor.Size
			data := b[file.DataOffset+tensor.Offset:][:tensor.Size]
			tensors = append(tensors, Data{tensor.Name, tensor.DType, tensor.Shape, data})
		}
		if file.DataOffset+end != int64(len(b)) {
			t.Fatalf("tensors end at %d of %d", file.DataOffset+end, len(b))
		}
		if _, empty := file.Tensor(""); empty {
			return // readable, but nothing this package writes
		}
		var out bytes.Buffer
		if err := Write(&out, file.Metadata, tensors); err != nil {
			var e *Error
			if errors.As(err, &e) && e.Code == Oversized {
				return // an escape may take more room than the header had
			}
			t.Fatal(err)
		}
		again, err := ParseHeader(out.Bytes(), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(again.Metadata, file.Metadata) || len(again.Tensors) != len(file.Tensors) {
			t.Fatalf("read back %v, want %v", again, file)
		}
	})
}
