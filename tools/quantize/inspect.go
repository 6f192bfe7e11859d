package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/convert"
	"glance/tools/quantize/inspect"
	"glance/weights"
)

const inspectUsage = `inspect FILE

Prints what a blob or a checkpoint holds: metadata, tensors with the statistics of
their values, the network they make up, and warnings about what looks wrong.

Examples:
  go run ./tools/quantize inspect weights/mobilenet_v2.safetensors
  go run ./tools/quantize inspect best.pth
`

func runInspect(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("inspect", inspectUsage, stderr)
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError{"a FILE is needed"}
	}
	file := flags.Arg(0)
	c, err := checkpoint.Open(file)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(stdout, "%s: %s, %d tensors\n", file, c.Format, len(c.Tensors))
	warnings, err := printStatistics(stdout, c)
	if err != nil {
		return err
	}
	if _, blob := c.Metadata["glance"]; blob {
		warnings = append(warnings, inspectBlob(stdout, c)...)
	} else {
		more, err := inspectCheckpoint(stdout, c, file)
		if err != nil {
			return err
		}
		warnings = append(warnings, more...)
	}
	fmt.Fprintln(stdout)
	for _, w := range warnings {
		fmt.Fprintf(stdout, "warning: %s\n", w)
	}
	if len(warnings) == 0 {
		fmt.Fprintln(stdout, "nothing looks wrong")
	}
	return nil
}

// printStatistics prints a line for each tensor.
func printStatistics(w io.Writer, c *checkpoint.Checkpoint) (warnings []string, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "tensor\tshape\ttype\tmin\tmax\tmean\tstd\tzeros\t")
	for _, x := range c.Tensors {
		s, err := inspect.Of(x)
		if err != nil {
			return nil, err
		}
		zeros := "-"
		if s.Zeros > 0 {
			zeros = fmt.Sprintf("%.1f %%", 100*float64(s.Zeros)/float64(s.Count))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.4g\t%.4g\t%.4g\t%.4g\t%s\t\n", checkpoint.Printable(x.Name), formatShape(x.Shape), x.DType, s.Min, s.Max, s.Mean, s.Std, zeros)
		if s.NonFinite > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: %d of %d values are NaN or infinite", checkpoint.Printable(x.Name), s.NonFinite, s.Count))
		}
	}
	return warnings, t.Flush()
}

// inspectBlob prints a blob's metadata and holds it against its network.
func inspectBlob(w io.Writer, c *checkpoint.Checkpoint) (warnings []string) {
	fmt.Fprintln(w)
	for _, key := range slices.Sorted(maps.Keys(c.Metadata)) {
		value := c.Metadata[key]
		if lines := strings.Split(value, "\n"); len(lines) > 1 {
			value = fmt.Sprintf("%d lines, from %q to %q", len(lines), lines[0], lines[len(lines)-1])
		}
		fmt.Fprintf(w, "%s: %s\n", checkpoint.Printable(key), checkpoint.Printable(value))
	}
	config, _, err := models.ConfigFromMetadata(c.Metadata)
	if err != nil {
		return []string{err.Error()}
	}
	n, err := models.New(config)
	if err != nil {
		return []string{err.Error()}
	}
	fmt.Fprintf(w, "\n%s: %d parameters before folding, %.1f M multiply-accumulates\n", describeNetwork(n), n.Params(), float64(n.MACs())/1e6)
	f := &weights.File{Metadata: c.Metadata}
	for _, t := range c.Tensors {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape})
	}
	if err := n.Check(f); err != nil {
		warnings = append(warnings, err.Error())
	}
	if _, err := models.Labels(c.Metadata, n.OutputUnits()); err != nil {
		warnings = append(warnings, err.Error())
	}
	return warnings
}

// inspectCheckpoint says what network a checkpoint is of and looks at its batch
// norms.
func inspectCheckpoint(w io.Writer, c *checkpoint.Checkpoint, file string) ([]string, error) {
	fmt.Fprintln(w)
	var warnings []string
	m, err := convert.MatchCheckpoint(c, convert.Options{})
	var misfit *convert.Error
	switch {
	case err == nil:
		printSource(w, c, m)
	case errors.As(err, &misfit):
		warnings = append(warnings, err.Error())
	default:
		return nil, err
	}
	stale, err := inspect.BatchNorms(c)
	for _, s := range stale {
		warnings = append(warnings, fmt.Sprintf("%s\n  what to do: go run ./tools/quantize recalibrate -in %s -images DIR -out FILE, with a folder of some 64 images "+
			"like those it will see (no labels needed)", s, file))
	}
	return warnings, err
}
