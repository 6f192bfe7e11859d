//go:build js

package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"syscall/js"

	"glance/tools/api"
)

// adapt makes a handler fit for package workers with bodies that are not
// streams. A stream would await between Go and JavaScript, which an instance
// that serves several requests cannot do; and at the end of a streamed response
// the package closes a channel that can be closed only once.
//
// The request's body is what engine.mjs puts there: null, a Uint8Array, or an
// object {code, message} that says why the body or the model could not be read.
// Package workers hands it through untouched (GetRawJSBody), as it does with the
// Uint8Array of the response (WriteRawJSBody).
func adapt(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header { // which came split at commas
			r.Header[name] = []string{strings.Join(values, ",")}
		}
		r.Body = newBody(r.Body)
		answer := &response{ResponseWriter: w}
		h.ServeHTTP(answer, r)
		content := js.Global().Get("Uint8Array").New(answer.content.Len())
		js.CopyBytesToJS(content, answer.content.Bytes())
		w.(interface{ WriteRawJSBody(js.Value) }).WriteRawJSBody(content)
	})
}

// response collects what a handler writes.
type response struct {
	http.ResponseWriter
	content bytes.Buffer
}

func (r *response) Write(p []byte) (int, error) { return r.content.Write(p) }

// body is a request's body that is in memory already.
type body struct {
	*bytes.Reader
	data []byte
}

// Bytes is all of it; package api takes it without a copy.
func (b body) Bytes() []byte { return b.data }

func (b body) Close() error { return nil }

// refused is a body, or a model, that could not be read.
type refused struct{ err *api.Error }

func (r refused) Read([]byte) (int, error) { return 0, r.err }

func (r refused) Close() error { return nil }

func newBody(b io.ReadCloser) io.ReadCloser {
	source, ok := b.(interface{ GetRawJSBody() js.Value })
	if !ok { // null
		return http.NoBody
	}
	v := source.GetRawJSBody()
	if code := v.Get("code"); code.Type() == js.TypeString {
		return refused{&api.Error{Code: api.Code(code.String()), Message: v.Get("message").String()}}
	}
	data := make([]byte, v.Length())
	js.CopyBytesToGo(data, v)
	return body{bytes.NewReader(data), data}
}
