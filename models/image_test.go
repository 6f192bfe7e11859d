package models

import (
	"bytes"
	"errors"
	"testing"

	"glance/kernels/twin"
)

// TestStrips checks that a large picture is asked for in order, once, in strips
// of bounded size, and only as far as it is read.
func TestStrips(t *testing.T) {
	const width, height = 4000, 3000
	for _, tc := range []struct {
		filter    Filter
		resize    int
		most      int // rows asked for
		machine   int // bytes of machine memory
		firstRow  int
		skipsRows bool
	}{
		{PILBilinear, 256, 3000, 5 << 20, 0, false},
		{PILBilinear, 1024, 3000, 3 << 20, 0, false}, // crops: 224 of 768 rows
		{TFBilinear, 0, 448, 2 << 20, 0, true},
	} {
		p := DefaultPreprocess(Config{})
		p.Filter, p.Resize = tc.filter, tc.resize
		s := inputSession(t, 224, 224, p, PlanOptions{})
		before := s.machine.MemoryBytes()
		img, err := s.Image(width, height)
		if err != nil {
			t.Fatal(err)
		}
		if grown := s.machine.MemoryBytes() - before; grown > tc.machine {
			t.Errorf("%s: %d bytes more", tc.filter, grown)
		}
		total, next := 0, 0
		for {
			_, row, rows := img.Strip()
			if rows == 0 {
				break
			}
			if rows*width*4 > stripBytes || row < next-1 || row+rows > height {
				t.Fatalf("%s: strip [%d, +%d) after row %d", tc.filter, row, rows, next)
			}
			total += rows
			next = row + rows
			if err := img.Push(rows); err != nil {
				t.Fatal(err)
			}
		}
		if total > tc.most {
			t.Errorf("%s resize %d: asked for %d rows", tc.filter, tc.resize, total)
		}
		if tc.resize == 1024 && total > 3000*224/768+20 {
			t.Errorf("%d rows for a crop of 224 of 768", total)
		}
		var e *InputError
		if err := img.Push(1); !errors.As(err, &e) {
			t.Errorf("a strip too many: %v", err)
		}
	}
}

// TestImageReuse checks that pictures in turn leave no memory behind and that
// the strips of one do not count for the next.
func TestImageReuse(t *testing.T) {
	s := inputSession(t, 40, 40, DefaultPreprocess(Config{Height: 40, Width: 40}), PlanOptions{})
	sizes := [][2]int{{64, 48}, {300, 200}, {64, 48}, {1, 1}, {300, 200}, {31, 500}}
	var memory int
	for round := range 20 {
		for _, size := range sizes {
			if err := s.SetPixels(picture(size[0], size[1]), size[0], size[1]); err != nil {
				t.Fatal(err)
			}
		}
		if round == 0 {
			memory = int(s.machine.Mark())
		} else if int(s.machine.Mark()) != memory {
			t.Fatalf("round %d: memory ends at %d, not %d", round, s.machine.Mark(), memory)
		}
	}
	want := inputBytes(t, s)
	old, err := s.Image(300, 200)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPixels(picture(31, 500), 31, 500); err != nil {
		t.Fatal(err)
	}
	if _, _, rows := old.Strip(); rows != 0 {
		t.Error("a picture that was replaced asks for more")
	}
	if !bytes.Equal(inputBytes(t, s), want) {
		t.Error("the same picture gives another input")
	}
}

// TestSharedMachine feeds two sessions on one machine in turn, with larger pictures
// every time: each takes the memory that the one before gave back.
func TestSharedMachine(t *testing.T) {
	m := twin.New(twin.Options{})
	defer m.Close()
	n := mustNew(t, Config{Arch: MobileNetV1, Alpha: 0.1, Classes: 2, Width: 40, Height: 40})
	blob := randomCheckpoint(n, 1, true).blob(t, n, DefaultPreprocess(n.Config), true)
	var sessions [2]*Session
	for i := range sessions {
		var err error
		if sessions[i], err = LoadBytes(m, blob, PlanOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	own := m.Mark()
	set := func(s *Session, side int) []byte {
		t.Helper()
		if err := s.SetPixels(picture(side, side), side, side); err != nil {
			t.Fatal(err)
		}
		s.ReleaseImage()
		s.ReleaseImage() // nothing to give back
		if m.Mark() != own {
			t.Fatalf("%d x %d: memory ends at %d, not %d", side, side, m.Mark(), own)
		}
		return inputBytes(t, s)
	}
	for side := 20; side < 400; side += 37 {
		if a, b := set(sessions[0], side), set(sessions[1], side); !bytes.Equal(a, b) {
			t.Errorf("%d x %d: the sessions have different inputs", side, side)
		}
	}
	// What was allocated after a picture stays.
	img, err := sessions[0].Image(10, 10)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Alloc(100)
	if err != nil {
		t.Fatal(err)
	}
	sessions[0].ReleaseImage()
	if _, _, rows := img.Strip(); m.Mark() <= p || rows != 0 {
		t.Errorf("memory ends at %d, something is at %d; the picture asks for %d rows", m.Mark(), p, rows)
	}
}

func TestImageErrors(t *testing.T) {
	s := inputSession(t, 32, 32, DefaultPreprocess(Config{}), PlanOptions{})
	var e *InputError
	for _, size := range [][2]int{{0, 5}, {5, 0}, {-1, -1}, {maxWidth + 1, 1}, {1 << 15, 1 << 15}} {
		if _, err := s.Image(size[0], size[1]); !errors.As(err, &e) {
			t.Errorf("%v: %v", size, err)
		}
	}
	if err := s.SetPixels(make([]byte, 7), 2, 2); !errors.As(err, &e) {
		t.Errorf("7 bytes for 2x2: %v", err)
	}
	img, err := s.Image(10, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Push(3); !errors.As(err, &e) {
		t.Errorf("3 of 10 rows: %v", err)
	}
}

// TestLanesOfImages checks that a picture gives the same input for every number
// of lanes.
func TestLanesOfImages(t *testing.T) {
	for _, filter := range Filters() {
		p := DefaultPreprocess(Config{Height: 33, Width: 45})
		p.Filter = filter
		var want []byte
		for lanes := 1; lanes <= 4; lanes++ {
			s := inputSession(t, 45, 33, p, PlanOptions{Threads: lanes})
			if err := s.SetPixels(picture(200, 133), 200, 133); err != nil {
				t.Fatal(err)
			}
			got := inputBytes(t, s)
			if lanes == 1 {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s: %d threads differ", filter, lanes)
			}
		}
	}
}

// TestFlatten checks that transparent pixels turn white before they are resized.
func TestFlatten(t *testing.T) {
	px := []byte{10, 20, 30, 255, 10, 20, 30, 0, 100, 0, 200, 128}
	Flatten(px, px)
	if want := []byte{10, 20, 30, 255, 255, 255, 255, 255, 177, 127, 227, 255}; !bytes.Equal(px, want) {
		t.Errorf("%v, want %v", px, want)
	}
	s := inputSession(t, 32, 32, DefaultPreprocess(Config{}), PlanOptions{})
	white, clear := bytes.Repeat([]byte{255}, 50*50*4), make([]byte, 50*50*4)
	if err := s.SetPixels(white, 50, 50); err != nil {
		t.Fatal(err)
	}
	want := inputBytes(t, s)
	if err := s.SetPixels(clear, 50, 50); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(inputBytes(t, s), want) {
		t.Error("a transparent picture is not white")
	}
	if clear[0] != 0 {
		t.Error("the caller's pixels were changed")
	}
}
