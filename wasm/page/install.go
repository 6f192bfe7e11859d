//go:build js

package main

import (
	"syscall/js"
)

// install makes the page work without a network, through site/pwa.js, which is
// fetched when nothing more urgent is left to fetch.
type install struct {
	page    *page
	begun   bool
	module  js.Value // site/pwa.js, or undefined
	storage *storage
	update  *update
}

func newInstall(p *page) *install {
	i := &install{page: p}
	i.storage = newStorage(i)
	i.update = newUpdate(i)
	return i
}

// begin registers the service worker a moment after the first model has been
// loaded, or refused: its downloads are not to compete with the first prediction.
func (i *install) begin() {
	if i.begun {
		return
	}
	i.begun = true
	after(1000, func() {
		if module, ok := i.load(); ok {
			await(module.Call("register", i.update.ready)) // it settles, whether or not there is a worker
			i.storage.refresh()
		}
	})
}

// load fetches the module. Without it the page works, but only with a network.
func (i *install) load() (js.Value, bool) {
	if !i.module.Truthy() {
		module, err := await(i.page.api.Call("pwa"))
		if err != nil {
			return js.Value{}, false
		}
		i.module = module
	}
	return i.module, true
}
