package main

import (
	"os"
	"slices"
	"testing"

	"conclave/tlv"
)

// TestPKAFileDamage cuts off, leaves out and repeats parts of a file that
// --export-for-pub-key-auth has written.
func TestPKAFileDamage(t *testing.T) {
	whole, err := os.ReadFile("testdata/exported.pka")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsePKAFile(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := parsePKAFile(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read as a whole file", n, len(whole))
		}
	}
	elements, err := pkaElements(whole)
	if err != nil || len(elements) != 3 {
		t.Fatalf("%d elements, %v", len(elements), err)
	}
	for i := range elements {
		fewer := slices.Delete(slices.Clone(elements), i, i+1)
		if _, err := parsePKAFile(sequence(t, fewer)); err == nil {
			t.Errorf("a file without element %d was read", i)
		}
	}
	if _, err := parsePKAFile(sequence(t, append(elements, elements[2]))); err == nil {
		t.Error("a file with three certificates was read")
	}
}

func sequence(t *testing.T, elements [][]byte) []byte {
	t.Helper()
	b, err := new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) {
		for _, element := range elements {
			b.AddRaw(element)
		}
	}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
