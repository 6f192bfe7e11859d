package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/convert"
	"glance/weights"
)

const convertUsage = `convert -in CHECKPOINT -out FILE [flags]

Folds a checkpoint's batch norms, rounds its weights to float16 and writes them
as a blob. The checkpoint is read, never executed. Architecture, width, classes
and head are told from the tensors' names and shapes; flags that contradict them
are errors.

Examples:
  go run ./tools/quantize convert -in mobilenet_v2-7ebf99e0.pth -labels imagenet.txt -out weights/v2.safetensors
  go run ./tools/quantize convert -in best.pth -arch mobilenet_v3_small -variant article -classes 4 -height 96 -width 96 -out mine.safetensors
  go run ./tools/quantize convert -in tfjs/model.json -preprocess nsfwjs -labels labels.txt -out filter.safetensors
  go run ./tools/quantize convert -in timm.safetensors -dtype f32 -mean 0.5,0.5,0.5 -std 0.5,0.5,0.5 -out v1.safetensors
`

func runConvert(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("convert", convertUsage, stderr)
	var f conversionFlags
	f.register(flags)
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	o, err := f.resolve()
	if err != nil {
		return err
	}
	c, m, err := f.match(o)
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := m.ReadAll(ctx)
	if err != nil {
		return err
	}
	return writeBlob(ctx, c, m, list, o, stdout, stderr)
}

// match opens and matches the checkpoint, with the preprocessing that the flags
// say.
func (f *conversionFlags) match(o convert.Options) (*checkpoint.Checkpoint, *convert.Match, error) {
	c, err := checkpoint.Open(o.In)
	if err != nil {
		return nil, nil, err
	}
	m, err := convert.MatchCheckpoint(c, o)
	if err == nil {
		err = f.preprocessFlags.apply(&m.Preprocess, m.Network.Config)
	}
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return c, m, nil
}

// writeBlob writes the blob and reports on it.
func writeBlob(ctx context.Context, c *checkpoint.Checkpoint, m *convert.Match, list []*convert.Params, o convert.Options, stdout, stderr io.Writer) error {
	bar := newProgress(stderr, "converting")
	o.Progress = bar.step
	r, err := m.WriteFile(ctx, list, o)
	bar.end()
	if err != nil {
		return err
	}
	printSource(stdout, c, m)
	printTensors(stdout, r)
	fmt.Fprintf(stdout, "\nwrote %s: %d bytes, sha-256 %s\n", o.Out, r.Bytes, r.SHA256)
	return nil
}

// printSource says what was read and how it was understood.
func printSource(w io.Writer, c *checkpoint.Checkpoint, m *convert.Match) {
	config := m.Network.Config
	fmt.Fprintf(w, "%s, %d tensors, names of family %s", c.Format, len(c.Tensors), m.Family)
	if c.Wrapper != "" {
		fmt.Fprintf(w, ", found under %q", c.Wrapper)
	}
	if c.Prefix != "" {
		fmt.Fprintf(w, ", without the prefix %q", c.Prefix)
	}
	fmt.Fprintf(w, "\n%s\n", describeNetwork(m.Network))
	fmt.Fprintf(w, "padding %s, batch norm epsilon %g, preprocessing: %s\n", config.Padding, config.BNEpsilon, describePreprocess(m.Preprocess))
	for _, n := range m.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintln(w)
}

// describeNetwork says in a line what a network is.
func describeNetwork(n *models.Network) string {
	c := n.Config
	variant, output := "", fmt.Sprintf("%d classes", c.Classes)
	if c.Variant != "" {
		variant = ", variant " + c.Variant
	}
	if c.NoHead {
		output = fmt.Sprintf("no classifier, %d outputs", n.OutputUnits())
	}
	return fmt.Sprintf("%s%s, alpha %g, input %dx%d, %s", c.Arch, variant, c.Alpha, c.Height, c.Width, output)
}

func describePreprocess(p models.Preprocess) string {
	size := "to the input's size whatever the aspect"
	if p.Resize > 0 {
		size = fmt.Sprintf("shorter side to %d, centre crop", p.Resize)
	}
	if p.Reduce > 0 {
		size = fmt.Sprintf("larger images first reduced to %d, ", p.Reduce) + size
	}
	return fmt.Sprintf("%s, %s, mean %.4g, std %.4g", size, p.Filter, p.Mean, p.Std)
}

// printTensors prints what rounding cost each tensor, and the totals.
func printTensors(w io.Writer, r *convert.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "tensor\tshape\ttype\tworst error\tSNR (dB)\t")
	worst, lowest := convert.TensorReport{}, convert.TensorReport{SNR: math.Inf(1)}
	flushed := 0
	for _, x := range r.Tensors {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t\n", x.Name, formatShape(x.Shape), x.DType, formatWorst(x.Worst), formatSNR(x.SNR))
		if x.Worst > worst.Worst {
			worst = x
		}
		if x.SNR < lowest.SNR {
			lowest = x
		}
		flushed += x.Flushed
	}
	t.Flush()
	exact := int64(4 * r.Parameters)
	fmt.Fprintf(w, "\n%d values, %.2f MB (float32: %.2f MB); %.1f M multiply-accumulates\n", r.Parameters, float64(r.Bytes)/1e6, float64(exact)/1e6, float64(r.MACs)/1e6)
	if worst.Name != "" {
		fmt.Fprintf(w, "largest error %s in %s; lowest SNR %s dB in %s", formatWorst(worst.Worst), worst.Name, formatSNR(lowest.SNR), lowest.Name)
		if flushed > 0 {
			fmt.Fprintf(w, "; %d values are too small for %s and become 0", flushed, weights.F16)
		}
		fmt.Fprintln(w)
	}
}

func formatShape(shape []int) string { return strings.ReplaceAll(fmt.Sprint(shape), " ", "x") }

func formatWorst(v float64) string {
	if v == 0 {
		return "exact"
	}
	return fmt.Sprintf("%.2e", v)
}

func formatSNR(v float64) string {
	if math.IsInf(v, 1) {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}
