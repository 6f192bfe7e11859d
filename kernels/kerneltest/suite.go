package kerneltest

import "testing"

// Run puts the machines that newMachine makes through the whole suite.
func Run(t *testing.T, newMachine NewMachine) {
	for _, part := range []struct {
		name string
		test func(*testing.T, NewMachine)
	}{
		{"Conv3x3", Conv3x3},
		{"Pointwise", Pointwise},
		{"Depthwise", Depthwise},
		{"Dense", Dense},
		{"PackPanels", PackPanels},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, newMachine) })
	}
}
