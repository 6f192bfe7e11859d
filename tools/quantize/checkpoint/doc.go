// Package checkpoint reads what training frameworks save: named tensors, in the
// order they were stored, whatever the container.
//
//	PyTorch      .pth, .pt: zip archives and the older stream format (state dicts only)
//	safetensors  .safetensors
//	TF.js        model.json of a layers-model, with its weight shards beside it
//
// Opening a checkpoint reads its index. The values stay in the file until
// [Tensor.Float32s] or [Tensor.Visit] asks for them.
//
// # Hostile input
//
// A PyTorch checkpoint is a pickle, a program for a stack machine that can call
// any Python function. Nothing is ever called here. Each pickle is first walked
// opcode by opcode: an opcode a state dict has no use for, a global that is not
// on a short list of inert ones, a length beyond the end of the file, or a
// program that would build more objects than the file's size justifies ends the
// reading with an error that names it. Only then does the pickle machine run, on
// stand-ins that record shapes and offsets.
//
// Every reader allocates in the order of the size of the file at most: sizes are
// compared with the bytes that are there before anything is allocated for them.
// What is wrong with a file is reported as an [Error].
package checkpoint
