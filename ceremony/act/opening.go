package act

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
)

// open shows by which hashes the papers know the plan, the program and the
// ceremony key.
func (p *performance) open(ctx context.Context, _ string) (done, error) {
	watch, err := p.words(ctx, p.Plan.Who(plan.Witness), fmt.Sprintf("The computer has %s. Time by the watch", p.Now().UTC().Format("2006-01-02 15:04:05 UTC")), "the same")
	if err != nil {
		return done{}, err
	}
	key := p.key.Fingerprint()
	for _, hash := range []struct {
		label string
		sum   [sha256.Size]byte
	}{{"Plan", sha256.Sum256(p.Source)}, {"Program", p.Program.SHA256}, {"Ceremony key", key}} {
		if err := p.heard(ctx, hash.label, hash.sum[:]); err != nil {
			return done{}, err
		}
	}
	return done{"plan, program and ceremony key are compared with the papers",
		evidence.Facts{evidence.FactWatch: watch, evidence.FactKey: hexOf(key)}}, nil
}

// rollCall notes who is here. No one can be missing who must be handed a sheet:
// for them someone stands in.
func (p *performance) rollCall(ctx context.Context, _ string) (done, error) {
	d := done{"everyone is here", evidence.Facts{}}
	for _, name := range p.Plan.Everyone() {
		err := p.here(ctx, name, "Is "+name+" here, and who they say they are?")
		var absent *refusal
		if err != nil && !errors.As(err, &absent) {
			return done{}, err
		}
		d.facts[evidence.FactPresent+name] = "yes"
		if err == nil {
			continue
		}
		deputy, err := p.words(ctx, p.Plan.People.Administrator, "Who stands in for "+name+"? (a name, or no one)", practiceDeputy)
		if err != nil {
			return done{}, err
		}
		if strings.EqualFold(deputy, "no one") {
			return done{}, fmt.Errorf("%s is not here, and no one stands in", name)
		}
		d.facts[evidence.FactPresent+name] = "no; " + deputy + " stands in"
		if err := p.note(transcript.Exception, p.Plan.People.Administrator, name+" is absent; "+deputy+" stands in", nil); err != nil {
			return done{}, err
		}
		d.text = "everyone is here, or someone stands in for them"
	}
	return d, nil
}
