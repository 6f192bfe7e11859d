// Command site builds the static site: the WebAssembly programs, the kernel
// modules, the files of site/, the weights that are there, and a list of them.
//
//	go run ./tools/site [-out build/site] [-weights weights] [-isolate=false] [-package build/package]
//
// The folder it writes can be served by any static host, under any path. With
// -package it also writes the npm package, for npm pack or npm install.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"glance/tools/site/assemble"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("site", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", filepath.Join("build", "site"), "`folder` to write")
	weights := flags.String("weights", "weights", "`folder` with the .safetensors files")
	isolate := flags.Bool("isolate", true, "let the service worker add COOP and COEP, which threads need, where the host sends none")
	pack := flags.String("package", "", "`folder` to write the npm package to as well")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: site [-out build/site] [-weights weights] [-isolate=false] [-package build/package]\n\nBuilds the static site.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; the folder is given with -out", flags.Arg(0))
	}
	if *pack != "" && filepath.Clean(*pack) == filepath.Clean(*out) {
		return fmt.Errorf("the site and the package cannot both be in %s", *out)
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	report, err := assemble.Site(assemble.Options{
		Root: strings.TrimSpace(string(root)), Out: *out, Weights: *weights, Compress: true, NoIsolation: !*isolate,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d models, %.0f KiB of code to run one (gzip), %.0f KiB for the page\n",
		*out, len(report.Models), kib(report.Packed(assemble.EngineFiles)), kib(report.Packed(assemble.PageFiles)))
	if len(report.Models) == 0 {
		fmt.Fprintf(stdout, "%s: there are no weights in %s, so the page has nothing to run: go run ./tools/fetch\n", *out, *weights)
	}
	if *pack == "" {
		return nil
	}
	if err := assemble.Package(strings.TrimSpace(string(root)), *out, *pack); err != nil {
		return fmt.Errorf("package: %w", err)
	}
	fmt.Fprintf(stdout, "%s: npm package; npm pack makes a tarball of it\n", *pack)
	return nil
}

func kib(bytes int64) float64 { return float64(bytes) / 1024 }
