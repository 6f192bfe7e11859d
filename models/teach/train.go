package teach

import "context"

// Options is what else training is told.
type Options struct {
	// Base is the network that the embeddings come from, which the head remembers.
	Base Base
	// Progress, where not nil, is called during training.
	Progress func(Progress)
}

// Progress says how far training is. It fits one head for each part that is held
// back, then the final one.
type Progress struct {
	Done      float64 // 0 to 1, never less than before; how long a fit takes is estimated
	Fit, Fits int     // the current fit, from 0, and how many there are
	Iteration int     // of the current fit
}

// Train makes a head from examples. The evaluation is that of five-fold
// cross-validation (fewer parts where a class has fewer than five examples): each
// example is classified by a head that was trained without it and its neighbours,
// so that its accuracy is what to expect of new pictures taken like these.
//
// Errors are an [*Error], found before the training starts except for a [Diverged],
// or the context's.
func Train(ctx context.Context, ex Examples, o Options) (*Head, *Evaluation, error) {
	if err := ex.check(); err != nil {
		return nil, nil, err
	}
	if err := o.Base.check(BadBase); err != nil {
		return nil, nil, err
	}
	d := newData(ex)
	all := make([]int, len(d.labels))
	for i := range all {
		all[i] = i
	}
	balance := d.balance(all)
	if _, factor := d.standardise(all, balance); factor[0] == 0 {
		return nil, nil, &Error{Code: NoVariation, Detail: "all examples have the same embedding: take pictures that differ"}
	}

	part, parts := folds(d.labels, d.classes)
	p := progress{o.Progress, parts + 1}
	logits := make([]float64, len(all)*d.classes)
	for held := range parts {
		train, test := split(part, held)
		layer, err := fit(ctx, d, train, p.iteration(held))
		if err != nil {
			return nil, nil, err
		}
		scores := make([]float64, len(test)*d.classes)
		d.scores(scores, test, layer)
		for t, i := range test {
			copy(logits[i*d.classes:][:d.classes], scores[t*d.classes:])
		}
	}
	sharpness := calibrate(logits, d.labels, balance, d.classes)
	layer, err := fit(ctx, d, all, p.iteration(parts))
	if err != nil {
		return nil, nil, err
	}

	e := newEvaluation(len(all), d.classes)
	probabilities := make([]float32, d.classes)
	for i, label := range d.labels {
		own := logits[i*d.classes:][:d.classes]
		for k := range own {
			own[k] *= sharpness
		}
		softmax(own)
		for k, v := range own {
			probabilities[k] = float32(v)
		}
		e.set(i, label, probabilities)
	}
	h, err := newHead(ex.Classes, o.Base, layer, sharpness)
	if err != nil {
		return nil, nil, err
	}
	h.confusion, h.threshold = e.Confusion.Clone(), threshold(e, d.labels)
	p.report(Progress{Done: 1, Fit: parts, Fits: parts + 1})
	return h, e, nil
}

// progress turns iterations into reports.
type progress struct {
	call func(Progress)
	fits int
}

// typicalIterations is about what a fit takes.
const typicalIterations = 20

func (p progress) iteration(fit int) func(n int) {
	return func(n int) {
		within := float64(n) / float64(n+typicalIterations)
		p.report(Progress{(float64(fit) + within) / float64(p.fits), fit, p.fits, n})
	}
}

func (p progress) report(r Progress) {
	if p.call != nil {
		p.call(r)
	}
}
