package convert

import (
	"cmp"
	"slices"
	"strings"

	"glance/models"
	"glance/tools/quantize/checkpoint"
)

// Published is the value of Options.Config.Variant that insists on the papers'
// block table, where "" lets the checkpoint decide.
const Published = "published"

// Match is a checkpoint whose network and tensors are known.
type Match struct {
	Network    *models.Network
	Family     Family
	Preprocess models.Preprocess
	// Notes say what was inferred or assumed that a user may want to check.
	Notes []string

	index    *index
	layout   layout
	leaves   normLeaves
	epsilon  float64
	matrices []matrix // in the order of Network.Tensors
}

// index finds a checkpoint's tensors by the names a family gives them.
type index struct {
	byName map[string]*checkpoint.Tensor
	names  []string // canonical, in stored order
}

// counters are tensors that training keeps beside the parameters.
func isCounter(name string) bool { return leaf(name) == "num_batches_tracked" }

// indexOf indexes a checkpoint's tensors without their counters. Tensors stored
// under two names must be the same.
func indexOf(c *checkpoint.Checkpoint, canonical func(string) string) (*index, error) {
	ix := &index{byName: make(map[string]*checkpoint.Tensor, len(c.Tensors))}
	for _, t := range c.Tensors {
		name := t.Name
		if isCounter(name) {
			continue
		}
		if canonical != nil {
			name = canonical(name)
		}
		first, twice := ix.byName[name]
		if !twice {
			ix.byName[name] = t
			ix.names = append(ix.names, name)
			continue
		}
		same, err := equal(first, t)
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, fail(Unexpected, t.Name, "differs from %s, which is the same tensor of the network registered a second time", checkpoint.Printable(first.Name))
		}
	}
	return ix, nil
}

// equal reports whether two tensors hold the same values.
func equal(a, b *checkpoint.Tensor) (bool, error) {
	if a.Alias(b) {
		return true, nil
	}
	if !slices.Equal(a.Shape, b.Shape) {
		return false, nil
	}
	x, err := a.Float32s()
	if err != nil {
		return false, err
	}
	y, err := b.Float32s()
	return slices.Equal(x, y), err
}

// MatchCheckpoint finds out which network a checkpoint is of and where each
// layer's parameters are. Fields of o.Config that are zero are inferred; others
// are held against the checkpoint. Only shapes are looked at, no values.
//
// What does not fit is reported as an [Error].
func MatchCheckpoint(c *checkpoint.Checkpoint, o Options) (*Match, error) {
	if _, blob := c.Metadata["glance"]; blob {
		return nil, fail(BadOption, "", "this is a blob already, with its batch norms folded: convert the checkpoint it was made of")
	}
	list, err := candidates(c)
	if err != nil {
		return nil, err
	}
	var fitting []candidate
	for _, k := range list {
		if k.choose(o.Config) {
			fitting = append(fitting, k)
		}
	}
	if len(fitting) == 0 || fitting[0].score < recognised {
		if top := list[0]; top.score >= certain {
			return nil, fail(BadOption, "", "the tensors' names are %s's %s; asked for was %s",
				top.family.name, describe(top.arch, top.variant), describe(o.Config.Arch, o.Config.Variant))
		}
		return matchByOrder(c, o)
	}
	var m *Match
	var most float64
	for _, k := range fitting {
		if k.score < fitting[0].score {
			break
		}
		n, fit, err := k.resize(o)
		if err != nil {
			return nil, err
		}
		if m == nil || fit > most {
			m, most = k.match(n, o), fit
		}
	}
	return m, m.complete(c, o)
}

// describe names an architecture and variant.
func describe(arch models.Arch, variant string) string {
	switch {
	case arch == "":
		return "variant " + variant
	case variant == "":
		return string(arch)
	}
	return string(arch) + " (variant " + variant + ")"
}

// match starts the match of a candidate that was chosen.
func (k candidate) match(n *models.Network, o Options) *Match {
	return &Match{
		Network:    n,
		Family:     k.family.name,
		Preprocess: k.family.preprocess(n.Config),
		index:      k.index,
		layout:     k.family.layout,
		leaves:     k.family.leaves,
		epsilon:    n.Config.BNEpsilon,
		matrices:   backbone(n, k.family.names(n)),
	}
}

// familyOf returns the description of a family, nil for ByOrder.
func familyOf(name Family) *family {
	for _, f := range families {
		if f.name == name {
			return f
		}
	}
	return nil
}

// complete finds the head, rebuilds the network with it, and checks every
// tensor.
func (m *Match) complete(c *checkpoint.Checkpoint, o Options) error {
	if err := m.kerasLayers(c, o); err != nil {
		return err
	}
	if _, err := m.check(); err != nil {
		return err
	}
	head, err := m.findHead(c, o)
	if err != nil {
		return err
	}
	config := m.Network.Config
	config.NoHead, config.Head, config.Classes = head.config.NoHead, head.config.Head, head.config.Classes
	n, err := models.New(config)
	if err != nil {
		return err
	}
	refs := make([]ref, 0, len(m.matrices)+len(head.refs))
	for _, x := range m.matrices {
		refs = append(refs, x.ref)
	}
	m.bind(n, append(refs, head.refs...))
	if o.Preprocess != nil {
		m.Preprocess = *o.Preprocess
	} else if f := familyOf(m.Family); f != nil {
		m.Preprocess = f.preprocess(n.Config)
	}
	m.describeVariant(o)
	extra, err := m.check()
	if err == nil && len(extra) > 0 {
		err = fail(Unexpected, extra[0], "in the checkpoint, but %s has no place for it%s",
			describe(config.Arch, config.Variant), others(extra))
	}
	return err
}

// bind pairs the references with the weight matrices of the network, both in
// execution order.
func (m *Match) bind(n *models.Network, refs []ref) {
	m.Network = n
	m.matrices = m.matrices[:0]
	tensors := n.Tensors()
	i := 0
	for l := range n.Layers {
		for ; i < len(refs); i++ {
			name := strings.TrimSuffix(tensors[2*i].Name, ".weight")
			layer := &n.Layers[l]
			if name != layer.Name && (layer.Kind != models.KindSqueeze || !strings.HasPrefix(name, layer.Name+".")) {
				break
			}
			m.matrices = append(m.matrices, matrix{layer, name, tensors[2*i].Shape, refs[i]})
		}
	}
}

func (m *Match) note(format string, args ...any) {
	m.Notes = append(m.Notes, fail("", "", format, args...).Detail)
}

// describeVariant notes what a variant that was not asked for means.
func (m *Match) describeVariant(o Options) {
	if o.Config.Variant != "" || m.Network.Config.Variant == "" {
		return
	}
	switch c := m.Network.Config; {
	case c.Variant == models.VariantFeatures:
		m.note("variant features: the checkpoint is of V2 without its last convolution and classifier")
	case c.Arch == models.MobileNetV1:
		m.note("variant article: the stem's activation is ReLU, as in the code these names come from (-variant published: ReLU6)")
	case c.Arch == models.MobileNetV3Large:
		m.note("variant article: blocks 12 and 13 have the strides and the expansion of the code these names come from, not the paper's")
	}
}

// check holds every tensor that the matrices need against the checkpoint. It
// returns the names of the tensors they do not need.
func (m *Match) check() (extra []string, err error) {
	used := make(map[string]bool, len(m.index.names))
	var missing *Error
	need := func(name string, want []int) error {
		used[name] = true
		t := m.index.byName[name]
		switch {
		case t == nil && missing == nil:
			missing = fail(Missing, name, "not in the checkpoint; %s wants it with shape %v (%s names)",
				describe(m.Network.Config.Arch, m.Network.Config.Variant), want, m.Family)
		case t != nil && !slices.Equal(t.Shape, want):
			return m.misshaped(name, want)
		}
		return nil
	}
	for _, x := range m.matrices {
		want := m.layout.shape(x.layer.Kind, x.shape)
		if t := m.index.byName[x.ref.weight]; t != nil && m.layout.fits(x.layer.Kind, t.Shape, x.shape) {
			want = t.Shape
		}
		err := need(x.ref.weight, want)
		channels := x.shape[:1]
		if b := x.ref.bias; b != "" && (!x.ref.free || m.index.byName[b] != nil) {
			err = cmp.Or(err, need(b, channels))
		}
		if r := x.ref.norm; r != "" {
			for _, l := range []string{m.leaves.gamma, m.leaves.beta, m.leaves.mean, m.leaves.variance} {
				err = cmp.Or(err, need(r+l, channels))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	for _, name := range m.index.names {
		if !used[name] {
			extra = append(extra, m.index.byName[name].Name)
		}
	}
	if missing != nil {
		return nil, missing
	}
	return extra, nil
}

func (m *Match) misshaped(name string, want []int) *Error {
	c := m.Network.Config
	t := m.index.byName[name]
	return fail(BadShape, t.Name, "shape %v in the checkpoint, %s with alpha %g wants %v", t.Shape,
		describe(c.Arch, c.Variant), c.Alpha, want)
}

// some lists a few names.
func some(list []string) string {
	const few = 3
	var b strings.Builder
	for i, name := range list {
		if i == few {
			b.WriteString(", ...")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(checkpoint.Printable(name))
	}
	return b.String()
}

func others(list []string) string {
	if len(list) == 1 {
		return ""
	}
	return " (nor for " + some(list[1:]) + ")"
}
