//go:build js

package main

import (
	"errors"
	"strconv"
	"syscall/js"

	"glance/models/teach"
)

// keep gives a head a number and returns its description.
func (p *program) keep(h *teach.Head) map[string]any {
	p.last++
	p.heads[p.last] = h
	return map[string]any{
		"head":      p.last,
		"classes":   list(h.Classes()),
		"features":  h.Features(),
		"base":      baseObject(h.Base()),
		"accuracy":  h.Confusion().Accuracy(),
		"confusion": confusionLists(h.Confusion()),
		"threshold": float64(h.Threshold()),
	}
}

// head returns the head that the first argument numbers.
func (p *program) head(args arguments) (*teach.Head, error) {
	if err := want(args.at(0), js.TypeNumber, "the head"); err != nil {
		return nil, err
	}
	h := p.heads[args[0].Int()]
	if h == nil {
		return nil, &badInput{"there is no head " + strconv.Itoa(args[0].Int()) + ": it may have been released"}
	}
	return h, nil
}

// load(file, base)
func (p *program) load(args arguments) (any, error) {
	file, err := readBytes(args.at(0), "the file")
	if err != nil {
		return nil, err
	}
	base, err := readBase(args.at(1))
	if err != nil {
		return nil, err
	}
	h, err := teach.Load(file)
	if err != nil {
		return nil, err
	}
	if err := h.CheckBase(base); err != nil {
		return nil, &wrongNetwork{err, h.Base()}
	}
	return p.keep(h), nil
}

// save(head)
func (p *program) save(args arguments) (any, error) {
	h, err := p.head(args)
	if err != nil {
		return nil, err
	}
	file, err := h.Save()
	if err != nil {
		return nil, errors.New("the head cannot be saved: " + err.Error())
	}
	array := js.Global().Get("Uint8Array").New(len(file))
	js.CopyBytesToJS(array, file)
	return array, nil
}

// predict(head, embedding)
func (p *program) predict(args arguments) (any, error) {
	h, err := p.head(args)
	if err != nil {
		return nil, err
	}
	embedding, err := readFloats(args.at(1), "the embedding")
	if err != nil {
		return nil, err
	}
	probabilities, err := h.Predict(nil, embedding)
	if err != nil {
		return nil, err
	}
	return floatArray(probabilities), nil
}

// evaluate(head, examples)
func (p *program) evaluate(args arguments) (any, error) {
	h, err := p.head(args)
	if err != nil {
		return nil, err
	}
	ex, err := readExamples(args.at(1))
	if err != nil {
		return nil, err
	}
	e, err := h.Evaluate(ex.Embeddings, ex.Labels)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"accuracy": e.Confusion.Accuracy(), "confusion": confusionLists(e.Confusion)}
	addExamples(answer, e)
	return answer, nil
}

// rename(head, classes)
func (p *program) rename(args arguments) (any, error) {
	h, err := p.head(args)
	if err != nil {
		return nil, err
	}
	classes, err := readStrings(args.at(1), "classes")
	if err != nil {
		return nil, err
	}
	if h, err = h.Rename(classes); err != nil {
		return nil, err
	}
	p.heads[args[0].Int()] = h
	return true, nil
}

// release(head)
func (p *program) release(args arguments) (any, error) {
	if _, err := p.head(args); err != nil {
		return nil, err
	}
	delete(p.heads, args[0].Int())
	return true, nil
}

// addExamples adds what an evaluation says of each example.
func addExamples(answer map[string]any, e *teach.Evaluation) {
	answer["predicted"], answer["probability"] = list(e.Predicted), list(e.Probability)
}

func confusionLists(c teach.Confusion) []any {
	rows := make([]any, len(c))
	for i, row := range c {
		rows[i] = list(row)
	}
	return rows
}

func baseObject(b teach.Base) map[string]any {
	return map[string]any{"name": b.Name, "sha256": b.SHA256}
}

// list makes what syscall/js turns into an array.
func list[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
