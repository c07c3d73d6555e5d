package evidence

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/ca/register"
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

// Error is the text, behind the name of the file if it is about one.
func (p Problem) Error() string {
	if p.File == "" {
		return p.Text
	}
	return p.File + ": " + p.Text
}

// Level is how far a bundle can be relied on.
type Level string

// The levels, from the lowest.
const (
	// Refused is a bundle that contradicts itself, the paper or the plan.
	Refused Level = "refused"
	// Unanchored is one that fits together, and that no one has compared with the
	// paper: anyone may have made all of it.
	Unanchored Level = "unanchored"
	// Unproved is what the paper says it is, and leaves something open that a
	// ceremony can prove, such as that a device's certificate is its own.
	Unproved Level = "unproved"
	// Proved is one of which everything is proved, down from the paper.
	Proved Level = "proved"
)

// Report is what a bundle shows.
type Report struct {
	Ceremony   string
	Practice   bool
	Key        [sha256.Size]byte // fingerprint of the ceremony key
	Anchored   bool              // it, or the closing, was compared with the paper
	Closing    [sha256.Size]byte // SHA-256 of the checkpoint
	Begin, End time.Time
	Shown      []string // what was verified, in order
	Unproved   []string // what was not
	Exceptions []transcript.Entry
	Problems   []Problem
	// Chain is the evidence that the bundle goes on from, in order; State is who holds
	// what after it, nil where there is no custody.
	Chain    []*Origin
	State    *State
	Attached []Attachment // after the close
	// Plan, Entries and Facts are what all of it is about; what cannot be read is
	// missing.
	Plan    *plan.Plan
	Entries []transcript.Entry
	Facts   Facts
}

// Attachment is a file that was attached after the close, and what it says.
type Attachment struct{ File, Says string }

// Level is the level of the bundle.
func (r *Report) Level() Level {
	switch {
	case len(r.Problems) > 0:
		return Refused
	case !r.Anchored:
		return Unanchored
	case len(r.Unproved) > 0:
		return Unproved
	}
	return Proved
}

// verifier is a verification under way.
type verifier struct {
	bundle     *bundle
	options    Options
	report     *Report
	missing    map[string]bool // files
	exports    map[string]*register.Export
	plan       *plan.Plan
	planned    []step.Step            // of the plan
	actions    map[string]step.Action // by step
	bagSteps   map[string]string      // of a drill: where bags are opened, by thing
	transcript *transcript.Transcript
	counted    int             // exceptions, when the last step was done
	facts      Facts           // of the steps that are done
	before     State           // in force, where the bundle goes on from earlier evidence
	inForce    Facts           // of the steps that have made what there is, then or now
	said       map[string]said // entries, by step
	factsIn    map[int64]any   // facts of other entries, by index
}

func newVerifier(fsys fs.FS, options Options) (*verifier, error) {
	v := &verifier{options: options, report: &Report{}, missing: map[string]bool{}, exports: map[string]*register.Export{}, actions: map[string]step.Action{}, said: map[string]said{}, factsIn: map[int64]any{}}
	var err error
	if v.bundle, err = look(fsys); err != nil {
		v.problem("", "%v", err)
	}
	return v, v.joined()
}

func (v *verifier) problem(file, format string, args ...any) {
	switch n := len(v.report.Problems); {
	case n < maxProblems:
		text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ") // of joined errors
		if len(text) > maxProblem {
			text = strings.ToValidUTF8(text[:maxProblem], "") + " and so on"
		}
		v.report.Problems = append(v.report.Problems, Problem{file, text})
	case n == maxProblems:
		v.report.Problems = append(v.report.Problems, Problem{"", "there are more problems, which are not told"})
	}
}

// problems notes each of joined errors.
func (v *verifier) problems(file string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			v.problems(file, e)
		}
	} else if err != nil {
		v.problem(file, "%v", err)
	}
}

func (v *verifier) shown(format string, args ...any) {
	v.report.Shown = append(v.report.Shown, fmt.Sprintf(format, args...))
}

func (v *verifier) unproved(format string, args ...any) {
	v.report.Unproved = append(v.report.Unproved, fmt.Sprintf(format, args...))
}

// VerifyFolder is Verify of a folder on disk that no link leads out of. The
// error for a folder that is not the evidence of a closed ceremony says what it is;
// then the report has no problems.
func VerifyFolder(dir string, options Options) (report *Report, err error) {
	report = &Report{}
	err = inFolder(dir, func(fsys fs.FS) error {
		if err := closedEvidence(fsys, dir); err != nil {
			return err
		}
		report, err = Verify(fsys, options)
		return err
	})
	return report, err
}

// closedEvidence says what a folder is that is not the evidence of a closed
// ceremony, and what to do with it. One that cannot be told is for Verify.
func closedEvidence(fsys fs.FS, dir string) error {
	has := func(name string) bool {
		info, err := fs.Lstat(fsys, name)
		return err == nil && info.Mode().IsRegular()
	}
	inside := path.Join("evidence", TranscriptFile)
	switch {
	case !has(TranscriptFile) && has(inside):
		evidence := filepath.Join(dir, "evidence")
		return fmt.Errorf("%s is the folder of a ceremony, and its evidence is %s; verify that: conclave ceremony verify %s", dir, evidence, evidence)
	case !has(TranscriptFile) || has(SumsFile) || has(HeadFile):
		return nil
	case has(path.Join(OriginDir, TranscriptFile)):
		folder := filepath.Dir(filepath.Clean(dir))
		return fmt.Errorf("%s: this drill, or change, is not closed yet; go on with it: conclave ceremony run %s --backup DIR", dir, filepath.Join(folder, PlanFile))
	}
	return fmt.Errorf("%s: this ceremony is not closed yet; go on with it: conclave ceremony run PLAN --dir %s", dir, filepath.Dir(filepath.Clean(dir)))
}

// Verify checks a bundle with nothing but itself, and what the options know.
// Before anything of it is opened its names, kinds and sizes are looked at. The
// error joins all problems, each of which names its file. The report is there in
// any case; its Level says more than that nothing is wrong.
func Verify(fsys fs.FS, options Options) (*Report, error) {
	v, err := newVerifier(fsys, options)
	if err != nil {
		return v.report, err
	}
	v.sums()
	v.readPlan()
	v.readTranscript()
	v.contents()
	if v.transcript != nil {
		v.attachments()
	}
	return v.report, v.joined()
}

// Preview verifies a bundle that is about to be closed, as Verify will: what is
// wrong can still be put right. The entries are those of its transcript, and
// closing what the entry of its close will say.
func Preview(fsys fs.FS, entries []transcript.Entry, closing transcript.Entry) error {
	v, err := newVerifier(fsys, Options{})
	if err != nil {
		return err
	}
	v.readPlan()
	n := int64(len(entries))
	closing.Index = n
	end := transcript.Entry{Index: n + 1, Time: closing.Time, Kind: transcript.Closed}
	v.take(&transcript.Transcript{Entries: append(slices.Clone(entries), closing, end)})
	if key := v.readKey(); key != nil {
		v.report.Key = key.Fingerprint()
	}
	if v.bundle.holds(AttachmentsDir) {
		v.problem(AttachmentsDir, "it is for what comes after the close; take it out")
	}
	v.contents()
	return v.joined()
}

// contents checks what plan, transcript and files say of each other.
func (v *verifier) contents() {
	if v.transcript == nil || v.plan == nil {
		return
	}
	var err error
	v.facts, err = ReadFacts(v.plan, v.transcript.Entries)
	v.report.Facts = v.facts
	v.problems(TranscriptFile, err)
	if v.facts.Schema < 2 {
		v.unproved("the transcript is of schema %d, which has fewer facts: not all that is said in it can be compared (evidence of an earlier version)", v.facts.Schema)
	}
	v.named()
	v.strangers()
	v.inForce = v.facts
	if v.plan.Sequel() != nil && !v.sequel() {
		return
	}
	v.entries()
	v.opening()
	v.steps()
	switch v.plan.Kind() {
	case plan.Checking, plan.Emergency:
		drillCheck{v}.run()
	case plan.First:
		signatures{v}.register()
	default:
		changeCheck{v}.run()
	}
	v.holds()
}

// holds says who holds what after all that the bundle tells.
func (v *verifier) holds() {
	if v.plan.Custody == nil {
		return
	}
	own := &Origin{plan: v.plan, Facts: v.facts}
	state := first(own)
	if v.plan.Sequel() != nil {
		state = v.before.after(own)
	}
	v.report.State = &state
	for _, line := range state.holds() {
		v.shown("%s", line)
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
	if v.planned = p.Steps(); len(v.planned) > maxSteps {
		v.problem(PlanFile, "it has %d steps; %d at most were expected", len(v.planned), maxSteps)
		return
	}
	for _, s := range v.planned {
		v.actions[s.ID] = s.Action
	}
	if p.Sequel() != nil {
		v.bagSteps = p.BagSteps()
	}
	v.plan, v.report.Plan = p, p
	v.report.Ceremony, v.report.Practice = p.Ceremony, p.Practice
}

// readKey reads the ceremony key, nil if it is not one.
func (v *verifier) readKey() *transcript.PublicKey {
	content := v.read(KeyFile)
	if content == nil {
		return nil
	}
	key, err := transcript.ParsePublicKey(string(content))
	if err == nil && key.String()+"\n" != string(content) {
		err = errors.New("it is not written as a verifier key is")
	}
	if err != nil {
		v.problem(KeyFile, "%v", err)
		return nil
	}
	return &key
}

// readTranscript verifies the transcript under the ceremony key, to its end.
func (v *verifier) readTranscript() {
	text, key, head := v.read(TranscriptFile), v.readKey(), v.read(HeadFile)
	if text == nil || key == nil || head == nil {
		return
	}
	t, err := transcript.Verify(text, key.String())
	if err != nil {
		v.problem(TranscriptFile, "%v", err)
		return
	}
	if err := checkLastHead(t, head); err != nil {
		v.problem(HeadFile, "%v", err)
	}
	v.report.Key, v.report.Closing = key.Fingerprint(), sha256.Sum256(head)
	v.checkKey()
	v.take(t)
	v.shown("transcript: %d entries, each signed by the ceremony key, from %s to %s", len(t.Entries), Clock(v.report.Begin), Clock(v.report.End))
}

// take takes from a transcript what is looked at later.
func (v *verifier) take(t *transcript.Transcript) {
	v.transcript, v.report.Entries = t, t.Entries
	v.report.Begin, v.report.End = t.Entries[0].Time, t.Entries[len(t.Entries)-1].Time
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
	v.report.Anchored = v.options.Key != nil || v.options.Closing != nil
	for _, c := range []struct {
		file, what string
		want       []byte
		got        []byte
	}{{KeyFile, "fingerprint", v.options.Key, v.report.Key[:]}, {HeadFile, "SHA-256", v.options.Closing, v.report.Closing[:]}} {
		if c.want != nil && subtle.ConstantTimeCompare(c.want, c.got) != 1 {
			v.report.Anchored = false
			v.problem(c.file, "its %s is %x, and the paper has %x: this is not the evidence of that ceremony", c.what, c.got, c.want)
		}
	}
}

// named checks the files that the transcript names.
func (v *verifier) named() {
	closing := step.Close.ID()
	files := Of[step.CloseFacts](v.facts, closing).Files
	for _, name := range slices.Sorted(maps.Keys(files)) {
		got, err := v.bundle.sum(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			v.problem(name, "it is missing; step %s, fact %q names it", closing, "file "+name)
		case err != nil:
			v.problem(name, "%v", err)
		case got != string(files[name]):
			v.problem(name, "its SHA-256 is %s, and %s in the transcript (step %s, fact %q): it was changed after the close", got, files[name], closing, "file "+name)
		}
	}
	for _, name := range v.bundle.names {
		if named(name) && files[name] == "" {
			v.problem(name, "the transcript does not name it (step %s, fact %q): it was added after the close", closing, "file "+name)
		}
	}
	v.shown("files: %d, as the transcript names them", len(files))
}

// opening checks what the transcript begins with.
func (v *verifier) opening() {
	opened := read[step.Opened](v, v.transcript.Entries[0])
	v.agrees(PlanFile, opening, "plan sha256", string(opened.Plan), v.sum(PlanFile))
	v.agrees(KeyFile, opening, "ceremony key sha256", string(opened.Key), fmt.Sprintf("%x", v.report.Key))
	content := v.read(SoftwareFile)
	if content == nil {
		return
	}
	document, err := sbom.Parse(content)
	if err != nil {
		v.problem(SoftwareFile, "%v", err)
		return
	}
	v.agrees(SoftwareFile, opening, "program sha256", string(opened.Program), fmt.Sprintf("%x", document.SHA256))
	v.agrees(SoftwareFile, opening, "program version", opened.Version, document.Version)
	v.shown("program: conclave %s, SHA-256 %s", opened.Version, opened.Program)
}

// opening is how problems call the entry that opens a transcript.
const opening = "entry 0 (opened)"

// agrees compares a fact, of a step or of the opening, with what a file says;
// nothing agrees with nothing.
func (v *verifier) agrees(file, id, fact, got, want string) bool {
	if got == want && got != "" {
		return true
	}
	if id != opening {
		id = "step " + id
	}
	v.problem(file, "%s, fact %q: the transcript has %s, and %s was expected", id, fact, orNothing(got), orNothing(want))
	return false
}

// same compares facts of two steps.
func (v *verifier) same(id, fact, got, otherID, otherFact, want string) {
	if got != want || got == "" {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s, and step %s has %s as the fact %q", id, fact, orNothing(got), otherID, orNothing(want), otherFact)
	}
}

// equal notes a problem with a file where two texts differ, or there is nothing.
func (v *verifier) equal(file, what, got, want string) bool {
	if got != want || got == "" {
		v.problem(file, "%s is %s, and %s was expected", what, orNothing(got), orNothing(want))
		return false
	}
	return true
}

// sum is the SHA-256 of a file, which must be there; empty if it cannot be read.
func (v *verifier) sum(name string) string {
	sum, err := v.bundle.sum(name)
	if err != nil {
		v.unreadable(name, err)
		return ""
	}
	return sum
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}
