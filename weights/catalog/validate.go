package catalog

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// optionKeys are the metadata keys every entry spells out, so that no entry
// depends on a default that changes.
var optionKeys = []string{
	"arch", "alpha", "classes", "height", "width", "padding", "head",
	"preprocess.resize", "preprocess.crop", "preprocess.filter", "preprocess.mean", "preprocess.std",
}

func (m Model) validate() error {
	if !namePattern.MatchString(m.Name) {
		return fmt.Errorf("name: want lower-case words joined by underscores")
	}
	if m.Title == "" {
		return errors.New("title is empty")
	}
	for _, key := range optionKeys {
		if _, ok := m.Options[key]; !ok {
			return fmt.Errorf("option %s is missing", key)
		}
	}
	if m.BNEpsilon < 0 || m.BNEpsilon > 0.1 {
		return fmt.Errorf("bnEpsilon is %g, want 0 (the default) or a small number such as 1e-5", m.BNEpsilon)
	}
	if err := m.validateLabels(); err != nil {
		return err
	}
	if err := m.validateLicence(); err != nil {
		return err
	}
	if len(m.Sources) == 0 {
		return errors.New("no sources")
	}
	for i, s := range m.Sources {
		if err := s.validate(); err != nil {
			return fmt.Errorf("source %d: %w", i, err)
		}
	}
	if b := m.Blob; b == nil && m.Bundled() {
		return errors.New("blob: a bundled one has a sha-256 and a size")
	} else if b != nil && (!sumPattern.MatchString(b.SHA256) || b.Bytes <= 0) {
		return errors.New("blob: want a sha-256 of 64 hexadecimal digits and a size")
	}
	return m.Accuracy.validate()
}

func (m Model) validateLabels() error {
	labels, err := m.ClassNames()
	if err != nil || labels == nil {
		return err
	}
	classes, err := strconv.Atoi(m.Options["classes"])
	if err != nil || classes != len(labels) {
		return fmt.Errorf("labels/%s has %d lines, classes is %s", m.Labels, len(labels), m.Options["classes"])
	}
	if i := slices.Index(labels, ""); i >= 0 {
		return fmt.Errorf("labels/%s: line %d is empty", m.Labels, i+1)
	}
	return nil
}

func (m Model) validateLicence() error {
	if m.Licence.SPDX == "" || m.Licence.Holder == "" {
		return errors.New("licence: spdx or holder is missing")
	}
	text, err := m.LicenceText()
	if err != nil {
		return err
	}
	for i, s := range m.Sources {
		if text == nil && s.LicenceFile == "" {
			return fmt.Errorf("source %d brings no licence text, and the entry names none", i)
		}
	}
	return nil
}

func (s Source) validate() error {
	if !slices.Contains([]string{PTH, Safetensors, TFJSLayers, TFJSModules}, s.Format) {
		return fmt.Errorf("unknown format %q", s.Format)
	}
	if !localFile(s.File) {
		return fmt.Errorf("file %q: want a relative path", s.File)
	}
	switch s.Type {
	case URL:
		return s.validateURL()
	case NPM:
		return s.validateNPM()
	case Bundled:
		return s.validateBundled()
	}
	return fmt.Errorf("unknown type %q", s.Type)
}

func (s Source) validateURL() error {
	u, err := url.Parse(s.URL)
	if err != nil {
		return err
	}
	if u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("address %q: want https://HOST/...", s.URL)
	}
	if !startOfSum.MatchString(s.SHA256) {
		return fmt.Errorf("sha256 %q: want 8 to 64 hexadecimal digits, or nothing", s.SHA256)
	}
	if s.Format == TFJSModules {
		return errors.New("format tfjs-modules is read from npm packages only")
	}
	if s.Format == TFJSLayers && path.Base(s.File) != "model.json" {
		return fmt.Errorf("file %q: a layers-model is a directory's model.json", s.File)
	}
	if s.Package != "" || s.Version != "" || s.Files != nil || s.LicenceFile != "" {
		return errors.New("package, version, files and licenceFile are npm's")
	}
	return nil
}

func (s Source) validateNPM() error {
	if s.Package == "" || !exact.MatchString(s.Version) {
		return fmt.Errorf("package %q, version %q: want a name and an exact version", s.Package, s.Version)
	}
	if s.Format != TFJSModules {
		return fmt.Errorf("format %s is not read from npm packages", s.Format)
	}
	if len(s.Files) == 0 {
		return errors.New("no files to read from the package")
	}
	for name, sum := range s.Files {
		if !localFile(name) || !sumPattern.MatchString(sum) {
			return fmt.Errorf("file %q: want a relative path and a sha-256 of 64 hexadecimal digits", name)
		}
	}
	if _, ok := s.Files[s.LicenceFile]; s.LicenceFile != "" && !ok {
		return fmt.Errorf("licenceFile %s is not among the files", s.LicenceFile)
	}
	if s.URL != "" || s.SHA256 != "" {
		return errors.New("url and sha256 are not npm's: its files have sums")
	}
	return nil
}

func (s Source) validateBundled() error {
	if s.Format != Safetensors || strings.Contains(s.File, "/") || !strings.HasSuffix(s.File, ".safetensors") {
		return fmt.Errorf("format %s, file %q: a bundled blob is a file of safetensors in the folder weights", s.Format, s.File)
	}
	if s.URL != "" || s.SHA256 != "" || s.Package != "" || s.Version != "" || s.Files != nil || s.LicenceFile != "" {
		return errors.New("a bundled blob has no address, package or licence file; its sha-256 is the blob's")
	}
	return nil
}

func (a Accuracy) validate() error {
	if a.Dataset == "" {
		return errors.New("accuracy: dataset is missing")
	}
	for _, score := range []*Score{a.Published, a.Measured} {
		if score == nil {
			continue
		}
		top5 := score.Top1
		if score.Top5 != nil {
			top5 = *score.Top5
		}
		if score.By == "" || score.Top1 <= 0 || top5 < score.Top1 || top5 > 100 {
			return errors.New("accuracy: want 0 < top1 <= top5 <= 100, and who says so")
		}
	}
	return nil
}

// localFile reports whether name is a slash-separated path that stays below the
// directory it is joined to, on any system.
func localFile(name string) bool {
	return filepath.IsLocal(filepath.FromSlash(name)) && path.Clean(name) == name && !strings.ContainsAny(name, "\\:\x00")
}
