package kerneltest

import (
	"fmt"
	"hash/fnv"

	"glance/kernels"
)

// Corpus is a fixed list of cases, several for each operator, whose results
// contain no NaN. A module gives the same bytes for them on every host.
func Corpus() []Case {
	var list []Case
	for _, act := range []kernels.Activation{kernels.Identity, kernels.ReLU, kernels.ReLU6, kernels.HardSwish, kernels.HardSigmoid} {
		list = append(list,
			Conv3x3Case{H: 17, W: 23, N: 16, Top: 1, Left: 1, Bottom: 1, Right: 1, Act: act},
			PointwiseCase{M: 21, K: 40, N: 35, Act: act},
			PointwiseCase{M: 9, K: 17, N: 24, Gap: 5, Residual: InPlace, Act: act},
			DenseCase{K: 77, N: 51, Act: act},
			DenseCase{K: 77, N: 51, Half: true, Act: act},
		)
		for _, kernel := range []int{3, 5} {
			for _, stride := range []int{1, 2} {
				list = append(list, DepthwiseCase{H: 12, W: 15, C: 27, Kernel: kernel, Stride: stride,
					Top: 1, Left: kernel / 2, Bottom: kernel / 2, Right: kernel / 2, Sums: true, Act: act})
			}
		}
	}
	return append(list,
		Conv3x3Case{H: 32, W: 32, N: 37, Bottom: 1, Right: 1},
		PointwiseCase{M: 49, K: 160, N: 240, Residual: Apart},
		PointwiseCase{M: 1, K: 1, N: 1},
		DepthwiseCase{H: 20, W: 9, C: 40, Kernel: 5, Stride: 1, Top: 2, Left: 2, Bottom: 2, Right: 2, Strip: 3, Act: kernels.HardSwish},
		DepthwiseCase{H: 9, W: 10, C: 21, Gap: 3, Kernel: 3, Stride: 2, Bottom: 1, Right: 1, Act: kernels.ReLU6},
		DenseCase{K: 576, N: 128, Act: kernels.HardSwish},
		SumRowsCase{M: 49, N: 99, Gap: 3, Scale: 1.0 / 49},
		ScaleRowsCase{M: 30, C: 41},
		ScalePanelsCase{K: 72, N: 20},
		PackPanelsCase{K: 33, N: 29},
		PackPanelsCase{K: 33, N: 29, HalfIn: true},
		PackPanelsCase{K: 33, N: 29, HalfIn: true, HalfOut: true},
		ResampleRowsCase{W: 200, Rows: 5, OutW: 64, Taps: 7},
		ResampleColsCase{H: 90, W: 31, Rows: 24, Taps: 9},
		BilinearCase{H: 40, W: 50, Rows: 22, OutW: 33},
	)
}

// Checksums runs the corpus, checks every result, and returns the FNV-1a hash of
// each case's outputs under the case's name.
func Checksums(m kernels.Machine) (map[string]uint64, error) {
	a, err := newArena(m)
	if err != nil {
		return nil, err
	}
	defer a.release()
	sums := make(map[string]uint64)
	for _, c := range Corpus() {
		s := newScene(a, c.String())
		p, err := c.prepare(s)
		if err == nil {
			err = s.expect(p.records)
		}
		if err == nil {
			err = p.check()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		h := fnv.New64a()
		h.Write(s.outputs())
		sums[c.String()] = h.Sum64()
	}
	return sums, nil
}
