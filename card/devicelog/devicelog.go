// Package devicelog is the log of a device: what changed it or used its keys, one
// entry a line, each with the SHA-256 of the line before it. No entry can be
// changed, taken out or put elsewhere without those after it showing; that nothing
// is cut off at the end, a checkpoint shows: the number of entries and the hash of
// the last one, signed with the device's own key.
//
// Begin with card.ReadLog, which gives the [Log] in a device's store, and
// [Log.Verify]. Package card writes the log.
package devicelog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// What stands for the command in entries that tell of no command.
const (
	// Checkpoint is an entry whose checkpoint is of all entries before it.
	Checkpoint = "CHECKPOINT"
	// Cut is an entry that says that those before it are not all there were.
	Cut = "LOG WAS CUT OR CHANGED"
)

// Entry is one command and what came of it, and never what was in it.
type Entry struct {
	Number  int64     `json:"number"`           // from 1
	Time    time.Time `json:"time"`             // by the computer's clock, in UTC
	Command string    `json:"command"`          // as ISO 7816 and the applet name it
	Key     int       `json:"key,omitempty"`    // the key's reference
	Object  string    `json:"object,omitempty"` // another file, or the PIN
	Result  string    `json:"result,omitempty"` // the status word, four hex digits
	Client  string    `json:"client,omitempty"` // who gave the command, as far as the device knows
	// Checkpoint is a signed note: see Sign.
	Checkpoint string `json:"checkpoint,omitempty"`
	Previous   string `json:"previous"` // SHA-256 of the line before, in hex; empty for the first
}

// Head is how far a log has come: so many entries, and the SHA-256 of the last
// one's line; zeros where there is none.
type Head struct {
	Size int64
	Hash tlog.Hash
}

// Append makes the line of the entry after the head, without a newline.
func (h Head) Append(e Entry) (line []byte, next Head, err error) {
	e.Number, e.Previous, e.Time = h.Size+1, h.previous(), e.Time.UTC().Truncate(time.Millisecond)
	line, err = json.Marshal(e)
	return line, h.after(line), err
}

// Follow is the head after a line. ok is false if the line is not the one after h.
func (h Head) Follow(line []byte) (next Head, ok bool) {
	e, err := ParseEntry(line)
	return h.after(line), err == nil && e.Number == h.Size+1 && e.Previous == h.previous()
}

func (h Head) after(line []byte) Head { return Head{h.Size + 1, sha256.Sum256(line)} }

func (h Head) previous() string {
	if h.Size == 0 {
		return ""
	}
	return hex.EncodeToString(h.Hash[:])
}

// ParseEntry reads a line.
func ParseEntry(line []byte) (e Entry, err error) {
	if err = json.Unmarshal(line, &e); err != nil {
		err = fmt.Errorf("an entry of the device's log: %w", err)
	}
	return e, err
}

// Before is the head that the entry was written after.
func (e Entry) Before() (Head, error) {
	h := Head{Size: e.Number - 1}
	previous, err := hex.DecodeString(e.Previous)
	if err == nil && len(previous) != 0 && len(previous) != len(h.Hash) {
		err = fmt.Errorf("a hash of %d bytes, %d were expected", len(previous), len(h.Hash))
	}
	copy(h.Hash[:], previous)
	return h, err
}
