//go:build js

package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// camera runs the webcam and classifies its frames, one at a time: a frame is
// taken when the one before it has been answered.
type camera struct {
	page   *page
	button *dom.HTMLButtonElement
	stream js.Value      // MediaStream, or undefined
	ended  chan struct{} // closed when the stream is stopped

	frame     chan struct{} // a new frame is there
	onFrame   js.Func
	scheduler string // the video's method that calls onFrame, or "" for the window's frames
}

func newCamera(p *page) *camera {
	c := &camera{page: p, button: element[*dom.HTMLButtonElement]("camera"), frame: make(chan struct{}, 1)}
	c.onFrame = js.FuncOf(func(js.Value, []js.Value) any {
		select {
		case c.frame <- struct{}{}:
		default:
		}
		return nil
	})
	if p.video.Underlying().Get("requestVideoFrameCallback").Type() == js.TypeFunction {
		c.scheduler = "requestVideoFrameCallback"
	}
	return c
}

func (c *camera) start() {
	c.button.AddEventListener("click", false, func(dom.Event) {
		if c.stream.Truthy() {
			c.stop()
			c.page.view(c.page.empty)
			c.page.results.clear()
			return
		}
		go c.run()
	})
	// No frames are drawn in a hidden tab, so the loop waits there by itself; the
	// video is paused so that the browser need not decode it either.
	dom.GetWindow().Document().AddEventListener("visibilitychange", false, func(dom.Event) {
		if !c.stream.Truthy() {
			return
		}
		if js.Global().Get("document").Get("hidden").Bool() {
			c.page.video.Pause()
		} else {
			c.page.video.Play()
		}
	})
}

// run asks for the camera and classifies its frames until it is stopped.
func (c *camera) run() {
	c.page.notice.hide()
	devices := js.Global().Get("navigator").Get("mediaDevices")
	if !devices.Truthy() {
		c.page.notice.show("The camera needs a secure address: open this page over https or on localhost.", nil)
		return
	}
	c.button.SetDisabled(true)
	stream, err := await(devices.Call("getUserMedia", map[string]any{
		"video": map[string]any{"facingMode": "environment", "width": map[string]any{"ideal": 640}, "height": map[string]any{"ideal": 480}},
		"audio": false,
	}))
	c.button.SetDisabled(false)
	if err != nil {
		c.page.notice.show(refusal(err), func() { go c.run() })
		return
	}
	p := c.page
	c.stream, c.ended = stream, make(chan struct{})
	c.button.SetTextContent("Stop the camera")
	p.picture = js.Undefined()
	p.shown++
	p.results.clear()
	track := stream.Call("getVideoTracks").Index(0)
	facing := track.Call("getSettings").Get("facingMode")
	setClass(p.video, "mirrored", !(facing.Type() == js.TypeString && facing.String() == "environment"))
	p.video.Underlying().Set("srcObject", stream)
	p.view(p.video)

	lost := js.FuncOf(func(js.Value, []js.Value) any {
		c.stop()
		p.view(p.empty)
		p.notice.show("The camera has stopped: it was unplugged or another program took it.", func() { go c.run() })
		return nil
	})
	defer lost.Release()
	track.Set("onended", lost)
	if _, err := await(p.video.Underlying().Call("play")); err == nil {
		c.loop(c.ended)
	}
	track.Set("onended", js.Null())
}

// loop classifies frames until ended is closed.
func (c *camera) loop(ended chan struct{}) {
	p := c.page
	w := newWaiter()
	defer w.release()
	for {
		c.request()
		select {
		case <-ended:
			return
		case <-c.frame:
		}
		classifier, ok := p.loader.ready()
		if !ok {
			continue // frames come and go until the model is there
		}
		predictions, err := w.await(p.teach.predict(classifier, p.video.Underlying()))
		select {
		case <-ended:
			return
		default:
		}
		switch {
		case err == nil:
			p.results.show(predictions, classifier.Get("timing"))
			p.results.announceChange(predictions)
		case errorCode(err) == "disposed": // another model was chosen
		default:
			c.stop()
			p.notice.show(words(err), func() { go c.run() })
			return
		}
	}
}

// request asks for the next frame.
func (c *camera) request() {
	if c.scheduler != "" {
		c.page.video.Underlying().Call(c.scheduler, c.onFrame)
	} else {
		js.Global().Call("requestAnimationFrame", c.onFrame)
	}
}

// stop ends the stream, which turns the camera's light off.
func (c *camera) stop() {
	if !c.stream.Truthy() {
		return
	}
	tracks := c.stream.Call("getTracks")
	for i := range tracks.Length() {
		tracks.Index(i).Call("stop")
	}
	c.page.video.Underlying().Set("srcObject", js.Null())
	c.stream = js.Undefined()
	close(c.ended)
	c.button.SetTextContent("Use the camera")
}

// refusal says why there is no camera and what to do.
func refusal(err error) string {
	switch errorCode(err) {
	case "NotAllowedError", "SecurityError":
		return "The browser may not use the camera. Allow it in the address bar's site settings, then try again."
	case "NotFoundError", "OverconstrainedError":
		return "No camera was found. Connect one, or choose a picture instead."
	case "NotReadableError", "AbortError":
		return "The camera is in use by another program. Close that program, then try again."
	}
	return "The camera could not be started: " + words(err)
}
