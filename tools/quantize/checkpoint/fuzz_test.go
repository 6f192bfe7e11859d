package checkpoint_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/checkpoint/checkpointtest"
)

// readAll reads every value, as inspect does. No view is larger than its file
// justifies, so that this ends.
func readAll(t *testing.T, c *checkpoint.Checkpoint) {
	for i, tensor := range c.Tensors {
		if i == 64 {
			break
		}
		n := 0
		err := tensor.Visit(func(chunk []float32) error { n += len(chunk); return nil })
		if err == nil && n != tensor.Elements() {
			t.Errorf("%s: visited %d values of %d", tensor.Name, n, tensor.Elements())
		}
	}
}

func addFixtures(f *testing.F, seeds ...[]byte) {
	files, err := filepath.Glob("testdata/torch/*.pt*")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range seeds {
		f.Add(s)
	}
}

func FuzzRead(f *testing.F) {
	addFixtures(f, checkpointtest.TorchZip(sample()), checkpointtest.TorchLegacy(sample()), checkpointtest.Safetensors(sample()))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := read(file)
		if err != nil {
			return
		}
		readAll(t, c)
	})
}

// FuzzPickle puts a pickle into an otherwise valid archive, where FuzzRead would
// rarely get past the checksums of the zip directory.
func FuzzPickle(f *testing.F) {
	p := checkpointtest.View{Key: "0", Elements: 4, Shape: []int{2, 2}}
	f.Add(tensor(p))
	p.Offset, p.Shape, p.Strides = 1, []int{2}, []int{2}
	f.Add(tensor(p))
	f.Add([]byte("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}\x8c\x01a\x94."))
	f.Fuzz(func(t *testing.T, pickle []byte) {
		for _, file := range [][]byte{
			stored(pickle, make([]byte, 16)),
			checkpointtest.Legacy(pickle, [][]byte{make([]byte, 16)}, []int{4}),
		} {
			c, err := read(file)
			if err == nil {
				readAll(t, c)
			}
		}
	})
}

func FuzzTFJS(f *testing.F) {
	for _, q := range []string{"", "float16", "uint8"} {
		fsys := checkpointtest.TFJS(tfjsSample(), q, 1, nil)
		f.Add(fsys["model.json"].Data, fsys["group1-shard1of2.bin"].Data, fsys["group1-shard2of2.bin"].Data)
	}
	f.Add([]byte(`{"modelTopology":{"class_name":"Sequential","config":[{"class_name":"Dense","config":{"units":3,"activation":{}}}]},"weightsManifest":[]}`), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, model, first, second []byte) {
		c, err := checkpoint.ReadTFJS(fstest.MapFS{
			"model.json":           {Data: model},
			"group1-shard1of2.bin": {Data: first},
			"group1-shard2of2.bin": {Data: second},
		}, "model.json")
		if err == nil {
			readAll(t, c)
			c.Close()
		}
	})
}
