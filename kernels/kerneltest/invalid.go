package kerneltest

import (
	"bytes"
	"fmt"
	"testing"

	"glance/kernels"
)

// Invalid tests that a record whose opcode or enumerated argument is not valid
// ends the program with [kernels.StatusInvalid], wherever it stands, and that the
// machine goes on working afterwards.
func Invalid(t *testing.T, newMachine NewMachine) {
	s := newSuite(t, newMachine)
	c, err := newChain(s.arena, 5, 4, 9, 4)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.outputs(c.program(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range invalidRecords(c) {
		for _, where := range []struct{ phase, lane int }{{0, 0}, {1, 1}, {3, 0}, {3, 1}} {
			p := c.program(2)
			list := &p.Phases[where.phase].Lanes[where.lane]
			*list = append(*list, r)
			what := fmt.Sprintf("record %v in phase %d, lane %d", r[:18], where.phase, where.lane)
			failed, damage := c.scene.run(p)
			if damage != nil {
				t.Errorf("%s: %v", what, damage)
			}
			if !hasStatus(failed, kernels.StatusInvalid) {
				t.Errorf("%s: error is %v, want StatusError{StatusInvalid}", what, failed)
			}
		}
	}
	got, err := c.outputs(c.program(2))
	if err != nil {
		t.Fatalf("after invalid programs: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Error("after invalid programs: not the bytes of before")
	}
}

// invalidRecords are valid calls with one word made wrong.
func invalidRecords(c *chain) []kernels.Record {
	pointwise, depthwise := c.rows(0, 0, 1), c.rows(1, 0, 1)
	with := func(r kernels.Record, word int, value uint32) kernels.Record {
		r[word] = value
		return r
	}
	const (
		opcode          = 0
		pointwiseAct    = 9
		depthwisePixel  = 10
		depthwiseKernel = 11
		depthwiseStride = 12
		depthwiseAct    = 17
	)
	records := []kernels.Record{{}}
	for _, code := range []uint32{uint32(kernels.OpInvalid), uint32(kernels.NumOpcodes), 99, 1 << 31, 0xffffffff} {
		records = append(records, with(pointwise, opcode, code))
	}
	for _, act := range []uint32{uint32(kernels.HardSigmoid) + 1, 0xffffffff} {
		records = append(records, with(pointwise, pointwiseAct, act), with(depthwise, depthwiseAct, act))
	}
	for _, pixel := range []uint32{0, depthwise[depthwisePixel] - 1} {
		records = append(records, with(depthwise, depthwisePixel, pixel))
	}
	for _, kernel := range []uint32{0, 1, 4, 7} {
		records = append(records, with(depthwise, depthwiseKernel, kernel))
	}
	for _, stride := range []uint32{0, 3} {
		records = append(records, with(depthwise, depthwiseStride, stride))
	}
	return records
}
