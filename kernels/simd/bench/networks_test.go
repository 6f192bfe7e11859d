package main

import (
	"testing"

	"glance/models"
)

// TestNetworks runs networks as programs on the modules that ship, by themselves.
func TestNetworks(t *testing.T) {
	for _, lanes := range []int{1, 2} {
		c, err := network(models.Config{Arch: models.MobileNetV3Small, Height: 64, Width: 64}, lanes)
		if err != nil {
			t.Fatal(err)
		}
		j := job{Rounds: 1, Cases: []benchCase{c}}
		if err := j.add(shipped(simd128)); err != nil {
			t.Fatal(err)
		}
		r, err := inWazero(j)
		if err != nil {
			t.Fatal(err)
		}
		if times := r.Times["mobilenet_v3_small"]["simd128"]; len(times) != 1 || times[0] <= 0 {
			t.Errorf("%d lanes: times %v", lanes, r.Times)
		}
	}
}
