// Command serve serves a static site on the loopback interface with the headers
// it needs in production: MIME types, cross-origin isolation (threads need it),
// a Content-Security-Policy, and precompressed files where they are there.
//
//	go run ./tools/serve [-addr 127.0.0.1:8080] [-dir build/site]
//
// With -api it classifies pictures as the edge worker does, see tools/api.
//
// Where the port is taken it uses a free one and says so. It ends on an
// interrupt.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"glance/tools/serve/static"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. The line with the address is the last one
// it writes before.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	dir := flags.String("dir", filepath.Join("build", "site"), "`folder` to serve")
	isolate := flags.Bool("isolate", true, "send COOP and COEP, which threads need")
	classify := flags.Bool("api", false, "answer POST /classify and the other routes of tools/api too")
	weights := flags.String("weights", "weights", "`folder` with the models of -api")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: serve [-addr 127.0.0.1:8080] [-dir build/site] [-isolate=false] [-api [-weights weights]]\n\nServes a folder as a static site.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; the folder is given with -dir", flags.Arg(0))
	}
	if info, err := os.Stat(*dir); !*classify && (err != nil || !info.IsDir()) {
		return fmt.Errorf("%s is not a folder; build the site first: go run ./tools/site", *dir)
	}
	handler := static.Handler(*dir, static.Options{Isolate: *isolate})
	if *classify {
		var err error
		if handler, err = withAPI(*weights, handler); err != nil {
			return err
		}
	}
	listener, err := listen(*addr, stderr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "Glance is at http://%s/ (end with Ctrl-C)\n", listener.Addr())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close()
	}
	return nil
}

// listen opens the address, or a free port of the same host where it is taken.
func listen(addr string, stderr io.Writer) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	host, _, splitErr := net.SplitHostPort(addr)
	if splitErr != nil {
		return nil, err
	}
	if listener, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
		fmt.Fprintf(stderr, "serve: %s is taken, using %s\n", addr, listener.Addr())
	}
	return listener, err
}
