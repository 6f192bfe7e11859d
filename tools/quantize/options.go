package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"glance/kernels"
	"glance/models"
	"glance/tools/quantize/convert"
	"glance/weights"
)

// networkFlags are the flags that describe a network.
type networkFlags struct {
	config models.Config
	head   string
	stem   string
}

func (n *networkFlags) register(flags *flag.FlagSet, inferred string) {
	c := &n.config
	flags.Func("arch", "`ARCH`itecture: mobilenet_v1, mobilenet_v2, mobilenet_v3_small or mobilenet_v3_large"+inferred, func(s string) error {
		c.Arch = models.Arch(s)
		return nil
	})
	flags.StringVar(&c.Variant, "variant", "", "`variant` of the block table: article, features or published"+inferred)
	flags.Float64Var(&c.Alpha, "alpha", 0, "width `multiplier`"+inferred)
	flags.IntVar(&c.Classes, "classes", 0, "number of classes"+inferred)
	flags.IntVar(&c.Height, "height", 0, "input height in `pixels` (default 224, or what a TensorFlow.js topology says)")
	flags.IntVar(&c.Width, "width", 0, "input width in `pixels` (default 224, or what a TensorFlow.js topology says)")
	flags.Func("padding", "`style` of zero padding: symmetric (PyTorch) or same (TensorFlow)"+inferred, func(s string) error {
		c.Padding = models.Padding(s)
		return nil
	})
	flags.StringVar(&n.head, "head", "", "dense `layers` behind the pool, such as 256:relu,128:relu,5, or none"+inferred)
	flags.StringVar(&n.stem, "stem-act", "", "`activation` of the first convolution: relu, relu6 or hardswish (default the architecture's)")
}

// resolve parses what the flags could not.
func (n *networkFlags) resolve() (models.Config, error) {
	c := n.config
	switch n.head {
	case "":
	case "none":
		c.NoHead = true
	default:
		head, err := models.ParseHead(n.head)
		if err != nil {
			return c, usageError{"-head: " + err.Error()}
		}
		c.Head = head
	}
	if n.stem != "" {
		for _, a := range []kernels.Activation{kernels.ReLU, kernels.ReLU6, kernels.HardSwish} {
			if a.String() == n.stem {
				c.StemAct = &a
			}
		}
		if c.StemAct == nil {
			return c, usageError{fmt.Sprintf("-stem-act is %q, want relu, relu6 or hardswish", n.stem)}
		}
	}
	return c, nil
}

// presets are recipes by name; what depends on the input's size is
// [models.DefaultPreprocess]'s.
var presets = map[string]func(models.Config) models.Preprocess{
	"torchvision": models.DefaultPreprocess,
	"timm": func(c models.Config) models.Preprocess {
		p := models.DefaultPreprocess(c)
		p.Filter = models.PILBicubic
		return p
	},
	"keras": func(models.Config) models.Preprocess {
		return models.Preprocess{Filter: models.TFBilinearCorner, Mean: triple{0.5, 0.5, 0.5}, Std: triple{0.5, 0.5, 0.5}}
	},
	"nsfwjs": func(models.Config) models.Preprocess {
		return models.Preprocess{Filter: models.TFBilinearCorner, Std: triple{1, 1, 1}}
	},
}

type triple = [3]float64

// preprocessFlags are the flags that describe how images become inputs.
type preprocessFlags struct {
	preset, resize, filter, mean, std string
	reduce                            int
}

func (p *preprocessFlags) register(flags *flag.FlagSet) {
	flags.StringVar(&p.preset, "preprocess", "", "`recipe` for images: torchvision (shorter side to 8/7 of the input, centre crop, ImageNet mean and std), "+
		"timm (the same, bicubic), keras (straight to the input's size, -1 to 1) or nsfwjs (the same, 0 to 1); the next five change parts of it (default what the names suggest)")
	flags.StringVar(&p.resize, "resize", "", "shorter `side` in pixels before the centre crop, or exact for the input's size whatever the aspect")
	flags.IntVar(&p.reduce, "reduce", 0, "shorter side in `pixels` that larger images are reduced to first: what the training images had, where they were scaled up (default none)")
	flags.StringVar(&p.filter, "filter", "", "resampling `filter`: "+filterNames())
	flags.StringVar(&p.mean, "mean", "", "`r,g,b` that are subtracted from values in 0..1")
	flags.StringVar(&p.std, "std", "", "`r,g,b` that the differences are divided by")
}

func filterNames() string {
	var list []string
	for _, f := range models.Filters() {
		list = append(list, string(f))
	}
	return strings.Join(list, ", ")
}

// apply changes the recipe of a network as the flags say.
func (p *preprocessFlags) apply(recipe *models.Preprocess, c models.Config) error {
	if p.preset != "" {
		preset := presets[p.preset]
		if preset == nil {
			return usageError{fmt.Sprintf("-preprocess is %q, want torchvision, timm, keras or nsfwjs", p.preset)}
		}
		*recipe = preset(c)
	}
	switch p.resize {
	case "":
	case "exact":
		recipe.Resize = 0
	default:
		n, err := strconv.Atoi(p.resize)
		if err != nil || n < 1 {
			return usageError{fmt.Sprintf("-resize is %q, want pixels or exact", p.resize)}
		}
		recipe.Resize = n
	}
	if p.reduce < 0 {
		return usageError{fmt.Sprintf("-reduce is %d, want pixels", p.reduce)}
	} else if p.reduce > 0 {
		recipe.Reduce = p.reduce
	}
	if p.filter != "" {
		recipe.Filter = models.Filter(p.filter)
	}
	for _, v := range []struct {
		name, text string
		dst        *triple
	}{{"-mean", p.mean, &recipe.Mean}, {"-std", p.std, &recipe.Std}} {
		if v.text == "" {
			continue
		}
		parts := strings.Split(v.text, ",")
		for i := range parts {
			x, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
			if err != nil || len(parts) != 3 {
				return usageError{fmt.Sprintf("%s is %q, want three numbers separated by commas", v.name, v.text)}
			}
			v.dst[i] = x
		}
	}
	return nil
}

// conversionFlags are the flags of convert and recalibrate.
type conversionFlags struct {
	networkFlags
	preprocessFlags
	options convert.Options
	labels  string
	dtype   string
}

func (f *conversionFlags) register(flags *flag.FlagSet) {
	f.networkFlags.register(flags, " (default what the checkpoint says)")
	f.preprocessFlags.register(flags)
	o := &f.options
	flags.StringVar(&o.In, "in", "", "`CHECKPOINT`: a .pth, .safetensors or model.json, or a folder with the last")
	flags.StringVar(&o.Out, "out", "", "`FILE` to write the blob to")
	flags.Float64Var(&o.BNEpsilon, "bn-eps", 0, "`epsilon` of the batch norms (default what the family's models have)")
	flags.StringVar(&f.labels, "labels", "", "`FILE` with a class name a line")
	flags.StringVar(&f.dtype, "dtype", "f16", "`type` of the weights in the blob: f16 or f32")
	flags.StringVar(&o.Name, "name", "", "`name` of the model, kept in the blob")
	flags.StringVar(&o.Source, "source", "", "where the checkpoint comes from, kept in the blob")
	flags.StringVar(&o.Licence, "licence", "", "`terms` of the checkpoint, kept in the blob")
}

// resolve turns the flags into options.
func (f *conversionFlags) resolve() (convert.Options, error) {
	o := f.options
	if o.In == "" || o.Out == "" {
		return o, usageError{"-in and -out are needed"}
	}
	var err error
	if o.Config, err = f.networkFlags.resolve(); err != nil {
		return o, err
	}
	switch f.dtype {
	case "f16":
		o.DType = weights.F16
	case "f32":
		o.DType = weights.F32
	default:
		return o, usageError{fmt.Sprintf("-dtype is %q, want f16 or f32", f.dtype)}
	}
	if f.labels != "" {
		text, err := os.ReadFile(f.labels)
		if err != nil {
			return o, err
		}
		o.Labels = strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	}
	return o, nil
}
