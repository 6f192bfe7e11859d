//go:build js

package bridge

import (
	"errors"

	"glance/kernels"
	"glance/models"
	"glance/weights"
)

// errorCode is the code that site/errors.js lists for an error of the core.
func errorCode(err error) string {
	var badWeights *weights.Error
	var badConfig *models.ConfigError
	var badInput *models.InputError
	var status kernels.StatusError
	switch {
	case errors.As(err, &badWeights), errors.As(err, &badConfig):
		return "weights-format"
	case errors.As(err, &badInput):
		return "bad-input"
	case errors.Is(err, kernels.ErrMemory):
		return "out-of-memory"
	case errors.As(err, &status) && status.Status == kernels.StatusHelperFailed:
		return "helper-failed"
	}
	return "engine-crashed"
}
