package site_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocuments compares the tables of README.md with the types.
func TestDocuments(t *testing.T) {
	readme, types, teach := readText(t, "README.md"), readText(t, "glance.d.ts"), readText(t, "teach.d.ts")
	const property = `(?m)^  (?:readonly )?(\w+)\??[(:]`
	in := func(name string) []string { return find(part(t, types, "export interface "+name, "\n}"), property) }
	code := `\| '([\w-]+)'`
	table := func(from, to string) []string {
		var cells []string
		for _, cell := range find(part(t, readme, from, to), "(?m)^\\| (`.*?) \\|") {
			cells = append(cells, find(cell, "`([\\w-]+)(?:\\(.*?\\))?`")...)
		}
		return cells
	}
	for _, tt := range []struct {
		what             string
		types, documents []string
	}{
		{"error codes", find(part(t, types, "export type ErrorCode =", ";\n\n"), code), table("### Errors\n", "\n## ")},
		{"codes of teach", find(part(t, teach, "export type TeachErrorCode =", ";\n\n"), code), find(part(t, readme, "Codes of `glance/teach`:", "; teach.d.ts"), "`([\\w-]+)`")},
		{"functions", find(types, `(?m)^export function (\w+)`), table("## Functions\n", "\n\n| classifier")},
		{"calls of a classifier", in("Classifier "), table("| classifier |", "\n### ")},
		{"options of load", slices.Concat(in("LoadOptions"), in("AssetOptions"), in("RankingOptions")), table("### Options of load", "\n### ")},
		{"options of a call", slices.Concat(in("CallOptions"), in("RankingOptions")), table("### Options of a call\n", "\n### ")},
		{"assets", find(part(t, types, "export type Asset =", ";\n\n"), code), find(part(t, readme, "URLs of single files:", "|\n"), "`([\\w-]+)`")},
	} {
		slices.Sort(tt.types)
		slices.Sort(tt.documents)
		if tt.types = slices.Compact(tt.types); !slices.Equal(tt.types, slices.Compact(tt.documents)) {
			t.Errorf("%s: the types have\n%v, README.md has\n%v", tt.what, tt.types, tt.documents)
		}
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// part returns what stands between two texts.
func part(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	inner, _, closed := strings.Cut(rest, to)
	if !ok || !closed {
		t.Fatalf("there is no part from %q to %q", from, to)
	}
	return inner
}

// find lists what the group of a pattern matches.
func find(text, pattern string) []string {
	var list []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, found[1])
	}
	return list
}
