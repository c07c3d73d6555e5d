package ceremony

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ca"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/dkek"
	"conclave/quorum"
	"conclave/wire"
)

// log is the transcript of a ceremony under way: what is written, and what it says
// of the steps that are done.
type log struct {
	writer *transcript.Writer
	plan   *plan.Plan
	now    func() time.Time
	tell   func(string)
	// written is told of all entries after each; nil for no one.
	written func([]transcript.Entry)
	step    step.Step      // under way
	facts   evidence.Facts // of the steps that are done
	before  evidence.Facts // in a drill, those of its ceremony
}

// of gives the facts of a step that is done, in this ceremony or, if it is a drill, in
// the ceremony.
func of[T any](l *log, id string) T {
	if l.facts.Done(id) {
		return evidence.Of[T](l.facts, id)
	}
	return evidence.Of[T](l.before, id)
}

// doneEntry is the entry of a step that is done. One that lacks a fact is not.
func (l *log) doneEntry(s step.Step, d done) (transcript.Entry, error) {
	facts, err := step.Write(d.facts, l.facts.Schema)
	if _, unshown := d.facts.(step.UnshownFacts); err == nil && !unshown {
		err = step.Read(facts, l.facts.Schema, s.Action.New())
	}
	if err != nil {
		return transcript.Entry{}, fmt.Errorf("step %s is not complete: %w", s.ID, err)
	}
	return transcript.Entry{Time: l.now(), Step: s.ID, Kind: transcript.Done, By: l.plan.Lead(s.By), Text: d.text, Facts: facts}, nil
}

// finish writes that a step is done.
func (l *log) finish(s step.Step, e transcript.Entry) error {
	if err := l.append(e); err != nil {
		return err
	}
	return l.facts.Add(s.Action, s.ID, e.Facts)
}

// note writes an entry of the step under way to the transcript. Facts are a
// struct of package step, or nil.
func (l *log) note(kind transcript.Kind, by, text string, facts any) error {
	if facts == nil {
		facts = step.NoFacts{}
	}
	written, err := step.Write(facts, l.facts.Schema)
	if err != nil {
		return err
	}
	return l.append(transcript.Entry{Time: l.now(), Step: l.step.ID, Kind: kind, By: by, Text: text, Facts: written})
}

// append writes an entry. Where the clock was put back an exception says so
// before it, but not after the exceptions were counted: there time stands still.
func (l *log) append(e transcript.Entry) error {
	if err := l.plan.CheckTime(e.Time); err != nil { // no one could close it
		return fmt.Errorf("the computer's clock: %w; set it, and go on with the same command", err)
	}
	if ordered := l.inOrder(e); !ordered.Time.Equal(e.Time) {
		if e.Kind == transcript.Closed || e.Kind == transcript.Done && e.Step == step.Close.ID() {
			e = ordered
		} else if err := l.clockBack(ordered.Time, e); err != nil {
			return err
		}
	}
	return l.write(e)
}

func (l *log) write(e transcript.Entry) error {
	if _, err := l.writer.Append(e); err != nil {
		return fmt.Errorf("writing the transcript: %w", err)
	}
	if l.written != nil {
		l.written(l.writer.Entries())
	}
	return nil
}

// inOrder gives an entry a time that is not before the last one's.
func (l *log) inOrder(e transcript.Entry) transcript.Entry {
	if entries := l.writer.Entries(); len(entries) > 0 {
		if last := entries[len(entries)-1].Time; e.Time.Truncate(time.Second).Before(last) {
			e.Time = last
		}
	}
	return e
}

func (l *log) clockBack(last time.Time, e transcript.Entry) error {
	facts, err := step.Write(step.ExceptionFacts{Clock: evidence.Clock(last)}, l.facts.Schema)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("the computer's clock was put back, from %s or later to %s", evidence.Clock(last), evidence.Clock(e.Time))
	l.tell("Exception: " + text)
	return l.write(transcript.Entry{Time: e.Time, Step: e.Step, Kind: transcript.Exception, Text: text, Facts: facts})
}

// noteException writes an exception to the transcript, and tells its number.
func (l *log) noteException(who, text string, facts step.ExceptionFacts) error {
	if err := l.note(transcript.Exception, who, text, facts); err != nil {
		return err
	}
	l.tell(fmt.Sprintf("Exception %d: %s. It is in the transcript; write it on an exception sheet too.", l.count(transcript.Exception), text))
	return nil
}

func (l *log) count(kind transcript.Kind) (n int) {
	for _, e := range l.writer.Entries() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// read reads the facts of an entry if it is of a kind, else none. What is wrong with
// them is for the close to say.
func read[T any](l *log, e transcript.Entry, kind transcript.Kind) (facts T) {
	if e.Kind == kind {
		_ = step.Read(e.Facts, l.facts.Schema, &facts)
	}
	return facts
}

// programBefore is the program that has written the last entries.
func (l *log) programBefore() (before step.Resumed) {
	for _, e := range l.writer.Entries() {
		opened, other := read[step.Opened](l, e, transcript.Opened), read[step.ExceptionFacts](l, e, transcript.Exception)
		if program := cmp.Or(opened.Program, other.Program); program != "" {
			before = step.Resumed{Program: program, Version: cmp.Or(opened.Version, other.Version)}
		}
	}
	return before
}

// sheetsShown says whether there are sheets that no one has declared void.
func (l *log) sheetsShown() (shown bool) {
	for _, e := range l.writer.Entries() {
		note, void := read[step.NoteFacts](l, e, transcript.Note), read[step.ExceptionFacts](l, e, transcript.Exception)
		if sheets := cmp.Or(note.Sheets, void.Sheets); sheets != "" {
			shown = sheets == step.SheetsShown
		}
	}
	return shown
}

func (l *log) noteVoid() error {
	text := "the making of the sheets was interrupted before they were proved; every sheet made so far is void, and is to be destroyed"
	return l.noteException("", text, step.ExceptionFacts{Sheets: step.SheetsVoid})
}

// noteCustodians notes who has opened the share file, before it is used.
func (l *log) noteCustodians(opened *custody.Opened, record *quorum.Record) (who string, err error) {
	var numbers []string
	for _, s := range opened.Shares {
		numbers = append(numbers, strconv.Itoa(record.NumberOf(s)))
	}
	who = strings.Join(numbers, ", ")
	return who, l.note(transcript.Note, "", "the share file is opened by custodians "+who, step.NoteFacts{Custodians: who})
}

// custodiansNoted are those who had opened the share file when the step was
// interrupted.
func (l *log) custodiansNoted() string {
	noted := evidence.LostCustodians
	for _, e := range l.writer.Entries() {
		if e.Step == l.step.ID {
			noted = cmp.Or(read[step.NoteFacts](l, e, transcript.Note).Custodians, noted)
		}
	}
	return noted
}

// absence is 1 for a custodian who was not here when a drill asked for their
// sheet.
func (l *log) absence(custodian int) int {
	if of[step.LoneSheetFacts](l, step.LoneSheet.ID(strconv.Itoa(custodian))).Sheet == step.SheetAbsent {
		return 1
	}
	return 0
}

// kcv is the key check value of the share file.
func (l *log) kcv() string { return of[step.ShareFacts](l, step.Share.ID()).KCV }

// checkKCV compares a device's DKEK with the share file's.
func (l *log) checkKCV(status *wire.DKEKStatus) error {
	if status.Outstanding != 0 {
		return fmt.Errorf("the device still waits for %d DKEK shares", status.Outstanding)
	}
	if kcv := dkek.KCV(status.KCV).String(); kcv != l.kcv() {
		return fmt.Errorf("the device's DKEK has key check value %s, and the share file %s", kcv, l.kcv())
	}
	return nil
}

// reference is that of a key of this plan.
func (l *log) reference(key string) (byte, error) {
	ref := of[step.GenerateFacts](l, step.Generate.ID(key)).Reference
	if ref < 1 || ref > 255 {
		return 0, fmt.Errorf("the transcript does not say at which reference the key %s is", key)
	}
	return byte(ref), nil
}

func (l *log) noteIntent(kind ca.Kind, number string, tbs []byte) error {
	return l.note(transcript.Note, "", "about to sign", step.NoteFacts{Sign: string(kind), Number: number, TBS: sumOf(sha256.Sum256(tbs))})
}

// intents are what this step was about to sign, at any time: numbers, by the hash
// of what was to be signed.
func (l *log) intents() map[string]string {
	intents := map[string]string{}
	for _, e := range l.writer.Entries() {
		if note := read[step.NoteFacts](l, e, transcript.Note); e.Step == l.step.ID && note.TBS != "" {
			intents[string(note.TBS)] = note.Number
		}
	}
	return intents
}

// hasOutcome says whether an exception has said what came of something that was about
// to be signed.
func (l *log) hasOutcome(tbs string) bool {
	return slices.ContainsFunc(l.writer.Entries(), func(e transcript.Entry) bool {
		return string(read[step.ExceptionFacts](l, e, transcript.Exception).TBS) == tbs
	})
}

// bagSeen is how the bag of a thing was when it was looked at, also before an
// interruption; empty if it was not.
func (l *log) bagSeen(thing string) (found string) {
	for _, e := range l.writer.Entries() {
		note, changed := read[step.NoteFacts](l, e, transcript.Note), read[step.ExceptionFacts](l, e, transcript.Exception)
		found = cmp.Or(note.Bag[thing], changed.Bag[thing], found)
	}
	return found
}

// hexOf writes a hash in lower-case hexadecimal.
func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

// sumOf writes a hash as facts have it.
func sumOf(sum [32]byte) step.Sum { return step.Sum(hexOf(sum)) }
