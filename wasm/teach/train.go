//go:build js

package main

import (
	"context"
	"syscall/js"
	"time"

	"glance/models/teach"
)

// slice is how long a training computes before it lets other events in.
const slice = 50 * time.Millisecond

// training is a call of train.
type training struct {
	examples teach.Examples
	base     teach.Base
	progress js.Value // function or undefined
	signal   js.Value // AbortSignal or undefined
}

// train(examples, {progress, signal})
func (p *program) train(_ js.Value, args []js.Value) any {
	var t training
	_, err := safely(func() (any, error) { return nil, t.read(args) })
	return promise(func() any {
		if err != nil {
			return failure(err)
		}
		answer, err := p.run(&t)
		if err != nil {
			return failure(err)
		}
		return answer
	})
}

// promise returns a promise of what answer returns, which runs after the caller has
// returned to JavaScript.
func promise(answer func() any) js.Value {
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		resolve := args[0]
		go func() {
			letEventsIn()
			resolve.Invoke(answer())
		}()
		return nil
	})
	defer executor.Release()
	return js.Global().Get("Promise").New(executor)
}

// letEventsIn returns after other events of the thread have been handled: a Go
// program goes back to the event loop when all of its goroutines wait. A sleep would
// not do: one that is over before the program has gone back continues at once.
func letEventsIn() {
	back := make(chan struct{})
	task := js.FuncOf(func(js.Value, []js.Value) any {
		close(back)
		return nil
	})
	defer task.Release()
	js.Global().Call("setTimeout", task, 0)
	<-back
}

func (t *training) read(args arguments) (err error) {
	object := args.at(0)
	if t.examples, err = readExamples(object); err != nil {
		return err
	}
	if t.examples.Classes, err = readStrings(object.Get("classes"), "classes"); err != nil {
		return err
	}
	if t.base, err = readBase(object.Get("base")); err != nil {
		return err
	}
	options := args.at(1)
	if options.IsUndefined() {
		return nil
	}
	if err := want(options, js.TypeObject, "the options"); err != nil {
		return err
	}
	t.progress, t.signal = options.Get("progress"), options.Get("signal")
	if !t.progress.IsUndefined() {
		if err := want(t.progress, js.TypeFunction, "progress"); err != nil {
			return err
		}
	}
	if !t.signal.IsUndefined() {
		return want(t.signal, js.TypeObject, "signal")
	}
	return nil
}

func (p *program) run(t *training) (any, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var thrown error // by progress or signal
	last := time.Now()
	look := func(done float64) {
		_, err := safely(func() (any, error) {
			if !t.signal.IsUndefined() && t.signal.Get("aborted").Truthy() {
				cancel()
			} else if !t.progress.IsUndefined() {
				t.progress.Invoke(done)
			}
			return nil, nil
		})
		if err != nil {
			thrown = err
			cancel()
		}
	}
	look(0)
	h, e, err := teach.Train(ctx, t.examples, teach.Options{Base: t.base, Progress: func(r teach.Progress) {
		if r.Done == 1 || time.Since(last) >= slice {
			letEventsIn()
			look(r.Done)
			last = time.Now()
		}
	}})
	if thrown != nil {
		return nil, thrown
	}
	if err != nil {
		return nil, err
	}
	answer := p.keep(h)
	addExamples(answer, e)
	return answer, nil
}
