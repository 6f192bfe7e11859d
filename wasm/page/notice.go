//go:build js

package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// notice tells what went wrong and what to do.
type notice struct {
	box   *dom.BasicHTMLElement
	text  *dom.BasicHTMLElement
	retry *dom.BasicHTMLElement
	again func()
}

func newNotice() *notice {
	n := &notice{
		box:   element("notice"),
		text:  element("notice-text"),
		retry: element("retry"),
	}
	listen(n.retry.Underlying(), "click", func(js.Value) {
		n.hide()
		if n.again != nil {
			n.again()
		}
	})
	listen(element("dismiss").Underlying(), "click", func(js.Value) { n.hide() })
	return n
}

// show says text; where again is not nil, a button offers it.
func (n *notice) show(text string, again func()) {
	n.again = again
	hide(n.retry, again == nil)
	n.text.SetTextContent(text)
	hide(n.box, false)
}

func (n *notice) hide() {
	hide(n.box, true)
	n.text.SetTextContent("")
}
