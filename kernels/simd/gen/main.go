// Command gen writes the SIMD modules, generated files of package simd, into
// the current directory.
package main

import (
	"fmt"
	"os"

	"glance/kernels/simd/internal/ukernel"
)

func main() {
	files, err := ukernel.Files()
	if err == nil {
		for name, code := range files {
			if err = os.WriteFile(name, code, 0o644); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
