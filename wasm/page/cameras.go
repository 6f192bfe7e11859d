//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// cameraChoice is the chooser of cameras, shown where there are several. The
// browser names them only once it was allowed to use one.
type cameraChoice struct {
	camera  *camera
	box     *dom.BasicHTMLElement
	chooser *dom.HTMLSelectElement
}

func newCameraChoice(c *camera) *cameraChoice {
	choice := &cameraChoice{camera: c, box: element("camera-chooser"), chooser: chooser("cameras")}
	listen(choice.chooser.Underlying(), "change", func(js.Value) {
		c.page.keep("camera", choice.chooser.Value())
		if c.stream.Truthy() {
			c.stop()
			go c.run()
		}
	})
	if d := devices(); d.Truthy() {
		d.Set("ondevicechange", js.FuncOf(func(js.Value, []js.Value) any {
			if c.stream.Truthy() {
				go choice.list(c.stream.Call("getVideoTracks").Index(0))
			}
			return nil
		}))
	}
	return choice
}

// constraints are those of getUserMedia: the camera that was chosen last, where it
// is still there, or one that looks away from the visitor.
func (c *cameraChoice) constraints() map[string]any {
	wanted := map[string]any{"width": map[string]any{"ideal": 640}, "height": map[string]any{"ideal": 480}}
	if id := c.camera.page.kept("camera"); id != "" {
		wanted["deviceId"] = map[string]any{"ideal": id}
	} else {
		wanted["facingMode"] = "environment"
	}
	return wanted
}

// list fills the chooser. The track is that of the camera that runs.
func (c *cameraChoice) list(track js.Value) {
	all, err := await(devices().Call("enumerateDevices"))
	if err != nil {
		return
	}
	c.chooser.SetTextContent("")
	running := track.Call("getSettings").Get("deviceId")
	n := 0
	for i := range all.Length() {
		device := all.Index(i)
		if device.Get("kind").String() != "videoinput" {
			continue
		}
		n++
		name := device.Get("label").String()
		if name == "" {
			name = "Camera " + strconv.Itoa(n)
		}
		addOption(c.chooser, device.Get("deviceId").String(), name, false)
	}
	if running.Type() == js.TypeString {
		c.chooser.SetValue(running.String())
	}
	hide(c.box, n < 2)
}
