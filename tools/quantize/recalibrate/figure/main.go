// Command figure draws what stale running statistics cost a network and what
// recalibrating gives back: the loss on validation images against the number of
// training batches.
//
//	python3 tools/quantize/recalibrate/figure/train.py DIR
//	go run ./tools/quantize/recalibrate/figure -run DIR -out tools/quantize/recalibration.svg
//
// DIR holds the checkpoints, calibration and validation pictures that train.py
// saved during a training. Every checkpoint is converted and measured with this
// project's engine, as it is and recalibrated.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	dir := flag.String("run", "", "`DIR` that train.py wrote")
	out := flag.String("out", "recalibration.svg", "`FILE` to draw to")
	flag.Parse()
	if err := run(context.Background(), *dir, *out); err != nil {
		fmt.Fprintln(os.Stderr, "figure:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, out string) error {
	training, err := readTraining(filepath.Join(dir, "training.csv"))
	if err != nil {
		return err
	}
	curves := []curve{
		{name: "training", points: training},
		{name: "validation, momentum 0.01"},
		{name: "validation, momentum 0.1"},
		{name: "validation, recalibrated"},
	}
	for _, p := range training {
		step := strconv.Itoa(int(p.x))
		for i, c := range []struct {
			momentum    string
			recalibrate bool
		}{{"0.01", false}, {"0.1", false}, {"0.01", true}} {
			r, err := measure(ctx, filepath.Join(dir, step+"_"+c.momentum+".pth"), dir, c.recalibrate)
			if err != nil {
				return err
			}
			fmt.Printf("%4s batches, momentum %-4s recalibrated %-5v  loss %7.4f  accuracy %5.1f %%\n", step, c.momentum, c.recalibrate, r.loss, 100*r.accuracy)
			curves[i+1].points = append(curves[i+1].points, point{p.x, r.loss})
		}
	}
	var drawing bytes.Buffer
	plot(&drawing, curves)
	return os.WriteFile(out, drawing.Bytes(), 0o644)
}

// readTraining reads the lines "step,loss" of a CSV file.
func readTraining(path string) ([]point, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []point
	for _, line := range slices.Collect(strings.Lines(string(text)))[1:] {
		var p point
		if _, err := fmt.Sscanf(line, "%f,%f", &p.x, &p.y); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		list = append(list, p)
	}
	return list, nil
}
