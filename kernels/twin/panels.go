package twin

import (
	"encoding/binary"
	"math"

	"glance/kernels"

	"github.com/x448/float16"
)

func scalePanels(c *call, o kernels.ScalePanels) kernels.Status {
	size := panelArea(o.N, o.K)
	src := c.in(o.Src, size)
	s := c.in(o.S, uint64(o.K))
	dst := c.out(o.Dst, size)
	c.require(o.N > 0)
	if c.bad {
		return kernels.StatusInvalid
	}
	for len(src) > 0 {
		copy(dst[:kernels.Panel], src)
		src, dst = src[kernels.Panel:], dst[kernels.Panel:]
		for _, factor := range s {
			for i, v := range src[:kernels.Panel] {
				dst[i] = v * factor
			}
			src, dst = src[kernels.Panel:], dst[kernels.Panel:]
		}
	}
	return kernels.StatusOK
}

// packPanels reads its sources byte by byte, because tensors of a blob may lie at
// any alignment.
func packPanels(c *call, o kernels.PackPanels) kernels.Status {
	le := binary.LittleEndian
	c.require(o.HalfIn <= 1 && o.HalfOut <= o.HalfIn)
	valueIn, panelBytes := 4, 4*panelArea(kernels.Panel, o.K)
	if o.HalfIn == 1 {
		valueIn = 2
	}
	if o.HalfOut == 1 {
		panelBytes = halfPanelBytes(o.K)
	}
	src := c.bytes(o.Src, area(o.N, o.K, uint32(valueIn)))
	var bias []byte
	if o.Bias != 0 {
		bias = c.bytes(o.Bias, 4*uint64(o.N))
	}
	dst := c.outBytes(o.Dst, times(panelCount(o.N), panelBytes))
	c.require(o.Dst%4 == 0)
	if c.bad {
		return kernels.StatusInvalid
	}
	clear(dst)
	k := int(o.K)
	for n := range int(o.N) {
		panel := dst[n/kernels.Panel*int(panelBytes):][:panelBytes]
		column := n % kernels.Panel
		if bias != nil {
			b := le.Uint32(bias[4*n:])
			if !finite32(b) {
				return kernels.StatusNotFinite
			}
			le.PutUint32(panel[4*column:], b)
		}
		weights := panel[4*kernels.Panel:]
		row := src[n*k*valueIn:][:k*valueIn]
		for i := range k {
			if o.HalfIn == 0 {
				v := le.Uint32(row[4*i:])
				if !finite32(v) {
					return kernels.StatusNotFinite
				}
				le.PutUint32(weights[4*(i*kernels.Panel+column):], v)
				continue
			}
			h := le.Uint16(row[2*i:])
			switch {
			case h&0x7c00 == 0x7c00:
				return kernels.StatusNotFinite
			case o.HalfOut == 1:
				le.PutUint16(weights[2*(i*kernels.Panel+column):], h)
			default:
				le.PutUint32(weights[4*(i*kernels.Panel+column):], math.Float32bits(float16.Frombits(h).Float32()))
			}
		}
	}
	return kernels.StatusOK
}

// finite32 tells whether the float32 with these bits is neither NaN nor infinite.
func finite32(bits uint32) bool { return bits&0x7f800000 != 0x7f800000 }
