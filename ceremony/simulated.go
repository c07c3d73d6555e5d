package ceremony

import (
	"context"

	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/internal/secret"
	"conclave/quorum/paper"
	"conclave/wire"
)

// practiceDeputy is who stands in for whoever is absent in a rehearsal.
const practiceDeputy = "PRACTICE Deputy"

// SimulatedRoom are the people of a rehearsal for whom a program answers. Shown is
// told what a screen would show; nil for no one.
type SimulatedRoom struct {
	custody.Simulated
	Shown func(string)
	met   map[string]bool // problems
}

// ShowStep implements Room.
func (p *SimulatedRoom) ShowStep(n, of int, s step.Step) { p.Tell(s.Heading(n, of)) }

// Tell implements custody.Custodians.
func (p *SimulatedRoom) Tell(text string) {
	if p.Shown != nil {
		p.Shown(text)
	}
}

// Answer implements Room. A program cannot put anything right, so a problem that
// comes twice ends the rehearsal.
func (p *SimulatedRoom) Answer(_ context.Context, q Question) (string, error) {
	if q.Problem != nil {
		if p.met[q.Problem.Error()] {
			return "", q.Problem
		}
		if p.met == nil {
			p.met = map[string]bool{}
		}
		p.met[q.Problem.Error()] = true
	}
	switch q.Wants {
	case YesNo:
		return "yes", nil
	case Words:
		return q.Usual, nil
	case PaperWord, WrittenWord:
		return q.word(), nil
	}
	return "", nil
}

// The PINs of practice devices.
const (
	practicePIN   = "648219"
	practiceSOPIN = "3537363231383830"
)

// PrintPIN implements Room.
func (p *SimulatedRoom) PrintPIN(context.Context, paper.PINSheet) error { return nil }

// Secret implements Room.
func (p *SimulatedRoom) Secret(_ context.Context, q PINQuestion) (secret.Bytes, error) {
	if q.Problem != nil {
		return nil, q.Problem
	}
	pin := secret.Bytes(practicePIN)
	if q.PIN == wire.SOPIN {
		pin = secret.Bytes(practiceSOPIN)
	}
	switch half := len(pin) / 2; q.Half {
	case 1:
		pin = pin[:half]
	case 2:
		pin = pin[half:]
	}
	return pin, nil
}
