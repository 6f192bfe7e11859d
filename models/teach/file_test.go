package teach

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"glance/weights"
)

func TestSaveLoad(t *testing.T) {
	for _, names := range [][]string{nil, {"Tasse", "杯子 ☕", `a "quoted"; \name\`}} {
		ex := clusters(1, 3, 10, 1280, 0.5)
		if names != nil {
			ex.Classes = names
		}
		h, _ := mustTrain(t, ex)
		file, err := h.Save()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d bytes", len(file))
		loaded, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(loaded, h) {
			t.Errorf("loaded %+v, saved %+v", loaded, h)
		}
		if again, err := loaded.Save(); err != nil || !bytes.Equal(again, file) {
			t.Errorf("saved again, the file differs (%v)", err)
		}
		for i, e := range ex.Embeddings {
			a, err1 := h.Predict(nil, e)
			b, err2 := loaded.Predict(nil, e)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			for k := range a {
				if math.Float32bits(a[k]) != math.Float32bits(b[k]) {
					t.Fatalf("example %d: probabilities %v, loaded %v", i, a, b)
				}
			}
		}
	}
}

// small is the file of a head of 2 classes and 3 features.
func small(t testing.TB) []byte {
	h, _ := mustTrain(t, clusters(2, 2, 2, 3, 1))
	file, err := h.Save()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// rewrite writes the file anew with other metadata and tensors.
func rewrite(t testing.TB, file []byte, change func(md map[string]string, tensors []weights.Data) []weights.Data) []byte {
	f, err := weights.ParseHeader(file, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var tensors []weights.Data
	for _, x := range f.Tensors {
		tensors = append(tensors, weights.Data{Name: x.Name, DType: x.DType, Shape: x.Shape, Bytes: bytes.Clone(file[f.DataOffset:][x.Offset:][:x.Size])})
	}
	tensors = change(f.Metadata, tensors)
	var b bytes.Buffer
	if err := weights.Write(&b, f.Metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadErrors(t *testing.T) {
	file := small(t)
	type tensors = []weights.Data
	set := func(key, value string) func(map[string]string, tensors) tensors {
		return func(md map[string]string, ts tensors) tensors { md[key] = value; return ts }
	}
	without := func(key string) func(map[string]string, tensors) tensors {
		return func(md map[string]string, ts tensors) tensors { delete(md, key); return ts }
	}
	for _, tc := range []struct {
		text   string
		change func(md map[string]string, ts tensors) tensors
	}{
		{`glance-head: "" given, want "1"`, without("glance-head")},
		{`glance-head: "01" given, want "1"`, set("glance-head", "01")},
		{`glance-head: "0" given, want "1"`, set("glance-head", "0")},
		{"these are the weights of a network", func(md map[string]string, ts tensors) tensors {
			delete(md, "glance-head")
			md["glance"] = "1"
			return ts
		}},
		{"0 classes, at least 2", without("labels")},
		{"labels:", set("labels", "a\nb\nc")},
		{"two classes have this name", set("labels", "a\na")},
		{"is empty", set("labels", "a\n ")},
		{"the name of the base network is empty", without("base")},
		{"SHA-256", without("base.sha256")},
		{"SHA-256", set("base.sha256", strings.Repeat("g", 64))},
		{"confusion:", without("confusion")},
		{"confusion:", set("confusion", "2,0")},
		{"confusion:", set("confusion", "2,0;0,2;0,0")},
		{"confusion:", set("confusion", "2,0;0,2,0")},
		{"confusion:", set("confusion", "2,0;0,-2")},
		{"confusion:", set("confusion", "2,0;0,99999999")},
		{"threshold:", without("threshold")},
		{"threshold:", set("threshold", "NaN")},
		{"threshold:", set("threshold", "1.5")},
		{"1 tensor, want two", func(_ map[string]string, ts tensors) tensors { return ts[:1] }},
		{"3 tensors, want two", func(_ map[string]string, ts tensors) tensors {
			return append(ts, weights.Data{Name: "extra", DType: weights.U8, Shape: []int{0}})
		}},
		{"not named weight and bias", func(_ map[string]string, ts tensors) tensors { ts[0].Name = "weights"; return ts }},
		{"dtype F16, want F32", func(_ map[string]string, ts tensors) tensors {
			ts[1].DType, ts[1].Bytes = weights.F16, ts[1].Bytes[:4]
			return ts
		}},
		{"want [classes features]", func(_ map[string]string, ts tensors) tensors { ts[0].Shape = []int{6}; return ts }},
		{"want [classes features]", func(_ map[string]string, ts tensors) tensors { ts[0].Shape = []int{1, 6}; return ts }},
		{"want [classes features]", func(_ map[string]string, ts tensors) tensors {
			ts[0].Shape, ts[0].Bytes = []int{2, 0}, nil
			return ts
		}},
		{"want [classes features]", func(_ map[string]string, ts tensors) tensors {
			ts[0].Shape, ts[0].Bytes = []int{2, MaxFeatures + 1}, make([]byte, 8*(MaxFeatures+1))
			return ts
		}},
		{"want [3], one for each class", func(_ map[string]string, ts tensors) tensors { ts[0].Shape = []int{3, 2}; return ts }},
		{"weight: value 5 is NaN or infinite", func(_ map[string]string, ts tensors) tensors {
			binary.LittleEndian.PutUint32(ts[0].Bytes[20:], 0x7fc00000)
			return ts
		}},
		{"bias: value 0 is NaN or infinite", func(_ map[string]string, ts tensors) tensors {
			binary.LittleEndian.PutUint32(ts[1].Bytes, 0xff800000)
			return ts
		}},
	} {
		h, err := Load(rewrite(t, file, tc.change))
		var typed *Error
		if h != nil || !errors.As(err, &typed) || typed.Code != BadFile || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%v\nwant %s", err, tc.text)
		}
	}
	_, err := Load(rewrite(t, file, set("glance-head", "2")))
	var newer *Error
	if !errors.As(err, &newer) || newer.Code != NewerFile || !strings.Contains(err.Error(), "format 2, this version reads 1") {
		t.Errorf("a later format: %v", err)
	}
	for name, bad := range map[string][]byte{
		"nothing":    nil,
		"truncated":  file[:len(file)-1],
		"too long":   append(bytes.Clone(file), 0),
		"header cut": file[:40],
		"web page":   []byte("<!doctype html><title>404</title>"),
	} {
		_, err := Load(bad)
		var typed *Error
		var cause *weights.Error
		if !errors.As(err, &typed) || typed.Code != BadFile || !errors.As(err, &cause) || !strings.HasPrefix(err.Error(), "teach: head file: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that was saved by the first version of the format loads and predicts what
// it did.
func TestLoadSaved(t *testing.T) {
	file, err := os.ReadFile("testdata/head.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.Classes(), []string{"cup", "pen", "nothing"}) || h.Base() != testBase || h.Features() != 4 ||
		!reflect.DeepEqual(h.Confusion(), Confusion{{3, 0, 0}, {0, 3, 0}, {0, 0, 3}}) || h.Threshold() != 0.74004877 {
		t.Errorf("%+v", h)
	}
	p, err := h.Predict(nil, []float32{1, 0.5, 0.25, 1})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{0.72238034, 0.14911558, 0.12850405} {
		if math.Abs(float64(p[k])-want) > 1e-6 {
			t.Errorf("probability %d is %g, want %g", k, p[k], want)
		}
	}
}

// FuzzLoad feeds headers and data sections: whatever loads can be used, and saves as
// a file that loads as the same head.
func FuzzLoad(f *testing.F) {
	file := small(f)
	seed := func(file []byte) {
		end := 8 + binary.LittleEndian.Uint64(file)
		f.Add(file[8:end], file[end:])
	}
	seed(file)
	for key, value := range map[string]string{
		"confusion": "1,1;;", "labels": "a\nb\n", "threshold": "-0", "base": "\x7f", "base.sha256": "", "glance-head": "2",
	} {
		seed(rewrite(f, file, func(md map[string]string, ts []weights.Data) []weights.Data { md[key] = value; return ts }))
	}
	f.Fuzz(func(t *testing.T, header, data []byte) {
		file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		file = append(append(file, header...), data...)
		h, err := Load(file)
		if err != nil {
			var typed *Error
			if !errors.As(err, &typed) || typed.Code != BadFile && typed.Code != NewerFile {
				t.Fatalf("an error of type %T: %v", err, err)
			}
			return
		}
		if _, err := h.Predict(nil, make([]float32, h.Features())); err != nil {
			t.Fatal(err)
		}
		saved, err := h.Save()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(saved)
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%+v\nsaved and loaded: %+v, %v", h, again, err)
		}
	})
}
