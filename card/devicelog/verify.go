package devicelog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Log is the log as the store of a device has it. Whoever can write the store may
// have written it.
type Log struct {
	Key Key // of the device, as its certificate says
	On  bool
	// Head is how far the log has come, Sealed how far when the user was last logged
	// in, as the device's state says.
	Head, Sealed Head
	// Base is the checkpoint of the entries that are no longer kept; empty if none
	// are missing.
	Base  string
	Lines map[uint16][]byte // by the lower half of their numbers
}

// Finding is something that is wrong with a log.
type Finding struct {
	Entry int64  `json:"entry,omitempty"` // 0 if it is not of one
	What  string `json:"what"`
}

// String says it in words.
func (f Finding) String() string {
	if f.Entry == 0 {
		return f.What
	}
	return fmt.Sprintf("entry %d: %s", f.Entry, f.What)
}

// Report is what Verify found out.
type Report struct {
	First, Last int64 // the entries that are kept; First is Last+1 for none
	Signed      Head  // of the last checkpoint that the device signed
	Checkpoint  string
	Findings    []Finding // none if all is well
}

// base is the head before the first entry that is kept, if its checkpoint holds.
func (l *Log) base() (Head, error) {
	if l.Base == "" {
		return Head{}, nil
	}
	return l.Key.Open(l.Base)
}

// maxKept is how many entries a store has room for.
const maxKept = 1 << 16

// Entries gives the lines that are kept, in order, as far as the store has them.
func (l *Log) Entries() (lines [][]byte) {
	base, _ := l.base()
	for n := max(base.Size, l.Head.Size-maxKept) + 1; n <= l.Head.Size; n++ {
		if line, ok := l.Lines[uint16(n)]; ok {
			lines = append(lines, line)
		}
	}
	return lines
}

// LastCheckpoint is the last one among lines, as Entries gives them and people keep
// them; empty if there is none. Nothing is verified.
func LastCheckpoint(lines [][]byte) string {
	for _, line := range slices.Backward(lines) {
		if e, err := ParseEntry(line); err == nil && e.Checkpoint != "" {
			return e.Checkpoint
		}
	}
	return ""
}

// Verify looks for what was edited, taken out, exchanged or cut off. Kept are
// checkpoints of this device that were kept elsewhere: without one, an older state
// of the whole store in place of the present one does not show, nor a log that was
// written anew by who has put another key into the device's certificate.
func (l *Log) Verify(kept ...string) Report {
	v := &verification{log: l, hashes: map[int64]tlog.Hash{}, unseen: maps.Clone(l.Lines)}
	v.walk()
	v.compare("when the user was last logged in", l.Sealed)
	for _, checkpoint := range kept {
		head, err := l.Key.Open(checkpoint)
		if err != nil {
			v.found(0, "the checkpoint that was kept: %v", err)
			continue
		}
		v.compare("when the checkpoint that was kept was signed", head)
	}
	return v.report
}

type verification struct {
	log    *Log
	report Report
	head   Head                // after the entries that were walked
	gap    bool                // the hash of the last one is not known
	hashes map[int64]tlog.Hash // after each entry
	unseen map[uint16][]byte   // lines that are not in their place
}

func (v *verification) found(entry int64, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, Finding{entry, fmt.Sprintf(format, args...)})
}

func (v *verification) walk() {
	base, err := v.log.base()
	if err != nil {
		v.found(0, "the checkpoint of the entries that are no longer kept: %v", err)
	} else if base.Size > 0 {
		v.signed(base, v.log.Base)
	}
	v.head, v.report.First, v.report.Last = base, base.Size+1, v.log.Head.Size
	v.hashes[base.Size] = base.Hash
	if kept := v.log.Head.Size - base.Size; kept < 0 || kept > maxKept {
		v.found(0, "the device says that its log has %d entries, and that it keeps those after entry %d, which cannot be", v.log.Head.Size, base.Size)
		return
	}
	for v.head.Size < v.log.Head.Size {
		v.step(v.head.Size + 1)
	}
	if !v.gap && v.head != v.log.Head {
		v.found(v.head.Size, "it is not the one that the device has written: it was edited, or the log was cut after it")
	}
	for _, id := range slices.Sorted(maps.Keys(v.unseen)) {
		v.stray(v.unseen[id])
	}
}

// stray is for a line behind the end. One in the place of another is reported there.
func (v *verification) stray(line []byte) {
	if e, err := ParseEntry(line); err != nil || e.Number > v.log.Head.Size {
		v.found(0, "the log was cut after entry %d: it has lines behind its end, such as entry %d", v.log.Head.Size, e.Number)
	}
}

// step looks at entry n.
func (v *verification) step(n int64) {
	line, ok := v.log.Lines[uint16(n)]
	delete(v.unseen, uint16(n))
	e, err := ParseEntry(line)
	switch {
	case !ok:
		v.missing(n)
	case err != nil:
		v.unknown(n, "it was edited, and cannot be read")
	case e.Number != n:
		v.unknown(n, "entry %d stands in its place: entries were exchanged", e.Number)
	default:
		v.follow(e, line)
	}
}

// missing reports a row of entries once.
func (v *verification) missing(n int64) {
	const text = "it is missing"
	if last := len(v.report.Findings) - 1; last >= 0 && v.gap {
		f := &v.report.Findings[last]
		if strings.HasPrefix(f.What, text) {
			f.What = fmt.Sprintf("%s, with all up to entry %d", text, n)
			v.head.Size = n
			return
		}
	}
	v.unknown(n, text)
}

func (v *verification) unknown(n int64, format string, args ...any) {
	v.found(n, format, args...)
	v.head, v.gap = Head{Size: n}, true
}

// follow looks at an entry in its place.
func (v *verification) follow(e Entry, line []byte) {
	if !v.gap && e.Previous != v.head.previous() {
		if e.Number == v.report.First {
			v.found(e.Number, "it does not follow what was there before it: it was edited, or entries before it were")
		} else {
			v.found(e.Number-1, "it was edited, or the next one was: that one was written after another")
		}
	}
	switch before, err := e.Before(); {
	case e.Command == Cut:
		v.found(e.Number, "the device says that the log was cut or changed before it")
	case e.Checkpoint == "":
	case err != nil:
		v.found(e.Number, "it was edited: %v", err)
	default:
		v.checkpoint(e, before)
	}
	v.head, v.gap = v.head.after(line), false
	v.hashes[v.head.Size] = v.head.Hash
}

func (v *verification) checkpoint(e Entry, before Head) {
	head, err := v.log.Key.Open(e.Checkpoint)
	switch {
	case err != nil:
		v.found(e.Number, "%v", err)
	case head != before:
		v.found(e.Number, "its checkpoint is of %d other entries: those before it were written anew", head.Size)
	default:
		v.signed(head, e.Checkpoint)
	}
}

func (v *verification) signed(h Head, checkpoint string) {
	v.report.Signed, v.report.Checkpoint = h, checkpoint
}

// compare compares the log with a head that it had once.
func (v *verification) compare(when string, h Head) {
	hash, known := v.hashes[h.Size]
	switch {
	case h.Size > v.log.Head.Size:
		v.found(0, "the log was cut after entry %d: it had %d entries %s", v.log.Head.Size, h.Size, when)
	case known && hash != h.Hash:
		v.found(h.Size, "it, or one before it, is not what it was %s", when)
	}
}
