package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// HashError reports a file whose content is not what the catalogue says.
type HashError struct {
	File      string
	Want, Got string // sha-256 in hexadecimal; Want may be its start only
	WebPage   bool   // the content starts like HTML
}

func (e *HashError) Error() string {
	hint := "it is damaged, or was replaced at its source; nothing of it is used (fetch again, or set WEIGHTS_MIRROR to where a good copy is)"
	if e.WebPage {
		hint = "it is a web page, probably an error message served in its place"
	}
	return fmt.Sprintf("%s: sha-256 is %s, the catalogue says %s: %s", e.File, e.Got, e.Want, hint)
}

// location is where files can be had: a directory, or a base address.
type location struct {
	dir  string   // a local directory, or
	base *url.URL // a base address, to which file names are added
	name string   // for messages
}

// at returns the location that a mirror's DIR or URL stands for.
func at(mirror string) (location, error) {
	if !strings.HasPrefix(mirror, "http://") && !strings.HasPrefix(mirror, "https://") {
		return location{dir: mirror, name: mirror}, nil
	}
	u, err := url.Parse(mirror)
	if err != nil {
		return location{}, fmt.Errorf("mirror: %w", err)
	}
	return location{base: u, name: u.Redacted()}, nil
}

var (
	// errAbsent is what a location answers that does not have a file.
	errAbsent = errors.New("not there")
	// errRange is what it answers if the file is no longer than the offset.
	errRange = errors.New("no such range")
)

// open opens a file at a location from byte offset on. start is where the
// content really starts (a server may not know ranges), size that of the whole
// file, -1 if unknown.
func (f *Fetcher) open(ctx context.Context, l location, file string, offset int64) (r io.ReadCloser, start, size int64, err error) {
	if l.dir != "" {
		r, err := os.Open(filepath.Join(l.dir, filepath.FromSlash(file)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, 0, 0, errAbsent
		} else if err != nil {
			return nil, 0, 0, err
		}
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			r.Close()
			return nil, 0, 0, fmt.Errorf("%s is no file", r.Name())
		}
		return r, 0, info.Size(), nil
	}
	u := l.base.JoinPath(file)
	if earlier := f.silent[u.Host]; earlier != nil {
		return nil, 0, 0, earlier
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, 0, err
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := f.client().Do(req)
	if err != nil {
		cause := context.Cause(ctx)
		if cause == errStalled {
			err = fmt.Errorf("%s did not answer for %v", u.Host, f.timeout())
		} else {
			err = unanswered(u.Host, err)
		}
		if cause == nil || cause == errStalled { // not the user's wish
			f.silent[u.Host] = err
		}
		return nil, 0, 0, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if t := resp.Header.Get("Content-Type"); strings.HasPrefix(t, "text/html") {
			resp.Body.Close()
			return nil, 0, 0, fmt.Errorf("%s answers with a web page (%s), not with the file", u.Redacted(), t)
		}
		return resp.Body, 0, resp.ContentLength, nil
	case http.StatusPartialContent:
		if strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)) {
			size := int64(-1)
			if resp.ContentLength >= 0 {
				size = offset + resp.ContentLength
			}
			return resp.Body, offset, size, nil
		}
		err = fmt.Errorf("%s answers with another range than asked for", u.Redacted())
	case http.StatusRequestedRangeNotSatisfiable:
		err = errRange
	case http.StatusNotFound, http.StatusGone:
		err = fmt.Errorf("%w (%s)", errAbsent, resp.Status)
	default:
		err = fmt.Errorf("%s answers %s", u.Redacted(), resp.Status)
	}
	resp.Body.Close()
	return nil, 0, 0, err
}

// unanswered says in one line why a host was not reached.
func unanswered(host string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Errorf("%s cannot be reached: its name does not resolve (no network?)", host)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("%s does not answer: %w", host, err)
}

// download brings a file from a location to dst, which appears only when it is
// complete and its sha-256 starts with sum. With a sum an interrupted download
// continues where it stopped.
func (f *Fetcher) download(ctx context.Context, l location, file, dst, sum string, limit int64) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	part := dst + ".part"
	var offset int64
	if info, err := os.Stat(part); err == nil && sum != "" && l.base != nil {
		offset = info.Size()
	}
	resumed, err := f.transfer(ctx, l, file, part, sum, limit, offset)
	var wrong *HashError
	if resumed && errors.As(err, &wrong) || errors.Is(err, errRange) { // the part may be another file's
		_, err = f.transfer(ctx, l, file, part, sum, limit, 0)
	}
	if err != nil {
		return err
	}
	return os.Rename(part, dst)
}

// transfer reads a file into part, from byte offset on if the server can, and
// checks its sum. It reports whether it did continue at an offset.
func (f *Fetcher) transfer(ctx context.Context, l location, file, part, sum string, limit, offset int64) (resumed bool, err error) {
	ctx, watch := f.watch(ctx)
	defer watch.stop()
	r, start, size, err := f.open(ctx, l, file, offset)
	if err != nil {
		return false, err
	}
	defer r.Close()
	if size > limit {
		return false, fmt.Errorf("%s has %d bytes, the limit is %d", file, size, limit)
	}
	out, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return false, err
	}
	defer func() {
		out.Close()
		var wrong *HashError
		if err != nil && (sum == "" || errors.As(err, &wrong)) {
			os.Remove(part)
		}
	}()
	h := sha256.New()
	if _, err := io.CopyN(h, out, start); err != nil {
		return false, err
	}
	if err := out.Truncate(start); err != nil {
		return false, err
	}
	progress := f.start(file, start, size)
	n, err := io.Copy(io.MultiWriter(out, h, progress, watch), io.LimitReader(r, limit-start+1))
	progress.Close()
	switch n += start; {
	case err != nil:
		return start > 0, watch.explain(fmt.Errorf("%s broke off after %d bytes: %w", file, n, err))
	case n > limit:
		return start > 0, fmt.Errorf("%s has more than the limit of %d bytes", file, limit)
	case size >= 0 && n != size:
		return start > 0, fmt.Errorf("%s broke off after %d of %d bytes", file, n, size)
	}
	if err := checkSum(file, h, sum, out); err != nil {
		return start > 0, err
	}
	return start > 0, out.Sync()
}

// checkSum compares a finished hash with a sum, or its start.
func checkSum(file string, h hash.Hash, sum string, content io.ReaderAt) error {
	got := hex.EncodeToString(h.Sum(nil))
	if strings.HasPrefix(got, sum) {
		return nil
	}
	var first [64]byte
	n, _ := content.ReadAt(first[:], 0)
	return &HashError{File: file, Want: sum, Got: got, WebPage: bytes.HasPrefix(bytes.TrimSpace(first[:n]), []byte("<"))}
}

// verified reports whether a file is there and has the sum.
func verified(path, sum string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return false
	}
	return checkSum(path, h, sum, file) == nil
}

// watch cancels a transfer in which nothing arrives for as long as the fetcher's
// timeout.
type watch struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
	ctx     context.Context
}

var errStalled = errors.New("nothing arrived")

func (f *Fetcher) watch(ctx context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{timeout: f.timeout(), cancel: cancel, ctx: ctx}
	w.timer = time.AfterFunc(w.timeout, func() { cancel(errStalled) })
	return ctx, w
}

// Write takes note that data came.
func (w *watch) Write(p []byte) (int, error) {
	w.timer.Reset(w.timeout)
	return len(p), nil
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain replaces the error of a cancelled request by why it was cancelled.
func (w *watch) explain(err error) error {
	if context.Cause(w.ctx) == errStalled {
		return fmt.Errorf("nothing arrived for %v, gave up", w.timeout)
	}
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	return err
}
