// Package transfer undoes what happens to files on their way: programs that take
// bytes for text change line ends and encodings, and people send bytes as text.
package transfer

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
)

// How far is searched: the changes that are undone one after the other, and the
// readings of the content that are looked at. Files of others decide how many
// there could be.
const (
	maxChanges  = 4
	maxReadings = 1024
)

// change is one of the things that happen to files.
type change struct {
	what string // with the file as its subject; empty for a file that is meant to be text
	// undo gives what the content may have been before, nothing if it can't be.
	undo func(content []byte) [][]byte
	// guesses are many, so nothing is undone after them.
	guesses bool
}

func changes() []change {
	return []change{
		{what: "", undo: only(decodeHex)},
		{what: "", undo: only(decodeBase64)},
		{what: "", undo: only(decodeDump)},
		{what: "it was written as quoted-printable", undo: only(fromQuotedPrintable)},
		{what: "it was saved as UTF-16 text", undo: fromUTF16},
		{what: "it was saved as UTF-8 text", undo: fromUTF8},
		{what: "each line end 0A became 0D 0A", undo: only(fromCRLF)},
		{what: "each line end 0A that had no 0D before it became 0D 0A", undo: fromMixedCRLF, guesses: true},
		{what: "white space was put before it", undo: only(withoutBegin)},
		{what: "line ends or padding were added at its end", undo: withoutEnd},
		{what: "text was put around it", undo: only(longestParagraph)},
	}
}

// reading is what a content may have been.
type reading struct {
	content []byte
	what    []string // that was undone for it
	guess   bool
}

// Undo gives a content as it was before it was changed in transfer. Check fails for
// what is not the whole original: one that passes as it is was not changed. What is
// empty then, and for an original that is written in hexadecimal or in base64 and not
// changed beside that; otherwise it says what has happened, without a full stop.
//
// It fails where nothing that check passes is found; and where several are, since no
// one here can tell which is right.
func Undo(content []byte, check func([]byte) error) (original []byte, what string, err error) {
	asItIs := check(content)
	if asItIs == nil {
		return content, "", nil
	}
	readings, seen := []reading{{content: content}}, map[[sha256.Size]byte]bool{sha256.Sum256(content): true}
	for range maxChanges {
		readings = further(readings, seen)
		var right []reading
		for _, r := range readings {
			if check(r.content) == nil {
				right = append(right, r)
			}
		}
		if len(right) == 1 {
			return right[0].content, strings.Join(right[0].what, ", and "), nil
		}
		if len(right) > 1 {
			return nil, "", ambiguous(right)
		}
	}
	return nil, "", explain(content, asItIs, check)
}

// further undoes one change more, in each way that gives something new.
func further(readings []reading, seen map[[sha256.Size]byte]bool) (next []reading) {
	for _, r := range readings {
		for _, c := range changes() {
			if r.guess {
				continue
			}
			for _, before := range c.undo(r.content) {
				sum := sha256.Sum256(before)
				if seen[sum] || len(seen) == maxReadings {
					continue
				}
				seen[sum] = true
				next = append(next, r.and(c, before))
			}
		}
	}
	return next
}

func (r reading) and(c change, before []byte) reading {
	what := r.what[:len(r.what):len(r.what)]
	if c.what != "" {
		what = append(what, c.what)
	}
	return reading{before, what, c.guesses}
}

func ambiguous(right []reading) error {
	var ways []string
	for _, r := range right {
		ways = append(ways, strings.Join(r.what, ", and "))
	}
	return fmt.Errorf("it was changed in transfer, and can have been %d different files (%s); take another copy", len(right), strings.Join(ways, "; or "))
}

// explain says more about a content that no change explains.
func explain(content []byte, asItIs error, check func([]byte) error) error {
	if n := bytes.Count(content, []byte("\uFFFD")); n > 1 {
		return fmt.Errorf("%w; it was saved as text, and %d bytes that are no characters were lost: take another copy", asItIs, n)
	}
	if err := explainText(content, check); err != nil {
		return err
	}
	return asItIs
}

// only makes one way of undoing a change of one that may not apply.
func only(undo func([]byte) ([]byte, error)) func([]byte) [][]byte {
	return func(content []byte) [][]byte {
		if before, err := undo(content); err == nil {
			return [][]byte{before}
		}
		return nil
	}
}
