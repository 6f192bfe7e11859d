//go:build js

package main

import "strconv"

// percent writes a probability with a digit after the point where it is small.
// The space in it, as in milliseconds, does not break.
func percent(probability float64) string {
	switch {
	case probability >= 0.0995:
		return strconv.FormatFloat(100*probability, 'f', 0, 64) + "\u00a0%"
	case probability >= 0.0005:
		return strconv.FormatFloat(100*probability, 'f', 1, 64) + "\u00a0%"
	}
	return "<\u00a00.1\u00a0%"
}

func milliseconds(ms float64) string {
	digits := 1
	if ms >= 99.5 {
		digits = 0
	}
	return strconv.FormatFloat(ms, 'f', digits, 64) + "\u00a0ms"
}

func megabytes(bytes float64) string {
	return strconv.FormatFloat(bytes/1e6, 'f', 1, 64)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
