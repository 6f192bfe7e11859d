package recalibrate

import (
	"math"
	"slices"
	"sync"

	"glance/kernels"
	"glance/models"
	"glance/tools/quantize/convert"
)

// runner sends a group of images through a network, one layer after another.
type runner struct {
	*schedule
	engines []*engine
	current [][]float32         // the output so far of each image
	kept    map[int][][]float32 // outputs that a residual will add, by layer
}

// every calls f for each image, several at a time, with the engine to use.
func (r *runner) every(f func(e *engine, image int)) {
	var wg sync.WaitGroup
	for w, e := range r.engines {
		wg.Go(func() {
			for i := w; i < len(r.current); i += len(r.engines) {
				f(e, i)
			}
		})
	}
	wg.Wait()
}

// step computes a layer for all images of the group, which are the given part of
// all images, and takes the statistics of its batch norm.
func (r *runner) step(i int, averages map[*convert.Params]*moments, part float64) error {
	l := &r.network.Layers[i]
	record := func(p *convert.Params, mean, variance []float64) {
		if averages[p] == nil {
			averages[p] = new(moments)
		}
		averages[p].add(mean, variance, part)
	}
	var err error
	if l.Kind == models.KindSqueeze {
		err = r.squeeze(l, r.steps[i][0], r.steps[i][1], record)
	} else {
		err = r.convolve(l, r.steps[i][0], record)
	}
	if err != nil {
		return err
	}
	if from := l.Residual; from >= 0 {
		for n, y := range r.current {
			for k, v := range r.kept[from][n] {
				y[k] += v
			}
		}
	}
	for layer := range r.kept {
		if r.lastUse[layer] <= i {
			delete(r.kept, layer)
		}
	}
	if r.lastUse[i] > i+1 {
		kept := make([][]float32, len(r.current))
		copy(kept, r.current)
		r.kept[i] = kept
	}
	return nil
}

// convolve computes a convolution, its batch norm and its activation.
func (r *runner) convolve(l *models.Layer, p *convert.Params, record func(*convert.Params, []float64, []float64)) error {
	for _, e := range r.engines {
		if err := e.load(l, p); err != nil {
			return err
		}
	}
	outputs := make([][]float32, len(r.current))
	errs := make([]error, len(r.current))
	r.every(func(e *engine, i int) { outputs[i], errs[i] = e.run(r.current[i]) })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	r.current = outputs
	scale, shift := r.normalise(p, outputs, record)
	r.every(func(_ *engine, i int) {
		for pixel := range slices.Chunk(outputs[i], len(scale)) {
			for c, v := range pixel {
				pixel[c] = activate(float32(float64(v)*scale[c]+shift[c]), l.Act)
			}
		}
	})
	return nil
}

// normalise takes the statistics of outputs, whose innermost axis is channels,
// and returns what the batch norm then does: y = x*scale + shift. Without a batch
// norm that is nothing.
func (r *runner) normalise(p *convert.Params, outputs [][]float32, record func(*convert.Params, []float64, []float64)) (scale, shift []float64) {
	channels := p.Shape[0]
	scale, shift = make([]float64, channels), make([]float64, channels)
	if p.Norm == nil {
		for c := range scale {
			scale[c] = 1
		}
		return scale, shift
	}
	mean, biased, unbiased := r.statistics(outputs, channels)
	record(p, mean, unbiased)
	for c := range scale {
		scale[c] = float64(p.Norm.Gamma[c]) / math.Sqrt(biased[c]+p.Norm.Epsilon)
		shift[c] = float64(p.Norm.Beta[c]) - mean[c]*scale[c]
	}
	return scale, shift
}

// statistics returns the mean and the variances of each channel over all images
// and pixels, in two passes. Sums of pixels are added up in the order of the
// images, so that the result is always the same.
func (r *runner) statistics(outputs [][]float32, channels int) (mean, biased, unbiased []float64) {
	count := float64(len(outputs) * (len(outputs[0]) / channels))
	mean = r.sums(outputs, channels, func(sums []float64, pixel []float32) {
		for c, v := range pixel {
			sums[c] += float64(v)
		}
	})
	for c := range mean {
		mean[c] /= count
	}
	biased = r.sums(outputs, channels, func(sums []float64, pixel []float32) {
		for c, v := range pixel {
			d := float64(v) - mean[c]
			sums[c] += d * d
		}
	})
	unbiased = make([]float64, channels)
	for c, squares := range biased {
		biased[c], unbiased[c] = squares/count, squares/(count-1)
	}
	return mean, biased, unbiased
}

// sums adds up a function of each pixel over all images.
func (r *runner) sums(outputs [][]float32, channels int, add func(sums []float64, pixel []float32)) []float64 {
	images := make([][]float64, len(outputs))
	r.every(func(_ *engine, i int) {
		images[i] = make([]float64, channels)
		for pixel := range slices.Chunk(outputs[i], channels) {
			add(images[i], pixel)
		}
	})
	total := make([]float64, channels)
	for _, sums := range images {
		for c, v := range sums {
			total[c] += v
		}
	}
	return total
}

// squeeze computes a squeeze-and-excite: the pooled channels through two dense
// layers, the first with a batch norm in some networks, whose result scales the
// channels.
func (r *runner) squeeze(l *models.Layer, reduce, excite *convert.Params, record func(*convert.Params, []float64, []float64)) error {
	reduced := make([][]float32, len(r.current))
	for i, x := range r.current {
		pooled := make([]float64, l.In.C)
		for k, v := range x {
			pooled[k%l.In.C] += float64(v) / float64(l.In.Pixels())
		}
		reduced[i] = dense(reduce, pooled)
	}
	scale, shift := r.normalise(reduce, reduced, record)
	for i, x := range r.current {
		hidden := make([]float64, len(scale))
		for c, v := range reduced[i] {
			hidden[c] = max(float64(v)*scale[c]+shift[c], 0)
		}
		factors := dense(excite, hidden)
		scaled := make([]float32, len(x))
		for k, v := range x {
			scaled[k] = v * activate(factors[k%l.In.C], kernels.HardSigmoid)
		}
		r.current[i] = scaled
	}
	return nil
}

// dense computes a dense layer in float64.
func dense(p *convert.Params, x []float64) []float32 {
	y := make([]float32, p.Shape[0])
	for n := range y {
		sum := 0.0
		if p.Bias != nil {
			sum = float64(p.Bias[n])
		}
		for k, v := range x {
			sum += v * float64(p.Weight[n*len(x)+k])
		}
		y[n] = float32(sum)
	}
	return y
}

// activate is the activation functions of package kernels.
func activate(x float32, a kernels.Activation) float32 {
	switch a {
	case kernels.ReLU:
		return max(x, 0)
	case kernels.ReLU6:
		return min(max(x, 0), 6)
	case kernels.HardSigmoid:
		return min(max(x+3, 0), 6) * (1.0 / 6)
	case kernels.HardSwish:
		return x * (min(max(x+3, 0), 6) * (1.0 / 6))
	}
	return x
}
