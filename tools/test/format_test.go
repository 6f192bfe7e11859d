package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUnformatted(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const unaligned = "package a\n\nvar  x = 1\n"
	write("a/good.go", "package a\n\nvar x = 1\n")
	write("a/testdata/bad.go", unaligned)
	write("bad.go", unaligned)
	write("bad.js", unaligned)
	for _, other := range []string{".git", "_old", "site/node_modules/x"} {
		write(other+"/bad.go", unaligned)
	}
	got, err := unformatted(dir)
	if want := []string{filepath.Join(dir, "a", "testdata", "bad.go"), filepath.Join(dir, "bad.go")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	write("a/broken.go", "package {")
	if _, err := unformatted(dir); err == nil || !strings.Contains(err.Error(), "broken.go") {
		t.Errorf("got %v", err)
	}
}
