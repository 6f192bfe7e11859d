// Command evaluate measures a model on labelled pictures with this project's own
// engine: top-1, top-5, cross entropy and calibration.
//
//	go run ./tools/evaluate -model FILE -list LABELS.csv [flags]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"github.com/schollz/progressbar/v3"

	"glance/kernels"
	"glance/kernels/simd"
	"glance/kernels/twin"
	"glance/models"
	"glance/tools/picture"
	"glance/weights"
)

const usage = `usage: go run ./tools/evaluate -model FILE -list LABELS [flags]

Measures a model on labelled pictures: top-1, top-5, cross entropy (nats) and
expected calibration error. Pictures are prepared as the model's metadata says.

LABELS has lines of a picture and its class, divided by a tab or a comma. A class
is a label of the model, a line of -classes (such as WordNet ids in the order of
the model's classes), or an index.

Example, Tiny ImageNet:
  sort tiny-imagenet-200/wnids.txt > /tmp/ids
  go run ./tools/evaluate -model weights/mine.safetensors -classes /tmp/ids \
    -list tiny-imagenet-200/val/val_annotations.txt -dir tiny-imagenet-200/val/images

Flags:
`

type options struct {
	model, list, dir, classes, calibration, backend string
	maxPixels                                       int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.model, "model", "", ".safetensors `file`")
	flags.StringVar(&o.list, "list", "", "`file` of pictures and classes")
	flags.StringVar(&o.dir, "dir", "", "`folder` that the list's paths start from (default the list's own)")
	flags.StringVar(&o.classes, "classes", "", "`file` with the name of each class as the list has it, in the model's order")
	flags.StringVar(&o.calibration, "calibration", "", "write confidence and accuracy in 15 bins to this CSV `file`")
	flags.StringVar(&o.backend, "backend", "simd", "what computes: simd or go")
	flags.IntVar(&o.maxPixels, "max-pixels", 100e6, "largest picture that is decoded, in `pixels`")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if o.model == "" || o.list == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "evaluate: give -model and -list, and nothing without a flag; -h explains")
		return 2
	}
	if o.dir == "" {
		o.dir = filepath.Dir(o.list)
	}
	s, err := evaluate(ctx, o, stderr)
	if err == nil && o.calibration != "" {
		err = writeFile(o.calibration, s.writeCalibration)
	}
	if err != nil {
		fmt.Fprintf(stderr, "evaluate: %v\n", err)
		return 1
	}
	s.print(stdout)
	return 0
}

func evaluate(ctx context.Context, o options, stderr io.Writer) (*score, error) {
	blob, err := os.ReadFile(o.model)
	if err != nil {
		return nil, err
	}
	f, err := weights.ParseHeader(blob, int64(len(blob)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.model, err)
	}
	m, err := machine(o.backend, runtime.NumCPU())
	if err != nil {
		return nil, err
	}
	defer m.Close()
	session, err := models.LoadBytes(m, blob, models.PlanOptions{Threads: m.Threads()})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.model, err)
	}
	outputs := session.Network().OutputUnits()
	labels, err := models.Labels(f.Metadata, outputs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.model, err)
	}
	pictures, err := readList(o.list, o.dir, o.classes, labels, outputs)
	if err != nil {
		return nil, err
	}

	bar := progressbar.NewOptions(len(pictures), progressbar.OptionSetWriter(stderr), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("pictures"), progressbar.OptionThrottle(2e8), progressbar.OptionClearOnFinish())
	s := &score{}
	var logits []float32
	for _, p := range pictures {
		if ctx.Err() != nil {
			return nil, errors.New("interrupted")
		}
		if err := classify(session, p.path, o.maxPixels); err != nil {
			return nil, fmt.Errorf("%s: %w", p.path, err)
		}
		logits = session.Logits(logits[:0])
		s.add(logits, p.class)
		bar.Add(1)
	}
	bar.Finish()
	return s, nil
}

// machine returns what computes, on that many cores.
func machine(backend string, cores int) (kernels.Machine, error) {
	threads := min(cores, models.MaxThreads)
	switch backend {
	case "simd":
		return simd.New(simd.Options{Threads: threads})
	case "go":
		return twin.New(twin.Options{Threads: threads}), nil
	}
	return nil, fmt.Errorf("no backend %q, there are simd and go", backend)
}

// classify runs the network on a picture.
func classify(s *models.Session, path string, maxPixels int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	img, err := picture.Decode(data, maxPixels)
	if err != nil {
		return err
	}
	if err := s.SetPixels(img.Pix, img.Width, img.Height); err != nil {
		return err
	}
	return s.Run()
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
