//go:build js

package main

import (
	"strconv"
	"syscall/js"
	"unsafe"

	"glance/models/teach"
)

// badInput is an argument of another type than the function documents.
type badInput struct{ detail string }

func (e *badInput) Error() string { return "teach: " + e.detail }

// arguments are those of a call, which may be fewer than the function has.
type arguments []js.Value

// at returns an argument, undefined where it is missing.
func (args arguments) at(i int) js.Value {
	if i < len(args) {
		return args[i]
	}
	return js.Undefined()
}

func want(v js.Value, kind js.Type, what string) error {
	if v.Type() != kind {
		return &badInput{what + ": " + kind.String() + " wanted, " + v.Type().String() + " given"}
	}
	return nil
}

// readArray checks that v is an array of that class and returns its length.
func readArray(v js.Value, class, what string) (int, error) {
	if v.Type() != js.TypeObject || !v.InstanceOf(js.Global().Get(class)) {
		return 0, &badInput{what + ": " + class + " wanted, something else given"}
	}
	return v.Length(), nil
}

func readBytes(v js.Value, what string) ([]byte, error) {
	n, err := readArray(v, "Uint8Array", what)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	js.CopyBytesToGo(b, v)
	return b, nil
}

func readFloats(v js.Value, what string) ([]float32, error) {
	n, err := readArray(v, "Float32Array", what)
	if err != nil {
		return nil, err
	}
	if n > teach.MaxValues {
		return nil, &teach.Error{Code: teach.TooManyExamples, Detail: what + ": " + strconv.Itoa(n) + " values, at most " +
			strconv.Itoa(teach.MaxValues) + " can be used: remove some"}
	}
	f := make([]float32, n)
	bytes := js.Global().Get("Uint8Array").New(v.Get("buffer"), v.Get("byteOffset"), v.Get("byteLength"))
	js.CopyBytesToGo(bytesOf(f), bytes)
	return f, nil
}

func floatArray(f []float32) js.Value {
	array := js.Global().Get("Float32Array").New(len(f))
	js.CopyBytesToJS(js.Global().Get("Uint8Array").New(array.Get("buffer")), bytesOf(f))
	return array
}

// bytesOf views float32 values as the bytes they consist of.
func bytesOf(f []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}

// readExamples reads the properties features, embeddings and labels of an object.
func readExamples(v js.Value) (ex teach.Examples, err error) {
	if err := want(v, js.TypeObject, "the examples"); err != nil {
		return ex, err
	}
	if err := want(v.Get("features"), js.TypeNumber, "features"); err != nil {
		return ex, err
	}
	values, err := readFloats(v.Get("embeddings"), "embeddings")
	if err != nil {
		return ex, err
	}
	features := v.Get("features").Float()
	n := int(features)
	if !(features >= 1 && features <= teach.MaxFeatures) || float64(n) != features || len(values)%n != 0 {
		return ex, &teach.Error{Code: teach.BadLength, Detail: strconv.Itoa(len(values)) + " values in embeddings of " +
			strconv.FormatFloat(features, 'g', -1, 64) + " features, want a whole number of embeddings"}
	}
	for ; len(values) > 0; values = values[n:] {
		ex.Embeddings = append(ex.Embeddings, values[:n:n])
	}
	ex.Labels, err = readLabels(v.Get("labels"), len(ex.Embeddings))
	return ex, err
}

// readLabels reads as many labels as there are embeddings.
func readLabels(v js.Value, embeddings int) ([]int, error) {
	if err := want(v, js.TypeObject, "labels"); err != nil {
		return nil, err
	}
	if err := want(v.Get("length"), js.TypeNumber, "the length of labels"); err != nil {
		return nil, err
	}
	if n := v.Length(); n != embeddings {
		return nil, &teach.Error{Code: teach.BadLabel, Detail: strconv.Itoa(n) + " labels for " + strconv.Itoa(embeddings) + " embeddings, want one for each"}
	}
	labels := make([]int, embeddings)
	for i := range labels {
		label := v.Index(i)
		if err := want(label, js.TypeNumber, "label "+strconv.Itoa(i)); err != nil {
			return nil, err
		}
		labels[i] = label.Int()
		if float64(labels[i]) != label.Float() {
			labels[i] = -1 // which no class has
		}
	}
	return labels, nil
}

// readStrings reads an array of strings.
func readStrings(v js.Value, name string) ([]string, error) {
	n, err := readArray(v, "Array", name)
	if err != nil {
		return nil, err
	}
	out := make([]string, min(n, teach.MaxClasses+1)) // one more is enough to be refused
	for i := range out {
		if err := want(v.Index(i), js.TypeString, name+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
		out[i] = v.Index(i).String()
	}
	return out, nil
}

func readBase(v js.Value) (b teach.Base, err error) {
	if err := want(v, js.TypeObject, "base"); err != nil {
		return b, err
	}
	for name, to := range map[string]*string{"name": &b.Name, "sha256": &b.SHA256} {
		if err := want(v.Get(name), js.TypeString, "base."+name); err != nil {
			return b, err
		}
		*to = v.Get(name).String()
	}
	return b, nil
}
