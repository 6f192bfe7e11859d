package checkpoint

import (
	"github.com/nlpodyssey/gopickle/types"

	"glance/weights"
)

// torchStorage is a storage a pickle refers to by its persistent id.
type torchStorage struct {
	key      string
	dtype    weights.DType
	elements int64 // as the pickle says
	first    int64 // where it starts in data, in elements (legacy views of storages)
	data     *storage
}

// persistentID is what torch.save writes for a storage.
type persistentID struct {
	dtype    weights.DType
	key      string
	elements int64
	rest     []any // what follows the five common fields
}

// parsePersistentID reads the tuple ("storage", class, key, location, elements).
func parsePersistentID(id any) (*persistentID, error) {
	tuple, ok := id.(*types.Tuple)
	if !ok || tuple.Len() < 5 || tuple.Get(0) != any("storage") {
		return nil, fail(BadFormat, "", "the pickle has a persistent id that is not a storage's")
	}
	class, ok := tuple.Get(1).(storageType)
	key, isKey := tuple.Get(2).(string)
	elements, isSize := tuple.Get(4).(int)
	if !ok || !isKey || !isSize || elements < 0 {
		return nil, fail(BadFormat, "", "the pickle has a storage that does not state its type, key and size")
	}
	return &persistentID{class.dtype, key, int64(elements), (*tuple)[5:]}, nil
}

// entry is one item of a dictionary.
type entry struct {
	key   string
	value any
}

// entries lists a dictionary's items that have strings as keys, in order; ok is
// false if v is no dictionary.
func entries(v any) (list []entry, ok bool) {
	add := func(key, value any) {
		if s, isString := key.(string); isString {
			list = append(list, entry{s, value})
		}
	}
	switch d := v.(type) {
	case *types.Dict:
		for _, e := range *d {
			add(e.Key, e.Value)
		}
		return list, true
	case *types.OrderedDict:
		for e := d.List.Front(); e != nil; e = e.Next() {
			item := e.Value.(*types.OrderedDictEntry)
			add(item.Key, item.Value)
		}
		return list, true
	}
	return nil, false
}

// stateDictKeys are the keys under which training scripts keep the state dict,
// in the order they are tried.
var stateDictKeys = []string{"state_dict", "model_state_dict", "model", "net", "network", "module", "weights",
	"ema", "model_ema", "state_dict_ema", "ema_state_dict", "params"}

// findStateDict returns the dictionary that holds tensors, and the path of keys
// to it.
func findStateDict(root any, depth int) (list []entry, path string, ok bool) {
	all, isDict := entries(root)
	if !isDict {
		return nil, "", false
	}
	for _, e := range all {
		if _, isView := e.value.(*view); isView {
			list = append(list, e)
		}
	}
	if len(list) > 0 {
		return list, "", true
	}
	if depth == 0 {
		return nil, "", false
	}
	for _, key := range stateDictKeys {
		for _, e := range all {
			if e.key != key {
				continue
			}
			if list, rest, ok := findStateDict(e.value, depth-1); ok {
				if rest != "" {
					key += "." + rest
				}
				return list, key, true
			}
		}
	}
	return nil, "", false
}

// torchTensors turns what a pickle built into the tensors of a checkpoint.
func (c *Checkpoint) torchTensors(root any, fileSize int64) error {
	const depth = 2
	list, path, ok := findStateDict(root, depth)
	if !ok {
		return fail(Missing, "", "no state dict: the pickle holds no dictionary of tensors, at the top or under the usual keys (state_dict, model, ...)")
	}
	c.Wrapper = path
	c.Tensors = make([]*Tensor, 0, len(list))
	for _, e := range list {
		v := e.value.(*view)
		s := v.storage
		t, err := newTensor(e.key, s.dtype, v.shape, v.strides, s.first+v.offset, s.data, fileSize)
		if err != nil {
			return err
		}
		c.Tensors = append(c.Tensors, t)
	}
	return nil
}
