// Command bench times our engine and its peers on the same networks, with the
// same weights, interleaved in one run of one Chromium, and prints Markdown.
//
//	go run ./tools/bench [flags]        (make bench installs the peers first)
//
// Every engine gets a worker of its own in one fresh page for each network and
// round, and the page times them in turns: two runs untimed, five timed, the next
// engine. So a slice of one engine is next to the same slice of the others, and
// their ratio holds though a shared machine's speed changes by half from second
// to second. A timed run takes a normalised float32 image that is in memory
// already and ends with the logits in JavaScript. All engines must agree with the
// pure-Go reference, else the cell says so. The machine's own bound, the
// roofline, is one of the engines.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"glance/models"
)

// options are the command's flags.
type options struct {
	models  []models.Arch
	threads []int
	rounds  int
	slices  int
	warm    time.Duration
	cold    int
	only    *regexp.Regexp
	site    string
	against []string // other built sites
	out     string
	browser string
}

var titles = map[models.Arch]string{
	models.MobileNetV1: "V1", models.MobileNetV2: "V2", models.MobileNetV3Small: "V3-small", models.MobileNetV3Large: "V3-large",
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	archs := fs.String("models", "mobilenet_v1,mobilenet_v2,mobilenet_v3_small,mobilenet_v3_large", "networks, comma separated")
	threads := fs.String("threads", "1,2", "thread counts, comma separated")
	only := fs.String("only", "", "regular expression: only engines whose id matches, such as '^(glance|litert)'")
	fs.IntVar(&o.rounds, "rounds", 2, "rounds, each in a new browser")
	fs.IntVar(&o.slices, "slices", 12, "slices of five runs that every engine gets of each network and round, in turns")
	fs.DurationVar(&o.warm, "warm", 1500*time.Millisecond, "warm-up of every engine before the slices")
	fs.IntVar(&o.cold, "cold", 5, "cold starts an engine (the first network listed last), 0 for none")
	fs.StringVar(&o.site, "site", "", "a built site to measure (default: build one)")
	against := fs.String("against", "", "other built sites to measure as well, comma separated: how a change shows")
	fs.StringVar(&o.out, "out", "", "also write the Markdown to this file")
	fs.StringVar(&o.browser, "chromium", "chromium", "browser to run")
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: go run ./tools/bench [flags]\n\nTimes our engine and its peers side by side in Chromium and prints Markdown.\nmake bench installs the peers from npm and runs it with the defaults.\n\n")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	for _, a := range strings.Split(*archs, ",") {
		if titles[models.Arch(a)] == "" {
			return o, fmt.Errorf("-models: no network %q", a)
		}
		o.models = append(o.models, models.Arch(a))
	}
	for _, t := range strings.Split(*threads, ",") {
		n, err := strconv.Atoi(t)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-threads: %q is not a number from 1", t)
		}
		o.threads = append(o.threads, n)
	}
	if o.rounds < 1 || o.slices < 1 || o.cold < 0 {
		return o, errors.New("-rounds and -slices must be 1 or more, -cold 0 or more")
	}
	if *against != "" {
		o.against = strings.Split(*against, ",")
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	const dir = "tools/bench"
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		return fmt.Errorf("the peers are not installed in %s: run `npm --prefix %s ci` in the project's root, or make bench", dir, dir)
	}
	work, err := filepath.Abs("build/bench")
	if err != nil {
		return err
	}
	if err := prepare(ctx, o, dir, work); err != nil {
		return err
	}
	site := o.site
	if site == "" {
		site = filepath.Join(work, "site")
	}
	server, err := serve(dir, work, append([]string{site}, o.against...))
	if err != nil {
		return err
	}
	defer server.Close()
	results, err := measure(ctx, o, server)
	if err != nil {
		return err
	}
	text := results.markdown(o)
	fmt.Print(text)
	if o.out != "" {
		return os.WriteFile(o.out, []byte(text), 0o644)
	}
	return nil
}
