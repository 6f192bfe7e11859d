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

// findHead finds the dense layers behind the pool: those of the published head
// where the checkpoint has no others, else all weights the backbone left over, in
// the order in which each takes what the one before it gives.
func (m *Match) findHead(c *checkpoint.Checkpoint, o Options) (foundHead, error) {
	var h foundHead
	left := m.leftOver(c)
	if m.Network.Config.Variant == models.VariantFeatures || o.Config.NoHead {
		h.config.NoHead = true
		m.leaveOut(left, o)
		return h, nil
	}
	names := m.headNames()
	own, err := m.ownHead(max(o.Config.Classes, 1))
	if err != nil {
		return h, err
	}
	var chain []dense
	other := slices.ContainsFunc(left, func(d dense) bool { return !slices.Contains(names, d.prefix) })
	switch {
	case !other && m.anyOf(names):
		chain, err = m.publishedChain(names, own)
	case len(left) > 0:
		chain, err = m.chain(left)
	case o.Config.Classes != 0 || o.Config.Head != nil:
		err = m.lacksHead(names, own)
	default:
		m.note("the checkpoint has no classifier: the blob gives embeddings only")
		h.config.NoHead = true
		return h, nil
	}
	if err == nil {
		err = m.asked(chain, o)
	}
	if err != nil {
		return h, err
	}
	for _, d := range chain {
		h.refs = append(h.refs, d.ref)
	}
	h.config.Classes = chain[len(chain)-1].out
	h.config.Head, err = m.headLayers(c, o, chain)
	return h, err
}

// leaveOut forgets the tensors of a head that is not wanted.
func (m *Match) leaveOut(left []dense, o Options) {
	if !o.Config.NoHead {
		return
	}
	for _, d := range left {
		m.note("%s is left out, as there is to be no classifier", checkpoint.Printable(d.ref.weight))
		for _, name := range []string{d.ref.weight, d.ref.bias} {
			delete(m.index.byName, name)
			m.index.names = slices.DeleteFunc(m.index.names, func(n string) bool { return n == name })
		}
	}
}

// ownHead returns the dense layers of the network's own head.
func (m *Match) ownHead(classes int) ([]models.HeadLayer, error) {
	config := m.Network.Config
	config.Classes, config.NoHead = classes, false
	n, err := models.New(config)
	if err != nil {
		return nil, err
	}
	var head []models.HeadLayer
	for _, l := range n.Layers {
		if l.Kind == models.KindDense {
			head = append(head, models.HeadLayer{Units: l.Out.C, Act: l.Act})
		}
	}
	return head, nil
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
		list = append(list, m.denseAt(name, shape))
	}
	if c.Layers != nil {
		order := layerOrder(c.Layers)
		slices.SortStableFunc(list, func(a, b dense) int { return order[a.prefix] - order[b.prefix] })
	}
	return list
}

// layerOrder maps a layer's name to its place in the topology.
func layerOrder(layers []checkpoint.KerasLayer) map[string]int {
	order := make(map[string]int, len(layers))
	for i, l := range layers {
		order[l.Name] = i
	}
	return order
}

// publishedChain finds the layers of the family's own head. A layer of which
// nothing is there may be missing, if the others fit together without it.
func (m *Match) publishedChain(names []string, own []models.HeadLayer) ([]dense, error) {
	features := m.Network.EmbeddingUnits()
	var chain []dense
	var skipped *Error
	for i, name := range names {
		weight := name + m.weightLeaf()
		want := m.layout.shape(models.KindDense, []int{own[min(i, len(own)-1)].Units, features})
		t := m.index.byName[weight]
		if t == nil {
			missing := fail(Missing, weight, "not in the checkpoint; want it with shape %v (or -head none to leave the classifier out)", want)
			if m.anyOf([]string{name}) {
				return nil, missing
			}
			if skipped == nil {
				skipped = missing
			}
			continue
		}
		shape := m.layout.matrix(t.Shape)
		switch {
		case shape == nil:
			return nil, fail(BadShape, t.Name, "shape %v in the checkpoint, a dense layer wants %v", t.Shape, want)
		case shape[1] != features && skipped != nil:
			return nil, skipped
		case shape[1] != features && i > 0 && shape[1] == own[i-1].Units:
			before := chain[i-1]
			return nil, fail(BadShape, before.ref.weight, "shape %v in the checkpoint, the layer after it wants %v",
				m.index.byName[before.ref.weight].Shape, m.layout.shape(models.KindDense, []int{shape[1], before.in}))
		case shape[1] != features:
			return nil, fail(BadShape, t.Name, "shape %v in the checkpoint, the features before it want %v",
				t.Shape, m.layout.shape(models.KindDense, []int{shape[0], features}))
		}
		chain = append(chain, m.denseAt(weight, shape))
		features = shape[0]
	}
	return chain, nil
}

// lacksHead is the error about a head that was asked for and is not there.
func (m *Match) lacksHead(names []string, own []models.HeadLayer) error {
	name := "the classifier"
	if len(names) > 0 {
		name = names[0] + m.weightLeaf()
	}
	return fail(Missing, name, "not in the checkpoint; want it with shape %v (or -head none to leave the classifier out)",
		m.layout.shape(models.KindDense, []int{own[0].Units, m.Network.EmbeddingUnits()}))
}

func (m *Match) weightLeaf() string {
	if m.layout == kerasLayout {
		return "/kernel"
	}
	return ".weight"
}

// denseAt describes the dense layer of a weight whose [out in] is shape.
func (m *Match) denseAt(weight string, shape []int) dense {
	prefix := strings.TrimSuffix(weight, leaf(weight))
	return dense{strings.TrimRight(prefix, "./"), ref{weight: weight, bias: prefix + "bias"}, shape[0], shape[1]}
}

// chain orders dense layers so that each takes the features that the one before
// it gives, the first the pooled ones. Those that do not fit in are left.
func (m *Match) chain(left []dense) ([]dense, error) {
	features := m.Network.EmbeddingUnits()
	left = slices.Clone(left)
	var chain []dense
	for {
		i := slices.IndexFunc(left, func(d dense) bool { return d.in == features })
		if i < 0 {
			break
		}
		chain = append(chain, left[i])
		features = left[i].out
		left = slices.Delete(left, i, i+1)
	}
	if len(chain) == 0 {
		d := left[0]
		return nil, fail(BadShape, d.ref.weight, "shape %v in the checkpoint, the features before it want %v",
			m.index.byName[d.ref.weight].Shape, m.layout.shape(models.KindDense, []int{d.out, features}))
	}
	return chain, nil
}

// asked holds a chain of dense layers against the head and the number of classes
// that were asked for.
func (m *Match) asked(chain []dense, o Options) error {
	want := o.Config.Head
	if want == nil && o.Config.Classes != 0 {
		want = make([]models.HeadLayer, len(chain))
		want[len(chain)-1].Units = o.Config.Classes
	}
	for i, d := range chain[:min(len(chain), len(want))] {
		if units := want[i].Units; units != 0 && units != d.out {
			return fail(BadShape, d.ref.weight, "shape %v in the checkpoint, %d outputs were asked for: want %v",
				m.index.byName[d.ref.weight].Shape, units, m.layout.shape(models.KindDense, []int{units, d.in}))
		}
	}
	if want != nil && len(chain) != len(want) {
		return fail(BadOption, "", "the head asked for has %d dense layers, the checkpoint %d", len(want), len(chain))
	}
	return nil
}

// headLayers returns the configuration of a head, nil where it is the
// architecture's own.
func (m *Match) headLayers(c *checkpoint.Checkpoint, o Options, chain []dense) ([]models.HeadLayer, error) {
	own, err := m.ownHead(chain[len(chain)-1].out)
	if err != nil {
		return nil, err
	}
	head := make([]models.HeadLayer, len(chain))
	for i, d := range chain {
		head[i] = models.HeadLayer{Units: d.out, Act: kernels.ReLU}
	}
	head[len(head)-1].Act = kernels.Identity
	switch {
	case o.Config.Head != nil:
		head = o.Config.Head
	case c.Layers != nil:
		for i, d := range chain[:len(chain)-1] {
			if head[i].Act, err = kerasActivation(c.Layers, d.prefix); err != nil {
				return nil, err
			}
		}
	case len(chain) == len(own):
		for i := range head {
			head[i].Act = own[i].Act
		}
	case len(chain) > 1:
		m.note("the head has %d dense layers where the published network has %d: ReLU is assumed between them (-head says otherwise)", len(chain), len(own))
	}
	if slices.Equal(head, own) {
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
