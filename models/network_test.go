package models

import (
	"errors"
	"math"
	"testing"

	"glance/kernels"
)

func mustNew(t testing.TB, c Config) *Network {
	t.Helper()
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTotals holds parameters and multiply-accumulates against the published
// networks at 224x224 and 1000 classes. Parameters of V2 and V3 are what
// torchvision states in its weights' meta data ("num_params").
func TestTotals(t *testing.T) {
	for _, tc := range []struct {
		arch   Arch
		params int
		mmacs  float64
	}{
		{MobileNetV1, 4231976, 568.7},
		{MobileNetV2, 3504872, 300.8},
		{MobileNetV3Small, 2542856, 56.5},
		{MobileNetV3Large, 5483032, 216.6},
	} {
		n := mustNew(t, Config{Arch: tc.arch})
		if n.Params() != tc.params {
			t.Errorf("%s: %d params, want %d", tc.arch, n.Params(), tc.params)
		}
		if got := math.Round(float64(n.MACs())/1e5) / 10; got != tc.mmacs {
			t.Errorf("%s: %v M MACs (%d), want %v", tc.arch, got, n.MACs(), tc.mmacs)
		}
	}
}

var _ = errors.As
var _ = kernels.ReLU
