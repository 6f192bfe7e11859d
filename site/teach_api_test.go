package site_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The held-back accuracies to reach on the drawn pictures: with the embeddings of a
// trained network, and where none was fetched with those of a random one.
const trainedAccuracy, untrainedAccuracy = 0.95, 0.8

// TestTeachAPI runs the tests of testdata/teach.js.
func TestTeachAPI(t *testing.T) {
	f := setUp(t)
	best, wanted := "small", untrainedAccuracy
	if _, ok := f.blobs[nsfwjs]; ok {
		best, wanted = nsfwjs, trainedAccuracy
	}
	for _, name := range []string{"teachAndUse", "refusals", "cancel", "assets"} {
		t.Run(name, func(t *testing.T) {
			ctx := tab(t, f, time.Minute, func(text string) bool {
				return strings.HasPrefix(text, "network: Failed to load resource") || strings.HasPrefix(text, "worker: Failed to load") || strings.Contains(text, "integrity")
			})
			do(t, ctx, chromedp.Navigate(f.open.URL+"/test/teach.html"))
			if outcome := evaluate[string](t, ctx, fmt.Sprintf(`import('/test/teach.js').then(({ tests }) => tests[%q]({ best: %q, wanted: %g }))
				.then(() => '', (error) => String(error.stack ?? error))`, name, best, wanted)); outcome != "" {
				t.Error(outcome)
			}
		})
	}
}

// TestTeachPredictions asks for predictions as a camera's frames do: they leave
// nothing on the heap.
func TestTeachPredictions(t *testing.T) {
	f := setUp(t)
	ctx := tab(t, f, time.Minute, nil)
	do(t, ctx, chromedp.Navigate(f.open.URL+"/test/teach.html"))
	evaluate[bool](t, ctx, fmt.Sprintf(`(async () => {
		const { load } = await import('/glance.js');
		const { createTeacher } = await import('/teach.js');
		const classifier = await load({ model: %q, threads: 1 });
		const teacher = createTeacher(classifier);
		const { embedding: features } = classifier.info();
		for (let i = 0; i < 8; i++) await teacher.add(i %% 2 ? 'a' : 'b', Float32Array.from({ length: features }, () => i %% 2 + Math.random()));
		await teacher.train();
		const embedding = new Float32Array(features).fill(0.5);
		globalThis.predict = async (count) => {
			for (let i = 0; i < count; i++) await teacher.predict(embedding);
			return true;
		};
		return predict(1000);
	})()`, smallestBlob(f)))
	before := heapUsed(t, ctx)
	const count = 2000
	evaluate[bool](t, ctx, fmt.Sprintf(`predict(%d)`, count))
	if left := heapUsed(t, ctx) - before; left > 20*count {
		t.Errorf("%d predictions left %.0f bytes on the heap", count, left)
	}
}

// heapUsed is how many bytes of JavaScript the page holds on to.
func heapUsed(t *testing.T, ctx context.Context) float64 {
	t.Helper()
	for range 2 { // what finalizers let go of goes the second time
		if _, err := chromedp.Call(ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	usage, err := chromedp.Call(ctx, runtime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	return usage.UsedSize
}
