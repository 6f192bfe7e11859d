//go:build js

package main

import (
	"errors"
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// settled is what a promise came to.
type settled struct {
	value js.Value
	err   error
}

// A waiter waits for one promise after another. It exists so that a loop over
// camera frames makes no new JavaScript functions.
type waiter struct {
	fulfilled, rejected js.Func
	outcome             chan settled
}

func newWaiter() *waiter {
	w := &waiter{outcome: make(chan settled, 1)}
	w.fulfilled = js.FuncOf(func(_ js.Value, args []js.Value) any {
		w.outcome <- settled{value: args[0]}
		return nil
	})
	w.rejected = js.FuncOf(func(_ js.Value, args []js.Value) any {
		w.outcome <- settled{err: js.Error{Value: args[0]}}
		return nil
	})
	return w
}

// await blocks the calling goroutine until the promise is settled.
func (w *waiter) await(promise js.Value) (js.Value, error) {
	promise.Call("then", w.fulfilled, w.rejected)
	s := <-w.outcome
	return s.value, s.err
}

func (w *waiter) release() {
	w.fulfilled.Release()
	w.rejected.Release()
}

// await waits for a single promise.
func await(promise js.Value) (js.Value, error) {
	w := newWaiter()
	defer w.release()
	return w.await(promise)
}

// errorCode is the code of a GlanceError, or the name of another error.
func errorCode(err error) string {
	var thrown js.Error
	if !errors.As(err, &thrown) || thrown.Value.Type() != js.TypeObject {
		return ""
	}
	if code := thrown.Value.Get("code"); code.Type() == js.TypeString {
		return code.String()
	}
	return thrown.Value.Get("name").String()
}

// words is the message of an error, for people.
func words(err error) string {
	var thrown js.Error
	if errors.As(err, &thrown) && thrown.Value.Type() == js.TypeObject {
		return thrown.Value.Get("message").String()
	}
	return err.Error()
}

// element returns the element with the given id. The ids are those of
// index.html, which is built together with this program.
func element(id string) *dom.BasicHTMLElement {
	return wrap(js.Global().Get("document").Call("getElementById", id))
}

// chooser returns the select element with the given id.
func chooser(id string) *dom.HTMLSelectElement {
	return &dom.HTMLSelectElement{BasicHTMLElement: element(id)}
}

// wrap gives an element its type. The dom package's own functions choose among all
// types of elements and return interfaces, so that all of them are linked with
// their methods, and package time's calendar with the events'. Concrete types link
// the methods that are called.
func wrap(v js.Value) *dom.BasicHTMLElement {
	return &dom.BasicHTMLElement{BasicElement: &dom.BasicElement{BasicNode: &dom.BasicNode{Value: v}}}
}

// listen calls handle with the events of a type that are sent to an element, the
// document or the window. The function is never released: elements that come and go
// are listened to through their parent. The dom package's own method would link all
// types of events.
func listen(target js.Value, event string, handle func(event js.Value)) {
	target.Call("addEventListener", event, js.FuncOf(func(_ js.Value, args []js.Value) any {
		handle(args[0])
		return nil
	}))
}

// after calls a function some milliseconds later. Package time would link its
// calendar.
func after(ms int, call func()) {
	var f js.Func
	f = js.FuncOf(func(js.Value, []js.Value) any {
		f.Release()
		go call() // it may wait
		return nil
	})
	js.Global().Call("setTimeout", f, ms)
}

// create makes an element.
func create(tag, class string) *dom.BasicHTMLElement {
	e := js.Global().Get("document").Call("createElement", tag)
	if class != "" {
		e.Set("className", class)
	}
	return wrap(e)
}

// add appends elements to another.
func add(parent *dom.BasicHTMLElement, children ...*dom.BasicHTMLElement) {
	for _, child := range children {
		parent.Underlying().Call("append", child.Underlying())
	}
}

// addOption appends an entry to a chooser.
func addOption(chooser *dom.HTMLSelectElement, value, text string, disabled bool) {
	option := js.Global().Get("Option").New(text, value)
	option.Set("disabled", disabled)
	chooser.Underlying().Call("add", option)
}

// setLength sets how much of its track a bar fills, 0 to 1.
func setLength(fill *dom.BasicHTMLElement, part float64) {
	fill.Style().SetProperty("transform", "scaleX("+strconv.FormatFloat(part, 'f', 4, 64)+")", "")
}

func hide(e *dom.BasicHTMLElement, hidden bool) {
	e.Underlying().Set("hidden", hidden)
}

func setDisabled(e *dom.BasicHTMLElement, disabled bool) {
	e.Underlying().Set("disabled", disabled)
}

func setClass(e *dom.BasicHTMLElement, name string, on bool) {
	if on {
		e.Class().Add(name)
	} else {
		e.Class().Remove(name)
	}
}
