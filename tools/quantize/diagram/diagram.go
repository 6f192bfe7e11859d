// Package diagram draws a network as SVG: a row for each block of its table, with
// a box for each layer and an arc for each residual.
package diagram

import (
	"bytes"
	"fmt"
	"io"

	"glance/kernels"
	"glance/models"
)

// The page, in pixels.
const (
	margin     = 24
	titleSpace = 76
	rowHeight  = 52
	boxHeight  = 38
	boxWidth   = 132
	boxGap     = 14
	labelWidth = 96  // the block's number
	shapeWidth = 124 // the output's shape
	arcWidth   = 36  // residuals, right of the boxes
	slots      = 4   // expand, depthwise, squeeze, project
	width      = 2*margin + labelWidth + slots*(boxWidth+boxGap) + arcWidth + shapeWidth
)

// colours are the fill of a box by its layer's kind.
var colours = map[models.Kind]string{
	models.KindConv:      "#f6c6ad",
	models.KindPointwise: "#c7ddf5",
	models.KindDepthwise: "#cdebc5",
	models.KindSqueeze:   "#f3e2a9",
	models.KindPool:      "#e3e3e8",
	models.KindDense:     "#e0cdf0",
}

// SVG draws the network. Blocks are numbered as in its table; a box names the
// kernel, the stride where it is not 1, the channels that come out and the
// activation; at the right is the shape of the row's output, height x width x
// channels. An arc marks a residual: the row's input is added to its output.
func SVG(w io.Writer, n *models.Network) error {
	rows := arrange(n)
	height := titleSpace + len(rows)*rowHeight + margin
	p := &page{}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" font-size="12">`+"\n",
		width, height, width, height)
	p.printf(`<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	p.title(n)
	for i, r := range rows {
		p.row(r, titleSpace+i*rowHeight)
	}
	p.printf("</svg>\n")
	_, err := w.Write(p.Bytes())
	return err
}

// row is the layers of a block, or one layer outside of them, each in its slot.
type row struct {
	label string
	boxes [slots]*models.Layer
	out   models.Shape
	added bool // the row's input is added to its output
}

// arrange puts a network's layers in rows.
func arrange(n *models.Network) []row {
	var rows []row
	block := -1
	for i := range n.Layers {
		l := &n.Layers[i]
		if l.Block < 0 || l.Block != block {
			r := row{label: l.Name}
			if l.Block >= 0 {
				r.label = fmt.Sprintf("block %d", l.Block)
			}
			rows = append(rows, r)
		}
		block = l.Block
		r := &rows[len(rows)-1]
		slot := 0
		switch {
		case l.Kind == models.KindDepthwise:
			slot = 1
		case l.Kind == models.KindSqueeze:
			slot = 2
		case l.Block >= 0 && (r.boxes[1] != nil):
			slot = 3
		}
		r.boxes[slot] = l
		r.out = l.Out
		r.added = r.added || l.Residual >= 0
	}
	return rows
}

// page collects the drawing.
type page struct{ bytes.Buffer }

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// title draws the network's name, its options and size, and the legend.
func (p *page) title(n *models.Network) {
	c := n.Config
	name, output := string(c.Arch), fmt.Sprintf("%d classes", c.Classes)
	if c.Variant != "" {
		name += ", variant " + c.Variant
	}
	if c.NoHead {
		output = "no classifier"
	}
	p.printf(`<text x="%d" y="30" font-size="18" font-weight="bold">%s</text>`+"\n", margin, name)
	p.printf(`<text x="%d" y="50" fill="#555">alpha %g, input %d x %d, %s, %s padding; %.1f M multiply-accumulates</text>`+"\n",
		margin, c.Alpha, c.Height, c.Width, output, c.Padding, float64(n.MACs())/1e6)
	x := width - margin
	for _, k := range []models.Kind{models.KindDense, models.KindPool, models.KindSqueeze, models.KindDepthwise, models.KindPointwise, models.KindConv} {
		x -= 12 + 7*len(k) + 18
		p.printf(`<rect x="%d" y="18" width="12" height="12" rx="2" fill="%s" stroke="#777"/><text x="%d" y="28" fill="#333">%s</text>`+"\n",
			x, colours[k], x+16, k)
	}
}

// row draws a row whose top is at y.
func (p *page) row(r row, y int) {
	middle := y + rowHeight/2
	left := margin + labelWidth
	right := left + slots*(boxWidth+boxGap) - boxGap
	p.printf(`<text x="%d" y="%d" fill="#333">%s</text>`+"\n", margin, middle+4, r.label)
	p.printf(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#999"/>`+"\n", left-12, middle, right+arcWidth, middle)
	for slot, l := range r.boxes {
		if l == nil {
			continue
		}
		x := left + slot*(boxWidth+boxGap)
		p.printf(`<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="%s" stroke="#777"/>`+"\n",
			x, middle-boxHeight/2, boxWidth, boxHeight, colours[l.Kind])
		first, second := describe(l)
		p.printf(`<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", x+boxWidth/2, middle-3, first)
		p.printf(`<text x="%d" y="%d" text-anchor="middle" fill="#555" font-size="11">%s</text>`+"\n", x+boxWidth/2, middle+12, second)
	}
	if r.added {
		x, top := right+arcWidth/2, middle-boxHeight/2-4
		p.printf(`<path d="M%d %d V%d H%d V%d" fill="none" stroke="#c0392b" stroke-width="1.5"/>`+"\n", left-8, middle, top, x, middle-7)
		p.printf(`<circle cx="%d" cy="%d" r="7" fill="#fff" stroke="#c0392b" stroke-width="1.5"/><path d="M%d %d H%d M%d %d V%d" stroke="#c0392b" stroke-width="1.5"/>`+"\n",
			x, middle, x-4, middle, x+4, x, middle-4, middle+4)
	}
	p.printf(`<text x="%d" y="%d" fill="#333">%d x %d x %d</text>`+"\n", right+arcWidth+8, middle+4, r.out.H, r.out.W, r.out.C)
}

// describe returns the two lines of a layer's box.
func describe(l *models.Layer) (first, second string) {
	switch l.Kind {
	case models.KindSqueeze:
		return fmt.Sprintf("SE %d &#8594; %d &#8594; %d", l.In.C, l.Squeezed, l.In.C), "relu, hardsigmoid"
	case models.KindPool:
		return "global average", "pool"
	case models.KindDense:
		first = fmt.Sprintf("%d &#8594; %d", l.In.C, l.Out.C)
	default:
		first = fmt.Sprintf("%dx%d", l.Kernel, l.Kernel)
		if l.Stride > 1 {
			first += fmt.Sprintf(" / %d", l.Stride)
		}
		first += fmt.Sprintf(" &#8594; %d", l.Out.C)
	}
	second = l.Act.String()
	if l.Act == kernels.Identity {
		second = "linear"
	}
	return first, second
}
