package api

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"glance/models"
)

// Library is where a handler finds models.
type Library interface {
	// Models lists what can be asked for, loaded or not; the first is the default.
	Models() []Info
	// Model returns one of them, ready to run. Its errors may be *[Error]s.
	Model(name string) (*Model, error)
	// Memory says what is in use, in bytes, by name of its owner.
	Memory() map[string]int64
}

// Options configures a handler.
type Options struct {
	Limits  Limits
	Origins []string // that may read answers, see CORS; "*" for all
	Decode  Decoder  // nil: [Decode]
	Backend string   // for /healthz
}

// Handler serves the routes of the package comment.
type Handler struct {
	library Library
	options Options
}

// NewHandler returns the handler for a library of at least one model.
func NewHandler(l Library, o Options) *Handler {
	if o.Decode == nil {
		o.Decode = Decode
	}
	return &Handler{l, o}
}

// route is a path's methods and what answers them.
type route struct {
	methods string
	image   bool // it takes a picture
	answer  func(h *Handler, w http.ResponseWriter, r *http.Request) error
}

var routes = map[string]route{
	"/classify": {"POST, OPTIONS", true, (*Handler).classify},
	"/embed":    {"POST, OPTIONS", true, (*Handler).embed},
	"/models":   {"GET, HEAD, OPTIONS", false, (*Handler).models},
	"/healthz":  {"GET, HEAD, OPTIONS", false, (*Handler).health},
}

// Paths lists the paths of the routes.
func Paths() []string { return slices.Sorted(maps.Keys(routes)) }

func (r route) allows(method string) bool {
	if r.image {
		return method == http.MethodPost
	}
	return method == http.MethodGet || method == http.MethodHead
}

// ServeHTTP implements [http.Handler]. A defect of the server ends in an answer
// with status 500, never in a panic.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			writeError(w, Refuse(Internal, "the request met a defect of the server: %v", v))
		}
	}()
	allowOrigin(w.Header(), h.options.Origins, r.Header.Get("Origin"))
	route, ok := routes[r.URL.Path]
	switch {
	case !ok:
		writeError(w, Refuse(NotFound, "there is nothing at %s; try /classify, /embed, /models or /healthz", clip(r.URL.Path)))
	case r.Method == http.MethodOptions:
		options(w, r, route.methods)
	case !route.allows(r.Method):
		w.Header().Set("Allow", route.methods)
		writeError(w, Refuse(MethodNotAllowed, "%s does not take %s, only %s", r.URL.Path, clip(r.Method), route.methods))
	default:
		if err := route.answer(h, w, r); err != nil {
			writeError(w, err)
		}
	}
}

// Wants names the model that a request with this method and URL needs; "" where
// it needs none. A server that loads models as they are asked for, and reads
// bodies itself, does neither without need.
func (h *Handler) Wants(method string, u *url.URL) string {
	route, ok := routes[u.Path]
	if !ok || !route.image || !route.allows(method) {
		return ""
	}
	q, err := parseQuery(u.Query())
	if err != nil {
		return ""
	}
	info, err := h.find(q.model)
	if err != nil {
		return ""
	}
	return info.Name
}

// find returns the description of a model by name, or the default's for "".
func (h *Handler) find(name string) (Info, error) {
	list := h.library.Models()
	if len(list) == 0 {
		return Info{}, Refuse(UnknownModel, "this server has no models")
	}
	if name == "" {
		return list[0], nil
	}
	i := slices.IndexFunc(list, func(m Info) bool { return m.Name == name })
	if i < 0 {
		return Info{}, Refuse(UnknownModel, "there is no model %q here; GET /models lists them", clip(name))
	}
	return list[i], nil
}

// Classification is the answer of /classify.
type Classification struct {
	File         string       `json:"file,omitempty"`
	Model        string       `json:"model"`
	Predictions  []Prediction `json:"predictions"`
	Logits       []float32    `json:"logits,omitempty"`
	Milliseconds float64      `json:"milliseconds"`
	Timing       Timing       `json:"timing"`
}

// Prediction is a class and its probability.
type Prediction struct {
	ClassName   string  `json:"className"`
	Probability float32 `json:"probability"`
}

// Embedding is the answer of /embed.
type Embedding struct {
	File         string    `json:"file,omitempty"`
	Model        string    `json:"model"`
	Embedding    []float32 `json:"embedding"`
	Milliseconds float64   `json:"milliseconds"`
	Timing       Timing    `json:"timing"`
}

// Timing is how long the parts of an answer took, in milliseconds.
type Timing struct {
	Decode     float64 `json:"decode"`     // reading headers, and decoding where it is not done by rows
	Preprocess float64 `json:"preprocess"` // decoding rows, resizing, normalising
	Network    float64 `json:"network"`
}

func (t Timing) total() float64 {
	return math.Round((t.Decode+t.Preprocess+t.Network)*1000) / 1000
}

// run is a picture's way through a model.
type run struct {
	query query
	info  Info
	model *Model
	file  string
	Timing
}

// run reads the request and runs the network. Its caller reads the results in
// use, before another request may run the model.
func (h *Handler) run(r *http.Request, use func(*run) error) error {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	x := &run{query: q}
	if x.info, err = h.find(q.model); err != nil {
		return err
	}
	body, file, err := readBody(r, h.options.Limits.Body)
	if err != nil {
		return err
	}
	x.file = file
	if x.model, err = h.library.Model(x.info.Name); err != nil {
		return err
	}
	start := time.Now()
	p, err := h.open(body, q)
	if err != nil {
		return err
	}
	x.Decode = lap(&start)
	x.model.mu.Lock()
	defer x.model.mu.Unlock()
	start = time.Now()
	if err := x.model.set(p); err != nil {
		return err
	}
	x.Preprocess = lap(&start)
	if err := x.model.session.Run(); err != nil {
		return err
	}
	x.Network = lap(&start)
	return use(x)
}

// lap returns the milliseconds since start, to a thousandth, and sets it to now.
func lap(start *time.Time) float64 {
	now := time.Now()
	ms := float64(now.Sub(*start).Microseconds()) / 1000
	*start = now
	return ms
}

func (h *Handler) open(body []byte, q query) (Picture, error) {
	if len(body) == 0 {
		return nil, Refuse(BadRequest, "the body is empty; send a picture")
	}
	if q.width > 0 {
		return newRaw(body, q.width, q.height, h.options.Limits)
	}
	return h.options.Decode(body, h.options.Limits)
}

func (h *Handler) classify(w http.ResponseWriter, r *http.Request) error {
	return h.run(r, func(x *run) error {
		logits := x.model.session.Logits(nil)
		if err := finite(logits); err != nil {
			return err
		}
		answer := Classification{File: x.file, Model: x.info.Name, Predictions: []Prediction{}}
		if x.query.logits {
			answer.Logits = slices.Clone(logits)
		}
		top := x.query.top
		if top == 0 {
			top = defaultTop
		}
		models.Softmax(logits, logits)
		for _, p := range models.TopK(logits, top) {
			if p.Probability >= x.query.threshold {
				answer.Predictions = append(answer.Predictions, Prediction{x.model.className(p.Index), p.Probability})
			}
		}
		answer.Milliseconds, answer.Timing = x.total(), x.Timing
		writeJSON(w, http.StatusOK, answer)
		return nil
	})
}

func (h *Handler) embed(w http.ResponseWriter, r *http.Request) error {
	return h.run(r, func(x *run) error {
		values := x.model.session.Embedding(nil)
		if err := finite(values); err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, Embedding{x.file, x.info.Name, values, x.total(), x.Timing})
		return nil
	})
}

// finite refuses results that JSON cannot hold. Weights are finite, so that only
// an overflow in a badly converted network leads here.
func finite(values []float32) error {
	for i, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return Refuse(Internal, "output %d of the network is %v: its weights overflow float32", i, v)
		}
	}
	return nil
}

func (h *Handler) models(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, struct {
		Models []Info `json:"models"`
	}{h.library.Models()})
	return nil
}

// Health is the answer of /healthz.
type Health struct {
	Status  string           `json:"status"` // "ok"
	Backend string           `json:"backend"`
	Memory  map[string]int64 `json:"memory"` // bytes
}

func (h *Handler) health(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, Health{"ok", h.options.Backend, h.library.Memory()})
	return nil
}
