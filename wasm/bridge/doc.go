// Package bridge shows the Go core to JavaScript as a set of synchronous
// functions. It is what the engine's module (wasm/engine) consists of, and the
// page's module (wasm/page) holds it too, so that a page needs one download for
// both.
//
// The JavaScript side is site/engine.js. Before it starts the program it puts an
// object named glanceHost on globalThis: {backend, threads}, and for the SIMD
// kernels what [glance/kernels/simd] asks for. [Serve] answers by setting its
// property engine to the functions below.
//
// Addresses are offsets in the kernels' memory, where JavaScript writes weights
// and pixels itself: they never pass through Go's heap. The Go twin's memory is
// out of JavaScript's reach; there the function write takes its place.
//
//	begin(header, fileSize, threads)  checks the header, plans, allocates
//	                                  -> {staging, input, height, width, classes, embedding, title, labels}
//	write(address, bytes)             the Go twin only
//	pack()                            weights at staging -> what the kernels read
//	setInput(bytes)                   height x width x 3 float32, normalised; JavaScript writes it to input itself
//	                                  where it can
//	image(width, height)              begins a picture -> its first strip {address, row, rows}
//	push(rows)                        takes source rows [row, row+rows), opaque RGBA, from address
//	                                  -> the next strip, with rows 0 once the input is set
//	run()                             input -> output
//	classify(k)                       run's output -> [index, probability, index, ...]
//	output(bytes), embedding(bytes)   run's output as float32 into a Uint8Array
//	memory()                          bytes of the kernels' memory
//	profile(runs)                     -> [{name, milliseconds, macs}, ...]
//	close()                           ends the program
//
// A function that fails answers {code, message} with a code of site/errors.js; one
// that has nothing to say answers true.
package bridge
