//go:build js

// Command teach is the module that trains classifiers on embeddings in a browser:
// package glance/models/teach for JavaScript. A page fetches it when its visitor
// wants to teach, and runs it in a worker.
//
//	GOOS=js GOARCH=wasm go build -trimpath -ldflags "-s -w" -o teach.wasm ./wasm/teach
//
// Before it starts the program, JavaScript puts an object named glanceTeachHost on
// globalThis. The program answers by setting its property teach to these functions:
//
//	train(examples, {progress, signal})  -> Promise<Trained>
//	load(file, base)                     -> Head      the file's bytes, the network they are for
//	save(head)                           -> Uint8Array
//	predict(head, embedding)             -> Float32Array of probabilities, in the classes' order
//	evaluate(head, examples)             -> Evaluation on examples (without classes and base)
//	rename(head, classes)                -> true      as many names as before, in the classes' order
//	release(head)                        -> true      forgets the head
//
//	examples = {
//	  classes: string[],         K distinct names, not blank
//	  features: number,          length of an embedding
//	  embeddings: Float32Array,  N of them, one after the other, in the order they were taken
//	  labels: ArrayLike<number>, N indices of classes
//	  base: {name: string, sha256: string}, the network they come from; 64 lower-case hex digits
//	}
//	Head = {
//	  head: number,              names the head in the functions above
//	  classes: string[], features: number, base: {name, sha256},
//	  accuracy: number,          on held-back examples, 0 to 1
//	  confusion: number[][],     of held-back examples: by class, then by prediction
//	  threshold: number,         below this probability, "none of these" is sensible
//	}
//	Evaluation = {accuracy, confusion, predicted: number[], probability: number[]}
//	Trained = Head and Evaluation of the held-back examples together
//
// progress, where given, is called with how much is done, 0 to 1, about 20 times a
// second; the program lets the worker's other events in at these times, and stops
// the training where signal, an AbortSignal, is aborted by then. The arguments are
// copied before a function returns. The program runs until its worker is terminated.
//
// A function that fails answers {code, message}, train's promise too, which never
// rejects. The codes are those of package teach, "aborted", and "bad-input" for
// arguments of another type than above. A "wrong-network" of load has the property
// base too: the network that the head is for.
package main

import (
	"context"
	"errors"
	"syscall/js"

	"glance/models/teach"
)

// program is the state behind the functions.
type program struct {
	heads map[int]*teach.Head
	last  int // the number given out last
}

func main() {
	p := &program{heads: map[int]*teach.Head{}}
	js.Global().Get("glanceTeachHost").Set("teach", map[string]any{
		"train":    js.FuncOf(p.train),
		"load":     function(p.load),
		"save":     function(p.save),
		"predict":  function(p.predict),
		"evaluate": function(p.evaluate),
		"rename":   function(p.rename),
		"release":  function(p.release),
	})
	select {}
}

// function wraps f as a JavaScript function that answers errors as objects.
func function(f func(args arguments) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		answer, err := safely(func() (any, error) { return f(args) })
		if err != nil {
			return failure(err)
		}
		return answer
	})
}

// safely calls f and returns what JavaScript threw during it as an error.
func safely(f func() (any, error)) (answer any, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = &badInput{"JavaScript threw " + thrown.Error()}
		default:
			panic(thrown)
		}
	}()
	return f()
}

var errAborted = errors.New("teach: the training was aborted")

func failure(err error) map[string]any {
	if errors.Is(err, context.Canceled) {
		err = errAborted
	}
	answer := map[string]any{"code": errorCode(err), "message": err.Error()}
	var wrong *wrongNetwork
	if errors.As(err, &wrong) {
		answer["base"] = baseObject(wrong.base)
	}
	return answer
}

func errorCode(err error) string {
	var typed *teach.Error
	switch {
	case errors.As(err, &typed):
		return string(typed.Code)
	case err == errAborted:
		return "aborted"
	}
	return "bad-input"
}

// wrongNetwork adds the network that a head is for to the error of using another.
type wrongNetwork struct {
	error
	base teach.Base
}

func (e *wrongNetwork) Unwrap() error { return e.error }
