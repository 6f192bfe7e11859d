package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"glance/models"
	"glance/tools/api/apitest"
)

// TestAPI classifies a picture, and serves the site beside.
func TestAPI(t *testing.T) {
	weights := t.TempDir()
	apitest.WriteBlob(t, weights, "random", apitest.Blob(t, models.Config{Arch: models.MobileNetV1, Alpha: 0.25, Classes: 2, Height: 32, Width: 32}, 1,
		map[string]string{"labels": "cat\ndog"}))
	url, _, stop := serving(t, "-addr", "127.0.0.1:0", "-dir", folder(t), "-api", "-weights", weights)
	get := func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	answer := get(http.Post(url+"classify", "image/png", bytes.NewReader(apitest.PNG(t, apitest.Picture(40, 30, 1)))))
	if !strings.Contains(answer, `"model":"random"`) || !strings.Contains(answer, `"className":"cat"`) {
		t.Errorf("classify answers %s", answer)
	}
	if page := get(http.Get(url)); page != "hello" {
		t.Errorf("the site is %q", page)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAPIWithoutModels(t *testing.T) {
	err := run(t.Context(), []string{"-api", "-weights", t.TempDir()}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "make weights") {
		t.Errorf("got %v", err)
	}
}
