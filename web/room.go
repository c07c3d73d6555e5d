package web

import (
	"cmp"
	"context"

	"conclave/ceremony"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/internal/secret"
	"conclave/quorum/paper"
)

// room hands everything on, and shows what all may know. What is asked of a custodian,
// what anyone answers, sheets and PINs do not come to the page.
type room struct {
	ceremony.Room
	board *board
}

// ShowStep implements ceremony.Room.
func (r *room) ShowStep(n, of int, s step.Step) {
	r.board.change(func(now *state) { now.show(n, of, s) })
	r.Room.ShowStep(n, of, s)
}

// Answer implements ceremony.Room.
func (r *room) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	r.board.change(func(s *state) { s.Asked = publicQuestion(q) })
	defer r.board.change(func(s *state) { s.Asked = nil })
	return r.Room.Answer(ctx, q)
}

// Secret implements ceremony.Room.
func (r *room) Secret(ctx context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	defer r.lookAway(q.Who, q.What)()
	return r.Room.Secret(ctx, q)
}

// PrintPIN implements ceremony.Room.
func (r *room) PrintPIN(ctx context.Context, sheet paper.PINSheet) error {
	defer r.lookAway(sheet.Person, "")()
	return r.Room.PrintPIN(ctx, sheet)
}

// Come implements custody.Custodians.
func (r *room) Come(ctx context.Context, turn custody.Turn) error {
	back := r.lookAway(turn.Name, "")
	err := r.Room.Come(ctx, turn)
	if err != nil {
		back()
	}
	return err
}

// Show implements custody.Custodians. A sheet may be shown again after Leave.
func (r *room) Show(ctx context.Context, handout custody.Handout) error {
	r.lookAway(handout.Name, "")
	return r.Room.Show(ctx, handout)
}

// Ask implements custody.Custodians.
func (r *room) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	defer r.lookAway("", "")()
	return r.Room.Ask(ctx, field, problem)
}

// Confirm implements custody.Custodians.
func (r *room) Confirm(ctx context.Context, question string) (bool, error) {
	defer r.lookAway("", "")()
	return r.Room.Confirm(ctx, question)
}

// Leave implements custody.Custodians.
func (r *room) Leave() {
	r.Room.Leave()
	r.board.change(func(s *state) { s.Away = nil })
}

// lookAway asks everyone but one person to look away, if they do not yet; back is how it
// was before.
func (r *room) lookAway(who, what string) (back func()) {
	var before *visit
	r.board.change(func(s *state) {
		if before = s.Away; before == nil {
			s.Away = &visit{cmp.Or(who, "A custodian"), what}
		}
	})
	return func() { r.board.change(func(s *state) { s.Away = before }) }
}
