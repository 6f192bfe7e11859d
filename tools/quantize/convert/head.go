package convert

import (
	"slices"
	"strings"

	"glance/kernels"
	"glance/models"
	"glance/tools/quantize/checkpoint"
)

// foundHead is a classifier as a checkpoint has it.
type foundHead struct {
	refs   []ref
	config models.Config // its NoHead, Head and Classes
}

// dense is a weight in a checkpoint that may be a dense layer's.
type dense struct {
	prefix  string // of its tensors' names
	ref     ref
	out, in int
}

// findHead finds the dense layers behind the pool: the weights the backbone left
// over, in the order in which each takes what the one before it gives.
func (m *Match) findHead(c *checkpoint.Checkpoint, o Options) (foundHead, error) {
	var h foundHead
	left := m.leftOver(c)
	names := m.headNames()
	if m.Network.Config.Variant == models.VariantFeatures || o.Config.NoHead {
		h.config.NoHead = true
		if !o.Config.NoHead || len(left) == 0 {
			return h, nil
		}
		for _, d := range left {
			delete(m.index.byName, d.ref.weight)
			delete(m.index.byName, d.ref.bias)
			m.index.names = slices.DeleteFunc(m.index.names, func(n string) bool { return n == d.ref.weight || n == d.ref.bias })
			m.note("%s and its bias are left out, as there is to be no classifier", checkpoint.Printable(d.ref.weight))
		}
		return h, nil
	}
	asked := o.Config.Classes != 0 || o.Config.Head != nil
	if len(left) == 0 && !asked && !m.anyOf(names) {
		m.note("the checkpoint has no classifier: the blob gives embeddings only")
		h.config.NoHead = true
		return h, nil
	}
	chain, err := m.chain(left, names, o)
	if err != nil {
		return h, err
	}
	for _, d := range chain {
		h.refs = append(h.refs, d.ref)
	}
	h.config.Classes = chain[len(chain)-1].out
	if h.config.Head, err = m.headLayers(c, o, chain, names); err != nil {
		return h, err
	}
	return h, nil
}

// headNames are the prefixes of the published head's layers in this family.
func (m *Match) headNames() []string {
	if f := familyOf(m.Family); f != nil {
		return f.names(m.Network).head
	}
	return nil
}

// anyOf reports whether the checkpoint has a tensor below one of the prefixes.
func (m *Match) anyOf(prefixes []string) bool {
	for _, name := range m.index.names {
		for _, p := range prefixes {
			if rest, ok := strings.CutPrefix(name, p); ok && rest != "" && strings.ContainsRune("./", rune(rest[0])) {
				return true
			}
		}
	}
	return false
}

// leftOver lists the weights that may be dense layers and are not the
// backbone's, in stored order, or in that of the layers of a Keras model.
func (m *Match) leftOver(c *checkpoint.Checkpoint) []dense {
	used := make(map[string]bool)
	for _, x := range m.matrices {
		used[x.ref.weight] = true
	}
	var list []dense
	for _, name := range m.index.names {
		shape := m.layout.matrix(m.index.byName[name].Shape)
		if shape == nil || used[name] {
			continue
		}
		prefix := strings.TrimSuffix(name, leaf(name))
		bias := prefix + "bias"
		list = append(list, dense{strings.TrimRight(prefix, "./"), ref{weight: name, bias: bias}, shape[0], shape[1]})
	}
	if c.Layers != nil {
		order := make(map[string]int, len(c.Layers))
		for i, l := range c.Layers {
			order[l.Name] = i
		}
		slices.SortStableFunc(list, func(a, b dense) int { return order[a.prefix] - order[b.prefix] })
	}
	return list
}

// chain orders dense layers so that each takes the features that the one before
// it gives, the first the pooled ones.
func (m *Match) chain(left []dense, names []string, o Options) ([]dense, error) {
	features := m.Network.EmbeddingUnits()
	var chain []dense
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(d dense) bool { return d.in == features })
		if i < 0 {
			break
		}
		chain = append(chain, left[i])
		features = left[i].out
		left = slices.Delete(slices.Clone(left), i, i+1)
	}
	want := o.Config.Head
	for i, d := range chain {
		units := 0
		switch {
		case i < len(want):
			units = want[i].Units
		case want == nil && i == len(chain)-1 && len(left) == 0:
			units = o.Config.Classes
		}
		if units != 0 && units != d.out {
			return nil, fail(BadShape, d.ref.weight, "shape %v in the checkpoint, %d outputs were asked for: want %v",
				m.index.byName[d.ref.weight].Shape, units, m.layout.shape(models.KindDense, []int{units, d.in}))
		}
	}
	switch {
	case len(left) > 0 && slices.Contains(names, left[0].prefix) || len(left) > 0 && len(chain) == 0:
		d := left[0]
		return nil, fail(BadShape, d.ref.weight, "shape %v in the checkpoint, the features before it want %v",
			m.index.byName[d.ref.weight].Shape, m.layout.shape(models.KindDense, []int{d.out, features}))
	case len(chain) == 0 || want != nil && len(chain) < len(want):
		name := "the classifier"
		if len(chain) < len(names) {
			name = names[len(chain)] + m.weightLeaf()
		}
		return nil, fail(Missing, name, "not in the checkpoint; want it with shape %v (or -head none to leave the classifier out)",
			m.layout.shape(models.KindDense, []int{max(o.Config.Classes, 1), features}))
	case want != nil && len(chain) > len(want):
		return nil, fail(Unexpected, chain[len(want)].ref.weight, "the head asked for has %d dense layers, the checkpoint %d", len(want), len(chain))
	}
	return chain, m.published(chain, names)
}

func (m *Match) weightLeaf() string {
	if m.layout == kerasLayout {
		return "/kernel"
	}
	return ".weight"
}

// published reports the layer of a published head that the chain lacks: a head
// that has one of several layers was not meant to.
func (m *Match) published(chain []dense, names []string) error {
	has := func(name string) bool {
		return slices.ContainsFunc(chain, func(d dense) bool { return d.prefix == name })
	}
	if len(names) < 2 || !slices.ContainsFunc(names, has) {
		return nil
	}
	for _, name := range names {
		if !has(name) && m.anyOf([]string{name}) {
			return fail(Missing, name+m.weightLeaf(), "not in the checkpoint, other tensors of its layer are")
		}
	}
	return nil
}

// headLayers returns the configuration of a head, nil where it is the
// architecture's own.
func (m *Match) headLayers(c *checkpoint.Checkpoint, o Options, chain []dense, names []string) ([]models.HeadLayer, error) {
	if o.Config.Head != nil {
		return o.Config.Head, nil
	}
	config := m.Network.Config
	config.Classes = chain[len(chain)-1].out
	own, err := models.New(config)
	if err != nil {
		return nil, err
	}
	var standard []models.HeadLayer
	for _, l := range own.Layers {
		if l.Kind == models.KindDense {
			standard = append(standard, models.HeadLayer{Units: l.Out.C, Act: l.Act})
		}
	}
	head := make([]models.HeadLayer, len(chain))
	for i, d := range chain {
		head[i] = models.HeadLayer{Units: d.out, Act: kernels.ReLU}
	}
	head[len(head)-1].Act = kernels.Identity
	switch {
	case c.Layers != nil:
		for i, d := range chain[:len(chain)-1] {
			if head[i].Act, err = kerasActivation(c.Layers, d.prefix); err != nil {
				return nil, err
			}
		}
	case len(chain) == len(standard):
		for i := range head {
			head[i].Act = standard[i].Act
		}
	case len(chain) > 1:
		m.note("the head has %d dense layers where the published network has %d: ReLU is assumed between them (-head says otherwise)", len(chain), len(standard))
	}
	if slices.Equal(head, standard) {
		return nil, nil
	}
	return head, nil
}

// kerasActivation returns the activation of a dense layer, which may be a layer
// of its own behind it.
func kerasActivation(layers []checkpoint.KerasLayer, name string) (kernels.Activation, error) {
	at := slices.IndexFunc(layers, func(l checkpoint.KerasLayer) bool { return l.Name == name })
	if at < 0 {
		return 0, fail(Unknown, name, "not among the layers of modelTopology: say the head's activations with -head")
	}
	found := layers[at].Activation
	for _, l := range layers[at+1:] {
		if l.Class == "Dense" || found != "" && found != "linear" {
			break
		}
		switch l.Class {
		case "ReLU":
			found = "relu"
		case "Activation":
			found = l.Activation
		}
	}
	switch found {
	case "", "linear":
		return kernels.Identity, nil
	case "relu":
		return kernels.ReLU, nil
	case "relu6":
		return kernels.ReLU6, nil
	case "hard_swish", "hard_silu", "hardswish":
		return kernels.HardSwish, nil
	}
	return 0, fail(Unknown, name, "activation %q is none of this engine's (relu, relu6, hard_swish, linear)", found)
}

// kerasLayers takes from a Keras model's layers what they say: the input's size,
// and the epsilon of each batch norm.
func (m *Match) kerasLayers(c *checkpoint.Checkpoint, o Options) error {
	epsilon := make(map[string]float64, len(c.Layers))
	config := m.Network.Config
	for _, l := range c.Layers {
		switch {
		case l.Class == "InputLayer" && l.Height > 0 && l.Width > 0:
			if o.Config.Height == 0 {
				config.Height = l.Height
			}
			if o.Config.Width == 0 {
				config.Width = l.Width
			}
		case l.Epsilon != 0:
			epsilon[l.Name] = l.Epsilon
		}
	}
	n, err := models.New(config)
	if err != nil {
		return err
	}
	m.Network = n
	for i := range m.matrices {
		if r := &m.matrices[i].ref; o.BNEpsilon == 0 && epsilon[r.norm] != 0 {
			r.epsilon = epsilon[r.norm]
		}
	}
	return nil
}
