//go:build unix

package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"glance/tools/api"
	"glance/tools/api/apitest"
)

// TestPage fills in the example's form in Chromium, both ways, with a picture and
// with something that is none.
func TestPage(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: apt-get install chromium")
	}
	w := dev(t, wranglerConfig(t, `"DEFAULT_MODEL": ""`, `"DEFAULT_MODEL": "`+moderation+`"`))
	dir := t.TempDir()
	picture, text := filepath.Join(dir, "picture.png"), filepath.Join(dir, "text.png")
	png := apitest.PNG(t, apitest.Picture(500, 300, 1))
	for name, data := range map[string][]byte{picture: png, text: []byte("no picture")} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := decode[api.Classification](t, w.send(t, "POST", "/classify", "", png))

	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), flags...)
	defer cancelAllocator()
	var mu sync.Mutex
	var complaints []string
	complain := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		complaints = append(complaints, fmt.Sprintf(format, args...))
	}
	browser, cancelBrowser := chromedp.NewContext(allocator, chromedp.WithListener(func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			complain("exception: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				complain("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
			}
		}
	}))
	defer cancelBrowser()
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(browser, time.Minute)
	defer cancel()
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Navigate(w.url + "/"))
	for _, send := range []string{"pixels", "file"} {
		do(chromedp.SetUploadFiles(chromedp.CSS("#files"), []string{picture, text}),
			chromedp.Click(chromedp.CSS("input[value="+send+"]")), chromedp.Click(chromedp.CSS("button")))
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.getElementById("status").textContent === "Done."`)); err != nil {
			t.Fatal(err)
		}
		found, err := chromedp.Run(ctx, chromedp.Evaluate[string](
			`JSON.stringify([...document.querySelectorAll("#results li")].map((li) => [...li.querySelectorAll("p")].map((p) => p.textContent)))`))
		if err != nil {
			t.Fatal(err)
		}
		var items [][]string // name, verdict, detail
		if err := json.Unmarshal([]byte(found), &items); err != nil {
			t.Fatal(err)
		}
		if len(items) != 2 || len(items[0]) != 3 || items[0][0] != "picture.png" || items[1][0] != "text.png" {
			t.Fatalf("%s: results %q", send, items)
		}
		// The browser scales with another filter: the first class is the same, and with
		// the file its probability too.
		top := want.Predictions[0]
		detail := top.ClassName
		if send == "file" {
			detail = fmt.Sprintf("%s %.1f %%", top.ClassName, 100*top.Probability)
		}
		if !strings.HasPrefix(items[0][2], detail) {
			t.Errorf("%s: %q, want %q first", send, items[0], detail)
		}
		if items[1][1] != "Could not be checked" {
			t.Errorf("%s: what is no picture is %q", send, items[1])
		}
		do(chromedp.Navigate(w.url + "/"))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		// The answer 415 to what is no picture is the one that is expected.
		if !strings.Contains(c, "415") {
			t.Errorf("the page complains: %s", c)
		}
	}
}
