package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"strings"
	"testing"

	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/weights"
)

func read(file []byte) (*checkpoint.Checkpoint, error) {
	return checkpoint.Read(bytes.NewReader(file), int64(len(file)))
}

// allocated returns the bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// stored wraps a pickle and storages in a zip archive as torch.save does.
func stored(pickle []byte, storages ...[]byte) []byte {
	entries := []checkpointtest.Entry{{Name: "archive/data.pkl", Data: pickle}}
	for i, s := range storages {
		entries = append(entries, checkpointtest.Entry{Name: "archive/data/" + string(rune('0'+i)), Data: s})
	}
	return checkpointtest.Zip(zip.Store, entries...)
}

// dict returns the pickle of a dictionary whose one entry "w" write appends.
func dict(write func(p *checkpointtest.Pickle)) []byte {
	p := checkpointtest.NewPickle()
	p.Op("}")
	p.String("w")
	write(p)
	p.Op("s.")
	return p.Bytes()
}

func tensor(v checkpointtest.View) []byte {
	return dict(func(p *checkpointtest.Pickle) { p.Tensor(v) })
}

func TestHostile(t *testing.T) {
	four := make([]byte, 16) // four float32
	view := func(change func(v *checkpointtest.View)) []byte {
		v := checkpointtest.View{Key: "0", Elements: 4, Shape: []int{4}}
		change(&v)
		return stored(tensor(v), four)
	}
	valid := checkpointtest.TorchZip(sample())
	legacy := checkpointtest.TorchLegacy(sample())
	for _, test := range []struct {
		name string
		file []byte
		code checkpoint.Code
		want string
	}{
		{"zip cut short", valid[:len(valid)-30], checkpoint.Truncated, "directory"},
		{"zip without pickle", checkpointtest.Zip(zip.Store, checkpointtest.Entry{Name: "a/b"}), checkpoint.Missing, "data.pkl"},
		{"legacy cut in a storage", legacy[:len(legacy)-3], checkpoint.Truncated, "storage 2"},
		{"legacy cut in the pickle", legacy[:100], checkpoint.Truncated, "STOP"},
		{"legacy with a tail", append(bytes.Clone(legacy), 0), checkpoint.Oversized, "1 bytes follow"},
		{"zip bomb", checkpointtest.Zip(zip.Deflate, checkpointtest.Entry{Name: "archive/data.pkl", Data: make([]byte, 64<<20)}),
			checkpoint.Oversized, "zip bomb"},
		{"huge directory", manyEntries(60000), checkpoint.Oversized, "directory"},
		{"missing storage", stored(tensor(checkpointtest.View{Key: "0", Elements: 4, Shape: []int{4}})), checkpoint.Missing, "data/0"},
		{"short storage", view(func(v *checkpointtest.View) { v.Elements = 1000 }), checkpoint.Truncated, "1000 elements"},
		{"endless storage", view(func(v *checkpointtest.View) { v.Elements = math.MaxInt64 }), checkpoint.Truncated, "elements"},
		{"negative storage", view(func(v *checkpointtest.View) { v.Elements = -4 }), checkpoint.BadFormat, "size"},
		{"shape beyond storage", view(func(v *checkpointtest.View) { v.Shape = []int{5} }), checkpoint.BadShape, "w: shape [5]"},
		{"offset beyond storage", view(func(v *checkpointtest.View) { v.Offset = 1 }), checkpoint.BadShape, "from element 1 on"},
		{"negative offset", view(func(v *checkpointtest.View) { v.Offset = -1 }), checkpoint.BadShape, "from element -1 on"},
		{"negative dimension", view(func(v *checkpointtest.View) { v.Shape = []int{-4} }), checkpoint.BadShape, "negative dimension"},
		{"shape overflows", view(func(v *checkpointtest.View) { v.Shape = []int{1 << 32, 1 << 32, 1 << 32} }), checkpoint.Oversized, "too many"},
		{"huge shape of stride 0", view(func(v *checkpointtest.View) { v.Shape, v.Strides = []int{1 << 30}, []int{0} }), checkpoint.Oversized, "the file has"},
		{"negative stride", view(func(v *checkpointtest.View) { v.Strides = []int{-1} }), checkpoint.BadShape, "negative stride"},
		{"stride overflows", view(func(v *checkpointtest.View) { v.Strides = []int{math.MaxInt64} }), checkpoint.BadShape, "outside"},
		{"ten dimensions", view(func(v *checkpointtest.View) { v.Shape = make([]int, 10) }), checkpoint.BadFormat, "at most"},
		{"os.system", stored(dict(func(p *checkpointtest.Pickle) {
			p.Global("os", "system")
			p.Op("(")
			p.String("touch pickle-was-run")
			p.Op("tR")
		})), checkpoint.Refused, "os.system"},
		{"os.system by STACK_GLOBAL", stored(dict(func(p *checkpointtest.Pickle) {
			p.String("os")
			p.String("system")
			p.Op("\x93")
		})), checkpoint.Refused, "os.system"},
		{"computed global", stored(dict(func(p *checkpointtest.Pickle) {
			p.String("os")
			p.Op(")\x93")
		})), checkpoint.Refused, "computes the name"},
		{"getattr through torch", stored(dict(func(p *checkpointtest.Pickle) { p.Global("torch", "load") })), checkpoint.Refused, "torch.load"},
		{"INST", stored([]byte("\x80\x02(ios\nsystem\n.")), checkpoint.Refused, "opcode 0x69"},
		{"opcode 255", stored([]byte("\x80\x02\xff.")), checkpoint.Refused, "opcode 0xff"},
		{"string of 4 GB", stored([]byte("\x80\x02X\xff\xff\xff\xff.")), checkpoint.Truncated, "4294967295 bytes"},
		{"string of 2^63 bytes", stored([]byte("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.")), checkpoint.Truncated, "bytes of data"},
		{"frame of 2^62 bytes", stored([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x40.")), checkpoint.Truncated, "frame"},
		{"integer of 2 GB", stored([]byte("\x80\x02\x8b\xff\xff\xff\x7f.")), checkpoint.Oversized, "integer"},
		{"integer of no bytes", stored([]byte("\x80\x02\x8a\x00.")), checkpoint.Oversized, "integer"},
		{"no STOP", stored([]byte("\x80\x02}}}")), checkpoint.Truncated, "STOP"},
		{"a million marks", stored(bytes.Repeat([]byte("("), 1<<20)), checkpoint.Oversized, "objects"},
		{"a million dictionaries", stored(bytes.Repeat([]byte("}"), 1<<20)), checkpoint.Oversized, "objects"},
		{"odd dictionary", stored([]byte("\x80\x02(K\x01d.")), checkpoint.BadFormat, "malformed"},
		{"empty stack", stored([]byte("\x80\x02.")), checkpoint.BadFormat, "malformed"},
		{"list of itself", stored([]byte("\x80\x02]q\x00h\x00a.")), checkpoint.Missing, "no state dict"},
		{"key without a hash", stored([]byte("\x80\x02ccollections\nOrderedDict\n)RC\x01xK\x01s.")), checkpoint.BadFormat, "malformed"},
		{"a number", stored([]byte("\x80\x02K\x01.")), checkpoint.Missing, "no state dict"},
		{"dictionary of itself", stored([]byte("\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.")), checkpoint.Missing, "no state dict"},
		{"two tensors of one name", stored(dict(func(p *checkpointtest.Pickle) {
			v := checkpointtest.View{Key: "0", Elements: 4, Shape: []int{4}}
			p.Tensor(v)
			p.Op("s")
			p.String("w")
			p.Tensor(v)
		}), four), checkpoint.Duplicate, "w: two tensors"},
		{"safetensors cut short", checkpointtest.Safetensors(sample())[:200], checkpoint.Truncated, ""},
		{"safetensors header of 2^62 bytes", append(binary.LittleEndian.AppendUint64(nil, 1<<62), "{}"...), checkpoint.Oversized, "header"},
		{"web page", []byte("<html>404 page not found</html>"), checkpoint.BadFormat, "web page"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c *checkpoint.Checkpoint
			var err error
			n := allocated(func() { c, err = read(test.file) })
			if limit := 2*uint64(len(test.file)) + 6<<20; n > limit {
				t.Errorf("allocated %d bytes for a file of %d", n, len(test.file))
			}
			if err == nil {
				t.Fatalf("read %v, want an error", c)
			}
			wantError(t, err, test.code, test.want)
			if strings.Contains(err.Error(), "%!") {
				t.Errorf("malformed message: %s", err)
			}
		})
	}
}

// manyEntries is a zip archive of n empty entries.
func manyEntries(n int) []byte {
	entries := make([]checkpointtest.Entry, n)
	for i := range entries {
		entries[i].Name = "archive/data/" + string(binary.LittleEndian.AppendUint32(nil, uint32(i)))
	}
	return checkpointtest.Zip(zip.Store, entries...)
}

// TestTruncatedAnywhere cuts files at every byte: no cut may panic or be read as
// the whole.
func TestTruncatedAnywhere(t *testing.T) {
	small := []checkpointtest.Array{
		{Name: "a", Shape: []int{2, 2}, Values: pattern(4, 0)},
		{Name: "b", DType: weights.F16, Shape: []int{3}, Values: pattern(3, 0)},
	}
	for name, file := range map[string][]byte{
		"zip":         checkpointtest.TorchZip(small),
		"legacy":      checkpointtest.TorchLegacy(small),
		"safetensors": checkpointtest.Safetensors(small),
	} {
		for n := range file {
			if _, err := read(file[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes are read without an error", name, n, len(file))
			}
		}
	}
}

func TestCompressedZip(t *testing.T) {
	p := checkpointtest.View{Key: "0", Elements: 4, Shape: []int{4}}
	values := pattern(4, 0)
	file := checkpointtest.Zip(zip.Deflate,
		checkpointtest.Entry{Name: "x/data.pkl", Data: tensor(p)},
		checkpointtest.Entry{Name: "x/data/0", Data: checkpointtest.Encode(weights.F32, values)})
	c, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	checkTensors(t, c, []wantTensor{{"w", weights.F32, []int{4}, values}})
}
