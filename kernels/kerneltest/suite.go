package kerneltest

import "testing"

// Run puts the machines that newMachine makes through the whole suite.
func Run(t *testing.T, newMachine NewMachine) {
	for _, part := range []struct {
		name string
		test func(*testing.T, NewMachine)
	}{
		{"Memory", Memory},
		{"Programs", Programs},
		{"Invalid", Invalid},
		{"Conv3x3", Conv3x3},
		{"Pointwise", Pointwise},
		{"Depthwise", Depthwise},
		{"Dense", Dense},
		{"SumRows", SumRows},
		{"ScaleRows", ScaleRows},
		{"ScalePanels", ScalePanels},
		{"PackPanels", PackPanels},
		{"ResampleRows", ResampleRows},
		{"ResampleCols", ResampleCols},
		{"Bilinear", Bilinear},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, newMachine) })
	}
}
