// Command gen writes the generated files of package simd, the SIMD modules,
// into the current directory.
//
//	go run ./kernels/simd/gen -text relaxed                    a module in the text format
//	go run ./kernels/simd/gen -text relaxed -func f32_dense    one of its functions
package main

import (
	"flag"
	"fmt"
	"os"

	"glance/kernels/simd/internal/ukernel"
)

func main() {
	module := flag.String("text", "", "print this module instead of writing files")
	function := flag.String("func", "", "with -text, only this function")
	flag.Parse()
	var err error
	if *module == "" {
		err = write()
	} else {
		err = show(*module, *function)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write() error {
	files, err := ukernel.Files()
	if err != nil {
		return err
	}
	for name, code := range files {
		if err := os.WriteFile(name, code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func show(module, function string) error {
	for _, t := range ukernel.Targets {
		if t.Name() != module {
			continue
		}
		m := ukernel.Build(t, ukernel.Select(t))
		if _, err := m.Encode(); err != nil {
			return err
		}
		if function == "" {
			fmt.Print(m.Text())
			return nil
		}
		for _, f := range m.Funcs() {
			if f.Name() == function {
				fmt.Print(f.Text())
				return nil
			}
		}
		return fmt.Errorf("%s has no function %s; variants.txt lists the micro-kernels", module, function)
	}
	return fmt.Errorf("no module %s", module)
}
