//go:build js

// Command engine is the module that runs networks in a browser: the core on the
// SIMD kernels, or with the build tag twin on their Go twin.
//
//	GOOS=js GOARCH=wasm go build -trimpath -ldflags "-s -w" -o engine.wasm ./wasm/engine
//
// It is started by site/engine.js; see package bridge for what it offers.
package main

import (
	"syscall/js"

	"glance/wasm/bridge"
)

func main() {
	bridge.Serve(js.Global().Get("glanceHost"))
}
