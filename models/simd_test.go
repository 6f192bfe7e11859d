//go:build !js

package models

import (
	"testing"

	"glance/kernels/simd"
)

// TestSIMD runs networks on the SIMD module: near the reference, and with the
// same bits for every plan and number of threads.
func TestSIMD(t *testing.T) {
	for _, name := range []string{"v1 same", "v2 head", "small 0.75", "large artic."} {
		c := testConfigs()[name]
		n := mustNew(t, c)
		weights := randomCheckpoint(n, 3, true)
		blob := weights.blob(t, n, DefaultPreprocess(c), true)
		input := randomInput(n, 4)
		var want []float32
		for i, o := range []PlanOptions{{Fuse: FuseNever}, {}, {Fuse: FuseAlways, StripRows: 1, HalfDense: HalfAlways}, {Threads: 2}, {Threads: 3, Fuse: FuseAlways}} {
			m, err := simd.New(simd.Options{Threads: o.Threads})
			if err != nil {
				t.Fatal(err)
			}
			s, err := LoadBytes(m, blob, o)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetInput(input); err != nil {
				t.Fatal(err)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			got := s.Logits(nil)
			if i == 0 {
				near(t, name, got, reference(n, weights, input)[n.Output])
				want = got
			} else if !sameBits(got, want) {
				t.Errorf("%s: %+v: other bits", name, o)
			}
			m.Close()
		}
	}
}
