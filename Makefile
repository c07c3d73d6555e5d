# make rehearse   the whole M-of-N backup and restore, on embedded devices
# make test       installs the Debian packages that the tests need, then runs everything
# make check      the daily part of it: format, vet, the tests that take less than a minute
# make exhaustive all that the tests otherwise draw from, in an hour or two
# make fuzz       an hour of fuzzing, all targets in turn; the test takes one, for some seconds, in CI
# make build      the programs, to bin/
# make install    to PREFIX, /usr/local if nothing is said, below DESTDIR; make uninstall
# make packages   a .deb, a .rpm and a tarball for this machine, to bin/
# make release    the same for other systems, too, each to its folder in bin/
# make cross      the programs compile for one of those systems, in turn

export CGO_ENABLED ?= 0
# No path of this folder is in a program, so that other folders give the same bytes.
export GOFLAGS := $(GOFLAGS) -trimpath
BIN := bin

.PHONY: build install uninstall packages release rehearse check programs test exhaustive wycheproof module-check static reproducible cross race fuzz bench clean

build: module
	go build -ldflags=-s -o $(BIN)/ ./cmd/...

# The PKCS#11 module is in C, and for Linux. All else needs no compiler but Go's.
.PHONY: module
module:
	@if [ "$$(uname)" = Linux ] && command -v $(CC) >/dev/null; then \
	  $(MAKE) -s -C module OUT="$(abspath $(BIN))"; \
	else echo "conclave-pkcs11.so was left out: it needs Linux and a C compiler"; fi

PREFIX ?= /usr/local
install: $(BIN)/conclave
	scripts/install "$(abspath $(BIN))" "$(PREFIX)" "$(DESTDIR)"

# What install would lay down is taken away.
uninstall: $(BIN)/conclave
	@set -eu; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	scripts/install "$(abspath $(BIN))" "$(PREFIX)" "$$dir"; \
	(cd "$$dir"; find . ! -type d) | while read -r file; do rm -f "$(DESTDIR)/$$file"; done; \
	(cd "$$dir"; find . -depth -type d -path '*conclave*') | while read -r folder; do \
	  [ ! -d "$(DESTDIR)/$$folder" ] || rmdir "$(DESTDIR)/$$folder"; \
	done

# What was built before is installed: nothing is compiled as root.
$(BIN)/conclave:
	$(MAKE) build

OUT ?= $(abspath $(BIN))
packages: build
	scripts/package "$(abspath $(BIN))" "$(OUT)" linux "$$(go env GOARCH)"

SYSTEMS := linux-arm64 darwin-arm64 darwin-amd64 windows-amd64
release: export CONCLAVE = $(abspath $(BIN))/conclave
release: packages
	set -eu; for system in $(SYSTEMS); do \
	  export GOOS=$${system%-*} GOARCH=$${system#*-}; \
	  go build -ldflags=-s -o "$(BIN)/$$system/" ./cmd/...; \
	  scripts/package "$(abspath $(BIN))/$$system" "$(OUT)" "$$GOOS" "$$GOARCH"; \
	done

rehearse: build
	$(BIN)/conclave rehearse --auto

check: static
	go test -short $$(go list ./... | grep -v /acceptance/)

# The programs as the acceptance tests use them. By their names, the binaries of tests are
# the programs at the cost of practice.
programs: module
	go build -ldflags=-s -o "$(BIN)/" ./cmd/...
	for name in conclave sc-hsm-tool; do go test -c -vet=off -ldflags=-s -o "$(BIN)/practice/$$name" ./cmd/$$name || exit; done
	ln -sf ../conclave-lint "$(BIN)/practice/conclave-lint"

# What takes longest begins first. Vetted is everything before.
test:
	scripts/install-packages
	scripts/install-node
	$(MAKE) static
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; $(MAKE) programs BIN="$$dir"; export CONCLAVE_ACCEPTANCE_BIN="$$dir"; \
	set -x; go test -vet=off -ldflags=-s -timeout 45m ./acceptance/... ./cmd/conclave ./ceremony $$(go list ./... | grep -v /acceptance)
ifdef CI
	$(MAKE) -j2 -Otarget race wycheproof module-check cross reproducible
else
	$(MAKE) wycheproof
endif

# Most tests of a kind that has hundreds draw some of them, anew each time; here all are tried.
exhaustive: export CONCLAVE_EXHAUSTIVE = 1
exhaustive:
	go test -timeout 5h -count=1 ./acceptance/... $$(go list ./... | grep -v /acceptance)
	$(MAKE) wycheproof

wycheproof:
	go -C acceptance/wycheproof test -timeout 20m ./...

module-check:
	$(MAKE) -C module check replay fuzz FUZZ_SECONDS=10

# CI runs staticcheck too; tools.mod has its version.
static:
	@test -z "$$(gofmt -l .)" || { echo "gofmt is due:"; gofmt -l .; exit 1; }
	go vet ./...
	go -C acceptance/wycheproof vet ./...
	go -C packaging vet .
ifdef CI
	go tool -modfile=tools.mod staticcheck ./...
endif

# The programs compile for one of the systems of releases, another one with each commit: that
# they are right as far as types say, a test finds for all of them. CI has nothing of it
# compiled before; without optimisation it takes two thirds of the time.
cross: OTHERS = $(filter-out linux-%,$(SYSTEMS))
cross:
	@set -eu; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	set -- $(OTHERS); shift $$(($$(git rev-list --count HEAD) % $$#)); export GOOS=$${1%-*} GOARCH=$${1#*-}; \
	go build -gcflags='all=-N -l' -ldflags=-s -o "$$dir/" ./cmd/conclave ./cmd/sc-hsm-tool; \
	echo "the programs compile for $$1"

# Two folders give the same programs and packages, byte for byte. The second one has a
# cache from which the packages of this module are taken out, so that they are compiled
# again, and another umask, time zone and language.
reproducible: PROGRAMS = ./cmd/conclave ./cmd/conclave-lint ./cmd/sc-hsm-tool
reproducible: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
reproducible: export VERSION = 0
reproducible:
	@set -eu; cache=$$(go env GOCACHE); dir=$$(mktemp -d "$$cache-XXXXXX"); trap 'rm -rf "$$dir"' EXIT; \
	go build -buildvcs=false -ldflags=-s -o "$$dir/one/" $(PROGRAMS); $(MAKE) -s module BIN="$$dir/one"; \
	go list -export -deps -f '{{if and .Module .Module.Main}}{{.Export}}{{end}}' $(PROGRAMS) | grep . >"$$dir/ours"; \
	cp -al "$$cache" "$$dir/cache"; mkdir "$$dir/elsewhere"; git archive HEAD | tar -x -C "$$dir/elsewhere"; \
	sed "s|^$$cache|$$dir/cache|" "$$dir/ours" | xargs rm; \
	scripts/package "$$dir/one" "$$dir/one" linux $$(go env GOARCH) >/dev/null; \
	(cd "$$dir/elsewhere"; umask 077; export GOCACHE="$$dir/cache" TZ=Asia/Tokyo LC_ALL=C.UTF-8; \
	go build -buildvcs=false -ldflags=-s -o "$$dir/two/" $(PROGRAMS); $(MAKE) -s module BIN="$$dir/two"; \
	scripts/package "$$dir/two" "$$dir/two" linux $$(go env GOARCH) >/dev/null); \
	diff -r "$$dir/one" "$$dir/two"; \
	echo "two builds, the same bytes: $$(cd "$$dir/one"; echo *)"

# The race detector finds something only where goroutines meet. It needs cgo and
# a C compiler; CI has both installed. Tests that do one thing after the other, and take
# long at it, are left out.
race: export CGO_ENABLED = 1
race: export GORACE = atexit_sleep_ms=0
race: ALONE = OpenSSL.*|OpenSCAndWe.*|Vectors|Fermat|LongPrime|AFullDeviceSaysSo|CutOff|FailingDisk|FilesOutliveTheDisk|PowerLoss|LostPower|WhatCouldNotBeScrubbed
race: ALONE := $(ALONE)|Model|ECDSATruncates|KeysWithListsDoWhatTheyMay|TokensAreNamedAsOpenSC.*|CodeMistakes|TooManyMistakes|SheetsWithoutEnd|Conformance
race:
	go test -race -short -skip '^Test($(ALONE))$$' -vet=off -ldflags=-s -timeout 20m $$(scripts/concurrent-packages)

fuzz: export CONCLAVE_FUZZ ?= 2m20s
fuzz:
	go test -run '^TestFuzz$$' -v -timeout 3h .

bench:
	go test -run '^$$' -bench . -benchtime 2s ./...

clean:
	rm -rf $(BIN)
