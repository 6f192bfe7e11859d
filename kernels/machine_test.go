package kernels

import (
	"errors"
	"fmt"
	"testing"
)

func TestStatusError(t *testing.T) {
	seen := make(map[string]bool)
	for status := StatusNotFinite; status <= StatusHelperFailed+1; status++ {
		text := StatusError{status}.Error()
		if seen[text] {
			t.Errorf("status %d has the text of another one: %q", status, text)
		}
		seen[text] = true
	}
	wrapped := fmt.Errorf("session: %w", StatusError{StatusInvalid})
	var status StatusError
	if !errors.As(wrapped, &status) || status.Status != StatusInvalid {
		t.Errorf("errors.As gives %v, want StatusInvalid", status)
	}
	if !errors.Is(wrapped, StatusError{StatusInvalid}) || errors.Is(wrapped, StatusError{StatusNotFinite}) {
		t.Error("errors.Is does not compare the status")
	}
}

func TestErrors(t *testing.T) {
	for _, err := range []Error{ErrBounds, ErrMemory, ErrClosed} {
		if !errors.Is(fmt.Errorf("session: %w", err), err) {
			t.Errorf("%v is lost when wrapped", err)
		}
	}
}
