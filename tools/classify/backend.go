package main

import (
	"maps"
	"slices"
	"strings"

	"glance/kernels"
	"glance/kernels/twin"
	"glance/models"
)

const (
	defaultBackend = "go"
	maxThreads     = models.MaxLanes
)

// backends are the machines that networks run on.
var backends = map[string]func(threads int) (kernels.Machine, error){
	"go": func(threads int) (kernels.Machine, error) { return twin.New(twin.Options{Threads: threads}), nil },
}

func backendNames() string {
	return strings.Join(slices.Sorted(maps.Keys(backends)), ", ")
}
