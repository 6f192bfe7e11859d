//go:build js

package main

import (
	"strings"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// page is the state behind the elements of index.html.
type page struct {
	api js.Value // {load, models, supported, kept, urls, teach}

	stage    *dom.BasicHTMLElement
	empty    *dom.BasicHTMLElement
	image    *dom.BasicHTMLElement
	video    *dom.BasicHTMLElement
	file     *dom.BasicHTMLElement // input
	notice   *notice
	results  *results
	loader   *loader
	settings *settings
	camera   *camera
	pictures *pictures
	teach    *teaching
}

func newPage(api js.Value) *page {
	p := &page{
		api:   api,
		stage: element("stage"),
		empty: element("empty"),
		image: element("picture"),
		video: element("video"),
		file:  element("file"),
	}
	p.notice = newNotice()
	p.results = newResults()
	p.settings = newSettings(p)
	p.loader = newLoader(p)
	p.camera = newCamera(p)
	p.pictures = newPictures(p)
	p.teach = newTeaching(p)
	return p
}

func (p *page) start() {
	listen(p.file.Underlying(), "change", func(js.Value) {
		var files []js.Value
		chosen := p.file.Underlying().Get("files")
		for i := range chosen.Length() {
			files = append(files, chosen.Index(i))
		}
		p.file.Underlying().Set("value", "") // the same file may be chosen again
		p.pictures.open(files)
	})
	listen(p.empty.Underlying(), "click", func(js.Value) { p.file.Click() })
	window := js.Global()
	// What a class of the section that teaches takes itself has been prevented already.
	listen(window, "dragover", func(e js.Value) {
		setClass(p.stage, "over", !e.Get("defaultPrevented").Bool())
		e.Call("preventDefault")
	})
	listen(window, "dragleave", func(e js.Value) {
		if e.Get("relatedTarget").IsNull() {
			setClass(p.stage, "over", false)
		}
	})
	listen(window, "drop", func(e js.Value) {
		setClass(p.stage, "over", false)
		if e.Get("defaultPrevented").Bool() {
			return
		}
		e.Call("preventDefault")
		p.take(e.Get("dataTransfer"), "What was dropped is not a picture file. Save the picture first, then drop the file.")
	})
	listen(window, "paste", func(e js.Value) {
		if target := e.Get("target"); target.InstanceOf(js.Global().Get("HTMLInputElement")) {
			return // text for a class's name
		}
		p.take(e.Get("clipboardData"), "There is no picture on the clipboard. Copy a picture, then paste.")
	})
	listen(element("samples").Underlying(), "click", func(e js.Value) {
		if button := e.Get("target").Call("closest", "button"); button.Truthy() {
			go p.sample(button)
		}
	})
	p.camera.start()
	p.teach.start()
	p.settings.start()
	p.loader.start()
}

// take opens the pictures of a drop or a paste.
func (p *page) take(data js.Value, otherwise string) {
	var found []js.Value
	files := data.Get("files")
	for i := range files.Length() {
		if file := files.Index(i); strings.HasPrefix(file.Get("type").String(), "image/") {
			found = append(found, file)
		}
	}
	if len(found) == 0 {
		p.notice.show(otherwise, nil)
		return
	}
	p.pictures.open(found)
}

// sample fetches the sample picture of a button and opens it.
func (p *page) sample(button js.Value) {
	asked := p.pictures.views
	img := button.Call("querySelector", "img")
	response, err := await(js.Global().Call("fetch", img.Get("src")))
	if err == nil && response.Get("ok").Bool() {
		var file js.Value
		if file, err = await(response.Call("blob")); err == nil && asked == p.pictures.views {
			file.Set("name", img.Get("alt"))
			p.pictures.open([]js.Value{file})
			return
		}
	}
	if asked == p.pictures.views {
		p.notice.show("The sample picture could not be fetched. Check the connection, or choose a picture of your own.", func() { go p.sample(button) })
	}
}

// classify classifies anew what is shown: a model was loaded, or answers have
// come to mean something else.
func (p *page) classify() {
	p.results.restart()
	p.pictures.classify()
}

// view shows one thing on the stage: the picture, the video, or the invitation.
func (p *page) view(what *dom.BasicHTMLElement) {
	for _, e := range []*dom.BasicHTMLElement{p.empty, p.image, p.video} {
		hide(e, e != what)
	}
}
