package main

import (
	"maps"
	"runtime"
	"slices"
	"strings"

	"glance/kernels"
	"glance/kernels/simd"
	"glance/kernels/twin"
	"glance/models"
)

const maxThreads = models.MaxThreads

// defaultBackend is simd where wazero compiles to machine code; elsewhere it
// interprets, and Go's own compiler does better.
var defaultBackend = func() string {
	switch runtime.GOARCH {
	case "amd64", "arm64":
		return "simd"
	}
	return "go"
}()

// backends are the machines that networks run on.
var backends = map[string]func(threads int) (kernels.Machine, error){
	"go":   func(threads int) (kernels.Machine, error) { return twin.New(twin.Options{Threads: threads}), nil },
	"simd": func(threads int) (kernels.Machine, error) { return simd.New(simd.Options{Threads: threads}) },
}

func backendNames() string {
	return strings.Join(slices.Sorted(maps.Keys(backends)), ", ")
}
