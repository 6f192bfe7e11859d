package edge_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"glance/tools/api"
	"glance/tools/api/apitest"
)

// isolateLimit is what Cloudflare allows an isolate, in bytes.
const isolateLimit = 128 << 20

// request is one of the load's, with the answer it must get.
type request struct {
	target string
	body   []byte
	want   answer
}

// traffic is pictures of all kinds and sizes, and what is damaged and hostile.
func traffic(t testing.TB) []request {
	classify := func(body []byte) request { return request{target: "/classify?logits=1&model=" + small, body: body} }
	var all []request
	for i := range 6 {
		img := apitest.Picture(200+91*i, 400-41*i, uint64(i))
		all = append(all, classify(apitest.JPEG(t, img)), classify(apitest.PNG(t, img)))
		all = append(all, request{target: "/embed?model=" + moderation, body: apitest.JPEG(t, img)})
		r := classify(apitest.RGB(img))
		r.target += fmt.Sprintf("&width=%d&height=%d", img.Rect.Dx(), img.Rect.Dy())
		all = append(all, r)
	}
	photo := apitest.JPEG(t, apitest.Picture(2000, 1500, 7))
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "alpha.webp", "lossless.webp", "palette.gif", "orientation_6.jpg"} {
		all = append(all, classify(sample(t, name)))
	}
	// Decoded at once, this takes most of what a decoder may.
	whole := classify(apitest.GIF(t, apitest.Picture(1800, 1800, 8).SubImage(image.Rect(0, 0, 1800, 1800))))
	all = append(all, whole, classify(photo), classify(enormous(t)), classify(nil), classify(bytes.Repeat([]byte{0}, 100_000)),
		classify(photo[:len(photo)/2]), classify(bytes.Repeat([]byte("\xff\xd8\xff\xe0"), 50_000)),
		request{target: "/classify?model=no", body: photo}, request{target: "/classify?top=x", body: photo},
		request{target: "/classify?width=5&height=5", body: photo[:74]}, request{target: "/nothing", body: photo})
	for _, huge := range apitest.HugeWebP() {
		all = append(all, classify(huge))
	}
	all = append(all, classify(apitest.ScansJPEG(t, 20_000)))
	// Bytes overwritten at random: some give pictures, some do not, none may harm.
	random := rand.New(rand.NewPCG(1, 2))
	for _, source := range [][]byte{all[0].body, all[1].body, sample(t, "lossless.webp"), sample(t, "palette.gif"), sample(t, "progressive.jpg")} {
		for range 8 {
			b := bytes.Clone(source)
			for range 1 + random.IntN(20) {
				b[random.IntN(len(b))] = byte(random.IntN(256))
			}
			all = append(all, classify(b))
		}
	}
	return all
}

// TestLoad sends mixed traffic, 16 requests at a time, and compares every answer
// with the one the same request got alone. GLANCE_LOAD is how many requests there
// are, 5000 to show that memory stays flat.
func TestLoad(t *testing.T) {
	total := 400
	if s := os.Getenv("GLANCE_LOAD"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("GLANCE_LOAD is %q, want a number", s)
		}
		total = n
	}
	w := start(t, config{})
	all := traffic(t)
	statuses := map[int]int{}
	for i := range all {
		all[i].want = w.send(t, "POST", all[i].target, "", all[i].body)
		statuses[all[i].want.status]++
	}
	if statuses[200] < 30 || statuses[413] == 0 || statuses[415] == 0 || statuses[422] == 0 || statuses[500] > 0 {
		t.Errorf("statuses %v", statuses)
	}
	var m map[string]int64
	memory := func() int64 {
		m = decode[api.Health](t, w.send(t, "GET", "/healthz", "", nil)).Memory
		return m["go"] + m["kernels"] + m["pictures"]
	}

	var next, closed atomic.Int64
	var peaks, resident []int64 // of every quarter
	begin := time.Now()
	used := w.cpu(t)
	for quarter := range int64(4) {
		end := int64(total) * (quarter + 1) / 4
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				for i := next.Add(1); i <= end; i = next.Add(1) {
					r := all[int(i*7)%len(all)]
					got, err := w.do("POST", r.target, "", bytes.NewReader(r.body))
					if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
						// A connection that was idle, closed while a large body was on its way: see do.
						closed.Add(1)
						got, err = w.do("POST", r.target, "", bytes.NewReader(r.body))
					}
					if err != nil {
						t.Errorf("%s, %d bytes, wanted %d: %v", r.target, len(r.body), r.want.status, err)
						return
					}
					if got.status != r.want.status || !bytes.Equal(times.ReplaceAll(got.body, nil), times.ReplaceAll(r.want.body, nil)) {
						t.Errorf("%s: %d %.200s, alone %d %.200s", r.target, got.status, got.body, r.want.status, r.want.body)
					}
				}
			})
		}
		group.Wait()
		next.Store(end)
		peaks = append(peaks, memory())
		resident = append(resident, w.resident(t)>>20)
	}
	t.Logf("%d requests in %v, %d repeated as their connection was closed, %.2f ms of CPU each; bytes of the modules' memories after each quarter %v, at the end %v; workerd resident %v MiB",
		total, time.Since(begin).Round(time.Millisecond), closed.Load(), float64((w.cpu(t)-used).Microseconds())/1000/float64(total), peaks, m, resident)
	if largest := slices.Max(peaks); largest > isolateLimit {
		t.Errorf("memory reached %d bytes, an isolate has %d", largest, isolateLimit)
	}
	if peaks[3] > peaks[0]*5/4 {
		t.Errorf("memory grows: %v", peaks)
	}
}
