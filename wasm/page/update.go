//go:build js

package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// update tells that a newer version of the site waits, and lets the visitor decide
// when the page becomes it.
type update struct {
	box   *dom.BasicHTMLElement
	text  *dom.BasicHTMLElement
	ready js.Func // called when a version waits
}

func newUpdate(i *install) *update {
	u := &update{box: element("update"), text: element("update-text")}
	u.ready = js.FuncOf(func(js.Value, []js.Value) any {
		hide(u.box, false)
		u.text.SetTextContent("A new version is ready. Reload to use it: every open tab of this page reloads, and the pictures they show are put away.")
		return nil
	})
	listen(element("update-now").Underlying(), "click", func(js.Value) {
		u.text.SetTextContent("Reloading")
		i.module.Call("apply")
	})
	listen(element("update-later").Underlying(), "click", func(js.Value) { hide(u.box, true) })
	return u
}
