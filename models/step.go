package models

import (
	"strings"

	"glance/kernels"
)

// Step is a part of a program that a profile tells apart: a layer, or a chain of
// layers.
type Step struct {
	Name     string // the layers, such as "blocks.3.expand + depthwise + project"
	Kind     string // their kinds, such as "pointwise + depthwise + pointwise"
	From, To int    // its phases, [From, To)
	MACs     int    // multiply-accumulates, as [Layer.MACs] counts them
	Bytes    int    // of packed float32 weights, input and output, each counted once
}

// part is what one layer contributes to a step.
type part struct {
	name, kind         string
	macs, weightsBytes int
}

func layerPart(l *Layer) part {
	p := part{name: l.Name, kind: string(l.Kind), macs: l.MACs()}
	for _, m := range l.matrices() {
		p.weightsBytes += kernels.PanelBytes(m.n, m.k, false)
	}
	return p
}

// newStep joins parts. A name in the same block as the one before it goes
// without the block's prefix.
func newStep(parts ...part) Step {
	var s Step
	block := ""
	for i, p := range parts {
		name := p.name
		if i > 0 {
			s.Name += " + "
			s.Kind += " + "
			if block != "" {
				name = strings.TrimPrefix(name, block)
			}
		}
		block = ""
		if p.kind != string(KindDense) {
			block = p.name[:strings.LastIndexByte(p.name, '.')+1]
		}
		s.Name += name
		s.Kind += p.kind
		s.MACs += p.macs
		s.Bytes += p.weightsBytes
	}
	return s
}

// touching adds the float32 values that a step reads and writes.
func (s Step) touching(values int) Step {
	s.Bytes += 4 * values
	return s
}

// step describes a chain, with its squeeze where every lane does all of it.
func (c *chain) step(n *Network) Step {
	var parts []part
	if c.gate != nil && !c.gate.shared {
		parts = append(parts, layerPart(&n.Layers[c.gate.layer]))
	}
	values := c.first().in.Size() + c.last().out.Size()
	for i := range c.ops {
		o := &c.ops[i]
		if o.residual >= 0 {
			values += o.out.Size()
		}
		if o.code == kernels.OpScaleRows {
			parts = append(parts, part{name: strings.TrimSuffix(n.Layers[o.layer].Name, "squeeze") + "scale", kind: "scale"})
			continue
		}
		parts = append(parts, layerPart(&n.Layers[o.layer]))
	}
	return newStep(parts...).touching(values)
}
