//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// settings are how the engine runs and what is known of the models. Choices are
// kept for the next visit.
type settings struct {
	page    *page
	threads *dom.HTMLSelectElement
	note    *dom.BasicHTMLElement // why there is one thread only
	backend *dom.HTMLSelectElement
	models  *dom.BasicHTMLElement
	facts   *dom.BasicHTMLElement // how the engine runs now
}

// automatic is the first entry of both choosers.
const automatic = "auto"

// backends are how the page names them.
var backends = []struct{ value, name string }{
	{automatic, "Automatic"},
	{"relaxed", "relaxed SIMD"},
	{"simd128", "SIMD"},
	{"go", "Go, no SIMD (slow)"},
}

func newSettings(p *page) *settings {
	return &settings{
		page:    p,
		threads: chooser("threads"),
		note:    element("threads-note"),
		backend: chooser("backend"),
		models:  element("models"),
		facts:   element("facts"),
	}
}

// kept is what the visitor chose on an earlier visit; "" for nothing.
func (p *page) kept(name string) string { return p.api.Get("kept").Call("get", name).String() }

func (p *page) keep(name, value string) { p.api.Get("kept").Call("set", name, value) }

func (s *settings) start() {
	s.fillThreads()
	supported := s.page.api.Call("supported")
	for _, b := range backends {
		addOption(s.backend, b.value, b.name, b.value != automatic && !supported.Call("includes", b.value).Bool())
	}
	s.wire(s.backend, "backend")
	s.wire(s.threads, "threads")
}

func (s *settings) fillThreads() {
	addOption(s.threads, automatic, "Automatic", false)
	if !js.Global().Get("crossOriginIsolated").Truthy() {
		setDisabled(s.threads.BasicHTMLElement, true)
		s.note.SetTextContent("One thread: several need shared memory, which browsers give only to pages whose server sends the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.")
		return
	}
	n := 1
	if cores := js.Global().Get("navigator").Get("hardwareConcurrency"); cores.Type() == js.TypeNumber {
		n = cores.Int()
	}
	for i := range min(n, 32) {
		addOption(s.threads, strconv.Itoa(i+1), strconv.Itoa(i+1), false)
	}
	s.note.SetTextContent("This device has " + strconv.Itoa(n) + " logical core" + plural(n) + ". Automatic uses up to 4.")
}

// wire shows the choice of an earlier visit and loads the classifier anew when
// another is made.
func (s *settings) wire(chooser *dom.HTMLSelectElement, name string) {
	if value := s.page.kept(name); value != "" && !chooser.Disabled() {
		choose(chooser, value)
	}
	listen(chooser.Underlying(), "change", func(js.Value) {
		s.page.keep(name, chooser.Value())
		go s.page.loader.load()
	})
}

// choose selects the entry with a value, where it is there and can be chosen.
func choose(chooser *dom.HTMLSelectElement, value string) {
	was := chooser.SelectedIndex()
	chooser.SetValue(value)
	if i := chooser.SelectedIndex(); i < 0 || chooser.Underlying().Get("options").Index(i).Get("disabled").Bool() {
		chooser.SetSelectedIndex(was)
	}
}

// add puts the choices into the options of the API's load.
func (s *settings) add(options map[string]any) {
	options["backend"] = s.backend.Value()
	if n, err := strconv.Atoi(s.threads.Value()); err == nil {
		options["threads"] = n
	}
}

// list describes the models: ModelEntry of the API.
func (s *settings) list(models []js.Value) {
	s.models.SetTextContent("")
	for _, model := range models {
		line := create("li", "")
		title := create("strong", "")
		title.SetTextContent(model.Get("title").String())
		add(line, title)
		text := megabytes(model.Get("bytes").Float()) + " MB · " + strconv.Itoa(model.Get("classes").Int()) + " classes"
		if accuracy := model.Get("accuracy"); accuracy.Truthy() {
			text += " · " + strconv.FormatFloat(accuracy.Get("top1").Float(), 'f', 1, 64) + "\u00a0% top-1 on " + accuracy.Get("dataset").String()
		} else {
			text += " · accuracy not published"
		}
		facts := create("span", "")
		facts.SetTextContent(text)
		add(line, facts)
		if licence := model.Get("licence"); licence.Type() == js.TypeString {
			terms := create("a", "")
			terms.SetTextContent("Licence: " + licence.String())
			if url := model.Get("licenceURL"); url.Type() == js.TypeString {
				terms.SetAttribute("href", url.String())
			}
			add(line, terms)
		}
		add(s.models, line)
	}
}

// describe shows how a classifier runs.
func (s *settings) describe(classifier js.Value) {
	info := classifier.Call("info")
	threads := info.Get("threads").Int()
	backend := info.Get("backend").String()
	for _, b := range backends {
		if b.value == backend {
			backend = b.name
		}
	}
	s.facts.SetTextContent(strconv.Itoa(info.Get("classes").Int()) + " classes · " +
		strconv.Itoa(info.Get("height").Int()) + " × " + strconv.Itoa(info.Get("width").Int()) + " pixels · " +
		backend + " · " + strconv.Itoa(threads) + " thread" + plural(threads))
}
