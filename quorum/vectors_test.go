package quorum

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
)

// vector is a share file that another implementation made, with everything
// that was typed and printed when it was.
type vector struct {
	practice dkek.ShareFile // at the cost of practice
	password secret.Bytes
	share    secret.Bytes
	entered  []CustodianShare
}

func readVector(t *testing.T, name string) (v vector) {
	read := dkektest.ReadVector(t, filepath.Join("testdata", name))
	v = vector{read.Practice, read.Password, read.Share, nil}
	var prime string
	for _, words := range readWords(t, filepath.Join("testdata", name, "shares.txt")) {
		if words[0] == "prime" {
			prime = words[1]
			continue
		}
		share, err := ParseShare(prime, words[1], words[2])
		if err != nil {
			t.Fatal(err)
		}
		v.entered = append(v.entered, share)
	}
	if len(v.entered) < 2 || len(v.password) != 8 || len(v.share) != 32 {
		t.Fatalf("%s is not complete", name)
	}
	return v
}

// readWords splits a file into lines of words.
func readWords(t *testing.T, path string) (lines [][]string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// subsets returns every way to choose size of the elements.
func subsets[T any](elements []T, size int) [][]T {
	if size == 0 {
		return [][]T{nil}
	}
	var all [][]T
	for i := range elements {
		for _, rest := range subsets(elements[i+1:], size-1) {
			all = append(all, append([]T{elements[i]}, rest...))
		}
	}
	return all
}
