package catalog

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// wrap puts a literal where a bundler puts it.
func wrap(literal string) string {
	return `!function(e){"object"==typeof exports?module.exports=e():self.model=e()}(function(){return n[i]={exports:{}},n[i].exports}` +
		`({1:[function(e,a,t){a.exports=` + literal + `},{}]},{},[1])(1)});`
}

func TestModuleValue(t *testing.T) {
	tests := []struct{ literal, want string }{
		{`{}`, `{}`},
		{`[]`, `[]`},
		{`{a:1,b_$2:[!0,!1,void 0,true,false,null],"c d":'x',7:.5}`, `{"a":1,"b_$2":[true,false,null,true,false,null],"c d":"x","7":0.5}`},
		{`[.0326,-5.08,1e-7,1E3,8.999999749903509e-7,-0,0.5000000000000001]`, `[0.0326,-5.08,1e-07,1000,8.999999749903509e-07,-0,0.5000000000000001]`},
		{`"\x41\u00e9\n\"\'"`, `"Aé\n\"'"`},
		{`'it is "quoted"'`, `"it is \"quoted\""`},
	}
	for _, tt := range tests {
		got, err := moduleValue([]byte(wrap(tt.literal)))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.literal, got, err, tt.want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: %s is not JSON", tt.literal, got)
		}
	}
}

func TestModuleErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{"", "no literal"},
		{"<!DOCTYPE html>", "no literal"},
		{"module.exports=require('x')", "no literal"},
		{wrap(`{a:f()}`), "want a literal"},
		{wrap(`{a:1,}`), "want a key"},
		{wrap(`{a:1 b:2}`), "want ','"},
		{wrap(`{a=1}`), "want ':'"},
		{wrap(`{a:1.2.3}`), "no decimal number"},
		{wrap(`{a:1e999}`), "no decimal number"},
		{wrap(`"\u{1F600}"`), "unknown escape"},
		{wrap(`"\ud83d"`), "unknown escape"},
		{wrap(`"\0"`), "unknown escape"},
		{wrap("\"a\nb\""), "line ends"},
		{`e.exports="abc`, "ends inside"},
		{`e.exports="abc\`, "ends inside"},
		{`e.exports="abc\u12`, "ends inside"},
		{`e.exports={a:[1`, "want ','"},
		{"e.exports=\"\xff\"", "UTF-8"},
		{wrap(strings.Repeat("[", 100) + strings.Repeat("]", 100)), "nested deeper"},
	}
	for _, tt := range tests {
		if _, err := moduleValue([]byte(tt.src)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80s: got %v, want %q", tt.src, err, tt.want)
		}
	}
}

func TestModuleBytes(t *testing.T) {
	if b, err := moduleBytes([]byte(wrap(`"AQID"`))); err != nil || string(b) != "\x01\x02\x03" {
		t.Errorf("got %v, %v", b, err)
	}
	for literal, want := range map[string]string{`"A*=="`: "damaged", `{a:1}`: "no string"} {
		if _, err := moduleBytes([]byte(wrap(literal))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", literal, err, want)
		}
	}
}

func FuzzModuleValue(f *testing.F) {
	f.Add([]byte(wrap(`{a:1,"b":[!0,.5,-1e3,'x\x41\u00e9'],c:void 0}`)))
	f.Add([]byte(`e.exports="abc\`))
	f.Add([]byte(`a.exports={}b.exports=[[[[`))
	f.Fuzz(func(t *testing.T, src []byte) {
		if got, err := moduleValue(src); err == nil && !json.Valid(got) {
			t.Fatalf("%q became %q, which is not JSON", src, got)
		}
	})
}

func TestShards(t *testing.T) {
	good := `{"modelTopology":{},"weightsManifest":[{"paths":["a","b/c"],"weights":[]},{"paths":["d"]}]}`
	if got, err := shards([]byte(good)); err != nil || strings.Join(got, " ") != "a b/c d" {
		t.Errorf("got %v, %v", got, err)
	}
	many := `{"weightsManifest":[{"paths":["0"` + strings.Repeat(`,"x"`, 3) + `]}]}`
	for src, want := range map[string]string{
		`<!DOCTYPE html>`: "not a TensorFlow.js model",
		`{}`:              "names 0 shards",
		`{"format":"graph-model","weightsManifest":[{"paths":["a"]}]}`: "graph-model",
		`{"weightsManifest":[{"paths":["../a"]}]}`:                     "below its directory",
		`{"weightsManifest":[{"paths":["/etc/passwd"]}]}`:              "below its directory",
		`{"weightsManifest":[{"paths":["https://host/a"]}]}`:           "below its directory",
		`{"weightsManifest":[{"paths":["model.json"]}]}`:               "below its directory",
		many: "different files",
	} {
		if _, err := shards([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
}

func FuzzModelJSON(f *testing.F) {
	f.Add([]byte(`{"weightsManifest":[{"paths":["a","b/c"]}],"modelTopology":{"model_config":{"config":{"layers":[{"class_name":"ZeroPadding2D","config":{"name":"p","padding":[[1,1],[1,1]]}}]}}}}`))
	f.Add([]byte(`{"format":"graph-model"}`))
	f.Fuzz(func(t *testing.T, modelJSON []byte) {
		names, err := shards(modelJSON)
		for _, name := range names {
			if err == nil && !filepath.IsLocal(name) {
				t.Fatalf("shard %q is outside the directory", name)
			}
		}
		checkPadding(modelJSON, "same")
	})
}
