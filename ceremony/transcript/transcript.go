// Package transcript is the record of a ceremony, as evidence that a third
// party can check: an append-only file of lines, each of which holds an entry
// and the signed tree head after it.
//
// A line is the JSON object {"entry":…,"head":…} and a newline. Entry i, from
// 0, is record i of a transparency log: the bytes of the value of "entry", as
// they stand in the line, are a leaf of the Merkle tree of RFC 6962, section
// 2.1. The head is a checkpoint (https://c2sp.org/tlog-checkpoint: origin, tree
// size, root hash in base64) in a signed note
// (https://c2sp.org/signed-note, Ed25519) with the signature of the ceremony
// key alone, whose name is the origin. Each entry also has the SHA-256 of the
// line before it, so that tools that know no trees can follow.
//
// There is one encoding for each line. Verify takes no other, so that no bit of
// a transcript can be changed.
package transcript

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What Verify and CheckHead refuse a transcript for.
var (
	ErrChanged    = errors.New("the content was changed")
	ErrOtherKey   = errors.New("signed by another key")
	ErrSequence   = errors.New("a line is missing, inserted or exchanged")
	ErrIncomplete = errors.New("the line is incomplete")
	ErrCutOff     = errors.New("lines are cut off at the end")
)

// Kind says what an entry records.
type Kind string

const (
	Opened    Kind = "opened"    // the ceremony: who is there, what is planned
	Begun     Kind = "begun"     // a step of the plan
	Done      Kind = "done"      // a step of the plan, with what came of it
	Failed    Kind = "failed"    // a step of the plan, which is to be taken again
	Exception Kind = "exception" // something did not go as planned
	Note      Kind = "note"      // what someone wanted to have on record
	Stopped   Kind = "stopped"   // the ceremony, to be resumed another time
	Resumed   Kind = "resumed"   // the ceremony, after the program had ended
	Closed    Kind = "closed"    // the ceremony
)

func kinds() []Kind {
	return []Kind{Opened, Begun, Done, Failed, Exception, Note, Stopped, Resumed, Closed}
}

// Entry is one thing that was done or said.
type Entry struct {
	Index int64 `json:"index"` // from 0
	// Time is by the computer's clock, in UTC and whole seconds. It may lie
	// before that of the entry before, if the clock was put right.
	Time     time.Time         `json:"time"`
	Step     string            `json:"step,omitempty"` // of the plan
	Kind     Kind              `json:"kind"`
	By       string            `json:"by,omitempty"`    // who did or said it
	Text     string            `json:"text,omitempty"`  // in people's own words
	Facts    map[string]string `json:"facts,omitempty"` // by name, such as "certificate sha256"
	Previous string            `json:"previous"`        // SHA-256 of the line before, without its newline, in lower-case hex; empty for the first
}

// line is a line of the file, without its newline.
type line struct {
	Entry Entry  `json:"entry"`
	Head  string `json:"head"`
}

// encode returns JSON with nothing escaped that need not be.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// canonical returns the entry that a reader will find, and its encoding: the
// time in UTC and whole seconds, and U+FFFD for what is not UTF-8.
func canonical(e Entry) (Entry, []byte, error) {
	if !slices.Contains(kinds(), e.Kind) {
		return Entry{}, nil, fmt.Errorf("an entry of kind %q; one of %q was expected", e.Kind, kinds())
	}
	if e.Time.IsZero() {
		return Entry{}, nil, fmt.Errorf("an entry of kind %q without a time; give it one", e.Kind)
	}
	e.Time = e.Time.UTC().Truncate(time.Second)
	text, err := encode(e)
	if err != nil {
		return Entry{}, nil, err
	}
	var read Entry
	if err := json.Unmarshal(text, &read); err != nil {
		return Entry{}, nil, err
	}
	text, err = encode(read)
	return read, text, err
}

// parseLine takes a line in its only encoding. It also returns the bytes that
// are the record of the log.
func parseLine(text []byte) (l line, record []byte, err error) {
	if err := json.Unmarshal(text, &l); err != nil {
		return line{}, nil, fmt.Errorf("%w: it is not an entry with its tree head: %w", ErrChanged, err)
	}
	l.Entry, record, err = canonical(l.Entry)
	if err != nil {
		return line{}, nil, fmt.Errorf("%w, or a newer program wrote it: %w", ErrChanged, err)
	}
	if again, err := encode(l); err != nil || !bytes.Equal(again, text) {
		return line{}, nil, fmt.Errorf("%w: it means what it did, but was not written like this", ErrChanged)
	}
	return l, record, nil
}

// link is what the entry after a line has as Previous.
func link(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
