package slim

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// section encodes one section of a module.
func section(id byte, content ...byte) []byte {
	return append(appendUnsigned([]byte{id}, uint64(len(content))), content...)
}

// data encodes a data section.
func data(segments ...segment) []byte {
	return section(dataSection, writeSegments(segments)...)
}

func module(sections ...[]byte) []byte {
	return slices.Concat(append([][]byte{header}, sections...)...)
}

func TestModule(t *testing.T) {
	code := section(10, 1, 2, 0, opEnd)
	tests := []struct {
		name     string
		in, want []byte
	}{
		{"empty", module(), module()},
		{"custom sections", module(section(0, 1, 'x', 9, 9), code, section(0, 4, 'n', 'a', 'm', 'e')), module(code)},
		{"near segments", module(data(segment{16, []byte{1, 2}}, segment{20, []byte{3}})), module(data(segment{16, []byte{1, 2, 0, 0, 3}}))},
		{"order", module(data(segment{20, []byte{3}}, segment{16, []byte{1, 2}})), module(data(segment{16, []byte{1, 2, 0, 0, 3}}))},
		{"touching", module(data(segment{0, []byte{1}}, segment{1, []byte{2}})), module(data(segment{0, []byte{1, 2}}))},
		{"far segments", module(data(segment{1, []byte{1}}, segment{1 << 20, []byte{2}})), module(data(segment{1, []byte{1}}, segment{1 << 20, []byte{2}}))},
		{"upper half", module(data(segment{1<<32 - 4, []byte{1}})), module(data(segment{1<<32 - 4, []byte{1}}))},
		{"empty segment", module(data(segment{5, nil}, segment{9, []byte{1}})), module(data(segment{9, []byte{1}}))},
	}
	for _, tt := range tests {
		got, err := Module(tt.in)
		if err != nil || !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %x, %v, want %x", tt.name, got, err, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "not a WebAssembly module"},
		{"text", []byte("<!doctype html>"), "not a WebAssembly module"},
		{"cut section", module(section(10, 1, 2, 3))[:11], "unexpected EOF"},
		{"passive segment", module(section(dataSection, 1, 1, 1, 7)), "kind 1, want 0"},
		{"computed address", module(section(dataSection, 1, 0, 0x23, 0, opEnd, 0)), "not a constant"},
		{"cut segment", module(section(dataSection, 1, 0, opI32Const, 0, opEnd, 9, 1)), "unexpected EOF"},
		{"overlap", module(data(segment{0, []byte{1, 2}}, segment{1, []byte{3}})), "overlap at address 1"},
		{"trailing bytes", module(section(dataSection, 0, 1)), "after the last segment"},
		{"long number", append(module(), 10, 0x80, 0x80, 0x80, 0x80, 0x80, 1), "more than 32 bits"},
	}
	for _, tt := range tests {
		_, err := Module(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

// TestGoProgram builds a real program and holds what it does against what its
// slimmer form does.
func TestGoProgram(t *testing.T) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.wasm"), filepath.Join(dir, "after.wasm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", before, "./testdata/program")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	in, err := os.ReadFile(before)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Module(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(after, out, 0o644); err != nil {
		t.Fatal(err)
	}
	if a, b := packed(t, in), packed(t, out); float64(b) > 0.87*float64(a) {
		t.Errorf("gzip -9: %d bytes before, %d after, want at least 13 %% less: is the form of Go's function table a new one?", a, b)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec_node.js")
	lines := regexp.MustCompile(`\S+:\d+ \+0x`)
	var text [2]string
	for i, file := range []string{before, after} {
		run := exec.Command("node", node, file)
		b, err := run.CombinedOutput()
		if run.ProcessState.ExitCode() != 2 {
			t.Fatalf("%s: %v\n%s", filepath.Base(file), err, b)
		}
		text[i] = lines.ReplaceAllString(string(b), "?:0 +0x")
	}
	if text[0] != text[1] {
		t.Errorf("before:\n%s\nafter:\n%s", text[0], text[1])
	}
	if !strings.Contains(text[1], "main.element(") {
		t.Errorf("the traceback does not name the function:\n%s", text[1])
	}
}

func packed(t *testing.T, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(b)
	z.Close()
	return out.Len()
}

func FuzzModule(f *testing.F) {
	f.Add(module(data(segment{16, []byte{1, 2}}, segment{20, []byte{3}})))
	f.Add(module(section(0, 1, 'x'), section(10, 1, 2, 0, opEnd)))
	table := make([]byte, 200)
	copy(table, tableStart)
	table[8] = 1                                    // one function
	for i, v := range []byte{72, 80, 88, 96, 120} { // names, units, files, values, functions
		table[8+8*(3+i)] = v
	}
	table[120+4] = 16 // its record
	table[120+16+pclnField] = 2
	copy(table[96+2:], []byte{2, 1, 0})
	f.Add(module(data(segment{8, table})))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		out, err := Module(b)
		if !bytes.Equal(before, b) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			return
		}
		again, err := Module(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("a second pass: %v, %x, want %x", err, again, out)
		}
	})
}
