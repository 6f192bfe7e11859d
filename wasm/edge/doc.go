// Package edge builds the edge worker: image classification in Cloudflare Workers,
// on workerd. README.md says how it is run and deployed.
//
//	build/    the command that puts the worker together
//	js/       what workerd runs: the fetch handler, bodies, weights, settings
//	worker/   the Go program: package api's handler on the SIMD kernels
//	jpeg/     a JPEG decoder whose inner loops are generated WebAssembly
//	png/      a PNG decoder that goes row by row
//	public/   the example page
//
// # One instance for all requests
//
// Go boots in the first request of an isolate, because workerd gives no
// randomness outside of requests and the runtime asks for it, and stays. An
// isolate runs requests concurrently but JavaScript never in parallel. What awaits
// belongs to the request that began it, so that a Go program that awaited on
// behalf of several would hang or fail. Hence the division of labour: everything
// that awaits (bodies, weights from assets, R2 or KV, their hash) is done by the
// handler in JavaScript; Go gets bytes and answers before the call returns. Weights
// go from the response straight into the kernels' memory.
//
// The Go runtime's timers are kept from JavaScript, where they would belong to a
// request too. If the program ever traps or exits, its request gets an answer with
// status 500, and the next one a new engine (js/engine.mjs).
//
// # Package workers
//
// The HTTP handler is plain net/http; github.com/syumai/workers is what makes
// it one for JavaScript requests. Its main function ServeNonBlock is used as it
// is: conversion of requests and headers to net/http's, of status and headers back
// to a Response, the promise around it. Three things that it does by default are
// not:
//
//   - Its generated entry starts one Go instance for each request, about 6 ms of
//     CPU. js/engine.mjs calls the handler that it registers (context.binding) again
//     and again.
//   - Bodies are streams, which await. Its ReadCloser and ResponseWriter can pass a
//     JavaScript value through instead (GetRawJSBody, WriteRawJSBody, made for
//     proxies): worker/serve.go uses them to hand over Uint8Arrays. That also avoids
//     the channel that it closes at the end of a streamed response, which a second
//     request would close again.
//   - Its bindings for KV, R2 and fetch await promises from Go. js/weights.mjs reads
//     these, for the reason above.
package edge
