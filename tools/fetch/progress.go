package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows what goes on: bars on a terminal, else a line for each thing
// that is started.
type progress struct {
	w        io.Writer
	terminal bool
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) note(line string) { fmt.Fprintln(p.w, line) }

// transfer shows a download; what arrives is written to the result.
func (p *progress) transfer(file string, done, size int64) io.WriteCloser {
	if p.terminal {
		bar := p.bar(file, size, progressbar.OptionShowBytes(true))
		bar.Set64(done)
		return bar
	}
	switch {
	case done > 0:
		p.note(fmt.Sprintf("fetching %s, from byte %d on", file, done))
	case size > 0:
		p.note(fmt.Sprintf("fetching %s, %.1f MB", file, float64(size)/1e6))
	default:
		p.note("fetching " + file)
	}
	return nothing{}
}

// steps shows work of a known number of steps: a function to call after each and
// one for the end.
func (p *progress) steps(what string) (step func(done, total int), end func()) {
	if !p.terminal {
		p.note(what)
		return nil, func() {}
	}
	bar := p.bar(what, -1)
	return func(done, total int) {
		bar.ChangeMax(total)
		bar.Set(done)
	}, func() { bar.Close() }
}

func (p *progress) bar(what string, size int64, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size, append(more,
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSpinnerType(14),
	)...)
}

type nothing struct{}

func (nothing) Write(b []byte) (int, error) { return len(b), nil }
func (nothing) Close() error                { return nil }
