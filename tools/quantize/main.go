// Command quantize turns checkpoints into blobs and looks into both.
//
//	go run ./tools/quantize COMMAND [flags]
//
// The commands are convert, recalibrate, inspect and summary; each explains itself
// with -h. README.md in this directory is the guide.
//
// The exit status is 0 if all went well, 1 if the work failed, 2 for wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: go run ./tools/quantize COMMAND [flags]

  convert      a checkpoint (PyTorch .pth, .safetensors, TensorFlow.js model.json) to a blob
  recalibrate  the same, with every batch norm's statistics estimated anew from images
  inspect      what a blob or a checkpoint holds, and what looks wrong with it
  summary      the layers of a network: shapes, parameters, multiply-accumulates; as text or SVG

Each explains its flags with -h.

Examples:
  go run ./tools/quantize convert -in mobilenet_v3_small-047dcff4.pth -out weights/small.safetensors
  go run ./tools/quantize inspect weights/small.safetensors
  go run ./tools/quantize summary -arch mobilenet_v2 -alpha 0.5 -classes 10
`

// command is a subcommand: it parses its arguments and does its work.
type command func(ctx context.Context, args []string, stdout, stderr io.Writer) error

var commands = map[string]command{
	"convert":     runConvert,
	"recalibrate": runRecalibrate,
	"inspect":     runInspect,
	"summary":     runSummary,
}

// usageError is a command line that cannot be understood.
type usageError struct{ detail string }

func (e usageError) Error() string { return e.detail }

// errReported is an error that the flag package has printed already.
var errReported = errors.New("reported")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	do, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "quantize: no command %q\n\n%s", args[0], usage)
		return exitUsage
	}
	err := do(ctx, args[1:], stdout, stderr)
	var wrong usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errReported):
		return exitUsage
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "quantize %s: %v (-h explains)\n", args[0], err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "quantize %s: %v\n", args[0], err)
	return exitFailed
}

// newFlags returns the flag set of a command whose help is text followed by the
// flags.
func newFlags(name, text string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: go run ./tools/quantize %s\nFlags:\n", text)
		flags.PrintDefaults()
	}
	return flags
}

// parse parses a command's arguments. Besides flags it takes at most operands
// arguments.
func parse(flags *flag.FlagSet, args []string, operands int) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errReported
	}
	if flags.NArg() > operands {
		return usageError{fmt.Sprintf("unexpected argument %q", flags.Arg(operands))}
	}
	return nil
}
