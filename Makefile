# Glance: MobileNet image classification in the browser, at the edge and in a terminal.
#
#   make            fetch the weights, build the site into build/site and serve it
#   make test       every test, in Go, node and Chromium; the last line says what passed
#   make help       the other targets

ADDR ?= 127.0.0.1:8080
SITE := build/site

.DEFAULT_GOAL := serve
.PHONY: serve build package weights test bench edge deploy generate check clean help chromium npm

serve: build ## build everything and serve the site at $(ADDR); ends by printing the page's address
	@go run ./tools/serve -addr $(ADDR) -dir $(SITE)

build: weights ## build the site into build/site
	@go run ./tools/site -out $(SITE)

package: weights ## build the npm package into build/package and pack it: build/glance-VERSION.tgz
	@go run ./tools/site -out $(SITE) -package build/package
	@cd build/package && npm pack --silent --pack-destination ..

weights: ## fetch, verify and convert the models that can be reached (WEIGHTS_MIRROR=DIR|URL goes first)
	@go run ./tools/fetch

test: chromium npm weights ## run every test
	@go run ./tools/test

bench: chromium ## measure our engine and its peers in one Chromium run (several minutes)
	@npm --prefix tools/bench ci --no-audit --no-fund --loglevel=error
	@go run ./tools/bench

edge: weights ## run the Cloudflare Worker here, on workerd, without an account
	@npm --prefix wasm/edge ci --no-audit --no-fund --loglevel=error
	@npm --prefix wasm/edge run dev

deploy: weights ## deploy the Worker to your Cloudflare account
	@npm --prefix wasm/edge ci --no-audit --no-fund --loglevel=error
	@npm --prefix wasm/edge run deploy

generate: ## regenerate the SIMD modules and the JPEG decoder's from their generators
	@go generate ./kernels/... ./wasm/edge/...

check: ## gofmt and go vet, natively and for js/wasm, which make test runs too
	@go run ./tools/test -check

chromium: # Debian's, where it is missing and apt-get is there
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; }; } \
	  || { echo 'chromium is missing: install it, the browser tests need it' >&2; exit 1; }

npm: # development dependencies of the tests
	@for d in site site/testdata/vite wasm/edge; do \
	  if [ -f $$d/package-lock.json ] && [ ! $$d/node_modules/.package-lock.json -nt $$d/package-lock.json ]; then \
	    npm --prefix $$d ci --no-audit --no-fund --loglevel=error || exit 1; fi; done

clean: ## remove what was built
	rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile
