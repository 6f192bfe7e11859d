package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

//go:embed measure.js
var script []byte

// job is what measure.js measures.
type job struct {
	Modules []module    `json:"modules"`
	Roofs   [][]byte    `json:"roofs"`
	Cases   []benchCase `json:"cases"`
	Slice   float64     `json:"slice"` // milliseconds
	Warm    float64     `json:"warm"`  // milliseconds
	Rounds  int         `json:"rounds"`
}

type module struct {
	Name    string `json:"name"`
	Code    []byte `json:"code"`
	Threads int    `json:"threads"`
}

// result is what it answers.
type result struct {
	Times map[string]map[string][]float64 `json:"times"` // microseconds, by case and variant
	Roof  map[string][]float64            `json:"roof"`  // GMAC/s, by roofline kernel

	// Steps are the microseconds of each step of a case, by case, variant and step.
	Steps map[string]map[string][][]float64 `json:"steps"`
}

// inNode runs a job in node.
func inNode(j job) (r result, err error) {
	file, err := os.CreateTemp("", "measure-*.mjs")
	if err != nil {
		return r, err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(script); err != nil {
		return r, err
	}
	file.Close()
	input, err := json.Marshal(j)
	if err != nil {
		return r, err
	}
	cmd := exec.Command("node", file.Name())
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("node: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}

// inChromium runs a job in a worker of a cross-origin isolated page, whose
// clock has a resolution of 5 microseconds.
func inChromium(j job) (r result, err error) {
	input, err := json.Marshal(j)
	if err != nil {
		return r, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	serve := func(kind string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Embedder-Policy", "require-corp")
			w.Write(body)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/", serve("text/html", []byte("<!doctype html><title>bench</title>")))
	mux.Handle("/measure.js", serve("text/javascript", script))
	mux.Handle("/job.json", serve("application/json", input))
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	defer server.Close()

	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.NoSandbox, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-gpu", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	type reply struct {
		Result result `json:"result"`
		Error  string `json:"error"`
	}
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+listener.Addr().String()+"/")); err != nil {
		return r, err
	}
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[reply](`new Promise(async (resolve) => {
			const worker = new Worker('/measure.js', { type: 'module' });
			worker.onmessage = ({ data }) => resolve(data);
			worker.onerror = (e) => resolve({ error: e.message });
			worker.postMessage(await (await fetch('/job.json')).json());
		})`, chromedp.EvalAwaitPromise))
	if err != nil {
		return r, err
	}
	if answer.Error != "" {
		return r, fmt.Errorf("chromium: %s", answer.Error)
	}
	return answer.Result, nil
}
