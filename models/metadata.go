package models

import (
	"strconv"
	"strings"

	"glance/kernels"
)

// formatVersion is the value of a blob's "glance" key that this package reads.
const formatVersion = "1"

// maxMetadataValue bounds what an error quotes of a bad value.
const maxMetadataValue = 80

// ConfigFromMetadata reads a network's options and its preprocessing from a
// blob's metadata:
//
//	glance        "1", the version of this format
//	arch          "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"
//	variant       "", "article" or "features"
//	alpha         "0.75"; absent: 1
//	classes       "1000"
//	height, width "224"
//	padding       "symmetric" or "same"
//	head          "256:relu,128:relu,5"; absent: the architecture's own; "none": no classifier
//	stem_act      "relu"; absent: the architecture's own
//
// and the keys of [Preprocess]. Absent keys mean the default; unknown keys are
// ignored. The error is a [*ConfigError] that names the key; the configuration
// returned passes [New].
func ConfigFromMetadata(md map[string]string) (Config, Preprocess, error) {
	var c Config
	var p Preprocess
	if v := md["glance"]; v != formatVersion {
		return c, p, badValue("glance", v, `"1", the only version of the format; without the key the file is not a blob of this project`)
	}
	r := metadataReader{md: md}
	c.Arch = Arch(md["arch"])
	c.Variant = md["variant"]
	c.Alpha = r.float("alpha", 0)
	c.Classes = r.int("classes", 0)
	c.Height = r.int("height", 0)
	c.Width = r.int("width", 0)
	c.Padding = Padding(md["padding"])
	switch h := md["head"]; h {
	case "":
	case "none":
		c.NoHead = true
	default:
		c.Head = r.head(h)
	}
	if s := md["stem_act"]; s != "" {
		a, ok := parseActivation(s)
		if !ok {
			r.fail("stem_act", s, activationList)
		}
		c.StemAct = &a
	}
	if r.err == nil {
		c = c.withDefaults()
		if err := c.check(); err != nil {
			return c, p, err
		}
		p = r.preprocess(c)
	}
	if r.err != nil {
		return c, p, r.err
	}
	return c, p, p.check(c)
}

// Metadata is the inverse of [ConfigFromMetadata]: the keys a blob of this
// network carries. The caller adds "labels" (see [Labels]), "name", "source" and
// "licence".
func Metadata(c Config, p Preprocess) map[string]string {
	c = c.withDefaults()
	md := map[string]string{
		"glance":  formatVersion,
		"arch":    string(c.Arch),
		"alpha":   formatFloat(c.Alpha),
		"height":  strconv.Itoa(c.Height),
		"width":   strconv.Itoa(c.Width),
		"padding": string(c.Padding),
	}
	if c.Variant != "" {
		md["variant"] = c.Variant
	}
	if c.NoHead {
		md["head"] = "none"
	} else {
		md["classes"] = strconv.Itoa(c.Classes)
		if c.Head != nil {
			md["head"] = formatHead(c.Head)
		}
	}
	if c.StemAct != nil {
		md["stem_act"] = c.StemAct.String()
	}
	p.metadata(md)
	return md
}

// Labels returns the class names in a blob's metadata, nil where it has none.
// Their number must be that of the network's outputs.
func Labels(md map[string]string, outputs int) ([]string, error) {
	text, ok := md["labels"]
	if !ok || text == "" {
		return nil, nil
	}
	n := 1 + strings.Count(text, "\n")
	if strings.HasSuffix(text, "\n") {
		n, text = n-1, text[:len(text)-1]
	}
	if n != outputs {
		return nil, &ConfigError{"labels", strconv.Itoa(n) + " lines", strconv.Itoa(outputs) + ", one for each output"}
	}
	return strings.Split(text, "\n"), nil
}

// metadataReader parses values and keeps the first error.
type metadataReader struct {
	md  map[string]string
	err *ConfigError
}

func (r *metadataReader) fail(key, value, want string) {
	if r.err == nil {
		r.err = badValue(key, value, want)
	}
}

func badValue(key, value, want string) *ConfigError {
	if len(value) > maxMetadataValue {
		value = value[:maxMetadataValue] + "..."
	}
	return &ConfigError{key, value, want}
}

func (r *metadataReader) int(key string, absent int) int {
	s, ok := r.md[key]
	if !ok || s == "" {
		return absent
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		r.fail(key, s, "a whole number above 0")
	}
	return n
}

func (r *metadataReader) float(key string, absent float64) float64 {
	s, ok := r.md[key]
	if !ok || s == "" {
		return absent
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v == 0 {
		r.fail(key, s, "a number other than 0")
	}
	return v
}

func (r *metadataReader) floats(key string, absent [3]float64) [3]float64 {
	s, ok := r.md[key]
	if !ok || s == "" {
		return absent
	}
	var v [3]float64
	parts := strings.SplitN(s, ",", 4)
	if len(parts) != 3 {
		r.fail(key, s, "three numbers separated by commas")
		return v
	}
	for i, part := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			r.fail(key, s, "three numbers separated by commas")
		}
		v[i] = x
	}
	return v
}

const activationList = "identity, relu, relu6, hardswish or hardsigmoid"

func parseActivation(s string) (kernels.Activation, bool) {
	for a := kernels.Identity; a <= kernels.HardSigmoid; a++ {
		if a.String() == s {
			return a, true
		}
	}
	return 0, false
}

// ParseHead reads a head as [Metadata] writes it: units and, after a colon, the
// activation of each dense layer, separated by commas ("256:relu,128:relu,5").
func ParseHead(s string) ([]HeadLayer, error) {
	var r metadataReader
	head := r.head(s)
	if r.err != nil {
		return nil, r.err
	}
	return head, nil
}

func (r *metadataReader) head(s string) []HeadLayer {
	const want = `layers like "256:relu,128:relu,5"`
	parts := strings.SplitN(s, ",", maxHead+1)
	if len(parts) > maxHead {
		r.fail("head", s, "at most "+strconv.Itoa(maxHead)+" layers")
		return nil
	}
	head := make([]HeadLayer, len(parts))
	for i, part := range parts {
		units, act, named := strings.Cut(part, ":")
		n, err := strconv.Atoi(units)
		if err != nil || n < 1 {
			r.fail("head", s, want)
		}
		head[i].Units = n
		if named {
			a, ok := parseActivation(act)
			if !ok {
				r.fail("head", s, want+" with activations "+activationList)
			}
			head[i].Act = a
		}
	}
	return head
}

// formatHead writes a head as "256:relu,128:relu,5"; layers without an
// activation stand alone.
func formatHead(head []HeadLayer) string {
	var b strings.Builder
	for i, h := range head {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(h.Units))
		if h.Act != kernels.Identity {
			b.WriteByte(':')
			b.WriteString(h.Act.String())
		}
	}
	return b.String()
}

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
