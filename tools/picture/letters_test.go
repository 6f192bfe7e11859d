package picture

import (
	"image"
	"strings"
)

// letters makes a picture from rows of characters; each is a pixel whose red is
// the character.
func letters(rows string) image.Image {
	lines := strings.Split(rows, "/")
	img := image.NewNRGBA(image.Rect(0, 0, len(lines[0]), len(lines)))
	for y, line := range lines {
		for x := range len(line) {
			img.Pix[img.PixOffset(x, y)] = line[x]
		}
	}
	return img
}
