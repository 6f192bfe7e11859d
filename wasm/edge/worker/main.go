//go:build js

// Command worker is the Go part of the edge worker: package api's handler on the
// SIMD kernels, in one instance that answers every request of an isolate. It is
// started by ../js/engine.mjs.
//
// The request and the response cross between JavaScript and net/http through
// github.com/syumai/workers. What that package does by default, one instance
// for each request and bodies as streams, is left out: see adapt in serve.go and
// the package comment of wasm/edge.
package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"syscall/js"

	"github.com/syumai/workers"

	"glance/kernels/simd"
	"glance/tools/api"
	"glance/wasm/edge/jpeg"
)

// softLimit is what Go's heap may grow to before the collector works harder, in
// bytes. An isolate has 128 MB, and Go never gives memory back.
const softLimit = 40 << 20

// settings are those of js/settings.mjs that Go needs.
type settings struct {
	DefaultModel   string   `json:"defaultModel"`
	Backend        string   `json:"backend"`
	Origins        []string `json:"origins"`
	MaxBodyBytes   int64    `json:"maxBodyBytes"`
	MaxPixels      int      `json:"maxPixels"`
	MaxDecodeBytes int64    `json:"maxDecodeBytes"`
}

func main() {
	if err := start(js.Global().Get("context")); err != nil {
		panic(err.Error()) // what the runtime prints is all that JavaScript sees
	}
	workers.Ready()
	<-workers.Done() // never: answers are not streams
}

// start installs the handler and the functions that JavaScript calls.
func start(context js.Value) error {
	debug.SetMemoryLimit(softLimit)
	var s settings
	if err := json.Unmarshal([]byte(context.Get("settings").String()), &s); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	var manifest []api.Info
	if err := json.Unmarshal([]byte(context.Get("manifest").String()), &manifest); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	machine, err := simd.New(simd.Options{})
	if err != nil {
		return err
	}
	memories := context.Get("memories")
	decoder := &decoder{machine: jpeg.NewMachine(memories.Get("pictures"))}
	library, err := newLibrary(machine, memories, manifest, s.DefaultModel)
	if err != nil {
		return err
	}
	handler := api.NewHandler(library, api.Options{
		Limits:  api.Limits{Body: s.MaxBodyBytes, Pixels: s.MaxPixels, Decode: s.MaxDecodeBytes},
		Origins: s.Origins,
		Decode:  decoder.decode,
		Backend: machine.Name(),
	})
	library.export(context.Get("binding"), handler)
	workers.ServeNonBlock(adapt(handler))
	return nil
}
