package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"glance/kernels"
	"glance/models"
	"glance/tools/quantize/convert"
	"glance/tools/quantize/diagram"
	"glance/weights"
)

const summaryUsage = `summary -arch ARCH [flags]

Prints the layers of a network in execution order: kind, output shape, parameters
as a training framework counts them (before batch norms are folded), and
multiply-accumulates of one inference.

With -svg it draws the network too: block, kernel, expansion, squeeze-and-excite,
activation, stride and shape.

Examples:
  go run ./tools/quantize summary -arch mobilenet_v3_large
  go run ./tools/quantize summary -arch mobilenet_v3_small -variant article -classes 4 -svg small.svg
  go run ./tools/quantize summary -arch mobilenet_v2 -alpha 0.5 -classes 10 -height 160 -width 160
  go run ./tools/quantize summary -arch mobilenet_v1 -head 256:relu,5
`

func runSummary(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("summary", summaryUsage, stderr)
	var f networkFlags
	f.register(flags, "")
	svg := flags.String("svg", "", "`FILE` to draw the network to")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	c, err := f.resolve()
	if err != nil {
		return err
	}
	if c.Variant == convert.Published {
		c.Variant = ""
	}
	n, err := models.New(c)
	if err != nil {
		return err
	}
	if err := printSummary(stdout, n); err != nil || *svg == "" {
		return err
	}
	var drawing bytes.Buffer
	if err := diagram.SVG(&drawing, n); err != nil {
		return err
	}
	if err := os.WriteFile(*svg, drawing.Bytes(), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "drawn to %s\n", *svg)
	return err
}

// redundantBiases is how many biases the article's code gives a layer that a
// batch norm follows. They are parameters to a training framework, and change
// nothing: the batch norm subtracts them again.
func redundantBiases(n *models.Network, l *models.Layer) int {
	last := l.Name[strings.LastIndexByte(l.Name, '.')+1:]
	switch c := n.Config; {
	case c.Variant == "" || l.Block < 0:
	case c.Arch == models.MobileNetV1, c.Arch == models.MobileNetV2 && last == "project":
		return l.Out.C
	}
	return 0
}

// printSummary prints a network's layers.
func printSummary(w io.Writer, n *models.Network) error {
	fmt.Fprintln(w, describeNetwork(n))
	rule := strings.Repeat("-", 78)
	fmt.Fprintln(w, rule)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "layer\tkind\toutput\tparameters\tMACs\t")
	redundant, activations, largest := 0, 0, n.InputShape().Size()
	for i := range n.Layers {
		l := &n.Layers[i]
		extra := redundantBiases(n, l)
		fmt.Fprintf(t, "%s\t%s\t%dx%dx%d\t%d\t%d\t\n", l.Name, describeLayer(l), l.Out.H, l.Out.W, l.Out.C, l.Params()+extra, l.MACs())
		redundant += extra
		activations += l.Out.Size()
		largest = max(largest, l.Out.Size())
	}
	t.Flush()
	fmt.Fprintln(w, rule)
	blob := 0
	for _, x := range n.Tensors() {
		size := weights.F16.Size()
		if x.Bias {
			size = weights.F32.Size()
		}
		for _, d := range x.Shape {
			size *= d
		}
		blob += size
	}
	params := n.Params() + redundant
	fmt.Fprintf(w, "parameters %d (%.2f M)   MACs %d (%.1f M)   blob %.2f MB with float16 weights\n",
		params, float64(params)/1e6, n.MACs(), float64(n.MACs())/1e6, float64(blob)/1e6)
	if redundant > 0 {
		fmt.Fprintf(w, "%d of the parameters are biases before batch norms, which do nothing; converting removes them\n", redundant)
	}
	_, err := fmt.Fprintf(w, "float32 activations: input %.2f MB, outputs %.2f MB in all, the largest %.2f MB\n",
		megabytes(n.InputShape().Size()), megabytes(activations), megabytes(largest))
	return err
}

// megabytes is the size of that many float32 values.
func megabytes(values int) float64 { return float64(4*values) / 1e6 }

// describeLayer says what a layer computes, such as "depthwise 5x5/2 hardswish".
func describeLayer(l *models.Layer) string {
	s := string(l.Kind)
	switch l.Kind {
	case models.KindConv, models.KindDepthwise:
		s += fmt.Sprintf(" %dx%d", l.Kernel, l.Kernel)
		if l.Stride > 1 {
			s += fmt.Sprintf("/%d", l.Stride)
		}
	case models.KindSqueeze:
		s += fmt.Sprintf(" %d", l.Squeezed)
	}
	if l.Act != kernels.Identity {
		s += " " + l.Act.String()
	}
	if l.Residual >= 0 {
		s += " + residual"
	}
	return s
}
