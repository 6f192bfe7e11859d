package ukernel

import "fmt"

// Files returns the generated files of package simd by name: the module of each
// target and the roofline modules.
func Files() (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, t := range Targets {
		code, err := Build(t, Select(t)).Encode()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name(), err)
		}
		files[t.Name()+".wasm"] = code
	}
	for name, relaxed := range map[string]bool{"roofline128": false, "roofline_relaxed": true} {
		code, err := Roofline(relaxed).Encode()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name+".wasm"] = code
	}
	return files, nil
}
