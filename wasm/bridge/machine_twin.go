//go:build js && twin

package bridge

import (
	"glance/kernels"
	"glance/kernels/twin"
)

// newMachine returns the kernels in Go, for browsers without SIMD.
func newMachine() (kernels.Machine, error) { return twin.New(twin.Options{}), nil }
