package ceremony

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
	"conclave/quorum"
)

// closing completes the evidence, and seals it.
type closing struct{ *proceedings }

// close completes the evidence. What comes after it is for finish.
func (p closing) close(ctx context.Context, _ string) (done, error) {
	if err := p.photos(ctx); err != nil {
		return done{}, err
	}
	facts, err := p.said(ctx)
	if err != nil {
		return done{}, err
	}
	if err := p.people.readExceptions(ctx); err != nil {
		return done{}, err
	}
	facts.Schema, facts.Exceptions = p.log.facts.Schema, p.log.count(transcript.Exception)
	if err := p.exportRegister(ctx); err != nil {
		return done{}, err
	}
	if err := p.keepRecord(); err != nil {
		return done{}, err
	}
	if facts.Files, err = evidence.Files(os.DirFS(p.Dir.Evidence())); err != nil {
		return done{}, err
	}
	d := done{fmt.Sprintf("the evidence is complete; exceptions: %d", facts.Exceptions), facts}
	return d, p.preview(d)
}

// said asks for what people alone can say at the close. A ceremony that an earlier
// release has begun does not have it.
func (p closing) said(ctx context.Context) (facts step.CloseFacts, err error) {
	if p.log.facts.Schema < 3 {
		return facts, nil
	}
	time, err := p.readWatch(ctx)
	if err != nil {
		return facts, err
	}
	facts.Watch, facts.Clock, facts.Ahead = time.text, time.clock, time.ahead
	facts.Recording, facts.RecordingSum, err = p.askRecording(ctx)
	return facts, err
}

// preview finds, before the close, why the evidence would not verify, or not be what the
// next goes on from.
func (p closing) preview(d done) error {
	if p.Before != nil {
		if err := checkEnd(p.Before.Chain, p.Dir.Evidence()); err != nil {
			return err
		}
	}
	e, err := p.log.doneEntry(p.log.step, d)
	if err != nil {
		return err
	}
	if err := evidence.Preview(os.DirFS(p.Dir.Evidence()), p.log.writer.Entries(), p.log.inOrder(e)); err != nil {
		return fmt.Errorf("the evidence would not verify: %w", err)
	}
	return nil
}

func (p closing) photos(ctx context.Context) error {
	if err := safefile.MkdirAll(p.Dir.evidence(evidence.PhotosDir)); err != nil {
		return err
	}
	_, err := p.people.ask(ctx, Question{Wants: Enter, Who: p.Plan.People.Administrator,
		Text: "Put photographs into " + p.Dir.evidence(evidence.PhotosDir) + ", if there are any, and press <enter>"})
	if err != nil {
		return err
	}
	if err := os.Remove(p.Dir.evidence(evidence.PhotosDir)); err != nil && !safefile.Exists(p.Dir.evidence(evidence.PhotosDir)) {
		return err
	}
	return nil // a folder with photographs is not removed
}

// exportRegister writes what the authorities have signed. An attempt that was
// interrupted may have written an older state.
func (p closing) exportRegister(ctx context.Context) error {
	if !safefile.Exists(p.Dir.Register()) {
		return nil
	}
	export, err := p.export(ctx)
	if err != nil {
		return err
	}
	return replaceFile(p.Dir.evidence(evidence.RegisterFile), export)
}

// keepRecord puts the record of the sheets into the evidence.
func (p closing) keepRecord() error {
	if p.Plan.Custody == nil {
		return nil
	}
	var record *quorum.Record
	var err error
	if p.Before != nil && !p.log.facts.Done(step.Share.ID()) {
		record = p.Before.Record
	} else if _, record, err = p.inForce(); err != nil {
		return err
	}
	content, err := record.Bytes()
	if err != nil {
		return err
	}
	return p.Dir.put(evidence.RecordFile, content)
}

// finish seals the transcript. It can be taken again after a power cut, as
// long as there is the ceremony key.
func (p closing) finish(ctx context.Context) error {
	entries := p.log.writer.Entries()
	if entries[len(entries)-1].Kind != transcript.Closed {
		p.log.step.ID = ""
		if err := p.log.note(transcript.Closed, p.Plan.People.Administrator, p.Plan.Ceremony+" is closed", nil); err != nil {
			return err
		}
	}
	head := []byte(p.log.writer.Head())
	if err := p.Dir.put(evidence.HeadFile, head); err != nil {
		return err
	}
	sums, err := evidence.Sums(os.DirFS(p.Dir.Evidence()))
	if err != nil {
		return err
	}
	if err := replaceFile(p.Dir.evidence(evidence.SumsFile), sums); err != nil {
		return err
	}
	if _, err := evidence.VerifyFolder(p.Dir.Evidence(), evidence.Options{}); err != nil {
		return fmt.Errorf("the evidence does not verify: %w", err)
	}
	sum := sha256.Sum256(head) // read aloud after the end, so no command is obeyed
	if err := p.people.writeDownBy(ctx, p.Room.Answer, "Closing", sum[:], allWords); err != nil {
		return err
	}
	return safefile.Destroy(p.Dir.key())
}
