//go:build js

package main

import (
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// most is how many pictures are taken at once. A thumbnail holds 4 bytes for each
// of its pixels; the pictures themselves stay in their files.
const most = 100

// Size of a thumbnail in pixels.
const (
	thumbWidth  = 256
	thumbHeight = 192
)

// pictures are those that were opened last. One of them is on the stage; where
// there are several, the gallery below has a card for each.
type pictures struct {
	page     *page
	gallery  *dom.BasicHTMLElement
	list     *dom.BasicHTMLElement
	progress *dom.BasicHTMLElement
	stop     *dom.BasicHTMLElement

	all    []*picture
	chosen *picture // on the stage; nil while the camera or the invitation is there
	url    string   // of the chosen picture's object URL
	views  int      // counts what was on the stage, so that what comes late is dropped
	turn   int      // counts the rounds of classifying, so that late answers are dropped
	active bool     // a round is under way
}

// picture is one of them and its card.
type picture struct {
	file js.Value // Blob
	name string

	card   *dom.BasicHTMLElement
	thumb  *dom.BasicHTMLElement
	drawn  bool
	label  *dom.BasicHTMLElement
	number *dom.BasicHTMLElement
	track  *dom.BasicHTMLElement
	fill   *dom.BasicHTMLElement

	done        bool // it has predictions or an error
	predictions []prediction
	timing      timing
	err         string // in words
}

func newPictures(p *page) *pictures {
	s := &pictures{
		page:     p,
		gallery:  element("gallery"),
		list:     element("pictures"),
		progress: element("gallery-progress"),
		stop:     element("gallery-stop"),
	}
	listen(s.stop.Underlying(), "click", func(js.Value) {
		if s.active {
			s.cancel()
			return
		}
		if s.chosen != nil {
			p.view(p.empty)
			p.results.clear()
		}
		s.clear()
		p.file.Focus() // the button is gone
	})
	listen(s.list.Underlying(), "click", func(e js.Value) {
		card := e.Get("target").Call("closest", "button")
		for _, one := range s.all {
			if card.Truthy() && card.Equal(one.card.Underlying()) {
				s.choose(one)
			}
		}
	})
	return s
}

// open takes pictures in place of those before, and shows the first.
func (s *pictures) open(files []js.Value) {
	if len(files) == 0 {
		return
	}
	s.clear()
	s.page.notice.hide()
	if len(files) > most {
		s.page.notice.show("These are "+strconv.Itoa(len(files))+" pictures; the first "+strconv.Itoa(most)+" were taken. Open the others afterwards.", nil)
		files = files[:most]
	}
	for i, file := range files {
		name := "Picture " + strconv.Itoa(i+1)
		if n := file.Get("name"); n.Type() == js.TypeString && n.String() != "" {
			name = n.String()
		}
		one := &picture{file: file, name: name}
		s.all = append(s.all, one)
		if len(files) > 1 {
			s.addCard(one)
		}
	}
	hide(s.gallery, len(s.all) < 2)
	s.put(s.all[0])
	s.classify()
}

// addCard appends a picture's card to the gallery.
func (s *pictures) addCard(one *picture) {
	one.card = create("button", "picture")
	one.card.SetAttribute("type", "button")
	one.thumb = create("canvas", "")
	one.thumb.Underlying().Set("width", thumbWidth)
	one.thumb.Underlying().Set("height", thumbHeight)
	one.thumb.SetAttribute("aria-hidden", "true")
	name := create("span", "name")
	name.SetTextContent(one.name)
	one.label, one.number, one.track, one.fill = create("span", "label"), create("span", "percent"), create("span", "track"), create("span", "fill")
	add(one.track, one.fill)
	add(one.card, one.thumb, name, one.label, one.number, one.track)
	line := create("li", "")
	add(line, one.card)
	add(s.list, line)
}

// clear forgets all pictures. The thumbnails' pixels go at once: the elements stay
// until Go's collector finds that nothing here refers to them.
func (s *pictures) clear() {
	s.leave()
	s.turn++
	s.active = false
	for _, one := range s.all {
		if one.card != nil {
			one.thumb.Underlying().Set("width", 0)
		}
	}
	s.all = nil
	s.list.SetTextContent("")
	hide(s.gallery, true)
}

// leave takes the chosen picture off the stage.
func (s *pictures) leave() {
	s.views++
	s.mark(nil)
	if s.url != "" {
		js.Global().Get("URL").Call("revokeObjectURL", s.url)
		s.url = ""
		s.page.image.RemoveAttribute("src")
	}
}

// mark remembers which picture is on the stage and says so on its card.
func (s *pictures) mark(one *picture) {
	if s.chosen != nil && s.chosen.card != nil {
		s.chosen.card.RemoveAttribute("aria-current")
	}
	s.chosen = one
	if one != nil && one.card != nil {
		one.card.SetAttribute("aria-current", "true")
	}
}

// choose puts a picture on the stage. Where classifying was cancelled before its
// turn came, it is classified now.
func (s *pictures) choose(one *picture) {
	s.put(one)
	s.page.stage.Underlying().Call("scrollIntoView", map[string]any{"block": "nearest"}) // on a phone it is far above
	if one.done || s.active {
		return
	}
	go func() {
		if classifier, ok := s.page.loader.ready(); ok {
			s.predict(one, classifier)
		}
	}()
}

// put puts a picture on the stage and shows its classes, if they are known.
func (s *pictures) put(one *picture) {
	s.page.camera.stop()
	s.leave()
	s.mark(one)
	s.url = js.Global().Get("URL").Call("createObjectURL", one.file).String()
	s.page.image.Underlying().Set("src", s.url)
	s.page.image.SetAttribute("alt", one.name)
	s.page.view(s.page.image)
	if one.done {
		s.answer(one)
		return
	}
	s.page.results.busy(true)
}

// classify classifies all pictures anew, once a model is there.
func (s *pictures) classify() {
	for _, one := range s.all {
		one.done = false
		if one == s.chosen {
			s.page.results.busy(true)
		}
		s.label(one, "", "", 0)
	}
	s.tell()
	go s.work()
}

// work classifies the pictures one after another.
func (s *pictures) work() {
	classifier, ok := s.page.loader.ready()
	if len(s.all) == 0 || !ok {
		return // called again when the model has loaded
	}
	s.turn++
	turn := s.turn
	s.active = true
	for next := s.next(); next != nil; next = s.next() {
		s.tell()
		s.predict(next, classifier)
		if turn != s.turn || !classifier.Equal(s.page.loader.classifier) {
			return // it was cancelled, or another round has begun or does when the next model has loaded
		}
	}
	s.active = false
	s.tell()
	if len(s.all) > 1 {
		s.page.results.say(strconv.Itoa(len(s.all)) + " pictures classified")
	}
}

// next is the picture to classify now: the one that is looked at, then the others
// in order; nil at the end.
func (s *pictures) next() *picture {
	if s.chosen != nil && !s.chosen.done {
		return s.chosen
	}
	for _, one := range s.all {
		if !one.done {
			return one
		}
	}
	return nil
}

// cancel stops classifying. A picture that is chosen later is classified then.
func (s *pictures) cancel() {
	s.turn++
	s.active = false
	s.page.results.busy(false)
	s.tell()
}

// tell shows how many pictures are done.
func (s *pictures) tell() {
	done := 0
	for _, one := range s.all {
		if one.done {
			done++
		}
	}
	s.progress.SetTextContent(strconv.Itoa(done) + " of " + strconv.Itoa(len(s.all)))
	if s.active {
		s.stop.SetTextContent("Cancel")
	} else {
		s.stop.SetTextContent("Clear")
	}
}

// predict classifies a picture and fills its card.
func (s *pictures) predict(one *picture, classifier js.Value) {
	turn := s.turn
	source, err := one.source()
	var value js.Value
	if err == nil {
		value, err = await(s.page.teach.predict(classifier, source))
	}
	if turn != s.turn || !classifier.Equal(s.page.loader.classifier) {
		return
	}
	one.done, one.err = true, ""
	if err != nil {
		one.err = words(err)
		s.label(one, one.err, "", 0)
	} else if one.predictions, one.timing = readPredictions(value), readTiming(classifier); len(one.predictions) > 0 {
		best := one.predictions[0]
		s.label(one, s.page.results.label(best, 0), percent(best.Probability), best.Probability)
	}
	if one == s.chosen {
		s.answer(one)
	}
	if one.card != nil && !one.drawn && err == nil {
		one.drawn = true
		one.draw(source)
	}
}

// label writes on a picture's card.
func (s *pictures) label(one *picture, label, number string, length float64) {
	if one.card == nil {
		return
	}
	setClass(one.card, "failed", label != "" && number == "")
	one.label.SetTextContent(label)
	one.number.SetTextContent(number)
	setLength(one.fill, length)
}

// source is what the classifier takes: the file, or an image element for a drawing
// in SVG, which browsers decode only so.
func (one *picture) source() (js.Value, error) {
	if one.file.Get("type").String() != "image/svg+xml" {
		return one.file, nil
	}
	urls := js.Global().Get("URL")
	url := urls.Call("createObjectURL", one.file)
	defer urls.Call("revokeObjectURL", url)
	image := js.Global().Get("Image").New()
	image.Set("src", url)
	_, err := await(image.Call("decode"))
	return image, err
}

// draw makes a picture's thumbnail, cut to the card's shape. The picture is
// decoded at a small size and let go of at once.
func (one *picture) draw(source js.Value) {
	bitmap, err := await(js.Global().Call("createImageBitmap", source, map[string]any{"resizeWidth": thumbWidth, "resizeQuality": "medium"}))
	if err != nil {
		return // the card stays without
	}
	height := bitmap.Get("height").Float()
	scale := max(1, thumbHeight/height)
	one.thumb.Underlying().Call("getContext", "2d").Call("drawImage", bitmap,
		thumbWidth*(1-scale)/2, (thumbHeight-height*scale)/2, thumbWidth*scale, height*scale)
	bitmap.Call("close")
}

// answer shows what is known of the picture on the stage.
func (s *pictures) answer(one *picture) {
	r := s.page.results
	r.busy(false)
	if one.err == "" {
		r.show(one.predictions, one.timing)
		return
	}
	r.clear()
	if one.card == nil {
		s.page.notice.show(one.err, nil)
	} else {
		r.explain(one.err)
	}
}
