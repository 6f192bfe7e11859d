package convert

import (
	"cmp"
	"slices"
	"sync"

	"glance/models"
	"glance/tools/quantize/checkpoint"
)

// candidate is a network and a family that a checkpoint's names may be of.
type candidate struct {
	family  *family
	arch    models.Arch
	variant string
	index   *index
	score   float64 // of the names, 1 where all are there and nothing else
}

// expected lists the names of the tensors that a backbone must have.
func expected(list []matrix, leaves normLeaves) []string {
	var all []string
	for _, m := range list {
		all = append(all, m.ref.weight)
		if r := m.ref.norm; r != "" {
			all = append(all, r+leaves.gamma, r+leaves.beta, r+leaves.mean, r+leaves.variance)
		}
	}
	return all
}

// naming is the names that a family gives a network's backbone.
type naming struct {
	family  *family
	arch    models.Arch
	variant string
	want    []string
}

// namings lists the names of every family, architecture and variant.
var namings = sync.OnceValue(func() []naming {
	var list []naming
	for _, f := range families {
		for _, arch := range models.Archs() {
			for _, variant := range f.variants[arch] {
				n, err := models.New(models.Config{Arch: arch, Variant: variant})
				if err != nil {
					panic(err) // a family with a variant that package models lacks
				}
				list = append(list, naming{f, arch, variant, expected(backbone(n, f.names(n)), f.leaves)})
			}
		}
	}
	return list
})

// candidates scores every architecture, variant and family by names, the best
// first.
func candidates(c *checkpoint.Checkpoint) ([]candidate, error) {
	indices := make(map[*family]*index)
	var list []candidate
	for _, n := range namings() {
		ix := indices[n.family]
		if ix == nil {
			var err error
			if ix, err = indexOf(c, n.family.canonical); err != nil {
				return nil, err
			}
			indices[n.family] = ix
		}
		hits := 0
		for _, name := range n.want {
			if ix.byName[name] != nil {
				hits++
			}
		}
		score := 2 * float64(hits) / float64(len(n.want)+len(ix.names))
		list = append(list, candidate{n.family, n.arch, n.variant, ix, score})
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return list, nil
}

// A naming is recognised from recognised on, and beyond doubt from certain on:
// heads are not among the names that are counted, and some may be wrong.
const (
	recognised = 0.5
	certain    = 0.85
)

// choose reports whether the candidate may be what was asked for. A variant of
// the block table that the family has no names of its own for is put in place of
// the published one.
func (k *candidate) choose(c models.Config) bool {
	if c.Arch != "" && c.Arch != k.arch {
		return false
	}
	switch {
	case c.Variant == "" || c.Variant == k.variant:
		return true
	case k.variant != "" || slices.Contains(k.family.variants[k.arch], c.Variant):
		return false
	case c.Variant != Published:
		k.variant = c.Variant
	}
	return true
}

// widths are the multipliers that are tried: those that weights were published
// for, then every twentieth.
var widths = func() []float64 {
	list := []float64{1, 0.75, 0.5, 0.25, 0.35, 1.4, 1.3, 1.1, 1.2}
	for n := 2; n <= 40; n++ {
		if a := float64(n) / 20; !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}()

// resize returns the candidate's network at the width that most shapes fit, or
// at the one asked for, and which part of them fit.
func (k candidate) resize(o Options) (*models.Network, float64, error) {
	c := o.Config
	c.Arch, c.Variant = k.arch, k.variant
	c.Head, c.NoHead, c.Classes, c.BNEpsilon = nil, false, 0, o.BNEpsilon
	if c.BNEpsilon == 0 {
		c.BNEpsilon = k.family.epsilon(k.arch)
	}
	if c.Padding == "" {
		c.Padding = k.family.padding
	}
	alphas := widths
	if c.Alpha != 0 {
		alphas = []float64{c.Alpha}
	}
	var best *models.Network
	most := -1.0
	for _, c.Alpha = range alphas {
		n, err := models.New(c)
		if err != nil {
			return nil, 0, err
		}
		list := backbone(n, k.family.names(n))
		fit := 0
		for _, m := range list {
			if t := k.index.byName[m.ref.weight]; t != nil && k.family.layout.fits(m.layer.Kind, t.Shape, m.shape) {
				fit++
			}
		}
		if part := float64(fit) / float64(len(list)); part > most {
			best, most = n, part
		}
	}
	return best, most, nil
}
