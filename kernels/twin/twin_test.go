package twin_test

import (
	"testing"

	"glance/kernels"
	"glance/kernels/kerneltest"
	"glance/kernels/twin"
)

func TestMachine(t *testing.T) {
	kerneltest.Run(t, func(t testing.TB) kernels.Machine { return twin.New(twin.Options{}) })
}
