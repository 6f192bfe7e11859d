package main

import (
	"net/http"

	"glance/tools/api"
)

// apiLimits bound what a request may cost on the developer's own machine.
var apiLimits = api.Limits{Body: 32 << 20, Pixels: 50_000_000, Decode: 1 << 30}

// withAPI serves the routes of package api, with the models in a folder, before
// those of next.
func withAPI(weights string, next http.Handler) (http.Handler, error) {
	files, err := api.NewFiles(weights, "")
	if err != nil {
		return nil, err
	}
	handler := api.NewHandler(files, api.Options{Limits: apiLimits, Backend: "simd128"})
	mux := http.NewServeMux()
	for _, path := range api.Paths() {
		mux.Handle(path, handler)
	}
	mux.Handle("/", next)
	return mux, nil
}
