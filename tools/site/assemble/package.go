package assemble

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Package writes the npm package into a folder, from a site that [Site] has
// built: what npm pack needs to make it a tarball, or another project to install
// it from there.
//
// The JavaScript is that of the module's site/, one file a module, because
// bundlers follow workers and assets from module to module and refuse the circle
// that a joined file is to them. The files are those that package.json exports and
// whatever these name. A model of the site becomes a module models/NAME.js, whose
// default export is what load takes as its model.
func Package(root, site, out string) error {
	p := packer{source: filepath.Join(root, "site"), site: site, files: map[string][]byte{}}
	manifest, err := os.ReadFile(filepath.Join(p.source, "package.json"))
	if err != nil {
		return err
	}
	p.files["package.json"] = manifest
	entries, err := entryPoints(manifest)
	if err != nil {
		return fmt.Errorf("package.json: %w", err)
	}
	for _, name := range append(entries, "README.md") {
		if err := p.add(name); err != nil {
			return err
		}
	}
	p.joinLate()
	if err := p.addModels(); err != nil {
		return err
	}
	if err := p.addLicences(root); err != nil {
		return err
	}
	if err := fill(p.files, "hashes.js", noHashes, "const hashes = "+object(p.hashes())+";"); err != nil {
		return err
	}
	return write(out, p.files)
}

// entryPoints lists the files that the exports of a package.json name, but for
// those with a pattern.
func entryPoints(manifest []byte) ([]string, error) {
	var fields struct{ Exports map[string]any }
	if err := json.Unmarshal(manifest, &fields); err != nil {
		return nil, err
	}
	var files []string
	note := func(target any) error {
		file, ok := target.(string)
		if !ok || !strings.HasPrefix(file, "./") {
			return fmt.Errorf("exports names %v, which is no ./file", target)
		}
		if file = file[2:]; !strings.Contains(file, "*") && file != "package.json" {
			files = append(files, file)
		}
		return nil
	}
	for _, target := range fields.Exports {
		conditions, ok := target.(map[string]any)
		if !ok {
			conditions = map[string]any{"default": target}
		}
		for _, file := range conditions {
			if err := note(file); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(files)
	return files, nil
}

// packer collects the files of a package.
type packer struct {
	source, site string // folders
	files        map[string][]byte
}

// Ways in which a file names another of its folder.
var (
	imported     = regexp.MustCompile(`(?m)^import .* from '\./([\w.-]+\.js)';`)
	importedLate = regexp.MustCompile(`await import\('\./([\w.-]+\.js)'\)`)
	workerScript = regexp.MustCompile(`new Worker\(new URL\('\./([\w.-]+\.js)'`)
	importedType = regexp.MustCompile(`(?m)^(?:import|export) .* from '\./([\w-]+)\.js';`)
	exports      = regexp.MustCompile(`(?m)^export `)
	urlLiteral   = regexp.MustCompile(`new URL\('\./([\w./-]+)', import\.meta\.url\)`)
)

// add adds a file and all that it names: from the sources, or where it is built
// from the site.
func (p *packer) add(name string) error {
	if _, done := p.files[name]; done {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(p.source, filepath.FromSlash(name)))
	if os.IsNotExist(err) {
		content, err = os.ReadFile(filepath.Join(p.site, filepath.FromSlash(name)))
	}
	if err != nil {
		return err
	}
	p.files[name] = content
	var named []string
	switch {
	case strings.HasSuffix(name, ".d.ts"):
		for _, found := range importedType.FindAllSubmatch(content, -1) {
			named = append(named, string(found[1])+".d.ts")
		}
	case path.Ext(name) == ".js":
		named = names(content, imported, importedLate, urlLiteral)
	}
	for _, other := range named {
		if err := p.add(other); err != nil {
			return fmt.Errorf("%s names %w", name, err)
		}
	}
	return nil
}

// names lists what the patterns find in a file.
func names(content []byte, patterns ...*regexp.Regexp) []string {
	var list []string
	for _, pattern := range patterns {
		for _, found := range pattern.FindAllSubmatch(content, -1) {
			list = append(list, string(found[1]))
		}
	}
	return list
}

// joinLate turns imports that wait until they are needed into ordinary ones, where
// workers are concerned: a bundle of a worker is then one file, and Vite before
// version 8 refuses any other without an option.
//
// A module that exports something is imported at once by whoever needs it. A
// script that is run for its effect, as wasm_exec.js, is imported at once by the
// workers only, whose globals it may change; in a page it waits.
func (p *packer) joinLate() {
	for name, content := range p.files {
		for _, target := range names(content, importedLate) {
			if !exports.Match(p.files[target]) {
				continue
			}
			module := strings.ReplaceAll(strings.TrimSuffix(target, ".js"), "-", "_") + "Module"
			content = bytes.ReplaceAll(content, fmt.Appendf(nil, "await import('./%s')", target), []byte(module))
			content = append(fmt.Appendf(nil, "import * as %s from './%s';\n", module, target), content...)
		}
		p.files[name] = content
	}
	var scripts []string
	for _, content := range p.files {
		scripts = append(scripts, names(content, workerScript)...)
	}
	slices.Sort(scripts)
	for _, script := range slices.Compact(scripts) {
		reached := []string{script}
		for i := 0; i < len(reached); i++ {
			for _, name := range names(p.files[reached[i]], imported, importedLate) {
				if !slices.Contains(reached, name) {
					reached = append(reached, name)
				}
			}
			for _, late := range names(p.files[reached[i]], importedLate) {
				p.files[script] = append(fmt.Appendf(nil, "import './%s';\n", late), p.files[script]...)
			}
		}
	}
}

// addModels adds the site's list of models, their weights, and a module for each.
func (p *packer) addModels() error {
	if err := p.add("models.json"); err != nil {
		return err
	}
	var list struct{ Models []Model }
	if err := json.Unmarshal(p.files["models.json"], &list); err != nil {
		return fmt.Errorf("models.json: %w", err)
	}
	for _, m := range list.Models {
		for _, name := range []string{m.URL, m.LicenceURL} {
			if name == "" {
				continue
			}
			if err := p.add(name); err != nil {
				return err
			}
		}
		p.files["models/"+m.Name+".js"] = modelModule(m)
	}
	return nil
}

// modelModule writes the module of a model. Its URL is in the form that bundlers
// follow, so that the weights become part of what they build.
func modelModule(m Model) []byte {
	quote := func(s string) string {
		b, _ := json.Marshal(s) // strings can be written
		return string(b)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by tools/site. DO NOT EDIT.\n\nexport default {\n  name: %s,\n  title: %s,\n", quote(m.Name), quote(m.Title))
	fmt.Fprintf(&b, "  weights: new URL(%s, import.meta.url),\n", quote("../"+m.URL))
	fmt.Fprintf(&b, "  bytes: %d,\n  sha256: %s,\n};\n", m.Bytes, quote(m.SHA256))
	return b.Bytes()
}

// hashes lists what the files must be that the package fetches.
func (p *packer) hashes() map[string]string {
	table := map[string]string{}
	for name, content := range p.files {
		if path.Ext(name) == ".wasm" || name == "models.json" {
			table[name] = integrity(content)
		}
	}
	return table
}

// addLicences adds the project's licence and those of the code that is linked
// into its programs.
func (p *packer) addLicences(root string) error {
	own, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return err
	}
	p.files["LICENSE"] = own
	list := exec.Command("go", "list", "-deps", "-tags", "twin", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "./wasm/engine", "./wasm/teach")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	modules, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing what the programs link: %w", err)
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	linked := strings.Split(strings.TrimSpace(string(modules)), "\n")
	linked = append(linked, "the Go runtime, standard library and wasm_exec.js "+strings.TrimSpace(string(goroot)))
	slices.Sort(linked)
	var all bytes.Buffer
	all.WriteString("The WebAssembly programs of this package hold code of these projects.\n")
	for _, line := range slices.Compact(linked) {
		space := strings.LastIndexByte(line, ' ')
		if space < 0 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(line[space+1:], "LICENSE"))
		if err != nil {
			return fmt.Errorf("licence of %s: %w", line[:space], err)
		}
		fmt.Fprintf(&all, "\n\n%s\n%s\n\n%s\n", line[:space], strings.Repeat("-", space), bytes.TrimSpace(text))
	}
	p.files["LICENSE-THIRD-PARTY"] = all.Bytes()
	return nil
}
