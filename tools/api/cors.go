package api

import (
	"net/http"
	"slices"
)

// preflightSeconds is how long a browser may remember a preflight's answer.
const preflightSeconds = "86400"

// allowOrigin sets the headers that let a page of another origin read the
// answer (the Fetch standard's CORS protocol). Without allowed origins it sets
// none, and only pages of the server's own origin can read.
func allowOrigin(h http.Header, allowed []string, origin string) {
	if len(allowed) == 0 {
		return
	}
	if slices.Contains(allowed, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
		return
	}
	h.Add("Vary", "Origin")
	if origin != "" && slices.Contains(allowed, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// options answers OPTIONS: what the path allows, and a preflight where the
// request is one.
func options(w http.ResponseWriter, r *http.Request, methods string) {
	h := w.Header()
	h.Set("Allow", methods)
	if h.Get("Access-Control-Allow-Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Access-Control-Max-Age", preflightSeconds)
	}
	w.WriteHeader(http.StatusNoContent)
}
