package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"glance/kernels"
	"glance/models"
)

const summaryUsage = `summary -arch ARCH [flags]

Prints the layers of a network in execution order: kind, output shape, parameters
as a training framework counts them (before batch norms are folded), and
multiply-accumulates of one inference.

Examples:
  go run ./tools/quantize summary -arch mobilenet_v3_large
  go run ./tools/quantize summary -arch mobilenet_v2 -alpha 0.5 -classes 10 -height 160 -width 160
  go run ./tools/quantize summary -arch mobilenet_v1 -head 256:relu,5
`

func runSummary(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("summary", summaryUsage, stderr)
	var f networkFlags
	f.register(flags, "")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	c, err := f.resolve()
	if err != nil {
		return err
	}
	n, err := models.New(c)
	if err != nil {
		return err
	}
	return printSummary(stdout, n)
}

// printSummary prints a network's layers.
func printSummary(w io.Writer, n *models.Network) error {
	fmt.Fprintln(w, describeNetwork(n))
	rule := strings.Repeat("-", 78)
	fmt.Fprintln(w, rule)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "layer\tkind\toutput\tparameters\tMACs\t")
	for i := range n.Layers {
		l := &n.Layers[i]
		fmt.Fprintf(t, "%s\t%s\t%dx%dx%d\t%d\t%d\t\n", l.Name, describeLayer(n, l), l.Out.H, l.Out.W, l.Out.C, l.Params(), l.MACs())
	}
	t.Flush()
	fmt.Fprintln(w, rule)
	values := 0
	for _, x := range n.Tensors() {
		size := 1
		for _, d := range x.Shape {
			size *= d
		}
		bytes := 2
		if x.Bias {
			bytes = 4
		}
		values += size * bytes
	}
	_, err := fmt.Fprintf(w, "parameters %d (%.2f M)   MACs %d (%.1f M)   blob %.2f MB with float16 weights\n",
		n.Params(), float64(n.Params())/1e6, n.MACs(), float64(n.MACs())/1e6, float64(values)/1e6)
	return err
}

// describeLayer says what a layer computes, such as "depthwise 5x5/2 hardswish".
func describeLayer(n *models.Network, l *models.Layer) string {
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
