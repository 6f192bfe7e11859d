//go:build js

package main

import (
	"errors"
	"strings"
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

func hide(e dom.HTMLElement, hidden bool) {
	e.Underlying().Set("hidden", hidden)
}

func setClass(e dom.HTMLElement, name string, on bool) {
	if on {
		e.Class().Add(name)
	} else {
		e.Class().Remove(name)
	}
}

func hasPrefix(s, prefix string) bool { return strings.HasPrefix(s, prefix) }
