package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// serving starts run and returns the address it prints, with its standard error.
func serving(t *testing.T, args ...string) (url string, stderr *bytes.Buffer, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stdout, w := io.Pipe()
	stderr = new(bytes.Buffer)
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, w, stderr)
		w.CloseWithError(io.EOF)
		done <- err
	}()
	line := make([]byte, 200)
	n, err := stdout.Read(line)
	if err != nil {
		cancel()
		t.Fatalf("no address was printed: %v; %s", <-done, stderr)
	}
	url = regexp.MustCompile(`http://\S+`).FindString(string(line[:n]))
	return url, stderr, func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			t.Fatal("the server did not stop")
			return nil
		}
	}
}

func folder(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
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

func TestServesAndStops(t *testing.T) {
	url, _, stop := serving(t, "-addr", "127.0.0.1:0", "-dir", folder(t))
	if got := get(t, url); got != "hello" {
		t.Errorf("GET %s: %q", url, got)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	url, stderr, stop := serving(t, "-addr", taken.Addr().String(), "-dir", folder(t))
	if got := get(t, url); got != "hello" {
		t.Errorf("GET %s: %q", url, got)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if want := taken.Addr().String() + " is taken, using 127.0.0.1:"; !strings.Contains(stderr.String(), want) {
		t.Errorf("standard error %q, want %q in it", stderr, want)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"-dir", filepath.Join(t.TempDir(), "none")}, "build the site first"},
		{[]string{"extra"}, "given with -dir"},
		{[]string{"-addr", "nonsense", "-dir", t.TempDir()}, "missing port"},
	}
	for _, tt := range tests {
		err := run(context.Background(), tt.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("serve %s: error %v, want %q in it", tt.args, err, tt.want)
		}
	}
	var usage bytes.Buffer
	if err := run(context.Background(), []string{"-h"}, io.Discard, &usage); err != nil || !strings.Contains(usage.String(), "-addr") {
		t.Errorf("-h: %v, %q", err, &usage)
	}
}
