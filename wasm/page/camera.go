//go:build js

package main

import (
	"strings"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// camera runs the webcam and classifies its frames, one at a time: a frame is
// taken when the one before it has been answered.
type camera struct {
	page   *page
	button *dom.BasicHTMLElement
	choice *cameraChoice
	stream js.Value      // MediaStream, or undefined
	ended  chan struct{} // closed when the stream is stopped
	asking bool          // the browser is asking the visitor

	frame     chan struct{} // a new frame is there
	onFrame   js.Func
	scheduler string // the video's method that calls onFrame, or "" for the window's frames
}

func newCamera(p *page) *camera {
	c := &camera{page: p, button: element("camera"), frame: make(chan struct{}, 1)}
	c.choice = newCameraChoice(c)
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
	listen(c.button.Underlying(), "click", func(js.Value) {
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
	listen(js.Global().Get("document"), "visibilitychange", func(js.Value) {
		if !c.stream.Truthy() {
			return
		}
		if js.Global().Get("document").Get("hidden").Bool() {
			c.page.video.Underlying().Call("pause")
		} else {
			go c.play()
		}
	})
}

// play lets the video run. A tab that is hidden meanwhile ends the attempt, and
// its return makes another.
func (c *camera) play() { await(c.page.video.Underlying().Call("play")) }

// devices is navigator.mediaDevices, which only secure pages have.
func devices() js.Value { return js.Global().Get("navigator").Get("mediaDevices") }

// run asks for the camera and classifies its frames until it is stopped.
func (c *camera) run() {
	if c.asking {
		return
	}
	p := c.page
	p.notice.hide()
	if !devices().Truthy() {
		if js.Global().Get("isSecureContext").Truthy() {
			p.notice.show("This browser gives pages no camera. Choose a picture instead, or open the page in another browser.", nil)
		} else {
			p.notice.show("The camera needs a secure address: open this page over https or on localhost.", nil)
		}
		return
	}
	c.asking = true
	setDisabled(c.button, true)
	c.button.SetTextContent("Starting")
	views := p.pictures.views
	stream, err := await(devices().Call("getUserMedia", map[string]any{"video": c.choice.constraints(), "audio": false}))
	c.asking = false
	setDisabled(c.button, false)
	c.button.SetTextContent("Use the camera")
	if views != p.pictures.views { // a picture was opened meanwhile
		if err == nil {
			stopTracks(stream)
		}
		return
	}
	if err != nil {
		p.notice.show(refusal(err), func() { go c.run() })
		return
	}
	p.pictures.cancel()
	p.pictures.leave()
	c.stream, c.ended = stream, make(chan struct{})
	c.button.SetTextContent("Stop the camera")
	p.results.clear()
	track := stream.Call("getVideoTracks").Index(0)
	facing := track.Call("getSettings").Get("facingMode")
	setClass(p.video, "mirrored", !(facing.Type() == js.TypeString && facing.String() == "environment"))
	p.video.Underlying().Set("srcObject", stream)
	p.view(p.video)

	lost := js.FuncOf(func(js.Value, []js.Value) any {
		c.stop()
		p.view(p.empty)
		p.results.clear()
		p.notice.show("The camera has stopped: it was unplugged, or another program or the system took it. Check it, then try again.", func() { go c.run() })
		return nil
	})
	defer lost.Release()
	track.Set("onended", lost)
	go c.choice.list(track)
	go c.play()
	p.loader.ready()
	c.loop(c.ended)
	track.Set("onended", js.Null())
}

// haveCurrentData is the readyState of a video that has a picture. A frame that was
// asked for before the stream was changed may come without one.
const haveCurrentData = 2

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
		classifier := p.loader.classifier
		if !classifier.Truthy() || p.video.Underlying().Get("readyState").Int() < haveCurrentData {
			continue // frames come and go until the model is there
		}
		turn := p.teach.turn
		predictions, err := w.await(p.teach.predict(classifier, p.video.Underlying()))
		select {
		case <-ended:
			return
		default:
		}
		switch {
		case !classifier.Equal(p.loader.classifier) || turn != p.teach.turn: // another model or other classes were chosen
		case err == nil:
			p.results.frame(readPredictions(predictions), readTiming(classifier))
		default:
			c.stop()
			p.view(p.empty)
			p.results.clear()
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
	stopTracks(c.stream)
	c.page.video.Underlying().Set("srcObject", js.Null())
	c.stream = js.Undefined()
	close(c.ended)
	c.button.SetTextContent("Use the camera")
}

func stopTracks(stream js.Value) {
	tracks := stream.Call("getTracks")
	for i := range tracks.Length() {
		tracks.Index(i).Call("stop")
	}
}

// refusal says why there is no camera and what to do. The names are those of the
// Media Capture specification, section 10.2.
func refusal(err error) string {
	switch errorCode(err) {
	case "NotAllowedError", "SecurityError":
		switch message := words(err); {
		case strings.Contains(message, "dismissed"):
			return "The question about the camera was closed without an answer. Try again and choose Allow."
		case strings.Contains(message, "system"):
			return "The system does not let this browser use the camera. Allow it in the system's privacy settings, then try again."
		}
		return "The browser may not use the camera. Allow it in the address bar's site settings, then try again."
	case "NotFoundError", "OverconstrainedError":
		return "No camera was found. Connect one and try again, or choose a picture instead."
	case "NotReadableError", "AbortError":
		return "The camera is in use by another program, or does not answer. Close that program, then try again."
	}
	return "The camera could not be started: " + words(err)
}
