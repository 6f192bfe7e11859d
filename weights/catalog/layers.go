package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Bounds on a layers-model; MobileNetV1 1.0 has 55 shards.
const (
	maxShards     = 256
	maxModelJSON  = 16 << 20
	maxCheckpoint = 256 << 20 // bytes of any one file, and of all shards together
)

// shards returns the paths of the weight files that a layers-model's model.json
// names, relative to it.
func shards(modelJSON []byte) ([]string, error) {
	var model struct {
		Format          string
		WeightsManifest []struct{ Paths []string }
	}
	if err := json.Unmarshal(modelJSON, &model); err != nil {
		return nil, fmt.Errorf("model.json is not a TensorFlow.js model: %w", err)
	}
	if model.Format == "graph-model" {
		return nil, errors.New("model.json is a TensorFlow.js graph-model, only layers-models can be read")
	}
	var paths []string
	seen := map[string]bool{}
	for _, group := range model.WeightsManifest {
		for _, p := range group.Paths {
			if !localFile(p) || p == "model.json" || seen[p] {
				return nil, fmt.Errorf("model.json names the shard %q: want different files below its directory", p)
			}
			seen[p] = true
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 || len(paths) > maxShards {
		return nil, fmt.Errorf("model.json names %d shards, want 1 to %d", len(paths), maxShards)
	}
	return paths, nil
}
