//go:build js

package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// page is the state behind the elements of index.html.
type page struct {
	api js.Value // {load, models, GlanceError, urls}

	stage   dom.HTMLElement
	empty   dom.HTMLElement
	image   *dom.HTMLImageElement
	video   *dom.HTMLVideoElement
	file    *dom.HTMLInputElement
	notice  *notice
	results *results
	loader  *loader
	camera  *camera
	teach   *teaching

	picture    js.Value // the Blob that is shown, or undefined
	pictureURL string
	shown      int // counts pictures, so that a late answer is not shown for another one
}

func newPage(api js.Value) *page {
	p := &page{
		api:   api,
		stage: element[dom.HTMLElement]("stage"),
		empty: element[dom.HTMLElement]("empty"),
		image: element[*dom.HTMLImageElement]("picture"),
		video: element[*dom.HTMLVideoElement]("video"),
		file:  element[*dom.HTMLInputElement]("file"),
	}
	p.notice = newNotice()
	p.results = newResults()
	p.loader = newLoader(p)
	p.camera = newCamera(p)
	p.teach = newTeaching(p)
	return p
}

// element returns the element with the given id. The ids are those of
// index.html, which is built together with this program.
func element[T dom.Element](id string) T {
	return dom.GetWindow().Document().GetElementByID(id).(T)
}

func (p *page) start() {
	p.file.AddEventListener("change", false, func(dom.Event) {
		if files := p.file.Files(); len(files) > 0 {
			p.show(files[0].Value)
		}
		p.file.SetValue("") // the same file may be chosen again
	})
	window := dom.GetWindow()
	window.AddEventListener("dragover", false, func(e dom.Event) {
		e.PreventDefault()
		setClass(p.stage, "over", true)
	})
	window.AddEventListener("dragleave", false, func(e dom.Event) {
		if e.Underlying().Get("relatedTarget").IsNull() {
			setClass(p.stage, "over", false)
		}
	})
	window.AddEventListener("drop", false, func(e dom.Event) {
		e.PreventDefault()
		setClass(p.stage, "over", false)
		p.take(e.Underlying().Get("dataTransfer"), "What was dropped is not a picture file. Save the picture first, then drop the file.")
	})
	window.AddEventListener("paste", false, func(e dom.Event) {
		p.take(e.Underlying().Get("clipboardData"), "There is no picture on the clipboard. Copy a picture, then paste.")
	})
	p.camera.start()
	p.teach.start()
	p.loader.start()
}

// take shows the first picture of a drop or a paste.
func (p *page) take(data js.Value, otherwise string) {
	files := data.Get("files")
	for i := range files.Length() {
		if file := files.Index(i); hasPrefix(file.Get("type").String(), "image/") {
			p.show(file)
			return
		}
	}
	p.notice.show(otherwise, nil)
}

// show puts a picture on the stage and classifies it.
func (p *page) show(file js.Value) {
	p.camera.stop()
	p.notice.hide()
	url := js.Global().Get("URL")
	if p.pictureURL != "" {
		url.Call("revokeObjectURL", p.pictureURL)
	}
	p.picture = file
	p.pictureURL = url.Call("createObjectURL", file).String()
	p.image.SetSrc(p.pictureURL)
	name := "The chosen picture"
	if n := file.Get("name"); n.Type() == js.TypeString && n.String() != "" {
		name = n.String()
	}
	p.image.SetAttribute("alt", name)
	p.view(p.image)
	p.shown++
	go p.classify()
}

// classify classifies the picture on the stage, once a model is there.
func (p *page) classify() {
	if !p.picture.Truthy() {
		return
	}
	classifier, ok := p.loader.ready()
	if !ok {
		return // called again when the model has loaded
	}
	shown := p.shown
	p.results.busy(true)
	predictions, err := await(p.teach.predict(classifier, p.picture))
	if shown != p.shown || !classifier.Equal(p.loader.classifier) {
		return
	}
	p.results.busy(false)
	if err != nil {
		p.results.clear()
		p.notice.show(words(err), nil)
		return
	}
	p.results.show(predictions, classifier.Get("timing"))
	p.results.announce(predictions)
}

// view shows one thing on the stage: the picture, the video, or the invitation.
func (p *page) view(what dom.HTMLElement) {
	for _, e := range []dom.HTMLElement{p.empty, p.image, p.video} {
		hide(e, e.Underlying().Equal(what.Underlying()) == false)
	}
}
