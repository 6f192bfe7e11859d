// Package bundle joins the JavaScript modules of the site into one, so that a
// browser does not have to fetch a module to learn which others it needs.
//
// It is no general bundler. It understands modules written as those in site/
// are: imports stand on lines of their own and name what they take,
//
//	import { a, b } from './other.js';
//
// exports are declarations that begin with export, or lists of names on one
// line, and no two modules have a top-level name in common. Whatever else looks
// like an import or an export is an error, and so is a name used twice.
//
// Comments that have lines to themselves are left out: they are a third of what
// would be downloaded. So that a line is known to be one, a text in backticks
// has to end on its own line.
package bundle

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	importLine  = regexp.MustCompile(`^import \{ (\w+(?:, \w+)*) \} from '\./([\w.-]+)';$`)
	exportList  = regexp.MustCompile(`^export \{ (\w+(?:, \w+)*) \};$`)
	declaration = regexp.MustCompile(`^(export )?((?:async )?function\*?|class|const|let|var) ([\w$]+)`)
	anyModule   = regexp.MustCompile(`^(import|export)\b`)
	anyBinding  = regexp.MustCompile(`^(?:const|let|var)\b`)
)

// module is a file, taken apart.
type module struct {
	name    string
	imports []string
	body    []byte
	exports []string
}

// Files joins the module entry and all that it imports into one file in the
// place of entry, and leaves the others out. Modules that are not joined import
// from entry what they imported from the others. files maps names to contents;
// it is changed.
func Files(files map[string][]byte, entry string) error {
	b := &bundler{files: files, owner: map[string]string{}, state: map[string]int{}}
	if err := b.add(entry); err != nil {
		return err
	}
	var exports []string
	var out bytes.Buffer
	for _, m := range b.order {
		fmt.Fprintf(&out, "// %s\n\n%s\n", m.name, bytes.TrimSpace(m.body))
		if m.name != entry {
			out.WriteByte('\n')
			delete(files, m.name)
		}
		exports = append(exports, m.exports...)
	}
	slices.Sort(exports)
	fmt.Fprintf(&out, "\nexport { %s };\n", strings.Join(slices.Compact(exports), ", "))
	files[entry] = out.Bytes()

	for name, content := range files {
		if name == entry || !strings.HasSuffix(name, ".js") {
			continue
		}
		lines := strings.Split(string(content), "\n")
		for i, line := range lines {
			found := importLine.FindStringSubmatch(line)
			if found != nil && b.state[found[2]] == done {
				lines[i] = fmt.Sprintf("import { %s } from './%s';", found[1], entry)
			}
		}
		files[name] = []byte(strings.Join(lines, "\n"))
	}
	return nil
}

// States of a module on the way.
const (
	unseen = iota
	open
	done
)

type bundler struct {
	files map[string][]byte
	owner map[string]string // which module declares a top-level name
	state map[string]int
	order []*module
}

// add adds a module behind those that it imports.
func (b *bundler) add(name string) error {
	switch b.state[name] {
	case open:
		return fmt.Errorf("bundle: %s imports itself by way of others", name)
	case done:
		return nil
	}
	b.state[name] = open
	content, ok := b.files[name]
	if !ok {
		return fmt.Errorf("bundle: there is no %s", name)
	}
	m, err := b.parse(name, content)
	if err != nil {
		return err
	}
	for _, other := range m.imports {
		if err := b.add(other); err != nil {
			return err
		}
	}
	b.state[name] = done
	b.order = append(b.order, m)
	return nil
}

func (b *bundler) parse(name string, content []byte) (*module, error) {
	m := &module{name: name}
	var body []string
	comment := false // whether the line is within one
	for i, line := range strings.Split(string(content), "\n") {
		trimmed := strings.TrimSpace(line)
		if comment || strings.HasPrefix(trimmed, "/*") && strings.Index(trimmed, "*/") == strings.LastIndex(trimmed, "*/") &&
			(!strings.Contains(trimmed, "*/") || strings.HasSuffix(trimmed, "*/")) {
			comment = !strings.HasSuffix(trimmed, "*/")
			continue
		}
		if strings.HasPrefix(trimmed, "//") || trimmed == "" && (len(body) == 0 || body[len(body)-1] == "") {
			continue
		}
		if strings.Count(line, "`")%2 == 1 {
			return nil, fmt.Errorf("bundle: %s:%d: a text in backticks goes on in another line: %s", name, i+1, line)
		}
		if found := importLine.FindStringSubmatch(line); found != nil {
			m.imports = append(m.imports, found[2])
			continue
		}
		if found := exportList.FindStringSubmatch(line); found != nil {
			m.exports = append(m.exports, strings.Split(found[1], ", ")...)
			continue
		}
		if found := declaration.FindStringSubmatch(line); found != nil {
			if owner, taken := b.owner[found[3]]; taken {
				return nil, fmt.Errorf("bundle: %s and %s both have a top-level %s", owner, name, found[3])
			}
			b.owner[found[3]] = name
			if found[1] != "" {
				m.exports = append(m.exports, found[3])
				line = strings.TrimPrefix(line, "export ")
			}
		} else if anyModule.MatchString(line) || anyBinding.MatchString(line) {
			return nil, fmt.Errorf("bundle: %s:%d: not understood: %s", name, i+1, line)
		}
		body = append(body, line)
	}
	m.body = []byte(strings.Join(body, "\n"))
	return m, nil
}
