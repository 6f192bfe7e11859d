package catalog

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckPadding(t *testing.T) {
	const (
		pad  = `{"class_name":"ZeroPadding2D","config":{"name":"pad","padding":%s}}`
		conv = `{"class_name":"Conv2D","config":{"name":"conv","padding":%s,"strides":[%d,%d]}}`
	)
	tests := []struct {
		name, layers, want string
		err                string
	}{
		{"no topology", "", "same", ""},
		{"padded on all sides", fmt.Sprintf(pad, "[[1,1],[1,1]]"), "symmetric", ""},
		{"padded on all sides, short form", fmt.Sprintf(pad, "[1, 1]"), "same", `layer pad pads as "symmetric", the catalogue says "same"`},
		{"padded at the end", fmt.Sprintf(pad, "[[0,1],[0,1]]"), "same", ""},
		{"padded at the end, entry wrong", fmt.Sprintf(pad, "[[0,1],[0,1]]"), "symmetric", `"same", the catalogue says "symmetric"`},
		{"strided same", fmt.Sprintf(conv, `"same"`, 2, 2), "symmetric", `"same", the catalogue says "symmetric"`},
		{"stride 1 pads alike either way", fmt.Sprintf(conv, `"same"`, 1, 1), "symmetric", ""},
		{"valid", fmt.Sprintf(conv, `"valid"`, 2, 2), "symmetric", ""},
		{"something else", fmt.Sprintf(pad, "[[2,2],[2,2]]"), "same", "no MobileNet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := `{"modelTopology":{"model_config":{"class_name":"Model","config":{"layers":[` + tt.layers + `]}}}}`
			err := checkPadding([]byte(doc), tt.want)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}
