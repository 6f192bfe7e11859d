package models

import (
	"strconv"
	"strings"

	"glance/kernels"
)

const activationList = "identity, relu, relu6, hardswish or hardsigmoid"

func parseActivation(s string) (kernels.Activation, bool) {
	for a := kernels.Identity; a <= kernels.HardSigmoid; a++ {
		if a.String() == s {
			return a, true
		}
	}
	return 0, false
}

// formatHead writes a head as "256:relu,128:relu,5"; layers without an
// activation stand alone.
func formatHead(head []HeadLayer) string {
	var b strings.Builder
	for i, h := range head {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(h.Units))
		if h.Act != kernels.Identity {
			b.WriteByte(':')
			b.WriteString(h.Act.String())
		}
	}
	return b.String()
}
