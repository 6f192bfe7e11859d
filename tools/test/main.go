// Command test runs every test of the project and says at the end what passed.
//
//	go run ./tools/test [-check] [-short] [-v] [packages]
//
// It runs go vet and go test on the packages, prints a line a package, the whole
// output of what failed, and closes with one line such as
//
//	412 passed, 0 failed, 3 skipped
//
// Where no packages are named, these are all, and two more checks come first: that
// every Go file is formatted, and go vet of what runs in browsers and Workers. With
// -check nothing but these and go vet is run. The exit status is 1 where anything
// failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
	"time"
)

func main() {
	check := flag.Bool("check", false, "check the formatting and run go vet only")
	short := flag.Bool("short", false, "pass -short to go test")
	verbose := flag.Bool("v", false, "print every test's output")
	timeout := flag.Duration("timeout", 15*time.Minute, "limit for one package")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: go run ./tools/test [flags] [packages]\n\nChecks the formatting, runs go vet and every test; the last line says what passed.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	packages := flag.Args()
	var t tally
	if len(packages) == 0 {
		packages = []string{"./..."}
		t.gofmt(".")
		t.step("go vet for js/wasm", append([]string{"env", "GOOS=js", "GOARCH=wasm", "go", "vet"}, forJS...))
	}
	t.step("go vet", append([]string{"go", "vet"}, packages...))
	args := []string{"test", "-json", "-timeout", timeout.String()}
	if *short {
		args = append(args, "-short")
	}
	if !*check {
		if err := t.goTest(append(args, packages...), *verbose); err != nil {
			fmt.Println(err)
			t.failed++
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 {
		os.Exit(1)
	}
}

// forJS are the packages whose code, tests included, is built for js/wasm. The
// others that end up in a module are the same code as natively.
var forJS = []string{"./kernels", "./kernels/simd", "./kernels/twin", "./models/...", "./weights", "./wasm/bridge",
	"./wasm/engine", "./wasm/page/...", "./wasm/teach", "./wasm/edge/worker", "./wasm/edge/jpeg/...", "./wasm/edge/png"}

type tally struct{ passed, failed, skipped int }

// gofmt checks the formatting of the Go files below a directory.
func (t *tally) gofmt(dir string) {
	files, err := unformatted(dir)
	if err != nil || len(files) > 0 {
		t.failed++
		fmt.Println("FAIL  gofmt")
		for _, file := range files {
			fmt.Println("  " + file + " needs formatting: gofmt -w does it")
		}
		if err != nil {
			fmt.Println("  " + err.Error())
		}
		return
	}
	t.passed++
	fmt.Println("ok    gofmt")
}

// step runs a command that is one check by itself.
func (t *tally) step(name string, argv []string) {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.failed++
		fmt.Printf("FAIL  %s\n%s", name, out)
		return
	}
	t.passed++
	fmt.Printf("ok    %s\n", name)
}

// event is what go test -json prints, see go doc cmd/test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
	FailedBuild, ImportPath       string
}

// goTest counts tests (not their subtests, whose failure fails the parent) by
// their closing event and keeps the output of those that fail.
func (t *tally) goTest(args []string, verbose bool) error {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	output := map[string]*strings.Builder{}
	failed := map[string]bool{} // packages with a failed test
	counts := map[string]int{}
	var skipped []string
	sc := bufio.NewScanner(pipe)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		var e event
		if json.Unmarshal(sc.Bytes(), &e) != nil {
			fmt.Println(sc.Text())
			continue
		}
		top, _, _ := strings.Cut(e.Test, "/")
		key := e.Package + e.ImportPath + " " + top
		switch e.Action {
		case "output", "build-output":
			b := output[key]
			if b == nil {
				b = new(strings.Builder)
				output[key] = b
			}
			b.WriteString(e.Output)
			if verbose {
				io.WriteString(os.Stdout, e.Output)
			}
		case "pass", "fail", "skip":
			if strings.Contains(e.Test, "/") {
				continue
			}
			t.close(e, key, output, failed, counts, &skipped)
			delete(output, key)
		case "build-fail":
			fmt.Printf("FAIL  %s does not build\n%s", e.ImportPath, output[key])
		}
	}
	err = cmd.Wait()
	sort.Strings(skipped)
	for _, s := range skipped {
		fmt.Println("skip  " + s)
	}
	if _, ok := err.(*exec.ExitError); ok && t.failed > 0 {
		return nil // counted already
	}
	return err
}

// close counts one test's or package's closing event.
func (t *tally) close(e event, key string, output map[string]*strings.Builder, failed map[string]bool, counts map[string]int, skipped *[]string) {
	if e.Test == "" {
		switch {
		case e.Action == "fail" && !failed[e.Package]: // did not build, or died outside a test
			t.failed++
			fmt.Printf("FAIL  %s\n%s", e.Package, output[key])
		case e.Action == "fail":
			fmt.Printf("FAIL  %s  %.1f s\n", e.Package, e.Elapsed)
		case e.Action == "pass":
			fmt.Printf("ok    %s  %d tests  %.1f s\n", e.Package, counts[e.Package], e.Elapsed)
		}
		return
	}
	switch e.Action {
	case "pass":
		t.passed++
		counts[e.Package]++
	case "skip":
		t.skipped++
		*skipped = append(*skipped, e.Package+" "+e.Test+": "+lastLine(output[key]))
	case "fail":
		t.failed++
		failed[e.Package] = true
		fmt.Printf("FAIL  %s %s\n%s", e.Package, e.Test, output[key])
	}
}

// lastLine returns the reason a skipped test gave.
func lastLine(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	reason := ""
	for _, l := range strings.Split(b.String(), "\n") {
		l = strings.TrimSpace(l)
		if l != "" && !strings.HasPrefix(l, "---") && !strings.HasPrefix(l, "===") {
			reason = l
		}
	}
	return reason
}
