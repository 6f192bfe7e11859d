package png

// unfilter turns a filtered row into its bytes, given those of the row above
// (PNG specification, section 9.2). bpp is the distance to the pixel before.
func unfilter(filter byte, row, above []byte, bpp int) bool {
	above = above[:len(row)]
	switch filter {
	case 0: // none
	case 1: // sub
		for i := bpp; i < len(row); i++ {
			row[i] += row[i-bpp]
		}
	case 2: // up
		for i, b := range above {
			row[i] += b
		}
	case 3: // average
		for i, b := range above[:bpp] {
			row[i] += b / 2
		}
		for i := bpp; i < len(row); i++ {
			row[i] += uint8((int(row[i-bpp]) + int(above[i])) / 2)
		}
	case 4: // Paeth
		for start := range bpp {
			paeth(row, above, start, bpp)
		}
	default:
		return false
	}
	return true
}

// paeth undoes the Paeth filter for one channel (section 9.4).
func paeth(row, above []byte, start, bpp int) {
	var left, corner int32
	for i := start; i < len(row); i += bpp {
		up := int32(above[i])
		toLeft, toUp := up-corner, left-corner // estimate - left, estimate - up
		toCorner := abs(toLeft + toUp)
		toLeft, toUp = abs(toLeft), abs(toUp)
		best := corner
		if toLeft <= toUp && toLeft <= toCorner {
			best = left
		} else if toUp <= toCorner {
			best = up
		}
		left = (best + int32(row[i])) & 255
		row[i] = byte(left)
		corner = up
	}
}

// abs is the absolute value, without a branch.
func abs(v int32) int32 {
	sign := v >> 31
	return (v ^ sign) - sign
}
