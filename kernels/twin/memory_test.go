package twin

import (
	"testing"

	"glance/kernels"
)

// Every operator's struct is the words of its record.
func TestDecode(t *testing.T) {
	check := func(name string, same bool) {
		t.Helper()
		if !same {
			t.Errorf("%s: decoding a record does not give back the call", name)
		}
	}
	conv := kernels.Conv3x3{X: 1, Weights: 2, Y: 3, H: 4, W: 5, OutW: 6, N: 7, Row0: 8, Rows: 9, PadTop: 10, PadLeft: 11, Act: 12}
	check("Conv3x3", roundTrip(conv) == conv)
	pointwise := kernels.Pointwise{X: 1, Weights: 2, Y: 3, Residual: 4, M: 5, K: 6, N: 7, YStride: 8, Act: 9}
	check("Pointwise", roundTrip(pointwise) == pointwise)
	depthwise := kernels.Depthwise{X: 1, Weights: 2, Y: 3, Sums: 4, Ring: 5, H: 6, W: 7, OutW: 8, C: 9, XStride: 10, Kernel: 11, Stride: 12,
		Row0: 13, Rows: 14, PadTop: 15, PadLeft: 16, Act: 17}
	check("Depthwise", roundTrip(depthwise) == depthwise)
	dense := kernels.Dense{X: 1, Weights: 2, Y: 3, K: 4, N: 5, Half: 6, Act: 7}
	check("Dense", roundTrip(dense) == dense)
	sumRows := kernels.SumRows{X: 1, Y: 2, M: 3, N: 4, Stride: 5, Scale: 6.5}
	check("SumRows", roundTrip(sumRows) == sumRows)
	scaleRows := kernels.ScaleRows{X: 1, S: 2, Y: 3, M: 4, C: 5}
	check("ScaleRows", roundTrip(scaleRows) == scaleRows)
	scalePanels := kernels.ScalePanels{Src: 1, S: 2, Dst: 3, K: 4, N: 5}
	check("ScalePanels", roundTrip(scalePanels) == scalePanels)
	packPanels := kernels.PackPanels{Src: 1, Bias: 2, Dst: 3, K: 4, N: 5, HalfIn: 6, HalfOut: 7}
	check("PackPanels", roundTrip(packPanels) == packPanels)
	resampleRows := kernels.ResampleRows{X: 1, Starts: 2, Coeffs: 3, Y: 4, XStride: 5, OutW: 6, Taps: 7, Rows: 8}
	check("ResampleRows", roundTrip(resampleRows) == resampleRows)
	resampleCols := kernels.ResampleCols{X: 1, Starts: 2, Coeffs: 3, Table: 4, Y: 5, W: 6, Taps: 7, Rows: 8}
	check("ResampleCols", roundTrip(resampleCols) == resampleCols)
	bilinear := kernels.Bilinear{X: 1, Columns: 2, Lines: 3, Y: 4, XStride: 5, OutW: 6, Rows: 7,
		Scale: [3]float32{8.5, 9.5, 10.5}, Shift: [3]float32{11.5, 12.5, 13.5}}
	check("Bilinear", roundTrip(bilinear) == bilinear)
}

func roundTrip[T kernels.Op](o T) T {
	r := o.Record()
	return decode[T](&r)
}

func TestArea(t *testing.T) {
	const most = 1<<32 - 1
	for _, c := range []struct {
		got, want uint64
	}{
		{area(), 1},
		{area(2, 3, 4), 24},
		{area(0, most, most), 0},
		{area(most, 0, most), 0},
		{area(most, most), huge},
		{area(most, most, most, 0), 0},
		{area(1<<17, 1<<17), huge},
		{area(1<<17, 1<<17, 2), huge},
		{strided(3, 5, 7), 19},
		{strided(0, 5, 7), 0},
		{panelArea(9, 4), 80},
		{panelArea(1, 1), 16},
		{panelArea(most, most), huge},
		{halfPanelBytes(2), 64},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
}
