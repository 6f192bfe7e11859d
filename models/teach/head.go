package teach

import (
	"math"
	"slices"
	"strconv"

	"glance/models"
)

// Base identifies the network that embeddings come from.
type Base struct {
	Name   string // of the model, for people: not empty, at most MaxName bytes
	SHA256 string // of its blob, 64 lower-case hexadecimal digits
}

func (b Base) check(code Code) error {
	if problem := nameProblem(b.Name); problem != "" {
		return &Error{Code: code, Detail: "the name of the base network " + problem}
	}
	if len(b.SHA256) != 64 || !isHex(b.SHA256) {
		return &Error{Code: code, Detail: "the base network's SHA-256 is " + strconv.Quote(cut(b.SHA256)) + ", want 64 lower-case hexadecimal digits"}
	}
	return nil
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// short is the start of a hash.
func short(hash string) string {
	return hash[:min(12, len(hash))] + "..."
}

// cut shortens what an error quotes.
func cut(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// Head is a trained classifier of embeddings: softmax(weight x + bias). It does not
// change and is safe for concurrent use.
type Head struct {
	classes   []string
	base      Base
	features  int
	weight    []float32 // [K][features]
	bias      []float32 // [K]
	confusion Confusion // of the held-back examples
	threshold float32
}

// newHead rounds a layer to float32, its logits multiplied by sharpness.
func newHead(classes []string, base Base, l *linear, sharpness float64) (*Head, error) {
	h := &Head{classes: slices.Clone(classes), base: base, features: len(l.weight) / len(classes)}
	h.weight, h.bias = narrow(l.weight, sharpness), narrow(l.bias, sharpness)
	for _, v := range append(slices.Clone(h.bias), h.weight...) {
		if !finite(float64(v)) {
			return nil, &Error{Code: NoVariation, Detail: "the embeddings differ by less than float32 can tell: take pictures that differ"}
		}
	}
	return h, nil
}

func narrow(values []float64, factor float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v * factor)
	}
	return out
}

// Classes returns the names of the classes.
func (h *Head) Classes() []string { return slices.Clone(h.classes) }

// Rename returns the head with other names for its classes, in their order. The
// error is an [*Error].
func (h *Head) Rename(classes []string) (*Head, error) {
	if len(classes) != len(h.classes) {
		return nil, &Error{Code: BadClass, Detail: plural(len(classes), "name") + " for a head of " + plural(len(h.classes), "class") + ", want one for each"}
	}
	if err := checkClasses(classes); err != nil {
		return nil, err
	}
	renamed := *h
	renamed.classes = slices.Clone(classes)
	return &renamed, nil
}

// Base returns the network whose embeddings the head classifies.
func (h *Head) Base() Base { return h.base }

// Features is the length of those embeddings.
func (h *Head) Features() int { return h.features }

// Confusion returns how the held-back examples were classified when the head was
// trained. Its rows sum to the classes' numbers of examples, as each was held back
// once.
func (h *Head) Confusion() Confusion { return h.confusion.Clone() }

// Threshold is the probability that 95 % of the right answers on held-back examples
// reached. Below it "none of these" is a sensible answer; the package's
// documentation says how far that can be trusted.
func (h *Head) Threshold() float32 { return h.threshold }

// CheckBase reports a [WrongNetwork] unless base is the network the head was
// trained on. Only the hash counts: names may change.
func (h *Head) CheckBase(base Base) error {
	if base.SHA256 == h.base.SHA256 {
		return nil
	}
	return &Error{Code: WrongNetwork, Detail: "the head was taught on " + strconv.Quote(h.base.Name) + " (SHA-256 " + short(h.base.SHA256) +
		"), the network here is " + strconv.Quote(cut(base.Name)) + " (" + short(base.SHA256) + "): choose that network, or teach the head anew"}
}

// Predict appends the probabilities of the classes to dst. The products are added in
// float64. An embedding of another length, or with a NaN or an infinity, gives an
// [*Error].
func (h *Head) Predict(dst, embedding []float32) ([]float32, error) {
	if err := checkEmbedding(embedding, h.features, -1); err != nil {
		return dst, err
	}
	start := len(dst)
	for k := range h.classes {
		sum := float64(h.bias[k])
		for j, w := range h.weight[k*h.features:][:h.features] {
			sum += float64(w) * float64(embedding[j])
		}
		dst = append(dst, float32(max(-math.MaxFloat32, min(sum, math.MaxFloat32))))
	}
	models.Softmax(dst[start:], dst[start:])
	return dst, nil
}

// Evaluate classifies other examples than the head was trained on, labels being
// indices of [Head.Classes]. The error is an [*Error].
func (h *Head) Evaluate(embeddings [][]float32, labels []int) (*Evaluation, error) {
	if err := checkEmbeddings(embeddings, labels, h.features, len(h.classes)); err != nil {
		return nil, err
	}
	e := newEvaluation(len(embeddings), len(h.classes))
	var probabilities []float32
	for i, embedding := range embeddings {
		var err error
		if probabilities, err = h.Predict(probabilities[:0], embedding); err != nil {
			return nil, err
		}
		e.set(i, labels[i], probabilities)
	}
	return e, nil
}
