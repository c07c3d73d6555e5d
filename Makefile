# make rehearse   the whole M-of-N backup and restore, on embedded devices
# make test       installs the Debian packages that the tests need, then runs everything
# make build      the programs, to bin/

export CGO_ENABLED ?= 0
BIN := bin

.PHONY: build rehearse test bench clean

build:
	go build -o $(BIN)/ ./cmd/...

rehearse: build
	$(BIN)/conclave rehearse --auto

# The race detector needs cgo and a C compiler; CI has both installed.
ifdef CI
test: export CGO_ENABLED = 1
test: RACE = -race
endif
test:
	scripts/install-packages
	@test -z "$$(gofmt -l .)" || { echo "gofmt is due:"; gofmt -l .; exit 1; }
	go vet ./...
	go test $(RACE) -timeout 20m ./...

bench:
	go test -run '^$$' -bench . -benchtime 2s ./...

clean:
	rm -rf $(BIN)
