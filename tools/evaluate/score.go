package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"

	"glance/models"
)

// bins is the number of equal ranges of confidence that calibration is measured in.
const bins = 15

// bin holds the pictures whose most probable class had a probability within a range.
type bin struct {
	pictures   int
	confidence float64 // sum of that probability
	right      int
}

// score is how well a model does on labelled pictures.
type score struct {
	pictures, top1, top5 int
	loss                 float64 // sum of cross entropies, in nats
	calibration          [bins]bin
}

// add counts one picture by its logits.
func (s *score) add(logits []float32, class int) {
	probabilities := make([]float32, len(logits))
	models.Softmax(probabilities, logits)
	best := models.TopK(probabilities, 5)
	s.pictures++
	for i, b := range best {
		if b.Index == class {
			s.top5++
			if i == 0 {
				s.top1++
			}
		}
	}
	s.loss -= logProbability(logits, class)
	confidence := float64(best[0].Probability)
	b := &s.calibration[min(bins-1, int(confidence*bins))]
	b.pictures++
	b.confidence += confidence
	if best[0].Index == class {
		b.right++
	}
}

// logProbability is the logarithm of softmax at class, exact where float32
// probabilities vanish.
func logProbability(logits []float32, class int) float64 {
	largest := math.Inf(-1)
	for _, v := range logits {
		largest = max(largest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	return float64(logits[class]) - largest - math.Log(sum)
}

// calibrationError is the expected calibration error: the mean distance between
// confidence and accuracy over bins, weighted by their pictures (Naeini et al. 2015).
func (s *score) calibrationError() float64 {
	sum := 0.0
	for _, b := range s.calibration {
		sum += math.Abs(b.confidence - float64(b.right))
	}
	return sum / float64(s.pictures)
}

func (s *score) print(w io.Writer) {
	percent := func(n int) float64 { return 100 * float64(n) / float64(s.pictures) }
	fmt.Fprintf(w, "%d pictures: top-1 %.2f %%, top-5 %.2f %%, cross entropy %.4f, expected calibration error %.2f %%\n",
		s.pictures, percent(s.top1), percent(s.top5), s.loss/float64(s.pictures), 100*s.calibrationError())
}

// writeCalibration writes the bins as CSV.
func (s *score) writeCalibration(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"from", "to", "pictures", "confidence", "accuracy"})
	for i, b := range s.calibration {
		row := []string{fmt.Sprintf("%.4f", float64(i)/bins), fmt.Sprintf("%.4f", float64(i+1)/bins), fmt.Sprint(b.pictures), "", ""}
		if b.pictures > 0 {
			row[3] = fmt.Sprintf("%.4f", b.confidence/float64(b.pictures))
			row[4] = fmt.Sprintf("%.4f", float64(b.right)/float64(b.pictures))
		}
		c.Write(row)
	}
	c.Flush()
	return c.Error()
}
