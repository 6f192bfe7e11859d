package twin

import (
	"encoding/binary"
	"math"

	"glance/kernels"
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
	c.require(o.HalfIn <= 1 && o.HalfOut <= o.HalfIn && o.Dst%4 == 0)
	rowBytes, panelBytes := 4*uint64(o.K), 4*panelArea(kernels.Panel, o.K)
	if o.HalfIn == 1 {
		rowBytes = 2 * uint64(o.K)
	}
	if o.HalfOut == 1 {
		panelBytes = halfPanelBytes(o.K)
	}
	src := c.bytes(o.Src, times(uint64(o.N), rowBytes))
	var bias []byte
	if o.Bias != 0 {
		bias = c.bytes(o.Bias, 4*uint64(o.N))
	}
	dst := c.outBytes(o.Dst, times(panelCount(o.N), panelBytes))
	if c.bad {
		return kernels.StatusInvalid
	}
	clear(dst)
	pack := packFloats
	switch {
	case o.HalfOut == 1:
		pack = packHalves
	case o.HalfIn == 1:
		pack = packConverted
	}
	for n := range int(o.N) {
		panel := dst[n/kernels.Panel*int(panelBytes):][:panelBytes]
		column := n % kernels.Panel
		if bias != nil && !packFloats(panel[4*column:], bias[4*n:][:4]) {
			return kernels.StatusNotFinite
		}
		weights := panel[4*kernels.Panel:]
		if o.HalfOut == 1 {
			weights = weights[2*column:]
		} else {
			weights = weights[4*column:]
		}
		if !pack(weights, src[n*int(rowBytes):][:rowBytes]) {
			return kernels.StatusNotFinite
		}
	}
	return kernels.StatusOK
}

// packFloats copies a row of float32 to one column of a panel. Like its sisters,
// it stops at a value that is not finite and returns false.
func packFloats(column, row []byte) bool {
	const step = 4 * kernels.Panel
	for i := 0; i+4 <= len(row); i += 4 {
		v := binary.LittleEndian.Uint32(row[i:])
		if v&0x7f800000 == 0x7f800000 {
			return false
		}
		binary.LittleEndian.PutUint32(column[i/4*step:], v)
	}
	return true
}

// packHalves copies float16.
func packHalves(column, row []byte) bool {
	const step = 2 * kernels.Panel
	for i := 0; i+2 <= len(row); i += 2 {
		h := binary.LittleEndian.Uint16(row[i:])
		if h&0x7c00 == 0x7c00 {
			return false
		}
		binary.LittleEndian.PutUint16(column[i/2*step:], h)
	}
	return true
}

// packConverted converts float16 to float32.
func packConverted(column, row []byte) bool {
	const step = 4 * kernels.Panel
	values := halfTable()
	for i := 0; i+2 <= len(row); i += 2 {
		h := binary.LittleEndian.Uint16(row[i:])
		if h&0x7c00 == 0x7c00 {
			return false
		}
		binary.LittleEndian.PutUint32(column[i/2*step:], math.Float32bits(values[h]))
	}
	return true
}
