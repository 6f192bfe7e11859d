// Package jpeg decodes JPEG files to RGBA, with the inner loops in a WebAssembly
// module that a Go program (gen) writes: bit reading, Huffman codes, the inverse
// cosine transform and the conversion of colours. Go compiled to WebAssembly needs
// 15 ms for 640x480 pixels, which is more than a request's CPU time on Cloudflare's
// free plan; this needs a fifth of it. It also decodes a row of blocks at a time,
// so that a picture of 16 megapixels takes 3 MB of memory and not 64.
//
// Go reads the headers, builds the tables and removes stuffing and markers from
// the stream; the module sees nothing but bits, with a limit. It computes in a
// memory of its own.
//
// # Same pixels as package picture
//
// What this package decodes is what image/jpeg and tools/picture decode, bit for
// bit; tests hold it to that. It takes only files that are regular in every
// respect: 8-bit samples, gray or YCbCr with chroma at full, half-width or
// half-size resolution, one scan of all components or the scans of a progressive
// file, restart markers where they belong (and none in progressive files), a
// proper end. For everything else (CMYK, damage of any kind) the error is
// [ErrIrregular], and image/jpeg decides what to make of it.
package jpeg

//go:generate go run ./gen
