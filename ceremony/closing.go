package ceremony

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
)

// seal notes the numbers of the bags.
func (p *performance) seal(ctx context.Context, _ string) (done, error) {
	bags := map[string]string{}
	seen := p.oldBags()
	for _, thing := range p.Plan.Bags() {
		kept, err := p.stillClosed(ctx, thing)
		if err == nil && kept {
			bags[thing] = p.Plan.Drill.Number(thing)
			continue
		}
		if err == nil {
			bags[thing], err = p.bag(ctx, thing, seen)
		}
		if err != nil {
			return done{}, err
		}
	}
	return done{"the bags are closed", step.SealFacts{Bags: bags}}, nil
}

// oldBags says, by number, whose bags there were before a drill.
func (p *performance) oldBags() map[string]string {
	seen := map[string]string{}
	if p.Plan.Drill != nil {
		for _, bag := range p.Plan.Drill.Bags {
			seen[plan.FoldBag(bag.Number)] = bag.Thing + " until now"
		}
	}
	return seen
}

// stillClosed lets the witness look at the bag of a sheet that a drill did not
// see. One that was opened meanwhile is an exception.
func (p *performance) stillClosed(ctx context.Context, thing string) (bool, error) {
	if p.Plan.Drill == nil {
		return false, nil
	}
	number := p.Plan.Drill.Number(thing)
	facts := of[step.LoneSheetFacts](p, p.Plan.BagSteps()[thing])
	if facts.Sheet != step.SheetAbsent || facts.Bag[thing] != "" {
		return false, nil
	}
	if number == plan.NoBag {
		return true, nil
	}
	who := p.Plan.Who(step.Witness)
	err := p.agreed(ctx, Question{Kind: YesNo, Who: who, Text: "Is the bag of " + thing + ", which was not here, still closed with the number " + number + ", as far as is known?"})
	var other *refusal
	if errors.As(err, &other) {
		return false, p.noteException(who, "the bag of "+thing+" was opened meanwhile", changedBag(thing))
	}
	return err == nil, err
}

// practiceBag is the number that a player reads from the next bag.
func practiceBag(seen map[string]string) string {
	for n := 1; ; n++ {
		if number := fmt.Sprintf("PRACTICE-%d", n); seen[plan.FoldBag(number)] == "" {
			return number
		}
	}
}

// bag asks for the number of a bag, which no other has or had.
func (p *performance) bag(ctx context.Context, thing string, seen map[string]string) (string, error) {
	for {
		number, err := p.words(ctx, p.Plan.Who(step.Witness), "Number of the bag of "+thing+", or "+plan.NoBag, practiceBag(seen))
		if err != nil {
			return "", err
		}
		if strings.EqualFold(number, plan.NoBag) {
			return plan.NoBag, nil
		}
		switch other := seen[plan.FoldBag(number)]; {
		case len(number) > 40 || strings.ContainsFunc(number, unicode.IsControl): // it stands in the plans of the drills
			p.Room.Tell("A number of 40 characters at most was expected.")
		case other != "":
			p.Room.Tell(fmt.Sprintf("Bag %s is that of %s; read the number once more.", number, other))
		default:
			seen[plan.FoldBag(number)] = thing
			return number, nil
		}
	}
}

// close completes the evidence. What comes after it is for finish.
func (p *performance) close(ctx context.Context, _ string) (done, error) {
	if err := p.photos(ctx); err != nil {
		return done{}, err
	}
	if err := p.readExceptions(ctx); err != nil {
		return done{}, err
	}
	exceptions := p.count(transcript.Exception)
	if err := p.exportRegister(ctx); err != nil {
		return done{}, err
	}
	if err := p.keepRecord(); err != nil {
		return done{}, err
	}
	files, err := evidence.Files(os.DirFS(p.work.evidence("")))
	if err != nil {
		return done{}, err
	}
	d := done{fmt.Sprintf("the evidence is complete; exceptions: %d", exceptions), step.CloseFacts{Schema: p.facts.Schema, Exceptions: exceptions, Files: files}}
	e, err := p.doneEntry(p.step, d)
	if err != nil {
		return done{}, err
	}
	if err := evidence.Preview(os.DirFS(p.work.evidence("")), p.writer.Entries(), e); err != nil {
		return done{}, fmt.Errorf("the evidence would not verify: %w", err)
	}
	return d, nil
}

// readExceptions shows all exceptions, and lets the witness add what is missing.
func (p *performance) readExceptions(ctx context.Context) error {
	for {
		n := 0
		for _, e := range p.writer.Entries() {
			if e.Kind == transcript.Exception {
				n++
				p.Room.Tell(fmt.Sprintf("Exception %d, %s: %s", n, e.Time.UTC().Format("15:04:05"), e.Text))
			}
		}
		witness := p.Plan.Who(step.Witness)
		err := p.agree(ctx, witness, fmt.Sprintf("Exceptions: %d. Is that all?", n))
		var missing *refusal
		if !errors.As(err, &missing) {
			return err
		}
		if err := p.exception(ctx, witness); err != nil {
			return err
		}
	}
}

func (p *performance) count(kind transcript.Kind) (n int) {
	for _, e := range p.writer.Entries() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func (p *performance) photos(ctx context.Context) error {
	if err := os.MkdirAll(p.work.evidence(evidence.PhotosDir), 0o700); err != nil {
		return err
	}
	_, err := p.ask(ctx, Question{Kind: Ready, Who: p.Plan.People.Administrator,
		Text: "Put photographs into " + p.work.evidence(evidence.PhotosDir) + ", if there are any, and press <enter>"})
	if err != nil {
		return err
	}
	if err := os.Remove(p.work.evidence(evidence.PhotosDir)); err != nil && !safefile.Exists(p.work.evidence(evidence.PhotosDir)) {
		return err
	}
	return nil // a folder with photographs is not removed
}

// exportRegister writes what the authorities have signed. An attempt that was
// interrupted may have written an older state.
func (p *performance) exportRegister(ctx context.Context) error {
	if !safefile.Exists(p.work.register()) {
		return nil
	}
	export, err := p.export(ctx)
	if err != nil {
		return err
	}
	return replaceFile(p.work.evidence(evidence.RegisterFile), export)
}

// keepRecord puts the record of the sheets into the evidence.
func (p *performance) keepRecord() error {
	if p.Plan.Custody == nil {
		return nil
	}
	_, records, err := p.readShareFile()
	if err != nil {
		return err
	}
	content, err := records[0].Bytes()
	if err != nil {
		return err
	}
	return p.work.put(evidence.RecordFile, content)
}

// finish seals the transcript. It can be taken again after a power cut, as
// long as there is the ceremony key.
func (p *performance) finish(ctx context.Context) error {
	entries := p.writer.Entries()
	if entries[len(entries)-1].Kind != transcript.Closed {
		p.step.ID = ""
		if err := p.note(transcript.Closed, p.Plan.People.Administrator, p.Plan.Ceremony+" is closed", nil); err != nil {
			return err
		}
	}
	head := []byte(p.writer.Head())
	if err := p.work.put(evidence.HeadFile, head); err != nil {
		return err
	}
	sums, err := evidence.Sums(os.DirFS(p.work.evidence("")))
	if err != nil {
		return err
	}
	if err := replaceFile(p.work.evidence(evidence.SumsFile), sums); err != nil {
		return err
	}
	if _, err := evidence.VerifyFolder(p.work.evidence(""), evidence.Options{}); err != nil {
		return fmt.Errorf("the evidence does not verify: %w", err)
	}
	sum := sha256.Sum256(head) // read aloud after the end, so no wish can be written down
	if err := p.hear(ctx, p.Room.Answer, "Closing", sum[:]); err != nil {
		return err
	}
	return safefile.Destroy(p.work.key())
}
