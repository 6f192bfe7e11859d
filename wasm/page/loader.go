//go:build js

package main

import (
	"strconv"
	"strings"
	"syscall/js"
	"time"

	"honnef.co/go/js/dom/v2"
)

// loader loads the chosen model and shows how far it is.
type loader struct {
	page     *page
	chooser  *dom.HTMLSelectElement
	box      dom.HTMLElement
	text     dom.HTMLElement // what is going on; announced to screen readers
	bytes    dom.HTMLElement // how far it is
	progress *dom.HTMLProgressElement
	cancel   *dom.HTMLButtonElement
	facts    dom.HTMLElement
	licence  dom.HTMLElement
	terms    *dom.HTMLAnchorElement // in licence

	models     []js.Value // ModelEntry
	classifier js.Value   // undefined until loaded
	abort      js.Value   // the AbortController of a load that runs, or undefined
}

func newLoader(p *page) *loader {
	return &loader{
		page:     p,
		chooser:  element[*dom.HTMLSelectElement]("model"),
		box:      element[dom.HTMLElement]("loading"),
		text:     element[dom.HTMLElement]("loading-text"),
		bytes:    element[dom.HTMLElement]("loading-bytes"),
		progress: element[*dom.HTMLProgressElement]("progress"),
		cancel:   element[*dom.HTMLButtonElement]("cancel"),
		facts:    element[dom.HTMLElement]("facts"),
		licence:  element[dom.HTMLElement]("licence"),
		terms:    element[*dom.HTMLAnchorElement]("terms"),
	}
}

// start wires the chooser and the button, and begins.
func (l *loader) start() {
	l.chooser.AddEventListener("change", false, func(dom.Event) { go l.load() })
	l.cancel.AddEventListener("click", false, func(dom.Event) {
		if l.abort.Truthy() {
			l.abort.Call("abort")
		}
	})
	go l.open()
}

// open fills the chooser and loads the first model, unless the visitor saves
// data: then loading waits for a picture.
func (l *loader) open() {
	if !l.list() {
		return
	}
	if connection := js.Global().Get("navigator").Get("connection"); connection.Truthy() && connection.Get("saveData").Truthy() {
		return
	}
	l.load()
}

// list fills the chooser.
func (l *loader) list() bool {
	models, err := await(l.page.api.Call("models"))
	l.stage("", 0, 0)
	if err != nil {
		l.page.notice.show(words(err), func() { go l.open() })
		return false
	}
	for i := range models.Length() {
		model := models.Index(i)
		l.models = append(l.models, model)
		option := create("option", "")
		option.SetTextContent(model.Get("title").String() + " (" + megabytes(model.Get("bytes").Float()) + " MB)")
		l.chooser.AppendChild(option)
	}
	if len(l.models) == 0 {
		l.page.notice.show("No model is on this site. Whoever built it can add some with “make weights”, then build it again.", nil)
		return false
	}
	l.chooser.SetDisabled(false)
	return true
}

// load loads the model that is chosen, in place of what there was.
func (l *loader) load() {
	if l.abort.Truthy() {
		l.abort.Call("abort")
	}
	if l.classifier.Truthy() {
		l.classifier.Call("dispose")
		l.classifier = js.Undefined()
		l.page.teach.network(js.Undefined(), js.Undefined())
	}
	model := l.models[l.chooser.SelectedIndex()]
	title := model.Get("title").String()
	abort := js.Global().Get("AbortController").New()
	l.abort = abort
	l.page.notice.hide()
	l.facts.SetTextContent("")
	hide(l.licence, true)
	l.stage("Loading "+title, 0, model.Get("bytes").Float())

	onProgress := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if !l.abort.Equal(abort) {
			return nil
		}
		loaded, total := args[0].Get("loaded").Float(), args[0].Get("total").Float()
		l.stage("Loading "+title, loaded, total)
		return nil
	})
	classifier, err := await(l.page.api.Call("load", map[string]any{
		"model": model.Get("name"), "onProgress": onProgress, "signal": abort.Get("signal"), "urls": l.page.api.Get("urls"),
	}))
	onProgress.Release()
	if !l.abort.Equal(abort) { // another model was chosen meanwhile
		if err == nil {
			classifier.Call("dispose")
		}
		return
	}
	l.abort = js.Undefined()
	l.stage("", 0, 0)
	switch {
	case err == nil:
		l.classifier = classifier
		l.page.teach.network(classifier, model)
		l.describe(model)
		time.AfterFunc(time.Second, func() { // helper threads take a moment to start
			if classifier.Equal(l.classifier) {
				l.describe(model)
			}
		})
		l.page.classify()
	case errorCode(err) == "aborted":
		l.page.notice.show("Loading was cancelled.", func() { go l.load() })
	default:
		l.page.notice.show(words(err), func() { go l.load() })
	}
}

// ready returns the classifier. Where none is there and none on its way, it
// starts loading.
func (l *loader) ready() (js.Value, bool) {
	if l.classifier.Truthy() {
		return l.classifier, true
	}
	if !l.abort.Truthy() && len(l.models) > 0 {
		go l.load()
	}
	return js.Value{}, false
}

// stage shows what is going on and how many bytes of it are there; "" for nothing.
func (l *loader) stage(text string, loaded, total float64) {
	hide(l.box, text == "")
	hide(l.cancel, !l.abort.Truthy())
	if l.text.TextContent() != text {
		l.text.SetTextContent(text)
	}
	if total == 0 {
		l.bytes.SetTextContent("")
		l.progress.RemoveAttribute("value")
		return
	}
	l.bytes.SetTextContent(megabytes(loaded) + " of " + megabytes(total) + " MB")
	l.progress.SetMax(total)
	l.progress.SetValue(loaded)
}

// backends are how the page names them.
var backends = map[string]string{"simd128": "SIMD", "relaxed": "relaxed SIMD", "go": "no SIMD in this browser: slow"}

// describe shows what was loaded and how it runs.
func (l *loader) describe(model js.Value) {
	info := l.classifier.Call("info")
	threads := info.Get("threads").Int()
	facts := []string{
		strconv.Itoa(info.Get("classes").Int()) + " classes",
		strconv.Itoa(info.Get("height").Int()) + " × " + strconv.Itoa(info.Get("width").Int()) + " pixels",
		backends[info.Get("backend").String()],
		strconv.Itoa(threads) + " thread" + plural(threads),
	}
	l.facts.SetTextContent(strings.Join(facts, " · "))
	if licence := model.Get("licence"); licence.Type() == js.TypeString {
		l.terms.SetTextContent(licence.String())
		if url := model.Get("licenceURL"); url.Type() == js.TypeString {
			l.terms.SetAttribute("href", url.String())
		} else {
			l.terms.RemoveAttribute("href")
		}
		hide(l.licence, false)
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
