package transcript_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"conclave/ceremony/transcript"
)

// TestVector: the committed transcript must stay what the same entries give,
// and must stay verifiable.
func TestVector(t *testing.T) {
	key := vectorKey(t)
	content := read(t, vectorFile)
	if again := join(linesOf(t, key, vectorEntries())...); !bytes.Equal(again, content) {
		t.Errorf("the entries are written as\n%s\nand the vector has\n%s", again, content)
	}
	public := string(read(t, vectorKeyFile))
	if public != key.Public().String()+"\n" {
		t.Errorf("the public key is %s, and %s is committed", key.Public(), public)
	}
	read, err := transcript.Verify(content, public)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range vectorEntries() {
		want.Index, want.Previous = int64(i), read.Entries[i].Previous
		if !reflect.DeepEqual(read.Entries[i], want) {
			t.Errorf("entry %d is %+v, %+v was expected", i, read.Entries[i], want)
		}
	}
}

// TestHeadsAreNotes has golang.org/x/mod open each head.
func TestHeadsAreNotes(t *testing.T) {
	key := vectorKey(t)
	verifier, err := note.NewVerifier(key.Public().String())
	if err != nil {
		t.Fatal(err)
	}
	read, err := transcript.Verify(read(t, vectorFile), key.Public().String())
	if err != nil {
		t.Fatal(err)
	}
	for i, head := range read.Heads {
		n, err := note.Open([]byte(head), note.VerifierList(verifier))
		if want := fmt.Sprintf("ceremony.example/vector\n%d\n", i+1); err != nil || len(n.Sigs) != 1 || !strings.HasPrefix(n.Text, want) {
			t.Errorf("head %d is %q, %v", i, head, err)
		}
	}
}

// TestEveryFlippedBitIsRefused is what the package is for.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	key := vectorKey(t)
	lines := six(t, key)
	content, public := join(lines...), key.Public().String()
	ends := []int{}
	for _, line := range lines {
		ends = append(ends, len(line)+len(join(lines[:len(ends)]...)))
	}
	var groups [6][]int // bytes, by line
	for i := range content {
		n, _ := slices.BinarySearch(ends, i+1)
		groups[n] = append(groups[n], i)
	}
	for n, group := range groups {
		t.Run(fmt.Sprint("line ", n+1), func(t *testing.T) {
			t.Parallel()
			damaged := bytes.Clone(content)
			for _, i := range group {
				for bit := range 8 {
					damaged[i] ^= 1 << bit
					checkRefusedAt(t, damaged, public, n+1)
					damaged[i] ^= 1 << bit
				}
			}
		})
	}
}

func checkRefusedAt(t *testing.T, content []byte, public string, number int) {
	t.Helper()
	_, err := transcript.Verify(content, public)
	if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("transcript line %d: ", number)) || !isTyped(err) {
		t.Errorf("a flipped bit in line %d: %v", number, err)
	}
}

func isTyped(err error) bool {
	return slices.ContainsFunc([]error{transcript.ErrChanged, transcript.ErrOtherKey, transcript.ErrSequence, transcript.ErrIncomplete},
		func(target error) bool { return errors.Is(err, target) })
}

func TestLinesOutOfOrderAreRefused(t *testing.T) {
	key := vectorKey(t)
	lines := six(t, key)
	refused := func(what string, lines [][]byte) {
		t.Helper()
		if _, err := transcript.Verify(join(lines...), key.Public().String()); !errors.Is(err, transcript.ErrSequence) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range lines {
		if i < 5 {
			refused(fmt.Sprintf("line %d removed", i+1), slices.Delete(slices.Clone(lines), i, i+1))
		}
		for j := range lines {
			refused(fmt.Sprintf("line %d again at %d", i+1, j+1), slices.Insert(slices.Clone(lines), j, lines[i]))
			swapped := slices.Clone(lines)
			if swapped[i], swapped[j] = lines[j], lines[i]; i != j {
				refused(fmt.Sprintf("lines %d and %d exchanged", i+1, j+1), swapped)
			}
		}
	}
}

// TestLinesOfOthersAreRefused puts in lines of a ceremony of another name, of
// the same name and another key, and of the same key.
func TestLinesOfOthersAreRefused(t *testing.T) {
	key := vectorKey(t)
	lines := six(t, key)
	changed := vectorEntries()[:6]
	changed[0].Text = "Another ceremony."
	for name, test := range map[string]struct {
		lines [][]byte
		want  error
	}{
		"another name": {six(t, newKey(t, "ceremony.example/other")), transcript.ErrOtherKey},
		"another key":  {six(t, newKey(t, "ceremony.example/vector")), transcript.ErrOtherKey},
		"same key":     {linesOf(t, key, changed), transcript.ErrChanged},
	} {
		for i, foreign := range test.lines {
			replaced := slices.Clone(lines)
			replaced[i] = foreign
			inserted := slices.Insert(slices.Clone(lines), i, foreign)
			for what, content := range map[string][]byte{"replaced": join(replaced...), "inserted": join(inserted...)} {
				_, err := transcript.Verify(content, key.Public().String())
				isFirst := i == 0 && errors.Is(err, transcript.ErrSequence) // the first line of another transcript is whole, what follows is not
				if !errors.Is(err, test.want) && !isFirst {
					t.Errorf("%s, line %d %s: %v", name, i+1, what, err)
				}
			}
		}
	}
}

func TestSignedAnewIsRefused(t *testing.T) {
	ours := vectorKey(t).Public().String()
	for _, origin := range []string{"ceremony.example/vector", "ceremony.example/other"} {
		other := newKey(t, origin)
		content := join(six(t, other)...)
		if _, err := transcript.Verify(content, other.Public().String()); err != nil {
			t.Error(err)
		}
		_, err := transcript.Verify(content, ours)
		if !errors.Is(err, transcript.ErrOtherKey) || !strings.Contains(err.Error(), "transcript line 1:") {
			t.Errorf("signed by another key of %s: %v", origin, err)
		}
	}
}

func TestCheckHead(t *testing.T) {
	key := vectorKey(t)
	lines := six(t, key)
	verify := func(lines [][]byte, key *transcript.Key) *transcript.Transcript {
		t.Helper()
		v, err := transcript.Verify(join(lines...), key.Public().String())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	whole := verify(lines, key)
	for i, head := range whole.Heads {
		if err := whole.CheckHead(head); err != nil {
			t.Errorf("head %d: %v", i, err)
		}
		if i < 5 {
			if err := verify(lines[:i+1], key).CheckHead(whole.Heads[5]); !errors.Is(err, transcript.ErrCutOff) {
				t.Errorf("cut off after %d lines: %v", i+1, err)
			}
		}
	}
	changed := vectorEntries()[:6]
	changed[2].Text = "It never happened."
	if err := verify(linesOf(t, key, changed), key).CheckHead(whole.Heads[5]); !errors.Is(err, transcript.ErrChanged) {
		t.Errorf("another transcript that the key signed: %v", err)
	}
	if err := verify(lines[:1], key).CheckHead(strings.Replace(whole.Heads[0], "\n1\n", "\n2\n", 1)); !errors.Is(err, transcript.ErrChanged) {
		t.Errorf("a head that was changed: %v", err)
	}
	other := newKey(t, "ceremony.example/vector")
	if err := whole.CheckHead(verify(six(t, other), other).Heads[5]); !errors.Is(err, transcript.ErrOtherKey) {
		t.Errorf("a head by another key: %v", err)
	}
	if err := whole.CheckHead(""); !errors.Is(err, transcript.ErrChanged) {
		t.Errorf("no head: %v", err)
	}
}

// TestIncompleteLineIsRefused, even if nothing but its newline is missing.
func TestIncompleteLineIsRefused(t *testing.T) {
	key := vectorKey(t)
	content := join(six(t, key)[:2]...)
	first := bytes.IndexByte(content, '\n') + 1
	for n := first + 1; n < len(content); n++ {
		_, err := transcript.Verify(content[:n], key.Public().String())
		if !errors.Is(err, transcript.ErrIncomplete) || !strings.Contains(err.Error(), "transcript line 2:") {
			t.Errorf("%d bytes of the second line: %v", n-first, err)
		}
	}
}

func TestEmptyTranscript(t *testing.T) {
	if _, err := transcript.Verify(nil, vectorKey(t).Public().String()); !errors.Is(err, transcript.ErrCutOff) {
		t.Errorf("an empty transcript: %v", err)
	}
	if _, err := transcript.Verify(read(t, vectorFile), "no key"); err == nil || !strings.Contains(err.Error(), "public key") {
		t.Errorf("no public key: %v", err)
	}
}
