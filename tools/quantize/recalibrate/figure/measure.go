package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"glance/kernels/twin"
	"glance/models"
	"glance/tools/quantize/checkpoint"
	"glance/tools/quantize/convert"
	"glance/tools/quantize/recalibrate"
)

// result is how well a network does on the validation pictures.
type result struct{ loss, accuracy float64 }

// measure converts a checkpoint, recalibrated or not, and classifies the
// validation pictures of the run, whose names start with their class.
func measure(ctx context.Context, path, dir string, anew bool) (result, error) {
	c, err := checkpoint.Open(path)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	const side = 48
	o := convert.Options{Config: models.Config{Height: side, Width: side}}
	m, err := convert.MatchCheckpoint(c, o)
	if err != nil {
		return result{}, err
	}
	m.Preprocess.Resize = 0
	params, err := m.ReadAll(ctx)
	if err != nil {
		return result{}, err
	}
	if anew {
		images, err := recalibrate.OpenFolder(filepath.Join(dir, "calib"), 0, m.Network, m.Preprocess)
		if err != nil {
			return result{}, err
		}
		if _, err := recalibrate.Run(ctx, m.Network, params, images, recalibrate.Options{}); err != nil {
			return result{}, err
		}
	}
	scratch, err := os.MkdirTemp("", "figure")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(scratch)
	o.Out = filepath.Join(scratch, "blob")
	if _, err := m.WriteFile(ctx, params, o); err != nil {
		return result{}, err
	}
	blob, err := os.ReadFile(o.Out)
	if err != nil {
		return result{}, err
	}
	session, err := models.LoadBytes(twin.New(twin.Options{}), blob, models.PlanOptions{})
	if err != nil {
		return result{}, err
	}
	images, err := recalibrate.OpenFolder(filepath.Join(dir, "val"), 0, m.Network, m.Preprocess)
	if err != nil {
		return result{}, err
	}
	return classify(session, images)
}

// classify returns the mean cross-entropy and the accuracy.
func classify(session *models.Session, images *recalibrate.Folder) (result, error) {
	var r result
	part := 1 / float64(images.Len())
	for i, file := range images.Files {
		var class int
		if _, err := fmt.Sscanf(filepath.Base(file), "%d_", &class); err != nil {
			return r, fmt.Errorf("%s: %w", file, err)
		}
		x, err := images.Input(i)
		if err != nil {
			return r, err
		}
		if err := session.SetInput(x); err != nil {
			return r, err
		}
		if err := session.Run(); err != nil {
			return r, err
		}
		p := session.Logits(nil)
		models.Softmax(p, p)
		r.loss -= part * math.Log(max(float64(p[class]), 1e-30))
		if models.TopK(p, 1)[0].Index == class {
			r.accuracy += part
		}
	}
	return r, nil
}
