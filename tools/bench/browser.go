package main

import (
	"context"
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
		list = append(list,
			engine{id: id("glance"), label: of("Glance"), module: "/extra/peer.mjs", threads: t},
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

// visitResult is what page.js leaves in window.result.
type visitResult struct {
	Error      string
	Times      []float64 // ms
	LoadMs     float64
	FirstRunMs float64
	FirstMs    float64 // navigation to the first prediction
	Deviation  float64 // from the reference, relative to the largest logit
	Info       map[string]any
	Rates      map[string]float64 // GMAC/s, from the roofline only
	Foreign    float64            // share of the CPUs that other programs used
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

// visit measures one engine on one network in a fresh browser context. Without
// runs it is a cold start.
func (b *browser) visit(s *server, e engine, arch models.Arch, runs int, warm time.Duration) visitResult {
	net, err := models.New(models.Config{Arch: arch})
	if err != nil {
		return visitResult{Error: err.Error()}
	}
	in := net.InputShape()
	q := url.Values{"engine": {e.module}, "model": {string(arch)}, "threads": {strconv.Itoa(e.threads)},
		"height": {strconv.Itoa(in.H)}, "width": {strconv.Itoa(in.W)}}
	if !e.ownInput {
		q.Set("input", "/models/"+string(arch)+".input.bin")
	}
	if runs > 0 {
		q.Set("reference", "/models/"+string(arch)+".logits.bin")
		q.Set("runs", strconv.Itoa(runs))
		q.Set("warmMs", strconv.FormatInt(warm.Milliseconds(), 10))
	}
	time.Sleep(300 * time.Millisecond) // let the last visit's processes end
	tab, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	defer cancel()
	if err := chromedp.Do(tab); err != nil {
		return visitResult{Error: err.Error()}
	}
	limited, stop := context.WithTimeout(tab, 5*time.Minute)
	defer stop()
	s.forget()
	before := readCPU()
	r, err := chromedp.Run(limited, func(ctx context.Context, t *chromedp.Target) (visitResult, error) {
		if err := chromedp.Do(ctx, chromedp.Navigate(s.url+"/web/page.html?"+q.Encode())); err != nil {
			return visitResult{}, err
		}
		return chromedp.Run(ctx, chromedp.Poll[visitResult](`window.result`, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(5*time.Minute)))
	})
	if err != nil {
		r.Error = err.Error()
	}
	r.Foreign = before.foreign(readCPU())
	return r
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
