# What can be done here. On a fresh machine with Go: `make demo`, `make test`.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)
# as Go would install it: GOBIN, or GOPATH/bin
BINDIR  ?= $(or $(shell go env GOBIN),$(shell go env GOPATH)/bin)

.PHONY: build examples demo test unit e2e beside bench install lint clean

build: ## ./bin/tutti
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/tutti ./cmd/tutti

examples: ## the program that the examples' images hold; nothing is fetched
	@CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -ldflags '-s -w' -o examples/app/app ./examples/app

demo: build examples ## bring the counter up, on an engine that is installed if there is none
	@scripts/demo.sh

test: ## everything: unit, race, properties, fuzz seeds, CLI specs, e2e on the real engine
	@scripts/test.sh

unit: ## what needs no engine
	@scripts/test.sh unit

e2e: ## the real binary on the real engine
	@scripts/test.sh e2e

beside: ## shell scripts under Docker Compose 2.40 and under tutti, side by side; Debian's packages of it are unpacked where it is not installed
	@scripts/engine.sh
	TUTTI_REQUIRE_ENGINE=1 TUTTI_COMPOSE=$$(scripts/compose.sh) go test -count=1 -v -timeout 60m -run 'TestBeside' ./e2e

bench: build ## beside Docker Compose (in PATH, or TUTTI_COMPOSE=/path/to/docker-compose) and the floor; BENCH="-n 5 -run flat -markdown"
	@scripts/engine.sh
	go run ./e2e/bench -tutti bin/tutti $(BENCH)

install: build ## into $(BINDIR)
	install -d '$(BINDIR)'
	install -m 755 bin/tutti '$(BINDIR)/tutti'

lint: ## go vet, gofmt, and golangci-lint where it is installed
	go vet ./...
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "not as gofmt writes it" >&2; exit 1; }
	@command -v golangci-lint >/dev/null && golangci-lint run || echo "golangci-lint is not installed: skipped"

clean:
	rm -rf bin examples/app/app
