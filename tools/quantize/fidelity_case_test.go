package main

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/checkpoint/checkpointtest"
	"glance/weights"
)

const fidelityDir = "testdata/fidelity"

// fidelityCase is a network that another framework ran on formula weights, as
// testdata/fidelity/reference.py writes it.
type fidelityCase struct {
	name      string
	Framework string // torchvision, article, timm, keras: whose names and file format
	Arch      models.Arch
	Variant   string
	Alpha     float64
	Classes   int
	Sample    int // only every Sample-th output is stored, where not 0
	Seed      int
	Runs      []fidelityRun
	Tensors   []formulaSpec
}

// fidelityRun is one input size of a case with what the framework computed.
type fidelityRun struct {
	Height, Width int
	Logits        int // stored values
	Embedding     int
	logits        []float32
	embedding     []float32
}

// formulaSpec is an entry of a state dict: ["name", [shape], "kind", arguments...].
type formulaSpec struct {
	name  string
	shape []int
	kind  string // range, zerosum, count, alias
	args  []float64
	alias string // the tensor whose storage this one shares
}

func (s *formulaSpec) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) < 4 {
		return fmt.Errorf("%s: want a name, a shape, a kind and its arguments", b)
	}
	for i, dst := range []any{&s.name, &s.shape, &s.kind} {
		if err := json.Unmarshal(parts[i], dst); err != nil {
			return err
		}
	}
	if s.kind == "alias" {
		return json.Unmarshal(parts[3], &s.alias)
	}
	s.args = make([]float64, len(parts)-3)
	for i := range s.args {
		if err := json.Unmarshal(parts[3+i], &s.args[i]); err != nil {
			return err
		}
	}
	return nil
}

// loadCase reads a case and its vectors.
func loadCase(t testing.TB, name string) *fidelityCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fidelityDir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	c := &fidelityCase{name: name}
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	vectors := readFloats(t, name+".f32")
	take := func(n int) []float32 {
		if n > len(vectors) {
			t.Fatalf("%s.f32 is shorter than the runs of %s.json", name, name)
		}
		v := vectors[:n]
		vectors = vectors[n:]
		return v
	}
	for i := range c.Runs {
		r := &c.Runs[i]
		r.logits, r.embedding = take(r.Logits), take(r.Embedding)
	}
	if len(vectors) != 0 {
		t.Fatalf("%s.f32 is longer than the runs of %s.json", name, name)
	}
	return c
}

func readFloats(t testing.TB, file string) []float32 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fidelityDir, file))
	if err != nil {
		t.Fatal(err)
	}
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// arrays returns the checkpoint's tensors. Those that share another's storage
// come with its values.
func (c *fidelityCase) arrays(t testing.TB) []checkpointtest.Array {
	t.Helper()
	var list []checkpointtest.Array
	index := map[string]int{}
	for _, s := range c.Tensors {
		index[s.name] = len(list)
		a := checkpointtest.Array{Name: s.name, Shape: s.shape}
		switch s.kind {
		case "alias":
			target, ok := index[s.alias]
			if !ok {
				t.Fatalf("%s: %s shares the storage of %s, which does not come before it", c.name, s.name, s.alias)
			}
			a.DType, a.Values = list[target].DType, list[target].Values
		case "count":
			a.DType, a.Values = weights.I64, []float32{float32(s.args[0])}
		default:
			n := 1
			for _, d := range s.shape {
				n *= d
			}
			v, err := formulaTensor(c.Seed, s.name, n, s.kind, s.args)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			a.Values = v
		}
		list = append(list, a)
	}
	return list
}

// checkpoint writes the case as its framework saves it and returns the path:
// a .pth of torch.save, timm's .safetensors, or the folder of a TF.js layers-model.
func (c *fidelityCase) checkpoint(t testing.TB) string {
	t.Helper()
	arrays := c.arrays(t)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	switch c.Framework {
	case "torchvision":
		return write(c.name+".pth", checkpointtest.TorchZip(arrays))
	case "article":
		return write(c.name+".pth", c.sharedZip(arrays))
	case "timm":
		return write(c.name+".safetensors", checkpointtest.Safetensors(arrays))
	case "keras":
		for name, f := range checkpointtest.TFJS(arrays, "", 1, nil) {
			write(name, f.Data)
		}
		return dir
	}
	t.Fatalf("%s: unknown framework %q", c.name, c.Framework)
	return ""
}

// sharedZip writes a state dict as torch.save does where tensors share a
// storage: each storage once, every name a view of it.
func (c *fidelityCase) sharedZip(arrays []checkpointtest.Array) []byte {
	p := checkpointtest.NewPickle()
	p.Global("collections", "OrderedDict")
	p.Op(")R(")
	var entries []checkpointtest.Entry
	keys := map[string]string{}
	for i, a := range arrays {
		key, shared := keys[c.Tensors[i].alias]
		if !shared {
			key = strconv.Itoa(len(entries))
			entries = append(entries, checkpointtest.Entry{Name: "archive/data/" + key, Data: checkpointtest.Encode(a.DType, a.Values)})
		}
		keys[a.Name] = key
		p.String(a.Name)
		p.Tensor(checkpointtest.View{DType: a.DType, Key: key, Elements: len(a.Values), Shape: a.Shape})
	}
	p.Op("u.")
	entries = append([]checkpointtest.Entry{{Name: "archive/data.pkl", Data: p.Bytes()}}, entries...)
	return checkpointtest.Zip(zip.Store, append(entries, checkpointtest.Entry{Name: "archive/version", Data: []byte("3\n")})...)
}

// fidelityCases lists the cases' names.
func fidelityCases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(fidelityDir, "*.f32"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", fidelityDir, err)
	}
	var names []string
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".f32"); name != "pictures" {
			names = append(names, name)
		}
	}
	return names
}

// deviation compares values with a framework's. worst is the largest ratio of
// a deviation to what is tolerated, 2e-3 + 1e-3 |want|; largest the largest
// deviation.
func deviation(got, want []float32) (worst, largest float64) {
	if len(got) != len(want) {
		return math.Inf(1), math.Inf(1)
	}
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			return math.Inf(1), math.Inf(1)
		}
		largest = max(largest, d)
		worst = max(worst, d/(2e-3+1e-3*math.Abs(float64(w))))
	}
	return worst, largest
}

// top returns the indices of the k largest values, the largest first.
func top(v []float32, k int) []int {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case v[a] > v[b]:
			return -1
		case v[a] < v[b]:
			return 1
		}
		return 0
	})
	return order[:min(k, len(order))]
}
