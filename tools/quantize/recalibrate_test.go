package main

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glance/tools/quantize/checkpoint/checkpointtest"
)

// noise writes PNGs of random pixels.
func noise(t *testing.T, dir string, count, side int) {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	for i := range count {
		img := image.NewNRGBA(image.Rect(0, 0, side, side))
		for k := range img.Pix {
			img.Pix[k] = uint8(r.Uint32())
			if k%4 == 3 {
				img.Pix[k] = 255
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%02d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecalibrate(t *testing.T) {
	dir, images := t.TempDir(), t.TempDir()
	noise(t, images, 6, 32)
	// Batch norms as they are made: inspect must warn, recalibrate must remedy.
	in := narrowV1(t, dir, func(list []checkpointtest.Array) {
		for _, a := range list {
			for i := range a.Values {
				switch {
				case strings.HasSuffix(a.Name, "running_mean"):
					a.Values[i] = 0
				case strings.HasSuffix(a.Name, "running_var"):
					a.Values[i] = 1
				}
			}
		}
	})
	_, stdout, _ := quantize("inspect", in)
	for _, want := range []string{"all of 27 batch norms still have their initial statistics", "quantize recalibrate -in " + in} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	out := filepath.Join(dir, "out.safetensors")
	common := []string{"-in", in, "-arch", "mobilenet_v1", "-height", "32", "-width", "32", "-out", out}
	status, stdout, stderr := quantize(append([]string{"recalibrate", "-images", images}, common...)...)
	if status != exitOK {
		t.Fatal(stderr)
	}
	for _, want := range []string{"statistics of 27 batch norms from 6 images", "dwmodule.12.batch_norm2", "moved by",
		"all images are 32x32, the input's size", "input 32x32, 3 classes", "wrote " + out} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	_, stdout, _ = quantize("inspect", out)
	if !strings.Contains(stdout, "preprocess.resize: exact") || !strings.Contains(stdout, "nothing looks wrong") {
		t.Errorf("the blob: %s", stdout)
	}
	first, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := quantize(append([]string{"convert", "-resize", "exact"}, common...)...); status != exitOK {
		t.Fatal(stderr)
	}
	second, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) == string(second) || len(first) != len(second) {
		t.Error("recalibrating changed nothing")
	}
}

func TestRecalibrateErrors(t *testing.T) {
	dir := t.TempDir()
	in := narrowV1(t, dir, nil)
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"-h"}, exitOK, "Examples:"},
		{[]string{"-in", in, "-out", "x"}, exitUsage, "-images is needed"},
		{[]string{"-in", in, "-out", "x", "-images", dir, "-count", "-1"}, exitUsage, "-count"},
		{[]string{"-in", in, "-out", "x", "-images", t.TempDir()}, exitFailed, "holds no pictures"},
	} {
		status, _, stderr := quantize(append([]string{"recalibrate"}, test.args...)...)
		if status != test.status || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: status %d, %q; want %d, %q", test.args, status, stderr, test.status, test.want)
		}
	}
}
