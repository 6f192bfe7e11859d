package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCommitted says whether jpeg.wasm is what this program writes.
func TestCommitted(t *testing.T) {
	want, err := module().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../jpeg.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("jpeg.wasm is out of date: go generate ./wasm/edge/jpeg")
	}
}
