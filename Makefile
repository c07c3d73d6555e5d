# make rehearse   the whole M-of-N backup and restore, on embedded devices
# make test       installs the Debian packages that the tests need, then runs everything
# make check      the daily part of it: format, vet, the tests that take less than a minute
# make fuzz       an hour of fuzzing, all targets in turn; the test takes one, for half a minute, in CI
# make build      the programs, to bin/

export CGO_ENABLED ?= 0
# No path of this folder is in a program, so that other folders give the same bytes.
export GOFLAGS := $(GOFLAGS) -trimpath
BIN := bin

.PHONY: build rehearse check test static reproducible race fuzz bench clean

build:
	go build -o $(BIN)/ ./cmd/...

rehearse: build
	$(BIN)/conclave rehearse --auto

check: static
	go test -short $$(go list ./... | grep -v /acceptance/)

# The two packages of acceptance begin first, since they take longest.
test:
	scripts/install-packages
	$(MAKE) static
	go test -timeout 45m ./acceptance/... $$(go list ./... | grep -v /acceptance)
	go -C acceptance/wycheproof test -timeout 20m ./...
ifdef CI
	$(MAKE) race
	$(MAKE) reproducible
endif

# CI runs staticcheck too; tools.mod has its version.
static:
	@test -z "$$(gofmt -l .)" || { echo "gofmt is due:"; gofmt -l .; exit 1; }
	go vet ./...
	go -C acceptance/wycheproof vet ./...
ifdef CI
	go tool -modfile=tools.mod staticcheck ./...
endif

# Two folders give the same programs, byte for byte. The second one has a cache from
# which the packages of this module are taken out, so that they are compiled again.
reproducible: PROGRAMS = ./cmd/conclave ./cmd/sc-hsm-tool
reproducible:
	@set -eu; cache=$$(go env GOCACHE); dir=$$(mktemp -d "$$cache-XXXXXX"); trap 'rm -rf "$$dir"' EXIT; \
	go build -buildvcs=false -o "$$dir/one/" $(PROGRAMS); \
	go list -export -deps -f '{{if and .Module .Module.Main}}{{.Export}}{{end}}' $(PROGRAMS) | grep . >"$$dir/ours"; \
	cp -al "$$cache" "$$dir/cache"; mkdir "$$dir/elsewhere"; git archive HEAD | tar -x -C "$$dir/elsewhere"; \
	sed "s|^$$cache|$$dir/cache|" "$$dir/ours" | xargs rm; \
	(cd "$$dir/elsewhere" && GOCACHE="$$dir/cache" go build -buildvcs=false -o "$$dir/two/" $(PROGRAMS)); \
	for p in conclave sc-hsm-tool; do cmp "$$dir/one/$$p" "$$dir/two/$$p"; done; \
	echo "two builds, the same bytes"

# The race detector finds something only where goroutines meet. It needs cgo and
# a C compiler; CI has both installed.
race: export CGO_ENABLED = 1
race: export GORACE = atexit_sleep_ms=0
race:
	go test -race -short -timeout 20m $$(scripts/concurrent-packages)

fuzz: export CONCLAVE_FUZZ ?= 2m20s
fuzz:
	go test -run '^TestFuzz$$' -v -timeout 3h .

bench:
	go test -run '^$$' -bench . -benchtime 2s ./...

clean:
	rm -rf $(BIN)
