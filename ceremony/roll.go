package ceremony

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// open shows by which hashes the papers know the plan, the program and the
// ceremony key.
func (p *proceedings) open(ctx context.Context, _ string) (done, error) {
	time, err := p.readWatch(ctx)
	if err != nil {
		return done{}, err
	}
	inputs, err := p.readInputs(ctx)
	if err != nil {
		return done{}, err
	}
	key := p.key.Fingerprint()
	facts := step.OpenFacts{Watch: time.text, Clock: time.clock, Ahead: time.ahead, Key: sumOf(key), Inputs: map[string]step.Sum{}, KeyFiles: map[string]step.Sum{}}
	hashes := []hash{{"Plan", sha256.Sum256(p.Source)}, {"Program", p.Program.SHA256}}
	for _, path := range p.Plan.Inputs() {
		sum := sha256.Sum256(inputs[path])
		hashes = append(hashes, hash{path, sum})
		facts.Inputs[path] = sumOf(sum)
	}
	for _, path := range p.Plan.KeyFiles() {
		content, err := readKeyFile(p.Base, path)
		if err != nil {
			return done{}, err
		}
		sum := sha256.Sum256(content)
		content.Wipe()
		hashes = append(hashes, hash{path, sum})
		facts.KeyFiles[path] = sumOf(sum)
	}
	for _, h := range hashes {
		if err := p.people.onPaper(ctx, h.label, h.sum[:], p.Path); err != nil {
			return done{}, err
		}
	}
	if err := p.people.writeDown(ctx, "Ceremony key", key[:], allWords); err != nil {
		return done{}, err
	}
	return done{"plan, program and what came with the plan are those on the papers", facts}, p.keepInputs(ctx, inputs)
}

// hash is one that is read aloud.
type hash struct {
	label string
	sum   [sha256.Size]byte
}

// rollCall notes who is here. No one can be missing who must be handed a sheet:
// for them someone stands in.
func (p *proceedings) rollCall(ctx context.Context, _ string) (done, error) {
	present, err := p.callRoll(ctx, p.Plan.Everyone(), nil)
	if err != nil {
		return done{}, err
	}
	text := "everyone is here"
	for _, said := range present {
		if said != step.Here {
			text = "everyone is here, or someone stands in for them"
		}
	}
	return done{text, step.RollCallFacts{Present: present}}, nil
}

// callRoll asks for each of several people. Who stood in before, by name, is asked for in
// their place.
func (p *proceedings) callRoll(ctx context.Context, names []string, before map[string]string) (map[string]string, error) {
	present := map[string]string{}
	for _, name := range names {
		question := "Is " + name + " here, and who they say they are?"
		deputy := step.Deputy(before[name])
		if deputy != "" {
			question = "Is " + deputy + " here, who stands in for " + name + "?"
		}
		err := p.people.here(ctx, name, question)
		var absent *refusal
		if err != nil && !errors.As(err, &absent) {
			return nil, err
		}
		if err == nil && deputy != "" {
			present[name] = step.StandsIn(deputy)
			continue
		}
		present[name] = step.Here
		if err == nil {
			continue
		}
		if present[name], err = p.standIn(ctx, name, present); err != nil {
			return nil, err
		}
	}
	return present, nil
}

// standIn asks who stands in for someone who is absent.
func (p *proceedings) standIn(ctx context.Context, name string, present map[string]string) (string, error) {
	administrator := p.Plan.People.Administrator
	deputy, err := p.people.words(ctx, administrator, "Who stands in for "+name+"? (a name, or no one)", practiceDeputy)
	if err != nil {
		return "", err
	}
	if err := p.checkDeputy(name, deputy, present); err != nil {
		return "", err
	}
	return step.StandsIn(deputy), p.log.noteException(administrator, step.Absent(name, deputy), step.ExceptionFacts{})
}

// checkDeputy refuses one who has a part already: two sheets in one hand are one
// custodian less.
func (p *proceedings) checkDeputy(name, deputy string, present map[string]string) error {
	if step.IsNoOne(deputy) {
		return fmt.Errorf("%s is not here, and no one stands in", name)
	}
	for _, other := range p.Plan.Everyone() {
		standing := step.Deputy(present[other])
		if folded := plan.FoldName(deputy); folded == plan.FoldName(other) || standing != "" && folded == plan.FoldName(standing) {
			return fmt.Errorf("%s cannot stand in for %s, and has a part in this ceremony already (%s)", deputy, name, other)
		}
	}
	return nil
}
