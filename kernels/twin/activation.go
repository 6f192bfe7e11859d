package twin

import "glance/kernels"

const sixth = float32(1.0 / 6)

func known(a kernels.Activation) bool { return a <= kernels.HardSigmoid }

// activate applies a to every value in place. The built-in min and max propagate
// NaN, as the contract asks.
func activate(a kernels.Activation, y []float32) {
	switch a {
	case kernels.ReLU:
		for i, v := range y {
			y[i] = max(v, 0)
		}
	case kernels.ReLU6:
		for i, v := range y {
			y[i] = min(max(v, 0), 6)
		}
	case kernels.HardSwish:
		for i, v := range y {
			y[i] = v * (min(max(v+3, 0), 6) * sixth)
		}
	case kernels.HardSigmoid:
		for i, v := range y {
			y[i] = min(max(v+3, 0), 6) * sixth
		}
	}
}
