package models

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestMetadataRoundTrip(t *testing.T) {
	for name, c := range testConfigs() {
		want := mustNew(t, c).Config
		p := DefaultPreprocess(c)
		p.Mean[1] = 0.1
		if name == "v2" {
			p.Resize, p.Filter = 0, TFBilinearCorner
		} else {
			p.Reduce = 48
		}
		md := Metadata(c, p)
		md["something"] = "else"
		got, gotP, err := ConfigFromMetadata(md)
		want.BNEpsilon = got.BNEpsilon
		if err != nil || !reflect.DeepEqual(got, want) || gotP != p {
			t.Errorf("%s: %v\n got %+v %+v\nwant %+v %+v", name, err, got, gotP, want, p)
		}
	}
}

func TestMetadataDefaults(t *testing.T) {
	c, p, err := ConfigFromMetadata(map[string]string{"glance": "1", "arch": "mobilenet_v2"})
	want := mustNew(t, Config{Arch: MobileNetV2}).Config
	if err != nil || !reflect.DeepEqual(c, want) || p != DefaultPreprocess(want) {
		t.Errorf("%+v %+v %v", c, p, err)
	}
	if p.Resize != 256 {
		t.Errorf("shorter side %d, want 256", p.Resize)
	}
}

func TestMetadataErrors(t *testing.T) {
	for _, tc := range []struct{ key, value string }{
		{"glance", ""}, {"glance", "2"},
		{"arch", "vgg"}, {"variant", "x"},
		{"alpha", "wide"}, {"alpha", "0"}, {"alpha", "9"}, {"alpha", "NaN"},
		{"classes", "-1"}, {"classes", "1e3"}, {"classes", "99999999999999999999"},
		{"height", "16"}, {"width", "9999999"}, {"padding", "valid"},
		{"head", "a"}, {"head", "5:tanh"}, {"head", "0"}, {"head", strings.Repeat("5,", 20)}, {"head", "5,,5"},
		{"stem_act", "gelu"},
		{"preprocess.resize", "big"}, {"preprocess.resize", "9999999"},
		{"preprocess.reduce", "-3"}, {"preprocess.reduce", "small"}, {"preprocess.reduce", "9999999"},
		{"preprocess.crop", "none"}, {"preprocess.crop", "five"},
		{"preprocess.filter", "lanczos"},
		{"preprocess.mean", "1,2"}, {"preprocess.mean", "1,2,x"}, {"preprocess.mean", "NaN,0,0"},
		{"preprocess.std", "0,1,1"}, {"preprocess.std", "1,1,1,1"},
	} {
		md := map[string]string{"glance": "1", "arch": "mobilenet_v2"}
		md[tc.key] = tc.value
		_, _, err := ConfigFromMetadata(md)
		var e *ConfigError
		if !errors.As(err, &e) || e.Field != tc.key {
			t.Errorf("%s=%q: %v", tc.key, tc.value, err)
		}
	}
	_, _, err := ConfigFromMetadata(map[string]string{"glance": "1", "arch": "mobilenet_v2", "preprocess.filter": "tf-bilinear", "preprocess.resize": "200"})
	if err == nil || !strings.Contains(err.Error(), "cannot pad") {
		t.Errorf("a filter that cannot pad: %v", err)
	}
	_, _, err = ConfigFromMetadata(map[string]string{"glance": "1", "arch": "mobilenet_v2", "preprocess.filter": "tf-bilinear", "preprocess.reduce": "64"})
	if err == nil || !strings.Contains(err.Error(), "antialias") {
		t.Errorf("a filter that reduces badly: %v", err)
	}
}

func TestParseHead(t *testing.T) {
	const text = "256:relu,128:hardswish,5"
	head, err := ParseHead(text)
	if err != nil || formatHead(head) != text || len(head) != 3 || head[1].Units != 128 {
		t.Errorf("%+v, %v", head, err)
	}
	var e *ConfigError
	if _, err := ParseHead("5:"); !errors.As(err, &e) || e.Field != "head" {
		t.Errorf("an activation without a name: %v", err)
	}
}

func TestLabels(t *testing.T) {
	for text, want := range map[string][]string{"a\nb\nc": {"a", "b", "c"}, "a\nb c\n\n": {"a", "b c", ""}, "": nil} {
		got, err := Labels(map[string]string{"labels": text}, 3)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := Labels(map[string]string{"labels": "a\nb"}, 3); err == nil {
		t.Error("two labels for three classes")
	}
}

// FuzzConfigFromMetadata checks that whatever metadata passes makes a network.
func FuzzConfigFromMetadata(f *testing.F) {
	f.Add("mobilenet_v3_small", "", "0.75", "10", "64", "65", "same", "8:relu,10", "relu", "exact", "none", "pil-bicubic", "0,0,0", "1,1,1", "64")
	f.Add("mobilenet_v2", "features", "1", "", "224", "", "symmetric", "none", "", "256", "center", "tf-bilinear", "", "", "")
	f.Add("mobilenet_v1", "article", "1e-1", "4", "32", "131072", "", "", "hardswish", "300", "", "pil-bilinear", "1e6,0,0", "1e-6,1,1", "")
	f.Fuzz(func(t *testing.T, arch, variant, alpha, classes, height, width, padding, head, stem, resize, crop, filter, mean, std, reduce string) {
		md := map[string]string{"glance": "1", "arch": arch, "variant": variant, "alpha": alpha, "classes": classes, "height": height,
			"width": width, "padding": padding, "head": head, "stem_act": stem, "preprocess.resize": resize,
			"preprocess.crop": crop, "preprocess.filter": filter, "preprocess.mean": mean, "preprocess.std": std, "preprocess.reduce": reduce}
		c, p, err := ConfigFromMetadata(md)
		if err != nil {
			var e *ConfigError
			if !errors.As(err, &e) || e.Error() == "" {
				t.Fatalf("%v is not a ConfigError", err)
			}
			return
		}
		n, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if n.Params() <= 0 || n.MACs() <= 0 || n.OutputUnits() <= 0 {
			t.Fatalf("%+v: %d params, %d MACs", c, n.Params(), n.MACs())
		}
		again, againP, err := ConfigFromMetadata(Metadata(c, p))
		if err != nil || againP != p || !reflect.DeepEqual(again, c) {
			t.Fatalf("%v: %+v became %+v", err, c, again)
		}
	})
}
