package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"glance/models"

	"github.com/chromedp/chromedp"
)

// engine is one configuration that is measured.
type engine struct {
	id, label, module string
	threads           int
	ownInput          bool // makes its own input; its result is not compared
	coldOnly          bool
	roofline          bool // not an engine: measures the machine
}

func engines(o options) []engine {
	var list []engine
	for _, t := range o.threads {
		of := func(name string) string { return fmt.Sprintf("%s, %d thread%s", name, t, plural(t)) }
		id := func(name string) string { return fmt.Sprintf("%s-%dt", name, t) }
		list = append(list, engine{id: id("glance"), label: of("Glance"), module: sitePath(0) + "peer.mjs", threads: t})
		for i, site := range o.against {
			list = append(list, engine{id: id(fmt.Sprintf("glance%d", i+1)), label: of("Glance of " + site), module: sitePath(i+1) + "peer.mjs", threads: t})
		}
		list = append(list,
			engine{id: id("litert"), label: of("LiteRT.js"), module: "/peers/litert.mjs", threads: t},
			engine{id: id("tfjs"), label: of("TensorFlow.js (wasm)"), module: "/peers/tfjs.mjs", threads: t},
			engine{id: id("ort"), label: of("ONNX Runtime Web"), module: "/peers/ort.mjs", threads: t})
		if t == 1 {
			list = append(list,
				engine{id: "roofline", module: "/peers/roofline.mjs", threads: 1, ownInput: true, roofline: true},
				engine{id: "mediapipe-1t", label: "MediaPipe (from an ImageBitmap), 1 thread", module: "/peers/mediapipe.mjs", threads: 1, ownInput: true},
				engine{id: "page", label: "page, worker and weights alone", module: "/peers/empty-page.mjs", threads: 1, coldOnly: true})
		}
	}
	kept := list[:0]
	for _, e := range list {
		if o.only.MatchString(e.id) {
			kept = append(kept, e)
		}
	}
	return kept
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// visitResult is what page.js queues in window.events: lines to show, then an
// error or the results by engine.
type visitResult struct {
	Line    string
	Error   string
	Results map[string]*engineResult
	Foreign float64 // share of the CPUs that other programs used
}

// engineResult is one engine in one visit.
type engineResult struct {
	Error      string
	LoadMs     float64
	FirstRunMs float64
	FirstMs    float64 // navigation to the first prediction
	Deviation  float64 // from the reference, relative to the largest logit
	Slices     []slice
}

// slice is some runs of one engine, next in time to the same slice of all others.
type slice struct {
	Times []float64          // ms
	Rates map[string]float64 // GMAC/s, from the roofline only
}

// browser is one Chromium.
type browser struct {
	ctx     context.Context
	cancel  func()
	version string
}

func launch(ctx context.Context, o options) (*browser, error) {
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(o.browser),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	alloc, cancelAlloc := chromedp.NewExecAllocator(ctx, flags...)
	tab, cancelTab := chromedp.NewContext(alloc)
	b := &browser{ctx: tab, cancel: func() { cancelTab(); cancelAlloc() }}
	version, err := chromedp.Run(tab, chromedp.Evaluate[string](`navigator.userAgent.match(/Chrome\/[\d.]+/)[0]`))
	if err != nil {
		b.cancel()
		return nil, fmt.Errorf("starting %s: %w", o.browser, err)
	}
	b.version = version
	return b, nil
}

// visit measures engines on one network in a fresh browser context, calling
// show with lines about its progress. Without slices it ends with the engines'
// first run, a cold start.
func (b *browser) visit(s *server, list []engine, arch models.Arch, slices int, warm time.Duration, show func(string)) (visitResult, error) {
	net, err := models.New(models.Config{Arch: arch})
	if err != nil {
		return visitResult{}, err
	}
	in := net.InputShape()
	what := map[string]any{"model": arch, "shape": []int{in.H, in.W}, "slices": slices, "warmMs": warm.Milliseconds()}
	var pageEngines []map[string]any
	for _, e := range list {
		pageEngines = append(pageEngines, map[string]any{"id": e.id, "module": e.module, "threads": e.threads, "ownInput": e.ownInput})
	}
	what["engines"] = pageEngines
	text, err := json.Marshal(what)
	if err != nil {
		return visitResult{}, err
	}
	time.Sleep(300 * time.Millisecond) // let the last visit's processes end
	tab, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	defer cancel()
	if err := chromedp.Do(tab); err != nil {
		return visitResult{}, err
	}
	const limit = 15 * time.Minute
	limited, stop := context.WithTimeout(tab, limit)
	defer stop()
	s.forget()
	before := readCPU()
	return chromedp.Run(limited, func(ctx context.Context, t *chromedp.Target) (visitResult, error) {
		page := s.url + "/web/page.html?" + url.Values{"visit": {string(text)}}.Encode()
		if err := chromedp.Do(ctx, chromedp.Navigate(page)); err != nil {
			return visitResult{}, err
		}
		for {
			r, err := chromedp.Run(ctx, chromedp.Poll[visitResult](`window.events?.shift()`, chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(limit)))
			switch {
			case err != nil:
				return r, err
			case r.Error != "":
				return r, errors.New(r.Error)
			case r.Results != nil:
				r.Foreign = before.foreign(readCPU())
				return r, nil
			}
			show(r.Line)
		}
	})
}

// cpuTicks counts the time all CPUs spent, and this program's share of it.
type cpuTicks struct{ busy, idle, own float64 }

// readCPU reads /proc; elsewhere than on Linux it reports nothing.
func readCPU() cpuTicks {
	var c cpuTicks
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return c
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, f := range strings.Fields(line)[1:] {
		v, _ := strconv.ParseFloat(f, 64)
		switch i {
		case 0, 1, 2, 5, 6: // user, nice, system, irq, softirq
			c.busy += v
		case 3, 4: // idle, iowait
			c.idle += v
		}
	}
	children, ticks := map[string][]string{}, map[string]float64{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		text := string(b)
		f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(f) < 13 {
			continue
		}
		user, _ := strconv.ParseFloat(f[11], 64)
		system, _ := strconv.ParseFloat(f[12], 64)
		ticks[e.Name()] = user + system
		children[f[1]] = append(children[f[1]], e.Name())
	}
	var walk func(pid string)
	walk = func(pid string) {
		c.own += ticks[pid]
		for _, k := range children[pid] {
			walk(k)
		}
	}
	walk(strconv.Itoa(os.Getpid()))
	return c
}

func (a cpuTicks) foreign(b cpuTicks) float64 {
	all := b.busy + b.idle - a.busy - a.idle
	if all <= 0 {
		return 0
	}
	return max(0, (b.busy-a.busy-(b.own-a.own))/all)
}
