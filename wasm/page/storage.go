//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// storage lists what the browser keeps of this page, in the settings.
type storage struct {
	install *install
	list    *dom.BasicHTMLElement
	total   *dom.BasicHTMLElement
	persist *dom.BasicHTMLElement
	status  *dom.BasicHTMLElement // announced to screen readers
	kept    js.Func               // the API's onKept
}

func newStorage(i *install) *storage {
	s := &storage{
		install: i,
		list:    element("storage-models"),
		total:   element("storage-total"),
		persist: element("storage-persist"),
		status:  element("storage-status"),
	}
	s.kept = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) > 0 && args[0].Truthy() {
			i.page.notice.show(args[0].Get("message").String(), nil)
			return nil
		}
		go s.refresh()
		return nil
	})
	settings := element("settings").Underlying()
	listen(settings, "toggle", func(js.Value) {
		s.status.SetTextContent("")
		go s.refresh()
	})
	listen(s.persist.Underlying(), "click", func(js.Value) { go s.ask() })
	listen(s.list.Underlying(), "click", func(e js.Value) {
		if button := e.Get("target").Call("closest", "button"); button.Truthy() {
			button.Set("disabled", true)
			go s.remove(button.Get("dataset"))
		}
	})
	return s
}

// refresh lists the models anew, while the settings are open.
func (s *storage) refresh() {
	if !element("settings").Underlying().Get("open").Bool() {
		return
	}
	module, ok := s.install.load()
	if !ok {
		s.total.SetTextContent("What is kept here could not be listed. Check the connection, then open the settings again.")
		return
	}
	models, err := await(module.Call("keptModels"))
	if err != nil {
		s.total.SetTextContent(words(err))
		return
	}
	space, err := await(module.Call("storage"))
	if err != nil {
		s.total.SetTextContent(words(err))
		return
	}
	s.list.SetTextContent("")
	sum := 0.0
	for i := range models.Length() {
		model := models.Index(i)
		sum += model.Get("bytes").Float()
		add(s.list, s.line(model))
	}
	text := "No models are kept. "
	if n := models.Length(); n > 0 {
		text = strconv.Itoa(n) + " model" + plural(n) + ", " + megabytes(sum) + " MB. "
	}
	if quota := space.Get("quota").Float(); quota > 0 {
		text += "With the page itself " + megabytes(space.Get("usage").Float()) + " MB of about " + gigabytes(quota) + " GB that the browser grants. "
	}
	persisted := space.Get("persisted").Bool()
	switch {
	case !space.Get("offline").Bool():
		text += "In this browser, at this address, the page does not open without a network."
	case persisted:
		text += "The page opens without a network, and the browser keeps it when space is short."
	default:
		text += "The page opens without a network."
	}
	s.total.SetTextContent(text)
	hide(s.persist, persisted || models.Length() == 0)
}

// line is a model with its size and a button that deletes it.
func (s *storage) line(model js.Value) *dom.BasicHTMLElement {
	title := model.Get("title").String()
	line := create("li", "")
	text := create("span", "")
	text.SetTextContent(title + ", " + megabytes(model.Get("bytes").Float()) + " MB")
	add(line, text)
	button := create("button", "button")
	button.SetAttribute("type", "button")
	button.SetAttribute("aria-label", "Delete "+title)
	button.SetAttribute("data-sha256", model.Get("sha256").String())
	button.SetAttribute("data-title", title)
	button.SetTextContent("Delete")
	add(line, button)
	return line
}

// remove deletes the model that a button's data name. The button that had the
// focus is gone then: it moves to the sum below the list.
func (s *storage) remove(data js.Value) {
	title := data.Get("title").String()
	removed, err := await(s.install.module.Call("dropKept", data.Get("sha256")))
	s.refresh()
	s.total.Focus()
	switch {
	case err != nil:
		s.status.SetTextContent(words(err))
	case removed.Bool():
		s.status.SetTextContent(title + " is deleted. It is downloaded again when it is chosen.")
	default:
		s.status.SetTextContent(title + " was deleted already.")
	}
}

func gigabytes(bytes float64) string { return strconv.FormatFloat(bytes/1e9, 'f', 1, 64) }

// ask asks the browser not to delete what is kept.
func (s *storage) ask() {
	agreed, err := await(s.install.module.Call("persist"))
	s.refresh()
	if err == nil && agreed.Bool() {
		s.total.Focus()
		s.status.SetTextContent("The browser keeps the models and the page until you delete them.")
		return
	}
	s.status.SetTextContent("The browser does not promise it. Most do once a page is installed or often used.")
}
