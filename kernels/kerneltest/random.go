package kerneltest

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"glance/kernels"
)

// random generates test data. It uses integer arithmetic and exact float32
// operations alone, so that the data is the same on every host.
type random struct{ *rand.Rand }

// activation values: between -4 and 4, a quarter of them exactly zero, as after a
// ReLU.
func (r random) activations(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		if r.IntN(4) > 0 {
			v[i] = r.uniform(4)
		}
	}
	return v
}

// weights are between -1 and 1.
func (r random) weights(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = r.uniform(1)
	}
	return v
}

// uniform returns a value in [-limit, limit) with 24 significant bits.
func (r random) uniform(limit float32) float32 {
	return float32(int32(r.Uint32())>>7) * (limit / (1 << 24))
}

// halves are finite float16 values, one in eight of them an extreme one.
func (r random) halves(n int) []uint16 {
	extremes := [...]uint16{0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400, 0x8400, 0x7bff, 0xfbff, 0x3c00}
	v := make([]uint16, n)
	for i := range v {
		switch r.IntN(8) {
		case 0:
			v[i] = extremes[r.IntN(len(extremes))]
		default:
			v[i] = uint16(r.Uint32())&0x83ff | uint16(r.IntN(16))<<10 // up to 2 in magnitude
		}
	}
	return v
}

// special replaces about one value in eight, and at least one, by NaN or an
// infinity.
func (r random) special(v []float32) {
	values := [...]float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	for range max(1, len(v)/8) {
		v[r.IntN(len(v))] = values[r.IntN(len(values))]
	}
}

// pixels are random bytes.
func (r random) pixels(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// activation picks one of the activations.
func (r random) activation() kernels.Activation {
	return kernels.Activation(r.IntN(int(kernels.HardSigmoid) + 1))
}

// between returns a number in [from, to].
func (r random) between(from, to int) int { return from + r.IntN(to-from+1) }

func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

func halfBytes(v []uint16) []byte {
	b := make([]byte, 0, 2*len(v))
	for _, h := range v {
		b = binary.LittleEndian.AppendUint16(b, h)
	}
	return b
}

func wordBytes[T int32 | uint32](v []T) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, w := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(w))
	}
	return b
}

// halfValue is the number a float16 stands for (IEEE 754, binary16).
func halfValue(h uint16) float32 {
	sign, exponent, fraction := h>>15, int(h>>10&31), float64(h&1023)
	v := math.Ldexp(fraction, -24)
	switch {
	case exponent == 31 && fraction == 0:
		v = math.Inf(1)
	case exponent == 31:
		v = math.NaN()
	case exponent > 0:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if sign == 1 {
		v = math.Copysign(v, -1)
	}
	return float32(v)
}

// halfValues converts.
func halfValues(v []uint16) []float32 {
	f := make([]float32, len(v))
	for i, h := range v {
		f[i] = halfValue(h)
	}
	return f
}

// panels packs [n][k] weights and their biases as [kernels.PackPanels] documents.
func panels(w, bias []float32, n, k int) []byte {
	var b []byte
	for p := 0; p < n; p += kernels.Panel {
		b = appendBiases(b, bias, n, p)
		for i := range k {
			for j := p; j < p+kernels.Panel; j++ {
				var v float32
				if j < n {
					v = w[j*k+i]
				}
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
	}
	return b
}

// halfPanels packs float16 weights without converting them.
func halfPanels(w []uint16, bias []float32, n, k int) []byte {
	var b []byte
	for p := 0; p < n; p += kernels.Panel {
		b = appendBiases(b, bias, n, p)
		for i := range k {
			for j := p; j < p+kernels.Panel; j++ {
				var v uint16
				if j < n {
					v = w[j*k+i]
				}
				b = binary.LittleEndian.AppendUint16(b, v)
			}
		}
	}
	return b
}

func appendBiases(b []byte, bias []float32, n, p int) []byte {
	for j := p; j < p+kernels.Panel; j++ {
		var v float32
		if j < n && bias != nil {
			v = bias[j]
		}
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// newRandom is seeded with a name.
func newRandom(name string) random {
	h := fnv.New64a()
	h.Write([]byte(name))
	return random{rand.New(rand.NewPCG(h.Sum64(), 1))}
}

// gap is 0 half of the time, else up to 9.
func (r random) gap() int { return r.IntN(2) * r.IntN(10) }
