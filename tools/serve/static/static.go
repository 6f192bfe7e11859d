// Package static serves a folder over HTTP as a production host of the site
// should: see [Handler].
package static

import (
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Policy is the Content-Security-Policy of every answer. Only compiling
// WebAssembly is allowed beyond what the site's own files do.
const Policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' blob: data:; media-src 'self' blob: mediastream:; connect-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options configures a [Handler].
type Options struct {
	// Isolate sends COOP and COEP, so that pages are cross-origin isolated and may
	// use threads.
	Isolate bool
}

// types are the media types of the site's files: Go's table depends on the
// machine's, and streaming compilation wants application/wasm exactly.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".safetensors": "application/octet-stream",
	".svg":         "image/svg+xml",
	".ts":          "text/plain; charset=utf-8",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
}

// Headers are the header fields that every answer has, names and values, in the
// order to list them in.
func Headers(o Options) [][2]string {
	fields := [][2]string{
		{"Cache-Control", "no-cache"},
		{"Content-Security-Policy", Policy},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
	}
	if o.Isolate {
		fields = append(fields, [2]string{"Cross-Origin-Opener-Policy", "same-origin"}, [2]string{"Cross-Origin-Embedder-Policy", "require-corp"})
	}
	return fields
}

// Handler serves the files below dir. A folder answers with its index.html; a
// request that accepts gzip gets NAME.gz, where that exists, as the encoded form
// of NAME, without ranges. Files are revalidated on every use, which costs an
// answer without a body. Hidden files and links that lead out of dir are not
// served. Requests other than GET and HEAD are refused.
func Handler(dir string, o Options) http.Handler {
	root, err := os.OpenRoot(dir)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, field := range Headers(o) {
			h.Set(field[0], field[1])
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		if err != nil {
			http.Error(w, "the folder cannot be opened", http.StatusInternalServerError)
			return
		}
		name, ok := fileName(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		serve(w, r, root, name)
	})
}

// fileName turns the path of a request into a name below the root.
func fileName(p string) (string, bool) {
	if strings.HasSuffix(p, "/") {
		p += "index.html"
	}
	name := strings.TrimPrefix(path.Clean("/"+p), "/")
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return filepath.FromSlash(name), filepath.IsLocal(name)
}

func serve(w http.ResponseWriter, r *http.Request, root *os.Root, name string) {
	f, info, ok := open(root, name)
	if !ok {
		if d, err := root.Stat(name); err == nil && d.IsDir() {
			http.Redirect(w, r, path.Base(r.URL.Path)+"/", http.StatusMovedPermanently)
			return
		}
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	tag := strconv.FormatInt(info.Size(), 36) + "-" + strconv.FormatInt(info.ModTime().UnixNano(), 36)

	if packed, packedInfo, ok := open(root, name+".gz"); ok {
		defer packed.Close()
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header) && !packedInfo.ModTime().Before(info.ModTime()) {
			// Ranges would count the bytes of the encoded form, which no client means.
			r.Header.Del("Range")
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", `"`+tag+`-gz"`)
			// http.ServeContent leaves the length of encoded content out.
			h.Set("Content-Length", strconv.FormatInt(packedInfo.Size(), 10))
			http.ServeContent(w, r, name, info.ModTime(), packed)
			return
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, name, info.ModTime(), f)
}

// open opens a regular file.
func open(root *os.Root, name string) (*os.File, os.FileInfo, bool) {
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, false
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, nil, false
	}
	return f, info, true
}

func contentType(name string) string {
	ext := strings.ToLower(filepath.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3).
func acceptsGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, parameters, _ := strings.Cut(coding, ";")
		if name = strings.TrimSpace(name); !strings.EqualFold(name, "gzip") && name != "*" {
			continue
		}
		q, given := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !given || err == nil && weight > 0
	}
	return false
}
