//go:build js && !twin

package bridge

import (
	"glance/kernels"
	"glance/kernels/simd"
)

// newMachine returns the SIMD kernels that the host has instantiated.
func newMachine() (kernels.Machine, error) { return simd.New(simd.Options{}) }
