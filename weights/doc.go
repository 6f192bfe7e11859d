// Package weights reads and writes model blobs: safetensors files that hold a
// network's folded weights (float16 or float32) and biases (float32), with the
// network's options as flat strings in their metadata.
//
// # Format
//
// A safetensors file is
//
//	8 bytes    N, the length of the header, little-endian
//	N bytes    the header: a JSON object, padded at its end with spaces
//	the rest   the data section: the tensors' elements, little-endian, row-major
//
// The header maps each tensor's name to {"dtype", "shape", "data_offsets"} and
// the name "__metadata__" to an object of strings. The data offsets [begin, end)
// count from the start of the data section, which the tensors cover without gap
// or overlap. (https://github.com/huggingface/safetensors, section Format.)
//
// # Reading
//
// A reader needs the first 8 bytes to learn how long the header is, then the
// header, and may stream the data section wherever it belongs:
//
//	n, err := weights.HeaderSize(first8, fileSize)
//	f, err := weights.ParseHeader(prefix[:n], fileSize)
//	// read f.DataSize bytes from f.DataOffset on
//
// A header that passes ParseHeader names only bytes that exist: every offset,
// size and shape has been checked, and what was allocated is at most twice the
// header. What the tensors should be is not known here but in package models.
//
// The package is linked into the browser's engine and so keeps clear of fmt and
// encoding/json.
package weights
