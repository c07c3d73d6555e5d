package ceremony

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
)

// begin begins a ceremony in a new folder, or reads where it was left.
func (c Ceremony) begin() (*proceedings, error) {
	l := &log{plan: c.Plan, now: c.Now, tell: c.Room.Tell, written: c.Written}
	q := &people{Room: c.Room, plan: c.Plan, log: l}
	if c.Before != nil {
		q.chain = c.Before.Chain
	}
	b := backup{c.Dir.Backup()}
	var old backup
	if c.Before != nil {
		l.before, old = c.Before.Chain.State.Facts, backup{c.Before.Backup}
		if c.Plan.LeavesBackup() {
			b = old
		}
	}
	p := &proceedings{
		Ceremony: c, log: l, people: q, backups: b, old: old, devices: &sessions{Devices: c.Devices, plan: c.Plan, people: q, log: l},
		keys: keyring{plan: c.Plan, log: l, backups: b, tell: c.announce},
	}
	_, err := os.Stat(c.Dir.evidence(evidence.TranscriptFile))
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
func (p *proceedings) create() error {
	for _, dir := range []string{p.Dir.Evidence(), p.Dir.Backup(), p.Dir.Publish()} {
		if err := safefile.MkdirAll(dir); err != nil {
			return err
		}
	}
	key, err := p.Dir.newKey(p.Source, p.Now())
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{evidence.PlanFile: p.Source, evidence.KeyFile: []byte(key.Public().String() + "\n")} {
		if err := p.Dir.put(name, content); err != nil {
			return err
		}
	}
	if err := p.putProgram(); err != nil {
		return err
	}
	if err := p.putChain(); err != nil {
		return err
	}
	p.key = key.Public()
	if p.log.writer, err = transcript.Create(p.Dir.evidence(evidence.TranscriptFile), key); err != nil {
		return err
	}
	return p.noteOpening()
}

// putProgram puts what is of this program into the evidence, before the opening
// says which program it is; another one may have begun, and come no further.
func (p *proceedings) putProgram() error {
	for name, content := range map[string][]byte{evidence.SoftwareFile: p.Program.SBOM, evidence.ReadMeFile: []byte(evidence.ReadMe)} {
		if err := replaceFile(p.Dir.evidence(name), content); err != nil {
			return err
		}
	}
	return nil
}

func (p *proceedings) noteOpening() (err error) {
	opened := step.Opened{
		Plan: sumOf(sha256.Sum256(p.Source)), Key: sumOf(p.key.Fingerprint()),
		Program: sumOf(p.Program.SHA256), Version: p.Program.Version, Schema: step.Schema,
	}
	p.log.facts.Schema = step.Schema
	if err := p.log.note(transcript.Opened, "", p.Plan.Ceremony, opened); err != nil {
		return err
	}
	p.log.facts, err = evidence.ReadFacts(p.Plan, p.log.writer.Entries())
	return err
}

// newKey makes the ceremony key, or takes the one that a power cut has left
// before the transcript was begun.
func (f Folder) newKey(plan []byte, now time.Time) (*transcript.Key, error) {
	if key, err := f.readKey(); err == nil {
		return key, nil
	}
	// One that cannot be read is what a power cut has left, before anything was
	// signed with it.
	if err := os.Remove(f.key()); err != nil && safefile.Exists(f.key()) {
		return nil, err
	}
	sum := sha256.Sum256(plan)
	key, err := transcript.NewKey(rand.Reader, fmt.Sprintf("conclave/%x/%s", sum[:8], now.UTC().Format("20060102T150405Z")))
	if err != nil {
		return nil, err
	}
	private := key.Private()
	defer private.Wipe()
	return key, safefile.CreateInPlace(f.key(), append(private, '\n'))
}

// errDestroyed is the error for a key that was overwritten, and whose file a
// power cut has left.
var errDestroyed = errors.New("the ceremony key is destroyed")

func (f Folder) readKey() (*transcript.Key, error) {
	content, err := safefile.Read(f.key(), maxSmall)
	if err != nil {
		return nil, err
	}
	if len(content) > 0 && len(bytes.Trim(content, "\x00")) == 0 {
		return nil, errDestroyed
	}
	defer clear(content)
	return transcript.ParseKey(content)
}

// ErrClosed is the error for a ceremony that is over.
var ErrClosed = errors.New("this ceremony is closed")

// resume reads what was done, and checks that it is the same plan.
func (p *proceedings) resume() error {
	key, err := p.Dir.readKey()
	if errors.Is(err, errDestroyed) {
		err = os.Remove(p.Dir.key())
	}
	if key == nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		return fmt.Errorf("%s: %w; verify its evidence with: conclave ceremony verify %s", p.Dir, ErrClosed, p.Dir.Evidence())
	}
	if err != nil {
		return err
	}
	before, err := safefile.Read(p.Dir.evidence(evidence.PlanFile), plan.MaxFile)
	if err != nil {
		return err
	}
	if !bytes.Equal(before, p.Source) {
		return fmt.Errorf("%s was begun with another plan, which is in %s; go on with that one, or begin again in another folder", p.Dir, p.Dir.evidence(evidence.PlanFile))
	}
	p.key = key.Public()
	for _, dir := range []string{p.Dir.Evidence(), p.Dir.Backup(), p.Dir.Publish()} {
		if err := safefile.Sweep(dir); err != nil {
			return err
		}
	}
	if p.log.writer, err = transcript.Resume(p.Dir.evidence(evidence.TranscriptFile), key); err != nil {
		return err
	}
	if len(p.log.writer.Entries()) == 0 { // the power failed before the first one
		return errors.Join(p.putProgram(), p.noteOpening())
	}
	if p.log.facts, err = evidence.ReadFacts(p.Plan, p.log.writer.Entries()); err != nil {
		return fmt.Errorf("%s: %w", p.Dir.evidence(evidence.TranscriptFile), err)
	}
	if err := p.putChain(); err != nil {
		return err
	}
	return p.noteResumption()
}

// noteResumption says what a power cut has left, if that is why.
func (p *proceedings) noteResumption() error {
	entries := p.log.writer.Entries()
	last := entries[len(entries)-1]
	if last.Kind == transcript.Closed {
		return nil
	}
	p.log.step.ID = last.Step
	text := "resumed"
	if p.log.writer.Torn() != nil {
		text += "; the last line of the transcript was cut off, as by a power cut, and is dropped"
	}
	if last.Kind == transcript.Begun {
		text += "; the step " + last.Step + " was begun, and is taken again"
	}
	p.people.Tell("Going on with the ceremony in " + string(p.Dir) + ": steps done so far: " + strconv.Itoa(p.log.facts.Len()) + ".")
	before := p.log.programBefore()
	now := step.Resumed{Program: sumOf(p.Program.SHA256), Version: p.Program.Version}
	if err := p.log.note(transcript.Resumed, "", text, now); err != nil || now == before {
		return err
	}
	text = fmt.Sprintf("another program continues the ceremony: conclave %s, SHA-256 %s, instead of conclave %s, SHA-256 %s", now.Version, now.Program, before.Version, before.Program)
	return p.log.noteException("", text, step.ExceptionFacts{Program: now.Program, Version: now.Version})
}
