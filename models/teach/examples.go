package teach

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on what a head is trained on. Training holds the values as float64 and
// about 35 vectors of the head's size.
const (
	MinExamples = 2       // of a class: one of them can be held back
	MaxClasses  = 256     // of a head
	MaxFeatures = 1 << 14 // length of an embedding
	MaxValues   = 1 << 23 // embeddings times their length: 6553 of 1280
	MaxName     = 100     // bytes of a class name, and of the base network's
)

// Examples are what a head is trained on: N embeddings, each with its class.
type Examples struct {
	// Classes are the names of the K classes: distinct, not blank, at most MaxName
	// bytes of UTF-8 without control characters.
	Classes []string
	// Embeddings are N vectors of one length, in the order in which the pictures
	// were taken: held-back runs are cut from that order.
	Embeddings [][]float32
	// Labels are the N embeddings' classes, as indices of Classes.
	Labels []int
}

// check reports the first thing that training cannot work with.
func (ex Examples) check() error {
	if err := checkClasses(ex.Classes); err != nil {
		return err
	}
	features := 0
	if len(ex.Embeddings) > 0 {
		features = len(ex.Embeddings[0])
	}
	if err := checkEmbeddings(ex.Embeddings, ex.Labels, features, len(ex.Classes)); err != nil {
		return err
	}
	counts := make([]int, len(ex.Classes))
	for _, c := range ex.Labels {
		counts[c]++
	}
	for c, n := range counts {
		if n < MinExamples {
			return &Error{Code: TooFewExamples, Class: ex.Classes[c], Detail: plural(n, "example") +
				", at least " + strconv.Itoa(MinExamples) + " are needed and 10 are better: collect more, or remove the class"}
		}
	}
	if len(ex.Embeddings)*features > MaxValues {
		return &Error{Code: TooManyExamples, Detail: plural(len(ex.Embeddings), "example") + " of " + strconv.Itoa(features) +
			" features, at most " + strconv.Itoa(MaxValues/features) + " can be used: remove some"}
	}
	return nil
}

func checkClasses(names []string) error {
	if n := len(names); n < 2 {
		return &Error{Code: TooFewClasses, Detail: plural(n, "class") + ", at least 2 are needed to tell anything apart: add another, such as one for the background"}
	} else if n > MaxClasses {
		return &Error{Code: TooManyClasses, Detail: plural(n, "class") + ", at most " + strconv.Itoa(MaxClasses) + " can be taught"}
	}
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if problem := nameProblem(name); problem != "" {
			return &Error{Code: BadClass, Detail: "the name of class " + strconv.Itoa(i) + " " + problem}
		}
		if seen[name] {
			return &Error{Code: BadClass, Class: name, Detail: "two classes have this name: rename one, or put their examples together"}
		}
		seen[name] = true
	}
	return nil
}

// nameProblem says what is wrong with a name that a head's file is to hold, "" for
// nothing.
func nameProblem(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "is empty: give it one"
	case len(name) > MaxName:
		return "has " + strconv.Itoa(len(name)) + " bytes, at most " + strconv.Itoa(MaxName) + " fit: shorten it"
	case !utf8.ValidString(name):
		return "is not UTF-8 text"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has a control character, such as a line break: remove it"
	}
	return ""
}

// checkEmbeddings checks that there are as many labels as embeddings, that each is
// one of the classes, and that each embedding has that many features, all finite.
func checkEmbeddings(embeddings [][]float32, labels []int, features, classes int) error {
	if len(labels) != len(embeddings) {
		return &Error{Code: BadLabel, Detail: plural(len(labels), "label") + " for " + plural(len(embeddings), "embedding") + ", want one for each"}
	}
	for i, e := range embeddings {
		if err := checkEmbedding(e, features, i); err != nil {
			return err
		}
		if c := labels[i]; c < 0 || c >= classes {
			return &Error{Code: BadLabel, Detail: "example " + strconv.Itoa(i) + " has the label " + strconv.Itoa(c) +
				", want the index of one of " + strconv.Itoa(classes) + " classes"}
		}
	}
	return nil
}

// checkEmbedding checks one embedding, that of an example or, with -1, one to
// classify.
func checkEmbedding(e []float32, features, example int) error {
	what := "the embedding"
	if example >= 0 {
		what = "the embedding of example " + strconv.Itoa(example)
	}
	if len(e) != features {
		return &Error{Code: BadLength, Detail: what + " has " + plural(len(e), "value") + ", want " + strconv.Itoa(features) +
			": all have to come from one network"}
	}
	if features < 1 || features > MaxFeatures {
		return &Error{Code: BadLength, Detail: what + " has " + plural(features, "value") + ", want 1 to " + strconv.Itoa(MaxFeatures)}
	}
	for j, v := range e {
		if !finite(float64(v)) {
			return &Error{Code: NotFinite, Detail: what + ": value " + strconv.Itoa(j) + " is NaN or infinite: remove the example and take it again"}
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// plural counts things: "1 class", "2 classes".
func plural(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "s"):
		return strconv.Itoa(n) + " " + thing + "es"
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
