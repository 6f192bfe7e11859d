package main

import (
	"fmt"
	"hash/fnv"
	"math"
	"testing"
)

// The formula that testdata/fidelity/formula.py describes.

func fmix32(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// formulaUnit returns n numbers in [0, 1), multiples of 2^-24.
func formulaUnit(seed int, name string, n int) []float64 {
	key := fnv.New32a()
	fmt.Fprintf(key, "%d:%s", seed, name)
	k := key.Sum32()
	u := make([]float64, n)
	for i := range u {
		u[i] = float64(fmix32(fmix32(uint32(i)+0x9e3779b9)^k)>>8) * 0x1p-24
	}
	return u
}

// formulaTensor returns the n values of a tensor of the given kind. The
// conversions keep a compiler from fusing the multiplication and the addition.
func formulaTensor(seed int, name string, n int, kind string, args []float64) ([]float32, error) {
	u := formulaUnit(seed, name, n)
	v := make([]float32, n)
	switch {
	case kind == "range" && len(args) == 2:
		lo, hi := args[0], args[1]
		for i := range v {
			v[i] = float32(lo + float64((hi-lo)*u[i]))
		}
	case kind == "zerosum" && len(args) == 3:
		a, k, s := args[0], int(args[1]), int(args[2])
		for i := range v {
			next := i + s
			if i/s%k == k-1 {
				next = i - (k-1)*s
			}
			v[i] = float32((u[i] - u[next]) * a)
		}
	default:
		return nil, fmt.Errorf("%s: no formula %q with %d numbers", name, kind, len(args))
	}
	return v, nil
}

func triangle(t float64) float64 { return math.Abs((t-math.Floor(t))*2-1)*2 - 1 }

// formulaImage returns a normalised input [height][width][3].
func formulaImage(seed, height, width int) []float32 {
	noise := formulaUnit(seed, "input", 3*height*width)
	out := make([]float32, 3*height*width)
	for c := range 3 {
		f := float64(c + 1)
		for i := range height {
			y := float64(i) / float64(height)
			for j := range width {
				x := float64(j) / float64(width)
				wave := triangle(float64(x*f)+float64(y*0.5)) + float64(triangle(float64(y*(f*2))-float64(x*1.5))*0.5)
				out[(i*width+j)*3+c] = float32(wave + float64((noise[(c*height+i)*width+j]*2-1)*0.5))
			}
		}
	}
	return out
}

// TestFormula holds the formula to checksums that formula.py and formula.mjs
// give: where it fails, no other fidelity test means anything.
func TestFormula(t *testing.T) {
	sum := func(v []float32) (h uint32) {
		for _, x := range v {
			h = h*31 + math.Float32bits(x)
		}
		return h
	}
	zerosum, err := formulaTensor(7, "a.weight", 35, "zerosum", []float64{1.3, 7, 1})
	if err != nil {
		t.Fatal(err)
	}
	uniform, err := formulaTensor(7, "b", 4099, "range", []float64{-0.3, 0.71})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []float32
		want uint32
	}{
		{"zerosum", zerosum, 2733131167},
		{"range", uniform, 3785717719},
		{"image", formulaImage(3, 161, 225), 1062296199},
	} {
		if s := sum(c.got); s != c.want {
			t.Errorf("%s: checksum %d, formula.py gives %d", c.name, s, c.want)
		}
	}
}
