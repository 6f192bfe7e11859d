// Command classify says what is in pictures.
//
//	go run ./tools/classify [flags] IMAGE...
//
// It reads JPEG, PNG, GIF (the first frame) and WebP, from files or, for "-",
// from standard input, turns photos upright as their EXIF orientation says,
// prepares them as the model's metadata prescribes, and prints the most probable
// classes. See -h for flags and examples.
//
// The exit status is 0 if every input was classified, 1 if one or more were not,
// and 2 if nothing could be done: wrong usage, no such model.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // an input could not be classified
	exitUsage  = 2 // nothing could
)

// options are the command line.
type options struct {
	model, weights string
	backend        string
	threads        int
	height, width  int // of the network's input; 0 is the model's own

	top       int
	json      bool
	logits    bool
	embedding bool
	profile   bool
	maxPixels int

	tensor string
	images []string
}

const usage = `usage: go run ./tools/classify [flags] IMAGE...

Says what is in pictures (JPEG, PNG, GIF, WebP; "-" is standard input).

Examples:
  go run ./tools/classify photo.jpg
  go run ./tools/classify -model nsfw_mobilenet_v2 -top 3 -json *.png
  go run ./tools/classify -model path/to/mine.safetensors - < photo.webp
  go run ./tools/classify -profile photo.jpg               where the time goes, step by step
  go run ./tools/classify -embedding photo.jpg             the pooled features as a JSON array
  go run ./tools/classify -tensor in.f32 -height 224 -width 224 -logits

With -json every input gives one object on a line of its own:
  {"file":"photo.jpg","model":"...","predictions":[{"className":"...","probability":0.9}],"milliseconds":5.1}
and {"file":...,"model":...,"error":"..."} where it could not be read. The
milliseconds run from decoded pixels to probabilities.

The exit status is 1 if an input could not be classified, 2 if nothing could.

Flags:
`

// parse reads the command line.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("classify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.model, "model", "", "`NAME` of a model in the weights directory, or a .safetensors file (default the catalogue's first that is there)")
	flags.StringVar(&o.weights, "weights", "weights", "`directory` of the models")
	flags.StringVar(&o.backend, "backend", defaultBackend, "what computes: "+backendNames())
	flags.IntVar(&o.threads, "threads", min(runtime.NumCPU(), 8), "how many threads compute")
	flags.IntVar(&o.height, "height", 0, "height of the network's input in `pixels` (default the model's)")
	flags.IntVar(&o.width, "width", 0, "width of the network's input in `pixels` (default the model's)")
	flags.IntVar(&o.top, "top", 5, "how many classes to print")
	flags.BoolVar(&o.json, "json", false, "print one JSON object per input")
	flags.BoolVar(&o.logits, "logits", false, "print the raw logits as a JSON array instead of classes")
	flags.BoolVar(&o.embedding, "embedding", false, "print the pooled features as a JSON array instead of classes")
	flags.BoolVar(&o.profile, "profile", false, "print the time of every step of the network")
	flags.IntVar(&o.maxPixels, "max-pixels", 100_000_000, "refuse larger pictures before decoding them")
	flags.StringVar(&o.tensor, "tensor", "", "read a raw float32 little-endian NCHW tensor, already normalised, from `FILE` instead of pictures")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.images = flags.Args()
	if err := o.check(); err != nil {
		fmt.Fprintf(stderr, "classify: %v (-h explains)\n", err)
		return nil, err
	}
	return o, nil
}

func (o *options) check() error {
	switch {
	case o.tensor == "" && len(o.images) == 0:
		return errors.New("no pictures named")
	case o.tensor != "" && len(o.images) > 0:
		return fmt.Errorf("-tensor takes the place of pictures, but %s is named too", o.images[0])
	case o.logits && o.embedding:
		return errors.New("-logits and -embedding exclude each other")
	case o.json && (o.logits || o.embedding):
		return errors.New("-json goes with classes; -logits and -embedding print JSON arrays already")
	case o.profile && (o.logits || o.embedding):
		return errors.New("-profile does not go with -logits and -embedding")
	case o.top < 1:
		return fmt.Errorf("-top is %d, want 1 or more", o.top)
	case o.threads < 1 || o.threads > maxThreads:
		return fmt.Errorf("-threads is %d, want 1 to %d", o.threads, maxThreads)
	case o.height < 0 || o.width < 0:
		return fmt.Errorf("-height %d -width %d: want numbers of pixels", o.height, o.width)
	case backends[o.backend] == nil:
		return fmt.Errorf("unknown backend %q, there are %s", o.backend, backendNames())
	}
	return nil
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	c, err := load(o)
	if err != nil {
		fmt.Fprintf(stderr, "classify: %v\n", err)
		return exitUsage
	}
	defer c.close()
	out := &printer{options: o, classifier: c, w: stdout}
	status := exitOK
	inputs := o.images
	if o.tensor != "" {
		inputs = []string{o.tensor}
	}
	for _, name := range inputs {
		r, err := c.classify(name, stdin)
		if err != nil {
			fmt.Fprintf(stderr, "classify: %s: %v\n", name, err)
			status = exitFailed
			err = out.failure(name, err)
		} else {
			err = out.result(name, r)
		}
		if err != nil {
			fmt.Fprintf(stderr, "classify: %v\n", err)
			return exitFailed
		}
	}
	return status
}
