package twin

import (
	"math"

	"glance/kernels"
)

func known(a kernels.Activation) bool { return a <= kernels.HardSigmoid }

const sixth = float32(1.0 / 6)

// activate applies a to every value in place.
func activate(a kernels.Activation, y []float32) {
	switch a {
	case kernels.ReLU:
		for i, v := range y {
			y[i] = clamp(v, math.MaxUint32)
		}
	case kernels.ReLU6:
		for i, v := range y {
			y[i] = clamp(v, bitsOf6)
		}
	case kernels.HardSwish:
		for i, v := range y {
			y[i] = v * (clamp(v+3, bitsOf6) * sixth)
		}
	case kernels.HardSigmoid:
		for i, v := range y {
			y[i] = clamp(v+3, bitsOf6) * sixth
		}
	}
}

const bitsOf6 = 0x40c00000

// clamp is min(max(v, 0), limit), and NaN for NaN, on the bits of v, which order
// as the values do where these are not negative. In WebAssembly the built-in min
// and max of floats are calls, and a branch on the sign of an activation is
// mispredicted half of the time.
func clamp(v float32, limit uint32) float32 {
	if v != v {
		return v
	}
	bits := math.Float32bits(v)
	negative := uint32(int32(bits) >> 31)
	return math.Float32frombits(min(bits&^negative, limit))
}
