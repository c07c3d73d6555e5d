// Package dkektest lets tests of other packages work with share files without
// paying for their KDF.
package dkektest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"conclave/dkek"
	"conclave/internal/practice"
	"conclave/internal/secret"
)

// Iterations is the cost of practice: one that can be paid a thousand times.
const Iterations = 1000

// Practising gives a context in which share files are made and opened at the cost
// of practice. Those made by others do not open.
func Practising(ctx context.Context) context.Context {
	return practice.WithIterations(ctx, Iterations)
}

// Vector is a share file made by others.
type Vector struct {
	File dkek.ShareFile
	// Practice is a file of the same share, under the same password, that opens in
	// a practising context.
	Practice        dkek.ShareFile
	Password, Share secret.Bytes
	KCV             string
}

// ReadVector reads dkek.pbe and dkek.txt of a directory of vectors.
func ReadVector(tb testing.TB, dir string) Vector {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "dkek.pbe"))
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "dkek.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	word := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + ` (\S+)`).FindSubmatch(text)
		if found == nil {
			tb.Fatalf("%s/dkek.txt has no %s", dir, name)
		}
		return string(found[1])
	}
	v := Vector{KCV: word("KCV")}
	if v.File, err = dkek.ParseShareFile(content); err != nil {
		tb.Fatal(err)
	}
	if v.Password, err = hex.DecodeString(word("password")); err != nil {
		tb.Fatal(err)
	}
	if v.Share, err = hex.DecodeString(word("DKEK share")); err != nil {
		tb.Fatal(err)
	}
	if v.Practice, err = dkek.EncryptShare(Practising(tb.Context()), rand.Reader, v.Share, v.Password, nil); err != nil {
		tb.Fatal(err)
	}
	return v
}
