package quorum

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/internal/secret"
)

// vector is a share file that another implementation made, with everything
// that was typed and printed when it was.
type vector struct {
	file     dkek.ShareFile
	password secret.Bytes
	share    secret.Bytes
	entered  []CustodianShare
}

func readVector(t *testing.T, name string) (v vector) {
	pbe, err := os.ReadFile(filepath.Join("testdata", name, "dkek.pbe"))
	if err != nil {
		t.Fatal(err)
	}
	if v.file, err = dkek.ParseShareFile(pbe); err != nil {
		t.Fatal(err)
	}
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
	for _, words := range readWords(t, filepath.Join("testdata", name, "dkek.txt")) {
		switch {
		case words[0] == "password":
			v.password = unhex(t, words[1])
		case words[0] == "DKEK" && words[1] == "share":
			v.share = unhex(t, words[2])
		}
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

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
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
