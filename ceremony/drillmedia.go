package ceremony

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// inspectMedia looks at each medium that is here, and says by number which it is, or
// how it was found. The drill goes on without one.
func (p checking) inspectMedia(ctx context.Context, bag map[string]string) (found map[string]string, err error) {
	found = map[string]string{}
	for n := 1; n <= p.mediaBefore(); n++ {
		thing, number := plan.Medium(n), strconv.Itoa(n)
		if found[number], err = p.inspectMedium(ctx, thing, number, bag, found); err != nil {
			return nil, err
		}
		switch result := found[number]; result {
		case step.SheetGood, p.writtenMedium(number):
		case step.SheetBad, step.SheetAbsent:
			err = p.log.noteException("", step.SheetIs(thing, result), step.ExceptionFacts{})
		default:
			err = p.log.noteException("", step.OtherMedium(thing, result), step.ExceptionFacts{})
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// mediaBefore is how many media were written, of those that are each in a bag of its own.
func (p checking) mediaBefore() int {
	return min(p.Before.Chain.State.Plan.Custody.Media, evidence.Of[step.CopyFacts](p.log.before, step.Copy.ID()).Copies)
}

// writtenMedium is the medium that the ceremony has written.
func (p checking) writtenMedium(number string) string {
	return evidence.Of[step.CopyFacts](p.log.before, step.Copy.ID()).Media[number]
}

// inspectMedium looks at a medium until it is good, or the witness says that it is
// not.
func (p checking) inspectMedium(ctx context.Context, thing, number string, bag, found map[string]string) (string, error) {
	administrator := p.Plan.People.Administrator
	here, err := p.people.yes(ctx, administrator, "Is "+thing+" here?")
	if err != nil {
		return "", err
	}
	if !here {
		if looked := p.log.bagSeen(thing); looked != "" { // before an interruption
			bag[thing] = looked
		}
		return step.SheetAbsent, nil
	}
	if err := p.people.openBag(ctx, thing, bag); err != nil {
		return "", err
	}
	for {
		folder, err := p.people.words(ctx, administrator, "Folder of "+thing, p.old.dir)
		if err != nil {
			return "", err
		}
		identity, problem := p.goodMedium(folder, number, found)
		if problem == nil {
			return identity, nil
		}
		p.people.Tell(problem.Error() + ".")
		bad, err := p.people.yes(ctx, p.Plan.Who(step.Witness), "Is it to be written down that "+thing+" is not good? With no, name its folder again")
		if bad || err != nil {
			return step.SheetBad, err
		}
	}
}

// goodMedium says which medium a folder is on, as far as another computer can tell,
// which has all of the backup and was not looked at before under another number.
func (p checking) goodMedium(folder, number string, found map[string]string) (identity string, err error) {
	b := backup{folder}
	if _, _, err := b.asMade(p.log, p.Plan); err != nil {
		return "", err
	}
	if _, err := sealing(p).inspectSealed(b); err != nil {
		return "", err
	}
	if _, _, err := b.read(); err != nil {
		return "", err
	}
	m, err := p.Media.Of(folder)
	if err != nil || !strings.HasPrefix(m.Identity, "UUID ") {
		return step.SheetGood, err
	}
	for other, before := range found {
		if before == m.Identity && m.Identity != p.writtenMedium(number) {
			return "", fmt.Errorf("%s is backup medium %s, %s; put in another one", folder, other, before)
		}
	}
	return m.Identity, nil
}

// notHere says whether a drill did not see a thing, and its bag was not looked at.
func (p *people) notHere(thing string) bool {
	if of[step.UnshownFacts](p.log, p.plan.BagSteps()[thing]).Why != "" {
		return p.log.bagSeen(thing) == ""
	}
	media := of[step.InspectFacts](p.log, step.Inspect.ID())
	for n := 1; n <= p.plan.Custody.Media; n++ {
		if thing == plan.Medium(n) {
			return media.Media[strconv.Itoa(n)] == step.SheetAbsent && media.Bag[thing] == ""
		}
	}
	facts := of[step.LoneSheetFacts](p.log, p.plan.BagSteps()[thing])
	return facts.Sheet == step.SheetAbsent && facts.Bag[thing] == ""
}
