//go:build js

package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// loader loads the chosen model and shows how far it is.
type loader struct {
	page     *page
	chooser  *dom.HTMLSelectElement
	box      *dom.BasicHTMLElement
	text     *dom.BasicHTMLElement // what is going on; announced to screen readers
	bytes    *dom.BasicHTMLElement // how far it is
	progress *dom.HTMLProgressElement
	cancel   *dom.BasicHTMLElement

	models     []js.Value // ModelEntry
	classifier js.Value   // undefined until loaded
	abort      js.Value   // the AbortController of a load that runs, or undefined
	listing    bool       // the list of models is on its way
	waiting    bool       // for the device to be online
	wanted     bool       // a picture or the camera waits for the first model
}

func newLoader(p *page) *loader {
	return &loader{
		page:     p,
		chooser:  chooser("model"),
		box:      element("loading"),
		text:     element("loading-text"),
		bytes:    element("loading-bytes"),
		progress: &dom.HTMLProgressElement{BasicHTMLElement: element("progress")},
		cancel:   element("cancel"),
	}
}

// start wires the chooser and the button, and begins.
func (l *loader) start() {
	listen(l.chooser.Underlying(), "change", func(js.Value) {
		l.page.keep("model", l.models[l.chooser.SelectedIndex()].Get("name").String())
		go l.load()
	})
	listen(js.Global(), "online", func(js.Value) {
		if l.waiting {
			l.page.notice.hide()
			go l.open()
		}
	})
	listen(l.cancel.Underlying(), "click", func(js.Value) {
		if l.abort.Truthy() {
			l.abort.Call("abort")
		}
	})
	go l.open()
}

// open fills the chooser and loads the first model, unless the visitor saves
// data: then loading waits for a picture.
func (l *loader) open() {
	if l.listing {
		return
	}
	l.listing, l.waiting = true, false
	listed := l.list()
	l.listing = false
	if !listed {
		l.give()
		return
	}
	if connection := js.Global().Get("navigator").Get("connection"); !l.wanted && connection.Truthy() && connection.Get("saveData").Truthy() {
		l.page.results.explain("This device saves data: the model is fetched when you open a picture or the camera.")
		return
	}
	l.load()
}

// list fills the chooser, once.
func (l *loader) list() bool {
	if len(l.models) > 0 {
		return true
	}
	models, err := await(l.page.api.Call("models"))
	l.stage("", 0, 0)
	if err != nil {
		l.refuse(err, func() { go l.open() })
		return false
	}
	for i := range models.Length() {
		model := models.Index(i)
		l.models = append(l.models, model)
		addOption(l.chooser, model.Get("name").String(), model.Get("title").String()+" ("+megabytes(model.Get("bytes").Float())+" MB)", false)
	}
	if len(l.models) == 0 {
		l.page.notice.show("No model is on this site. Whoever built it can add some with “make weights”, then build it again.", nil)
		return false
	}
	choose(l.chooser, l.page.kept("model"))
	setDisabled(l.chooser.BasicHTMLElement, false)
	l.page.settings.list(l.models)
	return true
}

// load loads the model that is chosen, in place of what there was. Settings that
// change before the list of models is there are followed when it is.
func (l *loader) load() {
	if len(l.models) == 0 {
		return
	}
	if l.abort.Truthy() {
		l.abort.Call("abort")
	}
	if l.classifier.Truthy() {
		l.classifier.Call("dispose")
		l.classifier = js.Undefined()
		l.page.teach.network(js.Undefined())
	}
	model := l.models[l.chooser.SelectedIndex()]
	title := model.Get("title").String()
	abort := js.Global().Get("AbortController").New()
	l.abort = abort
	l.waiting = false
	l.page.notice.hide()
	l.page.settings.facts.SetTextContent("")
	l.stage("Loading "+title, 0, model.Get("bytes").Float())

	onProgress := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if !l.abort.Equal(abort) {
			return nil
		}
		loaded, total := args[0].Get("loaded").Float(), args[0].Get("total").Float()
		l.stage("Loading "+title, loaded, total)
		return nil
	})
	options := map[string]any{
		"model": model.Get("name"), "onProgress": onProgress, "signal": abort.Get("signal"), "urls": l.page.api.Get("urls"),
	}
	l.page.settings.add(options)
	classifier, err := await(l.page.api.Call("load", options))
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
		l.page.teach.network(classifier)
		l.page.settings.describe(classifier)
		after(1000, func() { // helper threads take a moment to start
			if classifier.Equal(l.classifier) {
				l.page.settings.describe(classifier)
			}
		})
		l.page.classify()
	case errorCode(err) == "aborted":
		l.give()
		l.page.notice.show("Loading was cancelled.", func() { go l.load() })
	default:
		l.give()
		l.refuse(err, func() { go l.load() })
	}
}

// give ends the waiting of what is shown: there will be no model.
func (l *loader) give() {
	l.page.pictures.cancel()
	l.page.results.clear()
}

// refuse says why nothing could be loaded. Where the device is offline, loading
// begins again by itself when it no longer is.
func (l *loader) refuse(err error, again func()) {
	switch code := errorCode(err); {
	case js.Global().Get("navigator").Get("onLine").Bool(), code != "manifest" && code != "engine-http" && code != "weights-http":
		l.page.notice.show(words(err), again)
	default:
		l.waiting = true
		l.page.notice.show("You are offline and this model has not been fetched yet. It loads when you are online again; models that were used before work offline.", again)
	}
}

// ready returns the classifier. Where none is there and none on its way, it
// starts loading; what the visitor does calls it, since it tries again what failed.
func (l *loader) ready() (js.Value, bool) {
	if l.classifier.Truthy() {
		return l.classifier, true
	}
	l.wanted = true
	if len(l.models) == 0 {
		go l.open()
	} else if !l.abort.Truthy() {
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
