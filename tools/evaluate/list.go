package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// labelled is a picture and the index of its class.
type labelled struct {
	path  string
	class int
}

// readList reads lines of a picture's path, relative to dir, and its class, divided
// by a tab or, in lines without one, a comma; what follows on a line is ignored. A
// class is a line of the file classes, where one is given, else one of names, else an
// index. A name that several classes have (ImageNet has two kinds of "crane") says
// not which, and is an error.
func readList(list, dir, classes string, names []string, outputs int) ([]labelled, error) {
	if classes != "" {
		var err error
		if names, err = readLines(classes); err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(line string) bool { return line == "" })
		if len(names) != outputs {
			return nil, fmt.Errorf("%s has %d lines, the model has %d classes", classes, len(names), outputs)
		}
	}
	index := map[string]int{}
	const ambiguous = -1
	for i, name := range names {
		if _, twice := index[name]; twice {
			i = ambiguous
		}
		index[name] = i
	}
	lines, err := readLines(list)
	if err != nil {
		return nil, err
	}
	var pictures []labelled
	for i, line := range lines {
		if line == "" {
			continue
		}
		divider := ","
		if strings.Contains(line, "\t") {
			divider = "\t"
		}
		fields := strings.Split(line, divider)
		if len(fields) < 2 {
			return nil, fmt.Errorf("%s: line %d: want PICTURE,CLASS or the same with a tab", list, i+1)
		}
		class, ok := index[strings.TrimSpace(fields[1])]
		if class == ambiguous {
			return nil, fmt.Errorf("%s: line %d: several classes are named %q: give the class's index, or names of their own with -classes", list, i+1, strings.TrimSpace(fields[1]))
		}
		if !ok {
			n, err := strconv.Atoi(strings.TrimSpace(fields[1]))
			if err != nil || n < 0 || n >= outputs {
				return nil, fmt.Errorf("%s: line %d: %q is no class of the model, nor an index below %d", list, i+1, fields[1], outputs)
			}
			class = n
		}
		pictures = append(pictures, labelled{filepath.Join(dir, filepath.FromSlash(fields[0])), class})
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("%s is empty", list)
	}
	return pictures, nil
}

// readLines returns the lines of a file without the space around them.
func readLines(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		lines = append(lines, strings.TrimSpace(s.Text()))
	}
	return lines, s.Err()
}
