//go:build js

package bridge

import (
	"slices"
	"strings"
	"syscall/js"
	"unsafe"

	"glance/kernels"
	"glance/models"
	"glance/weights"
)

// engine is the state behind the functions.
type engine struct {
	machine kernels.Machine
	network *models.Network
	session *models.Session
	image   *models.Image
	floats  []float32 // scratch
	closed  chan struct{}
}

// Serve offers the functions to the host, as its property engine, until close
// is called.
func Serve(host js.Value) {
	machine, err := newMachine()
	if err != nil {
		panic(err) // the host is not what site/engine.js makes it
	}
	e := &engine{machine: machine, closed: make(chan struct{})}
	functions := map[string]any{
		"begin":     function(e.begin),
		"write":     function(e.write),
		"pack":      function(e.pack),
		"setInput":  function(e.setInput),
		"image":     function(e.newImage),
		"push":      function(e.push),
		"run":       function(e.run),
		"classify":  function(e.classify),
		"output":    function(e.output),
		"embedding": function(e.embedding),
		"memory":    function(e.memory),
		"profile":   function(e.profile),
		"close":     function(e.close),
	}
	host.Set("engine", functions)
	<-e.closed
}

// function wraps f as a JavaScript function that answers errors as objects.
func function(f func(args []js.Value) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		answer, err := f(args)
		if err != nil {
			return failure(err)
		}
		return answer
	})
}

func failure(err error) map[string]any {
	return map[string]any{"code": errorCode(err), "message": err.Error()}
}

// begin(header, fileSize, threads)
func (e *engine) begin(args []js.Value) (any, error) {
	header := make([]byte, args[0].Length())
	js.CopyBytesToGo(header, args[0])
	file, err := weights.ParseHeader(header, int64(args[1].Float()))
	if err != nil {
		return nil, err
	}
	config, _, err := models.ConfigFromMetadata(file.Metadata)
	if err != nil {
		return nil, err
	}
	if e.network, err = models.New(config); err != nil {
		return nil, err
	}
	labels, err := models.Labels(file.Metadata, e.network.OutputUnits())
	if err != nil {
		return nil, err
	}
	e.session, err = models.NewSession(e.machine, e.network, file, models.PlanOptions{Threads: args[2].Int()})
	if err != nil {
		return nil, err
	}
	staging, _ := e.session.Staging()
	input := e.network.InputShape()
	return map[string]any{
		"staging":   int(staging),
		"input":     int(e.session.Input()),
		"height":    input.H,
		"width":     input.W,
		"classes":   e.network.OutputUnits(),
		"embedding": e.network.EmbeddingUnits(),
		"title":     file.Metadata["name"],
		"labels":    strings.Join(labels, "\n"),
	}, nil
}

// write(address, bytes)
func (e *engine) write(args []js.Value) (any, error) {
	b := make([]byte, args[1].Length())
	js.CopyBytesToGo(b, args[1])
	return true, e.machine.Write(kernels.Ptr(args[0].Int()), b)
}

// pack()
func (e *engine) pack([]js.Value) (any, error) {
	return true, e.session.Pack()
}

// setInput(bytes)
func (e *engine) setInput(args []js.Value) (any, error) {
	n := args[0].Length() / 4
	e.floats = slices.Grow(e.floats[:0], n)[:n]
	js.CopyBytesToGo(bytesOf(e.floats), args[0])
	return true, e.session.SetInput(e.floats)
}

// image(width, height)
func (e *engine) newImage(args []js.Value) (any, error) {
	var err error
	if e.image, err = e.session.Image(args[0].Int(), args[1].Int()); err != nil {
		return nil, err
	}
	return e.strip(), nil
}

// push(rows)
func (e *engine) push(args []js.Value) (any, error) {
	if err := e.image.Push(args[0].Int()); err != nil {
		return nil, err
	}
	return e.strip(), nil
}

func (e *engine) strip() map[string]any {
	address, row, rows := e.image.Strip()
	return map[string]any{"address": int(address), "row": row, "rows": rows}
}

// run()
func (e *engine) run([]js.Value) (any, error) {
	return true, e.session.Run()
}

// classify(k)
func (e *engine) classify(args []js.Value) (any, error) {
	e.floats = e.session.Logits(e.floats[:0])
	models.Softmax(e.floats, e.floats)
	top := models.TopK(e.floats, args[0].Int())
	flat := make([]any, 0, 2*len(top))
	for _, p := range top {
		flat = append(flat, p.Index, p.Probability)
	}
	return flat, nil
}

// output(bytes)
func (e *engine) output(args []js.Value) (any, error) {
	e.floats = e.session.Logits(e.floats[:0])
	js.CopyBytesToJS(args[0], bytesOf(e.floats))
	return true, nil
}

// embedding(bytes)
func (e *engine) embedding(args []js.Value) (any, error) {
	e.floats = e.session.Embedding(e.floats[:0])
	js.CopyBytesToJS(args[0], bytesOf(e.floats))
	return true, nil
}

// memory()
func (e *engine) memory([]js.Value) (any, error) {
	return e.machine.MemoryBytes(), nil
}

// profile(runs)
func (e *engine) profile(args []js.Value) (any, error) {
	clock := js.Global().Get("performance")
	now := func() int64 { return int64(clock.Call("now").Float() * 1e6) }
	steps := e.session.Steps()
	samples := make([][]int64, len(steps))
	for range max(args[0].Int(), 1) {
		times, err := e.session.Profile(now)
		if err != nil {
			return nil, err
		}
		for i, t := range times {
			samples[i] = append(samples[i], t.Nanoseconds)
		}
	}
	answer := make([]any, len(steps))
	for i, step := range steps {
		slices.Sort(samples[i])
		median := samples[i][len(samples[i])/2]
		answer[i] = map[string]any{"name": step.Name, "milliseconds": float64(median) / 1e6, "macs": step.MACs}
	}
	return answer, nil
}

// close()
func (e *engine) close([]js.Value) (any, error) {
	close(e.closed)
	return true, e.machine.Close()
}

// bytesOf views float32 values as the bytes they consist of.
func bytesOf(f []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}
