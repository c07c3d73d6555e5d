package ceremony

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/typed"
)

// seal notes the numbers of the bags.
func (p *proceedings) seal(ctx context.Context, _ string) (done, error) {
	bags := map[string]string{}
	seen := p.oldBags()
	for _, thing := range p.unwritten() {
		bags[thing] = plan.NoBag
		p.people.Tell(thing + " was not written, and is in no bag.")
	}
	for _, thing := range p.Plan.Bags() {
		if bags[thing] != "" {
			continue
		}
		kept, err := p.people.stillClosed(ctx, thing)
		if err == nil && kept {
			bags[thing] = p.Plan.Sequel().Number(thing)
			continue
		}
		if err == nil {
			bags[thing], err = p.people.bag(ctx, thing, seen)
		}
		if err != nil {
			return done{}, err
		}
	}
	return done{"the bags are closed", step.SealFacts{Bags: bags}}, nil
}

// unwritten are the backup media of the plan that the backup was not copied to.
func (p *proceedings) unwritten() (things []string) {
	first, copies := 1, of[step.CopyFacts](p.log, step.Copy.ID()).Copies
	if p.log.facts.Done(step.Copy.ID()) {
		first, _ = p.mediaToWrite()
	}
	for n := first + copies; n <= p.Plan.Custody.Media; n++ {
		things = append(things, plan.Medium(n))
	}
	return things
}

// oldBags says, by number, whose bags there were before a drill or a change.
func (p *proceedings) oldBags() map[string]string {
	seen := map[string]string{}
	if s := p.Plan.Sequel(); s != nil {
		for _, bag := range s.Bags {
			seen[plan.FoldBag(bag.Number)] = bag.Thing + " until now"
		}
	}
	return seen
}

// stillClosed says whether a bag is closed that there was before. A change opens those
// that it needs, and no others; in a drill the witness looks at the bag of a thing that
// was not here, and one that was opened meanwhile is an exception.
func (p *people) stillClosed(ctx context.Context, thing string) (bool, error) {
	sequel := p.plan.Sequel()
	if sequel == nil {
		return false, nil
	}
	number := sequel.Number(thing)
	if !p.plan.LeavesBackup() {
		return number != "" && !p.plan.Renews(thing) && p.log.bagSeen(thing) == "", nil
	}
	if of[step.PINsFacts](p.log, p.plan.BagSteps()[thing]).Bag[thing] == number {
		return true, nil
	}
	if !p.notHere(thing) {
		return false, nil
	}
	if number == plan.NoBag {
		return true, nil
	}
	if p.log.bagSeen(thing) == step.BagChanged { // it was asked before an interruption
		return false, nil
	}
	who := p.plan.Who(step.Witness)
	err := p.agreed(ctx, Question{Wants: YesNo, Who: who, Text: "Is the bag of " + thing + ", which was not here, still closed with the number " + number + "? Answer as far as you know"})
	var other *refusal
	if errors.As(err, &other) {
		return false, p.log.noteException(who, "the bag of "+thing+" was opened meanwhile", changedBag(thing))
	}
	return err == nil, err
}

// practiceBag is the number that a program reads from the next bag.
func practiceBag(seen map[string]string) string {
	for n := 1; ; n++ {
		if number := fmt.Sprintf("PRACTICE-%d", n); seen[plan.FoldBag(number)] == "" {
			return number
		}
	}
}

// bag asks for the number of a bag, which no other has or had.
func (p *people) bag(ctx context.Context, thing string, seen map[string]string) (string, error) {
	question := "Number of the bag of " + thing
	if slices.ContainsFunc(p.plan.PINSheets(), func(s plan.PINSheet) bool { return s.Thing == thing }) {
		question += ", and not the PIN, which must stand nowhere" // the number does in the evidence
	}
	for {
		number, err := p.words(ctx, p.plan.Who(step.Witness), question+", or "+plan.NoBag, practiceBag(seen))
		if err != nil {
			return "", err
		}
		if typed.Word(number, plan.NoBag) != "" {
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

// openBag lets the witness look at the bag of a thing before it is opened, and
// says in the facts how it was. What was said of it stays, also where the step is
// interrupted: it is open by then.
func (p *people) openBag(ctx context.Context, thing string, bag map[string]string) error {
	return p.lookAtBag(ctx, thing, bag, "was closed, and is opened")
}

// lookAtBag says in the facts, and in a note, how a bag was.
func (p *people) lookAtBag(ctx context.Context, thing string, bag map[string]string, closed string) error {
	number := p.plan.Sequel().Number(thing)
	if number == plan.NoBag || number == "" {
		return nil
	}
	if looked := p.log.bagSeen(thing); looked != "" {
		bag[thing] = looked
		return nil
	}
	who := p.plan.Who(step.Witness)
	err := p.agreed(ctx, Question{Wants: YesNo, Who: who, Text: "Was the bag of " + thing + " closed, and is its number " + number + "?"})
	var other *refusal
	if errors.As(err, &other) {
		bag[thing] = step.BagChanged
		return p.log.noteException(who, "the bag of "+thing+" was not closed, or its number is not "+number, changedBag(thing))
	}
	if err != nil {
		return err
	}
	bag[thing] = number
	return p.log.note(transcript.Note, who, "the bag of "+thing+" "+closed, step.NoteFacts{Bag: map[string]string{thing: number}})
}

// lookAtPINs lets the witness look at the bags of PINs, which stay closed.
func (p *proceedings) lookAtPINs(ctx context.Context, _ string) (done, error) {
	facts := step.PINsFacts{Bag: map[string]string{}}
	for _, sheet := range p.Plan.PINSheets() {
		if err := p.people.lookAtBag(ctx, sheet.Thing, facts.Bag, "is closed, and stays so"); err != nil {
			return done{}, err
		}
	}
	return done{"the bags of the PINs were looked at", facts}, nil
}

// changedBag are the facts of an exception for a bag that is not as it was.
func changedBag(thing string) step.ExceptionFacts {
	return step.ExceptionFacts{Bag: map[string]string{thing: step.BagChanged}}
}
