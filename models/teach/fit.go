package teach

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

const (
	// strength is lambda times the number of examples.
	strength = 0.02
	// tolerance is the largest component of the gradient at which the optimiser
	// stops. Typical gradients at the start are near 0.1.
	tolerance = 1e-5
	// acceptable is what it may have reached where it stops for another reason.
	acceptable    = 1e-4
	maxIterations = 1000
	history       = 5 // pairs of L-BFGS

)

// fit minimises the objective over the given examples and returns the layer on raw
// embeddings. iteration is called after each iteration with their number. The error
// is the context's or a [Diverged].
func fit(ctx context.Context, d *data, rows []int, iteration func(n int)) (*linear, error) {
	o := newObjective(d, rows, strength/float64(len(rows)))
	theta, err := minimise(ctx, o, tolerance, iteration)
	if err != nil {
		return nil, err
	}
	o.raw(&o.layer, theta)
	return &o.layer, nil
}

// minimise starts from 0 and stops where no component of the gradient is as large
// as tolerance.
func minimise(ctx context.Context, o *objective, tolerance float64, iteration func(n int)) ([]float64, error) {
	problem := optimize.Problem{
		Func: func(theta []float64) float64 {
			o.evaluate(theta)
			return o.loss
		},
		Grad: func(gradient, theta []float64) {
			o.evaluate(theta)
			copy(gradient, o.gradient)
		},
		// Status is asked after every evaluation.
		Status: func() (optimize.Status, error) { return optimize.NotTerminated, ctx.Err() },
	}
	settings := &optimize.Settings{
		GradientThreshold: tolerance,
		Converger:         optimize.NeverTerminate{},
		MajorIterations:   maxIterations,
		Recorder:          recorder(iteration),
	}
	// The line search evaluates loss and gradient together, which costs little more
	// than the loss alone.
	method := &optimize.LBFGS{Linesearcher: &optimize.MoreThuente{}, Store: history, GradStopThreshold: math.NaN()}
	result, err := optimize.Minimize(problem, make([]float64, o.size()), settings, method)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// A line search that finds no lower point near the minimum is a matter of
	// rounding, not an error.
	if result == nil || result.Gradient == nil || !(floats.Norm(result.Gradient, math.Inf(1)) <= acceptable) {
		detail := "the optimiser found no minimum: the embeddings may be damaged, collect the examples anew"
		return nil, &Error{Code: Diverged, Detail: detail, cause: err}
	}
	return result.X, nil
}

// recorder calls a function after each iteration with their number.
type recorder func(n int)

func (recorder) Init() error { return nil }

func (r recorder) Record(_ *optimize.Location, op optimize.Operation, stats *optimize.Stats) error {
	if op == optimize.MajorIteration {
		r(stats.MajorIterations)
	}
	return nil
}
