package main

import (
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/internal/tty"
)

// answers asks for what the options of a change have not said.
func (cmd ceremonyChange) answers(q *questions, before *ceremony.Before) ceremonyChange {
	if cmd.Kind == "" {
		cmd.Kind = q.kind()
	}
	inForce := before.Chain.State.Plan
	if plan.Kind(cmd.Kind).MakesSheets() {
		cmd.askCustodians(q, inForce)
	}
	if plan.Kind(cmd.Kind).IsOfDevices() {
		cmd.askDevice(q, inForce)
	}
	if media := inForce.Custody.Media; plan.Kind(cmd.Kind) == plan.AddMedium && media > 0 && cmd.Media == 0 {
		cmd.Media = q.number("How many backup media there are to be", media+1, media+1, plan.MaxMedia)
	}
	cmd.askOccasion(q, inForce)
	q.confirm(func() error {
		_, err := cmd.plan(before)
		return err
	})
	return cmd
}

// kind asks for the kind of a change, and says when each is right.
func (q *questions) kind() string {
	var all strings.Builder
	var words []string
	for _, k := range plan.Kinds() {
		words = append(words, string(k))
		fmt.Fprintf(&all, "  %s: %s\n", k, k.When())
	}
	q.tell("\nThe kinds of changes, and when each is the right one:\n%s", tty.Lines(all.String()))
	return q.choose("Kind of the change", "", words...)
}

// askCustodians asks whose sheets there are to be.
func (cmd *ceremonyChange) askCustodians(q *questions, inForce *plan.Plan) {
	custodians, threshold := inForce.People.Custodians, inForce.Custody.Threshold
	q.tell("\nAny %d of these open the share file until now: %s.\n", threshold, strings.Join(custodians, ", "))
	if cmd.Leaves == nil {
		cmd.Leaves = q.names("Who leaves, with commas between them; empty for no one", "", func(leave []string) error {
			_, err := plan.Successors(custodians, leave, nil)
			return err
		})
	}
	if cmd.Joins == nil {
		cmd.Joins = q.names("Who comes, with commas between them; empty for no one", "", func(come []string) error {
			next, err := plan.Successors(custodians, cmd.Leaves, come)
			if err == nil && len(next) < 3 {
				err = fmt.Errorf("%d would have sheets; 3 custodians or more were expected", len(next))
			}
			return err
		})
	}
	custodians, _ = plan.Successors(custodians, cmd.Leaves, cmd.Joins) // the plan is checked again
	q.tell("\nThese are to have sheets: %s.\n", strings.Join(custodians, ", "))
	if total := max(2, len(custodians)); cmd.Threshold == 0 {
		cmd.Threshold = q.number("How many of them together open the share file", min(threshold, total), 2, total)
	}
}

// askDevice asks which device is changed.
func (cmd *ceremonyChange) askDevice(q *questions, inForce *plan.Plan) {
	kept := inForce.Kept()
	switch {
	case cmd.Device != "":
	case plan.Kind(cmd.Kind) == plan.ChangePIN:
		cmd.Device = q.choose("Device whose PINs are changed: "+strings.Join(kept, " or ")+", or all", "all", append(kept, "all")...)
		cmd.Device = strings.TrimSuffix(cmd.Device, "all")
	default:
		cmd.Device = q.choose("Device that is replaced: "+strings.Join(kept, " or "), "", kept...)
	}
	if cmd.Serial == "" && plan.Kind(cmd.Kind) == plan.ReplaceDevice {
		cmd.Serial = q.serial("that takes its place")
	}
}

// askOccasion asks who is there, when, where and why.
func (cmd *ceremonyChange) askOccasion(q *questions, inForce *plan.Plan) {
	if people := inForce.People; cmd.Administrator == "" {
		cmd.Administrator = q.ask("Ceremony administrator this time", people.Administrator, something)
	}
	if cmd.Witness == nil {
		cmd.Witness = q.names("Witnesses this time, with commas between them; the first compares and initials", strings.Join(inForce.People.Witnesses, ", "), atLeast(1))
	}
	if cmd.Start == "" {
		cmd.Start = q.start().Format(startForm)
	}
	if cmd.Place == "" {
		cmd.Place = q.ask("Place", inForce.Place, anything)
	}
	if cmd.Reason == "" {
		cmd.Reason = q.ask("Why; in an emergency, what has happened", "", anything)
	}
}
