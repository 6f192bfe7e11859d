package convert

import (
	"glance/models"
)

// Family is a naming of tensors and what comes with it.
type Family string

// The families, described in the package comment.
const (
	Torchvision Family = "torchvision"
	Timm        Family = "timm"
	Keras       Family = "keras"
	Article     Family = "article"
	Sequential  Family = "sequential"
	ByOrder     Family = "by order"
)

// family is how a family's checkpoints are read.
type family struct {
	name Family
	// variants lists, for each architecture the family has, the variants of its
	// block table, the likeliest first.
	variants map[models.Arch][]string
	layout   layout
	leaves   normLeaves
	// epsilon is what batch norms add to the variance.
	epsilon func(models.Arch) float64
	padding models.Padding
	// preprocess is the family's usual recipe.
	preprocess func(models.Config) models.Preprocess
	// names says where the parameters of a network's layers are.
	names func(n *models.Network) names
	// canonical maps a second name of a tensor to its first; nil where there are
	// none.
	canonical func(name string) string
}

// normLeaves are the last parts of the names of a batch norm's tensors.
type normLeaves struct{ gamma, beta, mean, variance string }

var (
	torchNorm = normLeaves{".weight", ".bias", ".running_mean", ".running_var"}
	kerasNorm = normLeaves{"/gamma", "/beta", "/moving_mean", "/moving_variance"}
)

// ref is where one weight matrix's parameters are: the names of its weight and
// bias, and the prefix of the batch norm that follows it.
type ref struct {
	weight  string
	bias    string  // "" for none
	norm    string  // "" for none
	epsilon float64 // 0: the family's
	// free says that the bias may be missing: before a batch norm it is redundant.
	free bool
}

// blockRefs are the references of one block; those a block lacks are not used.
type blockRefs struct{ expand, depthwise, reduce, excite, project ref }

// names are the references of a network.
type names struct {
	stem  ref
	block func(i int, p parts) blockRefs
	last  ref
	head  []string // prefixes of the dense layers, as published; more or fewer are found by shape
}

// parts says which layers a block has.
type parts struct{ expand, squeeze bool }

// blockParts lists the parts of each block of a network.
func blockParts(n *models.Network) []parts {
	var list []parts
	for _, l := range n.Layers {
		if l.Block < 0 {
			continue
		}
		if l.Block == len(list) {
			list = append(list, parts{})
		}
		p := &list[l.Block]
		switch {
		case l.Kind == models.KindSqueeze:
			p.squeeze = true
		case leaf(l.Name) == "expand":
			p.expand = true
		}
	}
	return list
}

// matrix is a weight matrix of the network with its reference.
type matrix struct {
	layer *models.Layer
	name  string // in the blob, without ".weight"
	shape []int  // in the blob
	ref   ref
}

// backbone lists the network's weight matrices before the pool, in execution
// order, with the references of a family.
func backbone(n *models.Network, ns names) []matrix {
	var blocks []blockRefs
	for i, p := range blockParts(n) {
		blocks = append(blocks, ns.block(i, p))
	}
	var list []matrix
	add := func(l *models.Layer, suffix string, r ref, shape ...int) {
		list = append(list, matrix{l, l.Name + suffix, shape, r})
	}
	for i := range n.Layers {
		l := &n.Layers[i]
		in, out := l.In.C, l.Out.C
		switch l.Kind {
		case models.KindConv:
			add(l, "", ns.stem, out, 3, 3, in)
		case models.KindDepthwise:
			add(l, "", blocks[l.Block].depthwise, out, l.Kernel, l.Kernel)
		case models.KindSqueeze:
			add(l, ".0", blocks[l.Block].reduce, l.Squeezed, in)
			add(l, ".1", blocks[l.Block].excite, in, l.Squeezed)
		case models.KindPointwise:
			r := ns.last
			if l.Block >= 0 {
				r = blocks[l.Block].project
				if leaf(l.Name) == "expand" {
					r = blocks[l.Block].expand
				}
			}
			add(l, "", r, out, in)
		}
	}
	return list
}

// families are tried in this order; the first of equally good ones wins.
var families = []*family{&torchvision, &timm, &keras, &article, &sequential}

// published is the list of variants of a family that has only the papers' tables.
var published = []string{""}

// paperEpsilon is what PyTorch's models add to the variance: 1e-5 for V1 and V2
// (PyTorch's default), 1e-3 for V3 (as TensorFlow's).
func paperEpsilon(a models.Arch) float64 {
	if a == models.MobileNetV3Small || a == models.MobileNetV3Large {
		return 1e-3
	}
	return 1e-5
}

func always(epsilon float64) func(models.Arch) float64 {
	return func(models.Arch) float64 { return epsilon }
}
