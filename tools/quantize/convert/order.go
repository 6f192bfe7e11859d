package convert

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"glance/models"
	"glance/tools/quantize/checkpoint"
)

// module is the tensors of a checkpoint whose names differ in the last part only.
type module struct {
	prefix  string
	weights []*checkpoint.Tensor // of two dimensions or more
	vectors []*checkpoint.Tensor // of one
}

// norm sorts the vectors of a batch norm; ok is false for another module.
func (x *module) norm() (gamma, beta, mean, variance *checkpoint.Tensor, ok bool) {
	if len(x.weights) != 0 || len(x.vectors) != 4 {
		return
	}
	for _, t := range x.vectors {
		switch name := strings.ToLower(leaf(t.Name)); {
		case strings.Contains(name, "mean"):
			mean = t
		case strings.Contains(name, "var"):
			variance = t
		case name == "weight" || name == "gamma" || name == "scale":
			gamma = t
		case name == "bias" || name == "beta" || name == "offset":
			beta = t
		}
	}
	return gamma, beta, mean, variance, gamma != nil && beta != nil && mean != nil && variance != nil
}

// modules groups a checkpoint's tensors. Those of a safetensors file, which
// are stored sorted by name as text, are put in the order of the numbers in their
// names; those of a Keras model, in the order of its layers.
func modules(c *checkpoint.Checkpoint) ([]*module, error) {
	byPrefix := make(map[string]*module)
	var list []*module
	for _, t := range c.Tensors {
		if isCounter(t.Name) {
			continue
		}
		prefix := strings.TrimSuffix(t.Name, leaf(t.Name))
		if prefix == "" {
			return nil, fail(Unknown, t.Name, "a name without parts (a.b or a/b): it cannot be told which tensors make up a layer")
		}
		x := byPrefix[prefix]
		if x == nil {
			x = &module{prefix: prefix}
			byPrefix[prefix] = x
			list = append(list, x)
		}
		if len(t.Shape) > 1 {
			x.weights = append(x.weights, t)
		} else {
			x.vectors = append(x.vectors, t)
		}
	}
	if c.Layers != nil {
		order := layerOrder(c.Layers)
		slices.SortStableFunc(list, func(a, b *module) int {
			return order[strings.TrimRight(a.prefix, "./")] - order[strings.TrimRight(b.prefix, "./")]
		})
	}
	if c.Format == checkpoint.Safetensors {
		slices.SortStableFunc(list, func(a, b *module) int { return compareNumbered(a.prefix, b.prefix) })
	}
	return list, nil
}

// compareNumbered orders names as text, but numbers in them as numbers.
func compareNumbered(a, b string) int {
	for {
		x, restA := cutNumber(a)
		y, restB := cutNumber(b)
		if x >= 0 && y >= 0 {
			if x != y {
				return cmp.Compare(x, y)
			}
			a, b = restA, restB
			continue
		}
		if a == "" || b == "" || a[0] != b[0] {
			return strings.Compare(a, b)
		}
		a, b = a[1:], b[1:]
	}
}

// cutNumber cuts the digits that s starts with; -1 if there are none.
func cutNumber(s string) (int, string) {
	n := 0
	for n < len(s) && n < 9 && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(s[:n])
	if err != nil {
		return -1, s
	}
	return v, s[n:]
}

// sequence is what a checkpoint of unknown names consists of.
type sequence struct {
	layout layout
	layers []*module // with one weight
	norms  []*module
	index  *index // by PyTorch's names: PREFIXweight, PREFIXbias, PREFIXrunning_mean, ...
}

func newSequence(c *checkpoint.Checkpoint) (*sequence, error) {
	list, err := modules(c)
	if err != nil {
		return nil, err
	}
	s := &sequence{layout: torchLayout, index: &index{byName: make(map[string]*checkpoint.Tensor)}}
	put := func(name string, t *checkpoint.Tensor) {
		s.index.byName[name] = t
		s.index.names = append(s.index.names, name)
	}
	for _, x := range list {
		prefix := strings.TrimRight(x.prefix, "./")
		if gamma, beta, mean, variance, ok := x.norm(); ok {
			s.norms = append(s.norms, x)
			put(prefix+torchNorm.gamma, gamma)
			put(prefix+torchNorm.beta, beta)
			put(prefix+torchNorm.mean, mean)
			put(prefix+torchNorm.variance, variance)
			continue
		}
		if len(x.weights) != 1 || len(x.vectors) > 1 {
			return nil, fail(Unknown, x.prefix, "%d weights and %d vectors: neither a convolution nor a batch norm; the names are of no known family (%s)",
				len(x.weights), len(x.vectors), knownFamilies())
		}
		s.layers = append(s.layers, x)
		put(prefix+".weight", x.weights[0])
		if len(x.vectors) == 1 {
			put(prefix+".bias", x.vectors[0])
		}
		if shape := x.weights[0].Shape; len(shape) == 4 && shape[0] == 3 && shape[1] == 3 && shape[3] != 3 {
			s.layout = kerasLayout
		}
	}
	return s, nil
}

func knownFamilies() string {
	var b strings.Builder
	for i, f := range families {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(f.name))
	}
	return b.String()
}

// matchByOrder matches a checkpoint of unknown names: each layer of a network, in
// execution order, takes the first weight of its shape that is left, and the
// first batch norm of its channels.
func matchByOrder(c *checkpoint.Checkpoint, o Options) (*Match, error) {
	s, err := newSequence(c)
	if err != nil {
		return nil, err
	}
	archs, alphas := models.Archs(), widths
	if o.Config.Arch != "" {
		archs = []models.Arch{o.Config.Arch}
	}
	if o.Config.Alpha != 0 {
		alphas = []float64{o.Config.Alpha}
	}
	config := o.Config
	config.Head, config.NoHead, config.Classes, config.BNEpsilon = nil, false, 0, o.BNEpsilon
	variants := []string{config.Variant}
	switch config.Variant {
	case "":
		variants = []string{"", models.VariantArticle}
	case Published:
		variants = []string{""}
	}
	var best *Match
	var lacking error // of the network that got furthest
	furthest := -1
	try := func(c models.Config) error {
		n, err := models.New(c)
		if err != nil {
			return err
		}
		m, matched, err := s.match(n)
		if err != nil && matched > furthest {
			furthest, lacking = matched, err
		}
		if err == nil && (best == nil || len(m.matrices) > len(best.matrices)) {
			best = m
		}
		return nil
	}
	for _, config.Arch = range archs {
		for _, config.Variant = range variants {
			for _, config.Alpha = range alphas {
				if err := try(config); err != nil {
					return nil, err
				}
			}
		}
	}
	if best == nil {
		return nil, lacking
	}
	best.note("the tensors' names are of no known family (%s): layers were matched by their order and shapes; compare the results with the framework's", knownFamilies())
	if o.BNEpsilon == 0 && len(s.norms) > 0 {
		best.note("the batch norms' epsilon is not in the checkpoint: %g is assumed (-bn-eps says otherwise)", best.epsilon)
	}
	return best, best.complete(c, o)
}

// match matches one network. It returns how many of its weights were found.
func (s *sequence) match(n *models.Network) (*Match, int, error) {
	m := &Match{Network: n, Family: ByOrder, Preprocess: models.DefaultPreprocess(n.Config), index: s.index,
		layout: s.layout, leaves: torchNorm, epsilon: n.Config.BNEpsilon}
	m.matrices = backbone(n, names{block: func(int, parts) blockRefs { return blockRefs{} }})
	layers, norms := slices.Clone(s.layers), slices.Clone(s.norms)
	normed, squeezes := 0, 0
	for i := range n.Layers {
		switch l := n.Layers[i]; {
		case l.BatchNorm:
			normed++
		case l.Kind == models.KindSqueeze:
			squeezes++
		}
	}
	squeezeNorms := squeezes > 0 && len(norms) == normed+squeezes
	if len(norms) != 0 && len(norms) != normed && !squeezeNorms {
		return nil, 0, fail(Unknown, "", "%d batch norms, %s has %d; the names are of no known family (%s)",
			len(norms), describe(n.Config.Arch, n.Config.Variant), normed, knownFamilies())
	}
	for i := range m.matrices {
		x := &m.matrices[i]
		at := slices.IndexFunc(layers, func(y *module) bool { return s.layout.fits(x.layer.Kind, y.weights[0].Shape, x.shape) })
		if at < 0 {
			return nil, i, fail(Missing, "", "no weight of shape %v is left for %s of %s with alpha %g; the names are of no known family (%s)",
				s.layout.shape(x.layer.Kind, x.shape), x.name, describe(n.Config.Arch, n.Config.Variant), n.Config.Alpha, knownFamilies())
		}
		prefix := strings.TrimRight(layers[at].prefix, "./")
		layers = slices.Delete(layers, at, at+1)
		x.ref = torchDense(prefix)
		squeeze := x.layer.Kind == models.KindSqueeze
		if len(s.norms) == 0 || squeeze && !(squeezeNorms && strings.HasSuffix(x.name, ".0")) {
			x.ref.free = squeeze && squeezeNorms
			continue
		}
		at = slices.IndexFunc(norms, func(y *module) bool { return y.vectors[0].Elements() == x.shape[0] })
		if at < 0 {
			return nil, i, fail(Missing, "", "no batch norm of %d channels is left for %s of %s with alpha %g; the names are of no known family (%s)",
				x.shape[0], x.name, describe(n.Config.Arch, n.Config.Variant), n.Config.Alpha, knownFamilies())
		}
		x.ref = torchConv(prefix, strings.TrimRight(norms[at].prefix, "./"))
		norms = slices.Delete(norms, at, at+1)
	}
	return m, len(m.matrices), nil
}
