//go:build js

package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// teaching connects the page with its section "Teach your own classes". The
// section's module, site/teach-page.js, is fetched when it is opened.
type teaching struct {
	page       *page
	details    *dom.BasicHTMLElement
	wanted     bool     // whether to open the section once there is a model, as it was on the last visit
	section    js.Value // what the module answered, or undefined
	classifier js.Value // of the model that is there, or undefined
	taught     js.Value // function(source) -> Promise<Prediction[]> while taught classes are in use, or undefined
	threshold  float64  // the probability below which it is none of them
	turn       int      // counts the changes between the model's own classes and taught ones
	options    js.Value // of classify
}

func newTeaching(p *page) *teaching {
	t := &teaching{
		page:    p,
		details: element("teach-details"),
		options: js.ValueOf(map[string]any{"topk": bars}),
	}
	p.results.label = t.label
	return t
}

func (t *teaching) start() {
	t.wanted = t.page.kept("teach") != ""
	t.wait()
}

// wait fills the section when it is opened.
func (t *teaching) wait() {
	var toggle js.Func
	toggle = js.FuncOf(func(js.Value, []js.Value) any {
		if t.details.Underlying().Get("open").Bool() {
			t.details.Underlying().Call("removeEventListener", "toggle", toggle)
			toggle.Release()
			go t.open()
		}
		return nil
	})
	t.details.Underlying().Call("addEventListener", "toggle", toggle)
}

// open fetches the module, which fills the section.
func (t *teaching) open() {
	module, err := await(t.page.api.Call("teach"))
	if err != nil {
		t.details.Underlying().Set("open", false)
		t.page.notice.show("The part of the page that teaches could not be fetched. Check the connection, then open it again.", nil)
		t.wait()
		return
	}
	use := js.FuncOf(func(_ js.Value, args []js.Value) any {
		t.taught = args[0]
		t.turn++
		if t.taught.Truthy() {
			t.threshold = args[1].Float()
		}
		go t.page.classify()
		return nil
	})
	t.section = module.Call("openTeaching", use, t.page.api.Get("kept"))
	t.section.Call("network", t.classifier)
}

// network tells the section which classifier there is, undefined while there is none.
// Taught classes belong to one network: the section says again whether they are used.
func (t *teaching) network(classifier js.Value) {
	t.classifier, t.taught = classifier, js.Undefined()
	if t.section.Truthy() {
		t.section.Call("network", classifier)
	} else if t.wanted && classifier.Truthy() {
		t.wanted = false
		t.details.Underlying().Set("open", true)
	}
}

// predict starts classifying a source, by the taught classes where these are in use,
// and returns the promise of the most probable ones.
func (t *teaching) predict(classifier, source js.Value) js.Value {
	if t.taught.Truthy() {
		return t.taught.Invoke(source)
	}
	return classifier.Call("classify", source, t.options)
}

// label is how a class at a rank is shown: a taught one that is the most probable,
// but not probable enough, as what the picture is not.
func (t *teaching) label(p prediction, rank int) string {
	if rank == 0 && t.taught.Truthy() && p.Probability < t.threshold {
		return "None of these (" + p.Class + "?)"
	}
	return p.Class
}
