package convert_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"glance/kernels"
	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/convert"
	"glance/weights"
)

// listing returns a checkpoint with the names and shapes that a framework's
// network has, as the fidelity cases list them; it has no values.
func listing(t *testing.T, name string) *checkpoint.Checkpoint {
	t.Helper()
	text, err := os.ReadFile("../testdata/fidelity/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Tensors [][]json.RawMessage }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	c := &checkpoint.Checkpoint{Format: checkpoint.PyTorchZip}
	for _, entry := range file.Tensors {
		tensor := &checkpoint.Tensor{DType: weights.F32}
		if err := errors.Join(json.Unmarshal(entry[0], &tensor.Name), json.Unmarshal(entry[1], &tensor.Shape)); err != nil {
			t.Fatal(err)
		}
		c.Tensors = append(c.Tensors, tensor)
	}
	return c
}

func TestMatchFamilies(t *testing.T) {
	const v1, v2, small, large = models.MobileNetV1, models.MobileNetV2, models.MobileNetV3Small, models.MobileNetV3Large
	for _, test := range []struct {
		file    string
		family  convert.Family
		arch    models.Arch
		variant string
		alpha   float64
		classes int
		note    string // part of the notes, "" for none
	}{
		{"torchvision_mobilenet_v2", convert.Torchvision, v2, "", 1, 1000, ""},
		{"torchvision_mobilenet_v3_small", convert.Torchvision, small, "", 1, 1000, ""},
		{"torchvision_mobilenet_v3_large", convert.Torchvision, large, "", 1, 1000, ""},
		{"timm_mobilenetv1_100", convert.Timm, v1, "", 1, 1000, ""},
		{"timm_mobilenetv2_100", convert.Timm, v2, "", 1, 1000, ""},
		{"timm_mobilenetv3_small_100", convert.Timm, small, "", 1, 1000, ""},
		{"timm_mobilenetv3_large_100", convert.Timm, large, "", 1, 1000, ""},
		{"keras_v1", convert.Keras, v1, "", 1, 1000, ""},
		{"keras_v1_0.25", convert.Keras, v1, "", 0.25, 10, ""},
		{"keras_v2", convert.Keras, v2, "", 1, 1000, ""},
		{"keras_v2_0.35", convert.Keras, v2, "", 0.35, 10, ""},
		{"article_v1_1000", convert.Article, v1, models.VariantArticle, 1, 1000, "ReLU"},
		{"article_v1_4", convert.Article, v1, models.VariantArticle, 1, 4, "ReLU"},
		{"article_v2_1", convert.Article, v2, models.VariantArticle, 1, 1000, ""},
		{"article_v2_0.5", convert.Article, v2, models.VariantArticle, 0.5, 1000, ""},
		{"article_v2_features", convert.Article, v2, models.VariantFeatures, 1, 0, "without"},
		{"article_v3_small_1000", convert.Article, small, models.VariantArticle, 1, 1000, ""},
		{"article_v3_small_4", convert.Article, small, models.VariantArticle, 1, 4, ""},
		{"article_v3_large", convert.Article, large, models.VariantArticle, 1, 1000, "strides"},
		{"article_v3_large_published", convert.Article, large, "", 1, 1000, ""},
	} {
		t.Run(test.file, func(t *testing.T) {
			c := listing(t, test.file)
			m, err := convert.MatchCheckpoint(c, convert.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := m.Network.Config
			if m.Family != test.family || got.Arch != test.arch || got.Variant != test.variant || got.Alpha != test.alpha ||
				got.Classes != test.classes || got.Head != nil {
				t.Errorf("family %s, config %+v", m.Family, got)
			}
			if notes := strings.Join(m.Notes, "\n"); notes == "" != (test.note == "") || !strings.Contains(notes, test.note) {
				t.Errorf("notes %q, want %q in them", notes, test.note)
			}
			if m.Len() != len(m.Network.Tensors())/2 {
				t.Errorf("%d weight matrices, the network has %d", m.Len(), len(m.Network.Tensors())/2)
			}
			wantPadding := models.Symmetric
			if test.family == convert.Keras {
				wantPadding = models.Same
			}
			if got.Padding != wantPadding {
				t.Errorf("padding %s, want %s", got.Padding, wantPadding)
			}
		})
	}
}

// without returns the checkpoint without a tensor.
func without(c *checkpoint.Checkpoint, name string) *checkpoint.Checkpoint {
	d := *c
	d.Tensors = slices.DeleteFunc(slices.Clone(c.Tensors), func(t *checkpoint.Tensor) bool { return t.Name == name })
	return &d
}

// with returns the checkpoint with a tensor's shape changed, or with a new
// tensor.
func with(c *checkpoint.Checkpoint, name string, shape []int) *checkpoint.Checkpoint {
	d := without(c, name)
	at := slices.IndexFunc(c.Tensors, func(t *checkpoint.Tensor) bool { return t.Name == name })
	if at < 0 {
		at = len(d.Tensors)
	}
	d.Tensors = slices.Insert(d.Tensors, at, &checkpoint.Tensor{Name: name, DType: weights.F32, Shape: shape})
	return d
}

func wantError(t *testing.T, err error, code convert.Code, tensor string, texts ...string) {
	t.Helper()
	var e *convert.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *convert.Error for %s", err, err, tensor)
	}
	if e.Code != code || e.Tensor != tensor {
		t.Errorf("error %q with code %q, want code %q and tensor %q", err, e.Code, code, tensor)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q, want %q in it", err, text)
		}
	}
}

// TestMatchMisfits removes and mis-shapes every tensor of several checkpoints in
// turn, and adds one.
func TestMatchMisfits(t *testing.T) {
	for _, file := range []string{"torchvision_mobilenet_v3_small", "timm_mobilenetv3_small_100", "article_v1_4", "article_v3_small_4", "keras_v1_0.25"} {
		t.Run(file, func(t *testing.T) {
			c := listing(t, file)
			for i, tensor := range c.Tensors {
				if strings.HasSuffix(tensor.Name, "num_batches_tracked") {
					continue
				}
				// Each match scores all networks: a sample of the layers will do.
				if i%5 != 0 && i < len(c.Tensors)-6 {
					continue
				}
				_, err := convert.MatchCheckpoint(without(c, tensor.Name), convert.Options{})
				redundant := strings.HasPrefix(tensor.Name, "dwmodule") && strings.HasSuffix(tensor.Name, "wise.bias")
				switch {
				case redundant && err != nil:
					t.Errorf("without the redundant bias %s: %v", tensor.Name, err)
				case !redundant:
					wantError(t, err, convert.Missing, tensor.Name, "not in the checkpoint")
				}
				shape := slices.Clone(tensor.Shape)
				shape[0]++
				_, err = convert.MatchCheckpoint(with(c, tensor.Name, shape), convert.Options{})
				if last := classifierWeight(c); tensor.Name == last {
					// The number of classes is what the weight says: the bias is wrong then.
					var e *convert.Error
					if !errors.As(err, &e) || e.Code != convert.BadShape {
						t.Errorf("%s of shape %v: %v", last, shape, err)
					}
					continue
				}
				wantError(t, err, convert.BadShape, tensor.Name, fmt.Sprint(shape), "want")
			}
			for _, extra := range []struct {
				name  string
				shape []int
			}{{"features.99.weight", []int{3}}, {"classifier.9.weight", []int{7, 9}}, {"aux", nil}} {
				_, err := convert.MatchCheckpoint(with(c, extra.name, extra.shape), convert.Options{})
				wantError(t, err, convert.Unexpected, extra.name, "no place")
			}
		})
	}
}

func classifierWeight(c *checkpoint.Checkpoint) string {
	for _, name := range []string{"classifier.3.weight", "classifier.weight", "fc.weight", "conv_preds/kernel"} {
		if c.Tensor(name) != nil {
			return name
		}
	}
	return ""
}

func TestMatchOptions(t *testing.T) {
	four := func() *checkpoint.Checkpoint { return listing(t, "article_v3_small_4") }
	for _, test := range []struct {
		name   string
		c      *checkpoint.Checkpoint
		config models.Config
		code   convert.Code
		tensor string
		text   string
	}{
		{"classes", four(), models.Config{Classes: 1000}, convert.BadShape, "classifier.3.weight", "[4 1024] in the checkpoint, 1000 outputs were asked for: want [1000 1024]"},
		{"alpha", four(), models.Config{Alpha: 0.75}, convert.BadShape, "features.1.1.block.0.convbnact.0.weight", "alpha 0.75 wants [56 16 1 1]"},
		{"arch", four(), models.Config{Arch: models.MobileNetV2}, convert.BadOption, "", "mobilenet_v3_small"},
		{"variant of another family", listing(t, "torchvision_mobilenet_v3_large"), models.Config{Variant: models.VariantArticle}, convert.BadShape,
			"features.14.block.0.0.weight", "variant article"},
		{"variant of V3-large", listing(t, "article_v3_large"), models.Config{Variant: convert.Published}, convert.BadShape,
			"features.1.13.block.0.convbnact.0.weight", "[672 160 1 1] in the checkpoint"},
		{"head too long", four(), models.Config{Head: []models.HeadLayer{{Units: 1024}, {Units: 8}, {Units: 4}}}, convert.BadShape, "classifier.3.weight", "8 outputs"},
		{"head too short", four(), models.Config{Head: []models.HeadLayer{{Units: 1024}}}, convert.BadOption, "", "1 dense layers, the checkpoint 2"},
		{"no classifier but classes", without(without(listing(t, "timm_mobilenetv1_100"), "classifier.weight"), "classifier.bias"),
			models.Config{Classes: 10}, convert.Missing, "classifier.weight", "[10 1024]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := convert.MatchCheckpoint(test.c, convert.Options{Config: test.config})
			wantError(t, err, test.code, test.tensor, test.text)
		})
	}
}

func TestMatchBlob(t *testing.T) {
	c := listing(t, "timm_mobilenetv1_100")
	c.Metadata = map[string]string{"glance": "1"}
	_, err := convert.MatchCheckpoint(c, convert.Options{})
	wantError(t, err, convert.BadOption, "", "a blob already")
	var config *models.ConfigError
	_, err = convert.MatchCheckpoint(listing(t, "article_v3_small_4"), convert.Options{Config: models.Config{Variant: models.VariantFeatures}})
	if !errors.As(err, &config) {
		t.Errorf("V3 with variant features: %v", err)
	}
}

func TestMatchVariantPublished(t *testing.T) {
	m, err := convert.MatchCheckpoint(listing(t, "article_v1_4"), convert.Options{Config: models.Config{Variant: convert.Published}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Network.Config.Variant != "" || m.Network.Layers[0].Act != kernels.ReLU6 {
		t.Errorf("variant %q, stem %s; want the published network with ReLU6", m.Network.Config.Variant, m.Network.Layers[0].Act)
	}
}

func TestMatchHeads(t *testing.T) {
	base := listing(t, "torchvision_mobilenet_v2")
	body := without(without(base, "classifier.1.weight"), "classifier.1.bias")
	dense := func(c *checkpoint.Checkpoint, prefix string, out, in int) *checkpoint.Checkpoint {
		return with(with(c, prefix+".weight", []int{out, in}), prefix+".bias", []int{out})
	}
	relu, none, hs := kernels.ReLU, kernels.Identity, kernels.HardSwish
	for _, test := range []struct {
		name string
		c    *checkpoint.Checkpoint
		o    convert.Options
		head []models.HeadLayer
		note string
	}{
		{"one layer under another name", dense(body, "fc", 7, 1280), convert.Options{}, nil, ""},
		{"three layers", dense(dense(dense(body, "head.0", 256, 1280), "head.2", 256, 256), "head.4", 7, 256), convert.Options{},
			[]models.HeadLayer{{Units: 256, Act: relu}, {Units: 256, Act: relu}, {Units: 7, Act: none}}, "ReLU is assumed"},
		{"activations given", dense(dense(body, "a", 64, 1280), "b", 7, 64),
			convert.Options{Config: models.Config{Head: []models.HeadLayer{{Units: 64, Act: hs}, {Units: 7}}}},
			[]models.HeadLayer{{Units: 64, Act: hs}, {Units: 7, Act: none}}, ""},
		{"stored backwards", dense(dense(body, "b", 7, 64), "c", 64, 1280), convert.Options{},
			[]models.HeadLayer{{Units: 64, Act: relu}, {Units: 7, Act: none}}, "ReLU is assumed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := convert.MatchCheckpoint(test.c, test.o)
			if err != nil {
				t.Fatal(err)
			}
			got := m.Network.Config
			if !reflect.DeepEqual(got.Head, test.head) || got.Classes != 7 {
				t.Errorf("head %v and %d classes, want %v and 7", got.Head, got.Classes, test.head)
			}
			if notes := strings.Join(m.Notes, "\n"); notes == "" != (test.note == "") || !strings.Contains(notes, test.note) {
				t.Errorf("notes %q, want %q in them", notes, test.note)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		for name, c := range map[string]*checkpoint.Checkpoint{"": body, "-head none": base} {
			m, err := convert.MatchCheckpoint(c, convert.Options{Config: models.Config{NoHead: name != ""}})
			if err != nil {
				t.Fatal(err)
			}
			if !m.Network.Config.NoHead || len(m.Notes) != 1 {
				t.Errorf("%q: config %+v, notes %q", name, m.Network.Config, m.Notes)
			}
		}
	})
}

func TestMatchKerasLayers(t *testing.T) {
	c := listing(t, "keras_v2_0.35")
	c.Layers = []checkpoint.KerasLayer{
		{Class: "InputLayer", Height: 96, Width: 128},
		{Class: "BatchNormalization", Name: "bn_Conv1", Epsilon: 0.01},
		{Class: "Dense", Name: "dense_2", Units: 7, Activation: "softmax"},
	}
	c = without(without(c, "predictions/kernel"), "predictions/bias")
	for _, x := range []struct {
		name    string
		in, out int
	}{{"dense_2", 32, 7}, {"dense_1", 1280, 32}} {
		c = with(with(c, x.name+"/kernel", []int{x.in, x.out}), x.name+"/bias", []int{x.out})
	}
	for activation, want := range map[string]kernels.Activation{"relu": kernels.ReLU, "": kernels.Identity, "hard_swish": kernels.HardSwish} {
		d := *c
		d.Layers = append([]checkpoint.KerasLayer{{Class: "Dense", Name: "dense_1", Activation: activation}}, c.Layers...)
		m, err := convert.MatchCheckpoint(&d, convert.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := m.Network.Config
		if got.Height != 96 || got.Width != 128 || !reflect.DeepEqual(got.Head, []models.HeadLayer{{Units: 32, Act: want}, {Units: 7}}) {
			t.Errorf("%q: config %+v", activation, got)
		}
	}
	d := *c
	d.Layers = append([]checkpoint.KerasLayer{{Class: "Dense", Name: "dense_1", Activation: "selu"}}, c.Layers...)
	_, err := convert.MatchCheckpoint(&d, convert.Options{})
	wantError(t, err, convert.Unknown, "dense_1", "selu")
}

// renamed gives a checkpoint's tensors names of no known family: layer and norm
// numbers in the order they first appear.
func renamed(c *checkpoint.Checkpoint, separator string) *checkpoint.Checkpoint {
	d := &checkpoint.Checkpoint{Format: c.Format}
	numbers := make(map[string]int)
	for _, t := range c.Tensors {
		cut := strings.LastIndexAny(t.Name, "./")
		prefix, last := t.Name[:cut], t.Name[cut+1:]
		if _, ok := numbers[prefix]; !ok {
			numbers[prefix] = len(numbers)
		}
		u := *t
		u.Name = fmt.Sprintf("part%d%s%s", numbers[prefix], separator, last)
		d.Tensors = append(d.Tensors, &u)
	}
	return d
}

func TestMatchByOrder(t *testing.T) {
	for _, test := range []struct {
		file   string
		config models.Config
		want   models.Config
	}{
		{"torchvision_mobilenet_v2", models.Config{}, models.Config{Arch: models.MobileNetV2, Alpha: 1, Classes: 1000}},
		{"torchvision_mobilenet_v3_small", models.Config{}, models.Config{Arch: models.MobileNetV3Small, Alpha: 1, Classes: 1000}},
		{"article_v1_4", models.Config{Arch: models.MobileNetV1}, models.Config{Arch: models.MobileNetV1, Alpha: 1, Classes: 4}},
		{"article_v3_large", models.Config{Arch: models.MobileNetV3Large},
			models.Config{Arch: models.MobileNetV3Large, Variant: models.VariantArticle, Alpha: 1, Classes: 1000}},
		{"article_v3_small_4", models.Config{}, models.Config{Arch: models.MobileNetV3Small, Alpha: 1, Classes: 4}},
	} {
		t.Run(test.file, func(t *testing.T) {
			c := renamed(listing(t, test.file), "/")
			m, err := convert.MatchCheckpoint(c, convert.Options{Config: test.config})
			if err != nil {
				t.Fatal(err)
			}
			got := m.Network.Config
			if m.Family != convert.ByOrder || got.Arch != test.want.Arch || got.Variant != test.want.Variant ||
				got.Alpha != test.want.Alpha || got.Classes != test.want.Classes {
				t.Errorf("%s: %+v, want %+v", m.Family, got, test.want)
			}
			if notes := strings.Join(m.Notes, "\n"); !strings.Contains(notes, "order and shapes") || !strings.Contains(notes, "-bn-eps") {
				t.Errorf("notes %q", notes)
			}
			// A checkpoint sorted by name as text is put in the order of its numbers.
			sorted := *c
			sorted.Format = checkpoint.Safetensors
			sorted.Tensors = slices.SortedFunc(slices.Values(c.Tensors), func(a, b *checkpoint.Tensor) int { return strings.Compare(a.Name, b.Name) })
			again, err := convert.MatchCheckpoint(&sorted, convert.Options{Config: test.config})
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(sources(m), sources(again)) {
				t.Error("sorted by name, other tensors are chosen")
			}
		})
	}
	_, err := convert.MatchCheckpoint(with(listing(t, "keras_v1"), "x", []int{1}), convert.Options{Config: models.Config{Arch: models.MobileNetV3Large}})
	wantError(t, err, convert.BadOption, "", "keras's mobilenet_v1")
	_, err = convert.MatchCheckpoint(&checkpoint.Checkpoint{Tensors: []*checkpoint.Tensor{{Name: "layer.weight", Shape: []int{10, 10}}}}, convert.Options{})
	wantError(t, err, convert.Missing, "", "no known family")
}

// sources says which weight of the checkpoint each layer takes.
func sources(m *convert.Match) map[string]string {
	s := make(map[string]string)
	for i := range m.Len() {
		name, weight := m.Source(i)
		s[name] = weight
	}
	return s
}
