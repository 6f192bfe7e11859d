// Command build puts the edge worker together, for wrangler to run or to deploy:
//
//	go run ./wasm/edge/build [-out build/edge] [-weights weights] [-models NAME,NAME] [-config wasm/edge/wrangler.jsonc]
//
// wrangler.jsonc expects it in build/edge. The weights become assets, which anybody can
// fetch, unless WEIGHTS_SOURCE in the configuration says that they come from elsewhere.
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

	"glance/wasm/edge"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	root := strings.TrimSpace(string(output))
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", filepath.Join(root, "build", "edge"), "`folder` to write")
	weights := flags.String("weights", filepath.Join(root, "weights"), "`folder` with the .safetensors files")
	models := flags.String("models", "", "`names` of the models to deploy, separated by commas, the default first (default all that are there)")
	config := flags.String("config", filepath.Join(root, "wasm", "edge", "wrangler.jsonc"), "wrangler's configuration: a `file` whose WEIGHTS_SOURCE says whether the weights become assets")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: build [-out build/edge] [-weights weights] [-models NAME,NAME] [-config wrangler.jsonc]\n\nBuilds the edge worker.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; the models are named with -models", flags.Arg(0))
	}
	o := edge.Options{Root: root, Out: *out, Weights: *weights, Config: *config}
	if *models != "" {
		o.Models = strings.Split(*models, ",")
	}
	report, err := edge.Build(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: upload %.0f KiB, gzip %.0f KiB (limit 3072 on the free plan)\n", *out, kib(report.Upload), kib(report.Packed))
	if report.Source != "assets" {
		fmt.Fprintf(stdout, "  the weights are not among the assets: WEIGHTS_SOURCE is %s, put them there with wrangler\n", report.Source)
	}
	for _, m := range report.Models {
		fmt.Fprintf(stdout, "  %-28s %6.0f KiB of weights, %6.0f KiB in memory\n", m.Name, kib(m.Bytes), kib(int64(m.Memory)))
	}
	return nil
}

func kib(bytes int64) float64 { return float64(bytes) / 1024 }
