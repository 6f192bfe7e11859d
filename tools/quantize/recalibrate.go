package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/recalibrate"
)

const recalibrateUsage = `recalibrate -in CHECKPOINT -images DIR -out FILE [flags]

Estimates the mean and variance of every batch norm anew, by sending images
through the network layer by layer, and then converts as convert does. It is the
remedy for a network whose training loss is low and whose validation loss is high,
because training stopped before the running statistics settled (inspect warns of
them). The images need no labels; some 64 like those the network will see are
enough. Images of the input's size are not resized.

Examples:
  go run ./tools/quantize recalibrate -in best.pth -images photos/ -out mine.safetensors
  go run ./tools/quantize recalibrate -in best.pth -arch mobilenet_v3_small -variant article -classes 4 \
      -height 96 -width 96 -images train/ -count 256 -out mine.safetensors
`

func runRecalibrate(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("recalibrate", recalibrateUsage, stderr)
	var f conversionFlags
	f.register(flags)
	dir := flags.String("images", "", "`DIR`ectory of pictures, searched with the folders in it")
	count := flags.Int("count", 128, "`how many` of them to use, at even distances; 0 is all")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	o, err := f.resolve()
	if err != nil {
		return err
	}
	if *dir == "" || *count < 0 {
		return usageError{"-images is needed, and a -count of 0 or more"}
	}
	c, m, err := f.match(o)
	if err != nil {
		return err
	}
	defer c.Close()
	images, err := recalibrate.OpenFolder(*dir, *count, m.Network, m.Preprocess)
	if err != nil {
		return err
	}
	if shape := m.Network.InputShape(); images.Fitting == images.Len() && f.preset == "" && f.resize == "" {
		m.Preprocess.Resize = 0
		m.Notes = append(m.Notes, fmt.Sprintf("all images are %dx%d, the input's size: preprocessing is to resize to that, without a crop (-resize says otherwise)", shape.W, shape.H))
	}
	list, err := m.ReadAll(ctx)
	if err != nil {
		return err
	}
	bar := newProgress(stderr, "recalibrating")
	changes, err := recalibrate.Run(ctx, m.Network, list, images, recalibrate.Options{Progress: bar.step})
	bar.end()
	if err != nil {
		return err
	}
	printChanges(stdout, changes, images)
	return writeBlob(ctx, c, m, list, o, stdout, stderr)
}

// printChanges prints what the images changed in the statistics.
func printChanges(w io.Writer, changes []recalibrate.Change, images *recalibrate.Folder) {
	fmt.Fprintf(w, "statistics of %d batch norms from %d images", len(changes), images.Len())
	if images.Skipped > 0 {
		fmt.Fprintf(w, " (%d other files skipped)", images.Skipped)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "batch norm\tvariance\tmean\t")
	far := 0
	for _, c := range changes {
		mark := ""
		if math.Abs(math.Log2(c.Variance)) > 0.5 || c.Mean > 0.5 {
			mark = "*"
			far++
		}
		fmt.Fprintf(t, "%s\tx %.3g\tmoved by %.2f std\t%s\n", checkpoint.Printable(c.Name), c.Variance, c.Mean, mark)
	}
	t.Flush()
	fmt.Fprintf(w, "medians over channels; * %d were off by more than half an octave or half a standard deviation\n\n", far)
}
