package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// server serves the harness, the engines and the networks on the loopback
// interface, cross-origin isolated, and notes what was fetched.
type server struct {
	http.Server
	url   string
	roots map[string][]string // URL prefix -> folders, the first that has the file wins

	mu      sync.Mutex
	fetched map[string]string // URL path -> file
	cache   map[string][]byte
}

func serve(dir, work string, sites []string) (*server, error) {
	s := &server{fetched: map[string]string{}, cache: map[string][]byte{}}
	s.roots = map[string][]string{
		"/web/":          {filepath.Join(dir, "web")},
		"/peers/":        {filepath.Join(dir, "peers")},
		"/node_modules/": {filepath.Join(dir, "node_modules")},
		"/models/":       {filepath.Join(work, "models")},
		"/bundle/":       {filepath.Join(work, "bundle")},
		"/roofline/":     {"kernels/simd"},
	}
	for i, site := range sites {
		s.roots[sitePath(i)] = []string{filepath.Join(dir, "peer"), filepath.Join(work, "models"), site}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + listener.Addr().String()
	s.Handler = s
	go s.Serve(listener)
	return s, nil
}

// sitePath is where the server has the build of ours with index i.
func sitePath(i int) string { return fmt.Sprintf("/glance%d/", i) }

var mimeTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript",
	".wasm": "application/wasm", ".json": "application/json",
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Cache-Control", "no-cache")
	file, body := s.find(r.URL.Path)
	if body == nil {
		http.NotFound(w, r)
		return
	}
	if t := mimeTypes[filepath.Ext(file)]; t != "" {
		h.Set("Content-Type", t)
	}
	http.ServeContent(w, r, file, time.Time{}, bytes.NewReader(body))
}

func (s *server) find(path string) (string, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for prefix, dirs := range s.roots {
		name, ok := strings.CutPrefix(path, prefix)
		if !ok || !filepath.IsLocal(name) {
			continue
		}
		for _, d := range dirs {
			file := filepath.Join(d, filepath.FromSlash(name))
			body, ok := s.cache[file]
			if !ok {
				var err error
				if body, err = os.ReadFile(file); err != nil {
					continue
				}
				s.cache[file] = body
			}
			s.fetched[path] = file
			return file, body
		}
	}
	return "", nil
}

// forget starts a new list of what was fetched.
func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.fetched)
}

// download is what an app's visitor downloads to run one network, weights and
// harness left out.
type download struct {
	Files     []string
	Raw, Gzip int // bytes, as they are and with gzip -9
}

func (s *server) code() download {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d download
	for path, file := range s.fetched {
		ext := filepath.Ext(path)
		own := strings.HasPrefix(path, "/web/") || strings.HasPrefix(path, "/peers/") || strings.HasSuffix(path, "/peer.mjs")
		if own || (ext != ".js" && ext != ".mjs" && ext != ".wasm") {
			continue
		}
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		z.Write(s.cache[file])
		z.Close()
		d.Files = append(d.Files, path)
		d.Raw += len(s.cache[file])
		d.Gzip += b.Len()
	}
	sort.Strings(d.Files)
	return d
}
