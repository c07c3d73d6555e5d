package evidence

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/sbom"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// Options are what a verifier knows from elsewhere.
type Options struct {
	// Key is the fingerprint of the ceremony key, from the paper; nil if there is
	// none, and then anyone may have made the whole bundle.
	Key []byte
	// Closing is the SHA-256 of the checkpoint, from the paper; nil if there is none.
	Closing []byte
	// StampRoots are the roots of time-stamping authorities, and Signers the keys of
	// witnesses in ssh-keygen's ALLOWED SIGNERS format; nil for what is in the
	// bundle, which whoever attached it has chosen.
	StampRoots *x509.CertPool
	Signers    []byte
}

// Problem is something that is not as it must be.
type Problem struct {
	File string // of the bundle; empty where it is about none
	Text string
}

func (p Problem) Error() string {
	if p.File == "" {
		return p.Text
	}
	return p.File + ": " + p.Text
}

// Report is what a bundle shows.
type Report struct {
	Ceremony   string
	Practice   bool
	Key        [sha256.Size]byte // fingerprint of the ceremony key
	KeyChecked bool              // it, or the closing, against the paper
	Closing    [sha256.Size]byte // SHA-256 of the checkpoint
	Begin, End time.Time
	Shown      []string // what was verified, in order
	Exceptions []transcript.Entry
	Problems   []Problem
}

// verifier is a verification under way.
type verifier struct {
	bundle     fs.FS
	options    Options
	report     *Report
	missing    map[string]bool
	plan       *plan.Plan
	transcript *transcript.Transcript
	done       []string         // steps
	facts      map[string]Facts // of these
}

func newVerifier(bundle fs.FS, options Options) *verifier {
	return &verifier{bundle: bundle, options: options, report: &Report{}, missing: map[string]bool{}, facts: map[string]Facts{}}
}

func (v *verifier) problem(file, format string, args ...any) {
	v.report.Problems = append(v.report.Problems, Problem{file, fmt.Sprintf(format, args...)})
}

func (v *verifier) shown(format string, args ...any) {
	v.report.Shown = append(v.report.Shown, fmt.Sprintf(format, args...))
}

// Verify checks a bundle with nothing but itself, and what the options know.
// The error joins all problems, each of which names its file. The report is
// there in any case.
func Verify(bundle fs.FS, options Options) (*Report, error) {
	v := newVerifier(bundle, options)
	v.sums()
	v.readPlan()
	v.readTranscript()
	if v.transcript != nil {
		v.named()
		v.attachments()
	}
	v.contents()
	return v.report, v.joined()
}

// Preview verifies a bundle that is about to be closed, as Verify will: what is
// wrong can still be put right. The entries are those of its transcript, and
// closing what the entry of its close will say.
func Preview(bundle fs.FS, entries []transcript.Entry, closing Facts) error {
	v := newVerifier(bundle, Options{})
	v.readPlan()
	end := entries[len(entries)-1].Time
	entries = append(slices.Clone(entries),
		transcript.Entry{Time: end, Step: step.Close.ID(), Kind: transcript.Done, Facts: closing}, transcript.Entry{Time: end, Kind: transcript.Closed})
	v.take(&transcript.Transcript{Entries: entries})
	if content := v.read(KeyFile); content != nil {
		key, err := transcript.ParsePublicKey(string(content))
		if err != nil || key.String()+"\n" != string(content) {
			v.problem(KeyFile, "it is not the verifier key that was written")
		} else {
			v.report.Key = key.Fingerprint()
		}
	}
	if _, err := fs.Stat(bundle, AttachmentsDir); err == nil {
		v.problem(AttachmentsDir, "it is for what comes after the close; take it out")
	}
	v.named()
	v.contents()
	return v.joined()
}

// contents checks what plan, transcript and files say of each other.
func (v *verifier) contents() {
	if v.transcript == nil || v.plan == nil {
		return
	}
	v.opening()
	v.steps()
	if v.plan.Drill != nil {
		v.drill()
	} else {
		v.register()
	}
}

func (v *verifier) joined() error {
	var problems []error
	for _, p := range v.report.Problems {
		problems = append(problems, p)
	}
	return errors.Join(problems...)
}

func (v *verifier) readPlan() {
	content := v.read(PlanFile)
	if content == nil {
		return
	}
	p, err := plan.Parse(content)
	if err == nil {
		err = p.Check()
	}
	if err != nil {
		v.problem(PlanFile, "%v", err)
		return
	}
	v.plan = p
	v.report.Ceremony, v.report.Practice = p.Ceremony, p.Practice
}

// readTranscript verifies the transcript under the ceremony key, to its end.
func (v *verifier) readTranscript() {
	text, key, head := v.read(TranscriptFile), v.read(KeyFile), v.read(HeadFile)
	if text == nil || key == nil || head == nil {
		return
	}
	t, err := transcript.Verify(text, string(key))
	if err != nil {
		v.problem(TranscriptFile, "%v", err)
		return
	}
	if !bytes.Equal(key, []byte(t.Key.String()+"\n")) {
		v.problem(KeyFile, "it is not written as a verifier key is")
	}
	if err := checkLastHead(t, head); err != nil {
		v.problem(HeadFile, "%v", err)
	}
	if len(t.Entries) == 0 {
		v.problem(TranscriptFile, "it is empty")
		return
	}
	v.report.Key, v.report.Closing = t.Key.Fingerprint(), sha256.Sum256(head)
	v.checkKey()
	v.take(t)
	for _, index := range t.Backward() {
		v.shown("clock: at entry %d the time goes back; the clock was put right", index)
	}
	v.shown("transcript: %d entries, each signed by the ceremony key, from %s to %s", len(t.Entries), v.report.Begin.Format(time.RFC3339), v.report.End.Format(time.RFC3339))
}

// take takes from a transcript what is looked at later.
func (v *verifier) take(t *transcript.Transcript) {
	v.transcript = t
	entries := t.Entries
	v.report.Begin, v.report.End = entries[0].Time, entries[len(entries)-1].Time
	v.done = doneSteps(entries, v.facts)
	for _, e := range entries {
		if e.Kind == transcript.Exception {
			v.report.Exceptions = append(v.report.Exceptions, e)
		}
	}
}

// checkLastHead wants the tree head after the last entry, and no other: earlier
// ones are signed too.
func checkLastHead(t *transcript.Transcript, head []byte) error {
	if len(t.Heads) > 0 && string(head) == t.Heads[len(t.Heads)-1] {
		return nil
	}
	if err := t.CheckHead(string(head)); err != nil {
		return err
	}
	return errors.New("it is not the tree head after the last entry of the transcript")
}

// checkKey compares key and closing with the paper.
func (v *verifier) checkKey() {
	v.report.KeyChecked = v.options.Key != nil || v.options.Closing != nil
	for _, c := range []struct {
		file, what string
		want       []byte
		got        []byte
	}{{KeyFile, "fingerprint", v.options.Key, v.report.Key[:]}, {HeadFile, "SHA-256", v.options.Closing, v.report.Closing[:]}} {
		if c.want != nil && subtle.ConstantTimeCompare(c.want, c.got) != 1 {
			v.report.KeyChecked = false
			v.problem(c.file, "its %s is %x, and the paper has %x: this is not the evidence of that ceremony", c.what, c.got, c.want)
		}
	}
}

// named checks the files that the transcript names.
func (v *verifier) named() {
	closing := v.facts[step.Close.ID()]
	files := 0
	for fact, sum := range closing {
		name, ok := strings.CutPrefix(fact, FactFile)
		if !ok {
			continue
		}
		files++
		if content := v.read(name); content != nil && hashOf(content) != sum {
			v.problem(name, "its SHA-256 is %s, and %s in the transcript: it was changed after the close", hashOf(content), sum)
		}
	}
	names, _ := walk(v.bundle) // sums has told an error
	for _, name := range names {
		if named(name) && closing[FactFile+name] == "" {
			v.problem(name, "the transcript does not name it: it was added after the close")
		}
	}
	v.shown("files: %d, as the transcript names them", files)
}

// opening checks what the transcript begins with.
func (v *verifier) opening() {
	entries := v.transcript.Entries
	first, last := entries[0], entries[len(entries)-1]
	if first.Kind != transcript.Opened {
		v.problem(TranscriptFile, "it does not begin with the opening")
		return
	}
	if last.Kind != transcript.Closed {
		v.problem(TranscriptFile, "the ceremony was not closed, or the end is missing")
	}
	v.equal(PlanFile, "the SHA-256 of the plan", hashOf(v.read(PlanFile)), first.Facts[FactPlan])
	v.equal(KeyFile, "the fingerprint of the ceremony key", fmt.Sprintf("%x", v.report.Key), first.Facts[FactKey])
	v.software(first.Facts)
}

// software compares the bill of materials with what the transcript says ran.
func (v *verifier) software(opened Facts) {
	content := v.read(SoftwareFile)
	if content == nil {
		return
	}
	document, err := sbom.Parse(content)
	if err != nil {
		v.problem(SoftwareFile, "%v", err)
		return
	}
	v.equal(SoftwareFile, "the SHA-256 of the program", fmt.Sprintf("%x", document.SHA256), opened[FactProgram])
	v.shown("program: conclave %s, SHA-256 %s", opened[FactVersion], opened[FactProgram])
}

// equal notes a problem with a file where two texts differ.
func (v *verifier) equal(file, what, got, want string) bool {
	if got != want {
		v.problem(file, "%s is %s, and %s was expected", what, orNothing(got), orNothing(want))
	}
	return got == want
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}
