package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// checkPadding compares how a layers-model's topology pads its strided
// convolutions with what the catalogue says of the model. Keras changed this in
// MobileNetV1 between releases, weights do not show it, and the wrong choice
// costs accuracy without an error anywhere. A model.json without topology is
// taken at the catalogue's word.
func checkPadding(modelJSON []byte, want string) error {
	var model struct {
		ModelTopology struct {
			ModelConfig struct {
				Config struct {
					Layers []struct {
						ClassName string `json:"class_name"`
						Config    struct {
							Name    string
							Padding json.RawMessage
							Strides json.RawMessage
						}
					}
				}
			} `json:"model_config"`
		}
	}
	if err := json.Unmarshal(modelJSON, &model); err != nil {
		return fmt.Errorf("model.json: topology: %w", err)
	}
	for _, layer := range model.ModelTopology.ModelConfig.Config.Layers {
		c := layer.Config
		got := ""
		switch {
		case layer.ClassName == "ZeroPadding2D":
			switch compact(c.Padding) {
			case "[[1,1],[1,1]]", "[1,1]", "1":
				got = "symmetric"
			case "[[0,1],[0,1]]": // 'same' at an even size
				got = "same"
			default:
				return fmt.Errorf("model.json: layer %s pads by %.40s, which no MobileNet does", c.Name, c.Padding)
			}
		case string(c.Padding) == `"same"` && compact(c.Strides) == "[2,2]":
			got = "same"
		default:
			continue
		}
		if got != want {
			return fmt.Errorf("model.json: layer %s pads as %q, the catalogue says %q", c.Name, got, want)
		}
	}
	return nil
}

// compact returns JSON without white space.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return "" // a field that is not there
	}
	return b.String()
}
