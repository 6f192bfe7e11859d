package site_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// programBytes bounds the Go program's memory: its collector lets the heap grow to
// some 11 MB, where it stays (seen over 50,000 frames).
const programBytes = 16 << 20

// TestTenThousandFrames runs a network ten thousand times: the kernels' memory may
// not grow after the first hundred, the Go program's not beyond its bound.
func TestTenThousandFrames(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, 2*time.Minute, nil)
	do(t, ctx, chromedp.Navigate(f.open.URL+"/bench.html"))
	type memory struct{ Kernels, Program int }
	got, err := chromedp.Run(ctx, chromedp.Evaluate[[]memory](fmt.Sprintf(`(async () => {
		const { load } = await import('/glance.js');
		const classifier = await load({ model: %q });
		const { height, width } = classifier.info();
		const input = new Float32Array(height * width * 3).fill(0.25);
		const memory = [];
		for (let frame = 0; frame <= 10000; frame++) {
			await classifier.run(input);
			if (frame === 100 || frame === 10000) memory.push(await classifier.memory());
		}
		classifier.dispose();
		return memory;
	})()`, smallestBlob(f)), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Kernels == 0 || got[0].Kernels != got[1].Kernels || got[1].Program > programBytes {
		t.Errorf("memory after 100 and 10,000 frames: %+v, want the kernels' unchanged and the program's below %d", got, programBytes)
	}
}

// smallestBlob is the name of the model with the fewest bytes.
func smallestBlob(f *fixture) string {
	best := ""
	for name, b := range f.blobs {
		if best == "" || len(b.bytes) < len(f.blobs[best].bytes) {
			best = name
		}
	}
	return best
}
