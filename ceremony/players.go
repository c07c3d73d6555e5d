package ceremony

import (
	"context"

	"conclave/ceremony/pgpwords"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/internal/secret"
	"conclave/wire"
)

// practiceDeputy is who stands in for whoever is absent in a rehearsal.
const practiceDeputy = "PRACTICE Deputy"

// Players are the people of a rehearsal that a program plays. Tell is told what
// a screen would show; nil for no one.
type Players struct {
	custody.Players
	Shown func(string)
	met   map[string]bool // problems
}

// ShowStep implements Room.
func (p *Players) ShowStep(_, _ int, s step.Step) { p.Tell(s.Title) }

// Tell implements custody.Custodians.
func (p *Players) Tell(text string) {
	if p.Shown != nil {
		p.Shown(text)
	}
}

// Answer implements Room. A player cannot put anything right, so a problem that
// comes twice ends the act.
func (p *Players) Answer(_ context.Context, q Question) (string, error) {
	if q.Problem != nil {
		if p.met[q.Problem.Error()] {
			return "", q.Problem
		}
		if p.met == nil {
			p.met = map[string]bool{}
		}
		p.met[q.Problem.Error()] = true
	}
	switch q.Kind {
	case YesNo:
		return "yes", nil
	case Words:
		return q.Usual, nil
	case Heard:
		words := pgpwords.Words(q.Sum)
		return words[len(words)-1], nil
	}
	return "", nil
}

// The PINs of practice devices.
const (
	practicePIN   = "648219"
	practiceSOPIN = "3537363231383830"
)

// Secret implements Room.
func (p *Players) Secret(_ context.Context, q PINQuestion) (secret.Bytes, error) {
	if q.Problem != nil {
		return nil, q.Problem
	}
	if q.PIN == wire.SOPIN {
		return secret.Bytes(practiceSOPIN), nil
	}
	return secret.Bytes(practicePIN), nil
}
