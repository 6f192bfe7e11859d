package checkpoint

import (
	"strings"

	"github.com/nlpodyssey/gopickle/types"

	"glance/weights"
)

// storageTypes are torch's typed storages.
var storageTypes = map[string]weights.DType{
	"FloatStorage":    weights.F32,
	"DoubleStorage":   weights.F64,
	"HalfStorage":     weights.F16,
	"BFloat16Storage": weights.BF16,
	"LongStorage":     weights.I64,
	"IntStorage":      weights.I32,
	"ShortStorage":    weights.I16,
	"CharStorage":     weights.I8,
	"ByteStorage":     weights.U8,
	"BoolStorage":     weights.Bool,
}

// inert are globals that checkpoints hold beside their tensors: training
// arguments, schedulers' counters. They stay opaque.
var inert = map[string]bool{
	"_codecs.encode":                true, // how protocol 2 writes bytes, such as those of numpy's scalars
	"argparse.Namespace":            true,
	"collections.Counter":           true,
	"collections.defaultdict":       true,
	"numpy.dtype":                   true,
	"numpy.core.multiarray.scalar":  true,
	"numpy._core.multiarray.scalar": true,
	"pathlib.PosixPath":             true,
	"torch.Size":                    true,
	"torch.device":                  true,
	"builtins.list":                 true,
	"builtins.dict":                 true,
	"builtins.int":                  true,
	"builtins.float":                true,
	"__builtin__.list":              true,
	"__builtin__.dict":              true,
	"__builtin__.int":               true,
	"__builtin__.float":             true,
}

// checkGlobal refuses every global that is not known to be inert.
func checkGlobal(module, name string) error {
	if lookup(module, name) != nil {
		return nil
	}
	const advice = "nothing of it was run; only tensors in dictionaries are read: save model.state_dict() with torch.save"
	if module == "__main__" || strings.HasPrefix(module, "torch.nn.modules") || strings.HasPrefix(module, "torchvision.models") {
		return fail(Refused, "", "the pickle holds a whole model (it names the class %s.%s), not a state dict; %s",
			Printable(module), Printable(name), advice)
	}
	return fail(Refused, "", "the pickle names %s.%s; %s", Printable(module), Printable(name), advice)
}

// findClass is the pickle machine's way to globals. The machine itself knows a
// few more that are as inert; vet has refused them.
func findClass(module, name string) (any, error) {
	if class := lookup(module, name); class != nil {
		return class, nil
	}
	return nil, checkGlobal(module, name)
}

// lookup returns what stands in for a global, nil for one that is not allowed.
func lookup(module, name string) any {
	full := module + "." + name
	switch full {
	case "collections.OrderedDict":
		return &types.OrderedDictClass{}
	case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
		return rebuildTensor{}
	case "torch._utils._rebuild_parameter":
		return rebuildParameter{}
	}
	if module == "torch" {
		if dtype, ok := storageTypes[name]; ok {
			return storageType{dtype}
		}
	}
	if inert[full] {
		return opaque{}
	}
	return nil
}

// storageType stands for torch.FloatStorage and its like.
type storageType struct{ dtype weights.DType }

// opaque stands for an inert class, and for whatever it makes.
type opaque struct{}

func (opaque) Call(...any) (any, error)    { return opaque{}, nil }
func (opaque) PyNew(...any) (any, error)   { return opaque{}, nil }
func (opaque) PySetState(any) error        { return nil }
func (opaque) Set(key, value any)          {}
func (opaque) Append(any)                  {}
func (opaque) PySetAttr(string, any) error { return nil }

// rebuildTensor stands for torch._utils._rebuild_tensor_v2(storage, offset,
// size, stride, requires_grad, backward_hooks) and its older form of four
// arguments. The result is a *view.
type rebuildTensor struct{}

// view is a tensor as the pickle describes it, not yet held against the file.
type view struct {
	storage *torchStorage
	offset  int64
	shape   []int
	strides []int64
}

func (rebuildTensor) Call(args ...any) (any, error) {
	if len(args) < 4 {
		return nil, fail(BadFormat, "", "a tensor with %d arguments, want at least 4", len(args))
	}
	base, ok := args[0].(*torchStorage)
	if !ok {
		return nil, fail(BadFormat, "", "a tensor on something that is not a storage")
	}
	offset, ok := args[1].(int)
	if !ok {
		return nil, fail(BadFormat, "", "a tensor whose storage offset is not a number")
	}
	shape, ok := ints(args[2])
	if !ok {
		return nil, fail(BadFormat, "", "a tensor whose size is not a tuple of at most %d numbers", maxRank)
	}
	strides, ok := ints(args[3])
	if !ok || len(strides) != len(shape) {
		return nil, fail(BadFormat, "", "a tensor whose stride is not a tuple of %d numbers", len(shape))
	}
	v := &view{storage: base, offset: int64(offset), shape: shape, strides: make([]int64, len(strides))}
	for i, s := range strides {
		v.strides[i] = int64(s)
	}
	return v, nil
}

// ints returns a tuple's integers.
func ints(v any) ([]int, bool) {
	tuple, ok := v.(*types.Tuple)
	if !ok || tuple.Len() > maxRank {
		return nil, false
	}
	out := make([]int, tuple.Len())
	for i := range out {
		if out[i], ok = tuple.Get(i).(int); !ok {
			return nil, false
		}
	}
	return out, true
}

// rebuildParameter stands for torch._utils._rebuild_parameter(data,
// requires_grad, backward_hooks), which is its data here.
type rebuildParameter struct{}

func (rebuildParameter) Call(args ...any) (any, error) {
	if len(args) == 0 {
		return nil, fail(BadFormat, "", "a parameter without data")
	}
	if _, ok := args[0].(*view); !ok {
		return nil, fail(BadFormat, "", "a parameter that is not a tensor")
	}
	return args[0], nil
}
