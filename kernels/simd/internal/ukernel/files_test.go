package ukernel_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"glance/kernels/simd/internal/ukernel"
)

// TestGenerated compares what the generator makes with what is committed.
func TestGenerated(t *testing.T) {
	files, err := ukernel.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("kernels/simd/%s is not what the generator makes now: run go generate ./kernels/...", name)
		}
	}
}
