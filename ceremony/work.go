package ceremony

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
)

// work is the folder of the act under way.
type work = Folder

// putFile writes a file, unless it is there with that content.
func putFile(path string, content []byte) error {
	present, err := os.ReadFile(path)
	if err == nil && bytes.Equal(present, content) {
		return nil
	}
	if err == nil && len(present) == 0 { // a power cut has left the name alone
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return safefile.Create(path, content)
}

// begin begins an act in a new folder, or reads where it was left.
func (a Act) begin() (*performance, error) {
	p := &performance{Act: a, work: work(a.Dir)}
	p.devices.performance = p
	p.backups = p.work.Backup()
	if a.Drill != nil {
		p.backups = a.Drill.Backup
	}
	_, err := os.Stat(p.work.evidence(evidence.TranscriptFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = p.create()
	case err == nil:
		err = p.resume()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// create makes the folder, the ceremony key and the transcript.
func (p *performance) create() error {
	for _, dir := range []string{p.work.evidence(""), p.work.Backup(), p.work.publish("")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	key, err := p.newKey()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		evidence.PlanFile: p.Source, evidence.KeyFile: []byte(key.Public().String() + "\n"),
		evidence.SoftwareFile: p.Program.SBOM, evidence.ReadMeFile: []byte(evidence.ReadMe),
	} {
		if err := p.work.put(name, content); err != nil {
			return err
		}
	}
	if err := p.putOrigins(); err != nil {
		return err
	}
	p.key = key.Public()
	if p.writer, err = transcript.Create(p.work.evidence(evidence.TranscriptFile), key); err != nil {
		return err
	}
	return p.noteOpening()
}

func (p *performance) noteOpening() (err error) {
	opened := step.Opened{
		Plan: sumOf(sha256.Sum256(p.Source)), Key: sumOf(p.key.Fingerprint()),
		Program: sumOf(p.Program.SHA256), Version: p.Program.Version, Schema: step.Schema,
	}
	p.facts.Schema = step.Schema
	if err := p.note(transcript.Opened, "", p.Plan.Ceremony, opened); err != nil {
		return err
	}
	p.facts, err = evidence.ReadFacts(p.Plan, p.writer.Entries())
	return err
}

// newKey makes the ceremony key, or takes the one that a power cut has left
// before the transcript was begun.
func (p *performance) newKey() (*transcript.Key, error) {
	if key, err := p.readKey(); err == nil {
		return key, nil
	}
	// One that cannot be read is what a power cut has left, before anything was
	// signed with it.
	if err := os.Remove(p.work.key()); err != nil && safefile.Exists(p.work.key()) {
		return nil, err
	}
	sum := sha256.Sum256(p.Source)
	key, err := transcript.NewKey(rand.Reader, fmt.Sprintf("conclave/%x/%s", sum[:8], p.Now().UTC().Format("20060102T150405Z")))
	if err != nil {
		return nil, err
	}
	private := key.Private()
	defer private.Wipe()
	return key, safefile.CreateInPlace(p.work.key(), append(private, '\n'))
}

// errDestroyed is the error for a key that was overwritten, and whose file a
// power cut has left.
var errDestroyed = errors.New("the ceremony key is destroyed")

func (p *performance) readKey() (*transcript.Key, error) {
	content, err := os.ReadFile(p.work.key())
	if err != nil {
		return nil, err
	}
	if len(content) > 0 && len(bytes.Trim(content, "\x00")) == 0 {
		return nil, errDestroyed
	}
	defer clear(content)
	return transcript.ParseKey(content)
}

// ErrClosed is the error for an act that is over.
var ErrClosed = errors.New("this ceremony is closed")

// resume reads what was done, and checks that it is the same plan.
func (p *performance) resume() error {
	key, err := p.readKey()
	if errors.Is(err, errDestroyed) {
		err = os.Remove(p.work.key())
	}
	if key == nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		return fmt.Errorf("%s: %w; verify its evidence with: conclave ceremony verify %s", p.Dir, ErrClosed, p.work.evidence(""))
	}
	if err != nil {
		return err
	}
	before, err := os.ReadFile(p.work.evidence(evidence.PlanFile))
	if err != nil {
		return err
	}
	if !bytes.Equal(before, p.Source) {
		return fmt.Errorf("%s was begun with another plan, which is in %s; go on with that one, or begin anew in another folder", p.Dir, p.work.evidence(evidence.PlanFile))
	}
	p.key = key.Public()
	for _, dir := range []string{p.work.evidence(""), p.work.Backup(), p.work.publish("")} {
		if err := safefile.Sweep(dir); err != nil {
			return err
		}
	}
	if p.writer, err = transcript.Resume(p.work.evidence(evidence.TranscriptFile), key); err != nil {
		return err
	}
	if len(p.writer.Entries()) == 0 { // the power failed before the first one
		return p.noteOpening()
	}
	if p.facts, err = evidence.ReadFacts(p.Plan, p.writer.Entries()); err != nil {
		return fmt.Errorf("%s: %w", p.work.evidence(evidence.TranscriptFile), err)
	}
	if err := p.putOrigins(); err != nil {
		return err
	}
	return p.noteResumption()
}

// noteResumption says what a power cut has left, if that is why.
func (p *performance) noteResumption() error {
	entries := p.writer.Entries()
	last := entries[len(entries)-1]
	if last.Kind == transcript.Closed {
		return nil
	}
	p.step.ID = last.Step
	text := "resumed"
	if p.writer.Torn() != nil {
		text += "; the last line of the transcript was cut off, as by a power cut, and is dropped"
	}
	if last.Kind == transcript.Begun {
		text += "; the step " + last.Step + " was begun, and is taken again"
	}
	p.Room.Tell("Going on with the ceremony in " + p.Dir + ": steps done so far: " + strconv.Itoa(p.facts.Len()) + ".")
	before := p.programBefore()
	now := step.Resumed{Program: sumOf(p.Program.SHA256), Version: p.Program.Version}
	if err := p.note(transcript.Resumed, "", text, now); err != nil || now == before {
		return err
	}
	text = fmt.Sprintf("another program goes on with the ceremony: conclave %s, SHA-256 %s, in place of conclave %s, SHA-256 %s", now.Version, now.Program, before.Version, before.Program)
	return p.noteException("", text, step.ExceptionFacts{Program: now.Program, Version: now.Version})
}

// programBefore is the program that has written the last entries.
func (p *performance) programBefore() (before step.Resumed) {
	for _, e := range p.writer.Entries() {
		if e.Kind == transcript.Opened || e.Kind == transcript.Resumed {
			before = step.Resumed{Program: step.Sum(e.Facts["program sha256"]), Version: e.Facts["program version"]}
		}
	}
	return before
}

// shareFile is the DKEK share file. It is the only one, for the DKEK has one
// share, which the custodians' quorum shares out.
func (p *performance) shareFile() string { return filepath.Join(p.backups, "dkek.pbe") }

// wrapped is the file of a wrapped key.
func (p *performance) wrapped(key string) string { return filepath.Join(p.backups, key+".wrap") }
