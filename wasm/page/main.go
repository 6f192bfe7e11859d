//go:build js

// Command page is the module of the site's page. It wires the elements of
// site/index.html to the JavaScript API (site/glance.js), which site/page.js
// hands to it as glancePage, and it holds the engine as well: the page's worker
// runs a second instance of this same module, so that a visitor downloads and
// compiles one file for both.
//
//	GOOS=js GOARCH=wasm go build -trimpath -ldflags "-s -w" -o page.wasm ./wasm/page
package main

import (
	"syscall/js"

	"glance/wasm/bridge"
)

func main() {
	if host := js.Global().Get("glanceHost"); host.Truthy() {
		bridge.Serve(host)
		return
	}
	newPage(js.Global().Get("glancePage")).start()
	select {}
}
