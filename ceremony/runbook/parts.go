package runbook

import (
	"fmt"
	"slices"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// part is what is expected of those with a role.
type part struct {
	Role  string
	Who   []assigned
	Lines []line
}

// assigned is one of them, with the steps that they act in.
type assigned struct{ Name, Steps string }

// line is a text with what it is about.
type line struct{ About, Text string }

func parts(p *plan.Plan) []part {
	steps := p.Steps()
	all := []part{{"Ceremony administrator", []assigned{{p.People.Administrator, "all steps; begins " + begun(steps, step.Administrator, step.Custodians)}}, administratorLines(p)}}
	all = append(all, part{"Witness who compares", []assigned{{p.Who(step.Witness), "all steps" + orNothing("; begins ", begun(steps, step.Witness))}}, witnessLines(p)})
	if others := p.People.Witnesses[1:]; len(others) > 0 {
		watching := part{Role: "Other witnesses", Lines: []line{
			{"Do", "Watch the room: who comes, who goes, what lies where. Say stop as soon as something does not go as printed."},
			{"Write", "Your signature at the beginning and under Closing."},
			{"Never", "Leave while a device is out of its bag, unless another witness stays."},
		}}
		for _, name := range others {
			watching.Who = append(watching.Who, assigned{name, "all steps"})
		}
		all = append(all, watching)
	}
	if len(p.People.Custodians) == 0 {
		return all
	}
	if former := former(p); former != nil {
		all = append(all, part{"Custodians until now", former, []line{
			{"Bring", "Proof of identity, and your sheet in its bag, closed."},
			{"Do", fmt.Sprintf("Come to the screen alone, and type the code of your sheet; %d of all who have one are enough. Hand in the sheet.", p.Change.Before.Threshold)},
		}})
	}
	custodians := part{Role: "Custodians", Lines: custodianLines(p, steps)}
	for i, name := range p.People.Custodians {
		custodians.Who = append(custodians.Who, assigned{fmt.Sprintf("%d  %s", i+1, name), "steps " + ranges(p.StepsOf(i+1))})
	}
	return append(all, custodians)
}

// former are the custodians who get no new sheet.
func former(p *plan.Plan) (all []assigned) {
	if formerIn(p) == 0 {
		return nil
	}
	for _, name := range p.Change.Before.Custodians {
		if !slices.Contains(p.People.Custodians, name) {
			all = append(all, assigned{name, fmt.Sprintf("step %d", formerIn(p))})
		}
	}
	return all
}

// formerIn is the number of the step that the sheets of until now are typed in, 0 if there
// is none.
func formerIn(p *plan.Plan) int {
	if p.Change == nil || p.Change.Before == nil {
		return 0
	}
	return 1 + slices.IndexFunc(p.Steps(), func(s step.Step) bool { return s.Action == step.Share })
}

// begun are the steps that a role begins, or that are begun for one.
func begun(steps []step.Step, roles ...step.Role) string {
	var numbers []int
	for i, s := range steps {
		if slices.Contains(roles, s.By) {
			numbers = append(numbers, i+1)
		}
	}
	return ranges(numbers)
}

// orNothing puts a text before another one, unless that is empty.
func orNothing(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func administratorLines(p *plan.Plan) []line {
	lines := []line{
		{"Bring", "What is listed under Before you begin, and this runbook twice."},
		{"Do", "Read each line of a step aloud, do it, and tick it. Read words slowly, each with its number."},
		{"Write", "The time and your initials at the end of each step; exceptions."},
		{"Never", "Go on after something that is not as printed before it is written down."},
	}
	if p.Custody != nil {
		lines[3].Text += " Look at the screen while a custodian is at it, or hold a sheet."
	}
	return lines
}

func witnessLines(p *plan.Plan) []line {
	return []line{
		{"Bring", "A watch that was set today, and a pen."},
		{"Do", "Compare what is read with this paper, not with the screen. Type what the screen asks of the witness yourself."},
		{"Write", "The words of the ceremony key and of the closing, what each step has blanks for, and your initials."},
		{"Never", "Put your initials beside what you have not seen."},
	}
}

func custodianLines(p *plan.Plan, steps []step.Step) []line {
	bring, do := "Proof of identity, and your sheet in its bag, closed.", "See that your sheet goes into its bag, and which number that has."
	if first := firstAtScreen(steps); first != nil {
		do = "When you are called, come to the screen alone, and type the code of your sheet."
		if first.Action == step.Share {
			bring = "Proof of identity."
			do = "When you are called, come to the screen alone. Take your sheet, and type its code; type it again when the keys are restored."
		}
	}
	write := "The number of the bag on your sheet; your signature for the bag."
	if p.Custody.Printer == "" && slices.ContainsFunc(steps, func(s step.Step) bool { return s.Action == step.Share }) {
		write = "Your sheet, from the screen, in ink. " + write
	}
	if formerIn(p) > 0 {
		bring += " If you have a sheet until now, that sheet in its bag."
	}
	lines := []line{{"Bring", bring}, {"Do", do}, {"Write", write},
		{"Never", "Show your sheet, photograph or copy it, say the code, or hold the sheet of another custodian."}}
	if p.Custody.Contact != "" {
		lines = append(lines, line{"Later", "Call " + p.Custody.Contact + ", at once if your sheet is lost, damaged or was seen, or if its bag was opened."})
	}
	return lines
}

// firstAtScreen is the step in which a custodian comes to the screen first, nil if none
// does.
func firstAtScreen(steps []step.Step) *step.Step {
	for i, s := range steps {
		if s.By == step.Custodians || s.Action == step.LoneSheet {
			return &steps[i]
		}
	}
	return nil
}
