package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"glance/kernels"
	"glance/kernels/simd"
	"glance/kernels/twin"
	"glance/models"
	"glance/tools/quantize/convert"
	"glance/weights"
)

// held is how much of the promised tolerance, 2e-3 + 1e-3 |value|, a row may use.
// Sums in another order explain 1/100 of it; a wrong epsilon, padding or
// activation anywhere in a network uses the whole or more.
const held = 0.05

// TestFidelity converts the checkpoints that testdata/fidelity describes and
// runs them on inputs by formula: on the SIMD module, torchvision's on the pure-Go
// machine too. With float32 weights logits and pooled features must be the
// framework's; with float16 weights the five largest logits must keep their order.
func TestFidelity(t *testing.T) {
	machines := newMachines(t)
	for _, name := range fidelityCases(t) {
		t.Run(name, func(t *testing.T) {
			c := loadCase(t, name)
			checkpoint := c.checkpoint(t)
			exact := c.convert(t, checkpoint, weights.F32)
			half := c.convert(t, checkpoint, weights.F16)
			used := machines
			if c.Framework != "torchvision" {
				used = machines[:1]
			}
			for _, r := range c.Runs {
				x := formulaImage(c.Seed, r.Height, r.Width)
				for _, m := range used {
					c.compare(t, m, exact, r, x)
				}
				c.compareOrder(t, machines[0], half, r, x)
			}
		})
	}
}

// newMachines returns the SIMD module on wazero and the pure-Go machine.
func newMachines(t testing.TB) []kernels.Machine {
	t.Helper()
	m, err := simd.New(simd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	machines := []kernels.Machine{m, twin.New(twin.Options{})}
	t.Cleanup(func() {
		for _, m := range machines {
			m.Close()
		}
	})
	return machines
}

// compare holds a run with float32 weights against the framework's values.
func (c *fidelityCase) compare(t *testing.T, m kernels.Machine, b blob, r fidelityRun, x []float32) {
	t.Helper()
	logits, embedding := b.run(t, m, r, x)
	worst, largest := deviation(c.sampled(logits), r.logits)
	worstFeature, largestFeature := deviation(embedding, r.embedding)
	t.Logf("%s %dx%d float32: logits off by at most %.2g (%.3f of the tolerance), features by %.2g (%.3f)",
		m.Name(), r.Height, r.Width, largest, worst, largestFeature, worstFeature)
	if max(worst, worstFeature) > held {
		t.Errorf("%s %dx%d: not what %s computes", m.Name(), r.Height, r.Width, c.Framework)
	}
}

// compareOrder holds the first five of a run with float16 weights against the
// framework's.
func (c *fidelityCase) compareOrder(t *testing.T, m kernels.Machine, b blob, r fidelityRun, x []float32) {
	t.Helper()
	logits, _ := b.run(t, m, r, x)
	logits = c.sampled(logits)
	_, largest := deviation(logits, r.logits)
	t.Logf("%s %dx%d float16: logits off by at most %.2g", m.Name(), r.Height, r.Width, largest)
	if got, want := top(logits, 5), top(r.logits, 5); !slices.Equal(got, want) {
		t.Errorf("%s %dx%d: float16 weights give the top five %v, %s gives %v", m.Name(), r.Height, r.Width, got, c.Framework, want)
	}
}

// blob is a converted checkpoint.
type blob struct {
	data   []byte
	file   *weights.File
	config models.Config
}

// convert converts the case's checkpoint, leaving everything that can be to
// inference, and checks what was inferred.
func (c *fidelityCase) convert(t testing.TB, checkpoint string, dtype weights.DType) blob {
	t.Helper()
	out := filepath.Join(t.TempDir(), c.name+".safetensors")
	report, err := convert.Convert(context.Background(), convert.Options{In: checkpoint, DType: dtype, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	got := report.Config
	if got.Arch != c.Arch || c.Alpha != 0 && got.Alpha != c.Alpha || c.Classes != 0 && got.Classes != c.Classes || c.Variant != "" && got.Variant != c.Variant {
		t.Errorf("taken for %+v, but it is %s, variant %q, alpha %g, %d classes", got, c.Arch, c.Variant, c.Alpha, c.Classes)
	}
	if string(report.Family) != c.Framework {
		t.Errorf("taken for a checkpoint of family %s, but it is %s's", report.Family, c.Framework)
	}
	return loadBlob(t, out)
}

func loadBlob(t testing.TB, path string) blob {
	t.Helper()
	b := blob{}
	var err error
	if b.data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if b.file, err = weights.ParseHeader(b.data, int64(len(b.data))); err != nil {
		t.Fatal(err)
	}
	if b.config, _, err = models.ConfigFromMetadata(b.file.Metadata); err != nil {
		t.Fatal(err)
	}
	return b
}

// session puts the blob on a machine, for an input of the given size.
func (b blob) session(t testing.TB, m kernels.Machine, height, width int) *models.Session {
	t.Helper()
	config := b.config
	config.Height, config.Width = height, width
	n, err := models.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := models.NewSession(m, n, b.file, models.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Staging()
	if err := m.Write(p, b.data[b.file.DataOffset:]); err != nil {
		t.Fatal(err)
	}
	if err := s.Pack(); err != nil {
		t.Fatal(err)
	}
	return s
}

// run returns the logits and the embedding for an input.
func (b blob) run(t testing.TB, m kernels.Machine, r fidelityRun, x []float32) (logits, embedding []float32) {
	t.Helper()
	mark := m.Mark()
	defer m.Release(mark)
	s := b.session(t, m, r.Height, r.Width)
	if err := s.SetInput(x); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s.Logits(nil), s.Embedding(nil)
}

// sampled returns those outputs that the case stores.
func (c *fidelityCase) sampled(logits []float32) []float32 {
	if c.Sample == 0 {
		return logits
	}
	var s []float32
	for i := 0; i < len(logits); i += c.Sample {
		s = append(s, logits[i])
	}
	return s
}
