package export

import (
	"encoding/json"

	"glance/kernels"
	"glance/models"
)

// TFJSOp is one operator of the flat list that the TensorFlow.js adapter
// executes with the library's fused operators. Weights are byte offsets into
// the data beside the list: conv HWIO, dwconv HWC1, dense IO.
type TFJSOp struct {
	Op     string      `json:"op"`
	In     []int       `json:"in"`
	Out    int         `json:"out"`
	Stride int         `json:"stride,omitempty"`
	Pad    *[4]int     `json:"pad,omitempty"` // top, left, bottom, right
	Act    string      `json:"act,omitempty"`
	Weight *TFJSTensor `json:"weight,omitempty"`
	Bias   *TFJSTensor `json:"bias,omitempty"`
}

// TFJSTensor names a float32 array in the data.
type TFJSTensor struct {
	Offset int   `json:"offset"`
	Shape  []int `json:"shape"`
}

// TFJS writes the operator list as JSON, and the data its weights lie in.
func TFJS(n *models.Network, blob []byte) (list, data []byte, err error) {
	g, err := lower(n, blob)
	if err != nil {
		return nil, nil, err
	}
	put := func(v []float32, shape ...int) *TFJSTensor {
		t := &TFJSTensor{len(data), shape}
		data = append(data, bytesOf(v)...)
		return t
	}
	acts := map[kernels.Activation]string{kernels.Identity: "linear", kernels.ReLU: "relu", kernels.ReLU6: "relu6"}
	var ops []TFJSOp
	for _, o := range g.ops {
		t := TFJSOp{Op: string(o.kind), In: o.in, Out: o.out}
		if o.weight != nil {
			t.Act, t.Bias = acts[o.act], put(o.bias, len(o.bias))
		}
		switch o.kind {
		case conv: // OHWI -> HWIO
			c := o.shape[0]
			t.Stride, t.Pad = o.stride, &o.pad
			t.Weight = put(transpose(o.weight, c, len(o.weight)/c), o.kernel, o.kernel, o.shape[3], c)
		case dwconv:
			t.Stride, t.Pad = o.stride, &o.pad
			t.Weight = put(o.weight, o.kernel, o.kernel, o.shape[2], 1)
		case dense:
			t.Weight = put(transpose(o.weight, o.shape[0], o.shape[1]), o.shape[1], o.shape[0])
		}
		ops = append(ops, t)
	}
	list, err = json.Marshal(ops)
	return list, data, err
}
