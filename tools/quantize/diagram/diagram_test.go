package diagram_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/quantize/diagram"
)

func TestSVG(t *testing.T) {
	for _, test := range []struct {
		config    models.Config
		rows      int // shapes at the right
		residuals int
		texts     []string
	}{
		{models.Config{Arch: models.MobileNetV1}, 1 + 13 + 1 + 1, 0, []string{"mobilenet_v1", "3x3 / 2 &#8594; 32", "7 x 7 x 1024", "568.7 M multiply-accumulates"}},
		{models.Config{Arch: models.MobileNetV2, Alpha: 0.5, Classes: 4}, 1 + 17 + 1 + 1 + 1, 10, []string{"alpha 0.5", "1280 &#8594; 4"}},
		{models.Config{Arch: models.MobileNetV2, Variant: models.VariantFeatures}, 1 + 17 + 1, 10, []string{"variant features", "no classifier"}},
		{models.Config{Arch: models.MobileNetV3Small, Height: 97, Width: 160}, 1 + 11 + 1 + 1 + 2, 6, []string{"input 97 x 160", "SE 16 &#8594; 8 &#8594; 16", "hardswish", "5x5 / 2 &#8594; 96"}},
		{models.Config{Arch: models.MobileNetV3Large, Variant: models.VariantArticle}, 1 + 15 + 1 + 1 + 2, 9, []string{"variant article"}},
	} {
		n, err := models.New(test.config)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := diagram.SVG(&b, n); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", test.config.Arch, err)
			}
		}
		text := b.String()
		if got := strings.Count(text, " x "); got < test.rows {
			t.Errorf("%s: %d shapes, want %d rows", test.config.Arch, got, test.rows)
		}
		if got := strings.Count(text, "<circle"); got != test.residuals {
			t.Errorf("%s: %d residuals, want %d", test.config.Arch, got, test.residuals)
		}
		for _, want := range test.texts {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", test.config.Arch, want)
			}
		}
	}
}
