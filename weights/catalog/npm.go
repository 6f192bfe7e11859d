package catalog

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// pack fetches an npm package's archive with the npm client, which knows the
// user's registry and proxies and checks the registry's integrity hash, into
// dst.
func (f *Fetcher) pack(ctx context.Context, s Source, dst string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not installed (it comes with node)")
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(dst), "npm-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	spec := s.Package + "@" + s.Version
	progress := f.start("npm pack "+spec, 0, -1)
	defer progress.Close()
	cmd := exec.CommandContext(ctx, npm, "pack", spec, "--pack-destination", ".", "--ignore-scripts",
		"--loglevel=error", "--fetch-retries=1", "--update-notifier=false")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("npm pack %s: %w: %s", spec, err, firstLine(out))
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack %s left %d archives, want 1", spec, len(archives))
	}
	return os.Rename(archives[0], dst)
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.TrimPrefix(line, "npm error ")
}

// unpack reads the files a source names from a package's archive and checks
// their sums.
func unpack(archive string, s Source) (map[string][]byte, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.File, err)
	}
	// Other files are skipped, but not without end.
	tr := tar.NewReader(io.LimitReader(zipped, 4*maxCheckpoint))
	found := map[string][]byte{}
	for len(found) < len(s.Files) {
		entry, err := tr.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		// npm puts everything below one directory, "package".
		_, name, _ := strings.Cut(path.Clean(entry.Name), "/")
		sum, wanted := s.Files[name]
		if !wanted || found[name] != nil {
			continue
		}
		if entry.Size > maxCheckpoint {
			return nil, fmt.Errorf("%s: %s has %d bytes, the limit is %d", s.File, name, entry.Size, maxCheckpoint)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.File, name, err)
		}
		h := sha256.New()
		h.Write(content)
		if err := checkSum(s.File+": "+name, h, sum, strings.NewReader(string(content[:min(64, len(content))]))); err != nil {
			return nil, err
		}
		found[name] = content
	}
	for name := range s.Files {
		if found[name] == nil {
			return nil, fmt.Errorf("%s: the package has no %s", s.File, name)
		}
	}
	return found, nil
}

// unwrap turns a layers-model that is wrapped in JavaScript modules into
// model.json and its shards in dir: model.min.js exports the one, and for every
// shard S a file S.min.js beside it exports the other in base64.
func unwrap(files map[string][]byte, dir string) error {
	var model string
	for name := range files {
		if path.Base(name) == "model.min.js" {
			model = name
		}
	}
	if model == "" {
		return errors.New("the package's files have no model.min.js")
	}
	modelJSON, err := moduleValue(files[model])
	if err != nil {
		return fmt.Errorf("%s: %w", model, err)
	}
	names, err := shards(modelJSON)
	if err != nil {
		return fmt.Errorf("%s: %w", model, err)
	}
	for _, shard := range names {
		wrapped := path.Join(path.Dir(model), shard+".min.js")
		src, ok := files[wrapped]
		if !ok {
			return fmt.Errorf("%s needs %s, which is not among the entry's files", model, wrapped)
		}
		b, err := moduleBytes(src)
		if err != nil {
			return fmt.Errorf("%s: %w", wrapped, err)
		}
		dst := filepath.Join(dir, filepath.FromSlash(shard))
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(dst, b, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "model.json"), modelJSON, 0o644)
}
