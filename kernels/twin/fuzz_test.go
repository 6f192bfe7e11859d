package twin_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"glance/kernels"
	"glance/kernels/twin"
)

// FuzzProgram runs arbitrary bytes as a program. Whatever they are, the machine
// must neither panic nor fail with anything but a status.
func FuzzProgram(f *testing.F) {
	const base = kernels.Ptr(kernels.Align)
	records := []kernels.Op{
		conv3x3(func(*kernels.Conv3x3) {}), pointwise(func(*kernels.Pointwise) {}), depthwise(func(*kernels.Depthwise) {}),
		dense(func(*kernels.Dense) {}), dense(func(o *kernels.Dense) { o.Half = 1 }), sumRows(func(*kernels.SumRows) {}),
		scaleRows(func(*kernels.ScaleRows) {}), scalePanels(func(*kernels.ScalePanels) {}),
		packPanels(func(*kernels.PackPanels) {}), packPanels(func(o *kernels.PackPanels) { o.HalfOut = 1 }),
		resampleRows(func(*kernels.ResampleRows) {}), resampleCols(func(*kernels.ResampleCols) {}), bilinear(func(*kernels.Bilinear) {}),
	}
	for _, op := range records {
		f.Add(oneRecord(op.Record()).Encode(base))
	}
	all := &kernels.Program{Lanes: 2, Phases: make([]kernels.Phase, 2)}
	for i, op := range records[:8] {
		lanes := &all.Phases[i/4].Lanes
		if i%4 == 0 {
			*lanes = make([][]kernels.Record, 2)
		}
		(*lanes)[i%2] = append((*lanes)[i%2], op.Record())
	}
	f.Add(all.Encode(base))

	f.Fuzz(func(t *testing.T, data []byte) {
		if !small(data) {
			return
		}
		m := twin.New(twin.Options{MaxBytes: 1 << 16})
		defer m.Close()
		if m.Write(base, data) != nil {
			return
		}
		for phase := range 2 {
			var status kernels.StatusError
			if err := m.Run(base, phase, phase+1); err != nil && !errors.As(err, &status) {
				t.Fatalf("phase %d: %v", phase, err)
			}
		}
	})
}

// small tells whether a program's first two phases are short: valid records may
// be listed any number of times, which takes time and shows nothing.
func small(data []byte) bool {
	if len(data) < 8 {
		return true
	}
	lanes := binary.LittleEndian.Uint32(data)
	if lanes > 4 {
		return false
	}
	for pair := range 2 * int(lanes) {
		at := 8 + 8*pair + 4
		if at+4 <= len(data) && binary.LittleEndian.Uint32(data[at:]) > 8 {
			return false
		}
	}
	return true
}
