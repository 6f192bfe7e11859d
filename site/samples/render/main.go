// Command render draws the sample pictures of the page. There are no photographs
// among them: five are scenes rendered by ray marching signed distance functions
// (Hart 1996, "Sphere tracing"), one is a drawing. What is committed beside this
// folder is what it writes.
//
//	go run ./site/samples/render [-out site/samples] [name ...]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// Size of a picture in pixels, and rays a pixel in each direction.
const (
	width   = 384
	height  = 288
	samples = 2
)

func main() {
	out := flag.String("out", filepath.Join("site", "samples"), "`folder` to write")
	flag.Parse()
	for name, s := range scenes {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), name) {
			continue
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, render(s), &jpeg.Options{Quality: 82}); err != nil {
			fail(err)
		}
		if err := os.WriteFile(filepath.Join(*out, name+".jpg"), b.Bytes(), 0o644); err != nil {
			fail(err)
		}
		fmt.Printf("%s.jpg: %d bytes\n", name, b.Len())
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "render:", err)
	os.Exit(1)
}

// render draws a picture, a goroutine for each CPU.
func render(s scene) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	rows := make(chan int)
	var group sync.WaitGroup
	for range runtime.NumCPU() {
		group.Go(func() {
			for y := range rows {
				for x := range width {
					var sum vec
					for i := range samples * samples {
						u := (float64(x) + (float64(i%samples)+0.5)/samples) / width
						v := (float64(y) + (float64(i/samples)+0.5)/samples) / height
						sum = sum.add(s.at(u, v))
					}
					c := sum.scale(1.0 / (samples * samples))
					m.Pix[m.PixOffset(x, y)+0] = tone(c.x)
					m.Pix[m.PixOffset(x, y)+1] = tone(c.y)
					m.Pix[m.PixOffset(x, y)+2] = tone(c.z)
					m.Pix[m.PixOffset(x, y)+3] = 255
				}
			}
		})
	}
	for y := range height {
		rows <- y
	}
	close(rows)
	group.Wait()
	return m
}
