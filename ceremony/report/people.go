package report

import (
	"fmt"
	"strconv"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// person is someone in the plan, with the part that they have.
type person struct{ Name, Role string }

func (r record) people() []person {
	all := []person{{r.plan.People.Administrator, "Ceremony administrator"}}
	for i, name := range r.plan.People.Witnesses {
		role := "Witness"
		if i == 0 {
			role = "First witness, who compares"
		}
		all = append(all, person{name, role})
	}
	for i, name := range r.plan.People.Custodians {
		all = append(all, person{name, "Custodian " + strconv.Itoa(i+1)})
	}
	return all
}

// present is who was there in which role.
func (r record) present() section {
	s := section{Title: "Who was there", Table: &table{Titles: []string{"Name", "Role", "Present"}, Widths: []int{40, 30, 30}}}
	present := of[step.RollCallFacts](r, step.RollCall.ID()).Present
	for _, p := range r.people() {
		s.Table.Rows = append(s.Table.Rows, []string{p.Name, p.Role, presence(present[p.Name])})
	}
	if e := r.last(transcript.Done, step.RollCall.ID()); e != nil {
		s.Note = "As the roll was called: " + where(e) + "."
	} else {
		s.Note = "The people of the plan. A drill calls no roll; who has come to which step, its entries say."
	}
	return s
}

// presence is what the roll call says of someone.
func presence(present string) string {
	switch deputy := step.Deputy(present); {
	case present == step.Here:
		return "yes, with a proof of identity"
	case deputy != "":
		return "no; " + deputy + " stood in"
	}
	return orNotInEvidence("")
}

// led is who led which step, and when.
func (r record) led() section {
	s := section{Title: "Who led which step", Note: "Times are by the computer's clock, in UTC. Where custodians come to the screen one after the other, the administrator calls them.",
		Table: &table{Titles: []string{"Step", "Led by", "Begun", "Done", "Entries"}, Widths: []int{33, 20, 21, 13, 13}}}
	for _, planned := range r.plan.Steps() {
		begun, done := r.last(transcript.Begun, planned.ID), r.last(transcript.Done, planned.ID)
		if begun == nil || done == nil {
			continue
		}
		s.Table.Rows = append(s.Table.Rows, []string{
			planned.Title + r.came(planned), done.By, clock(begun.Time), done.Time.UTC().Format(time.TimeOnly), fmt.Sprintf("%d to %d", begun.Index, done.Index),
		})
	}
	return s
}

// came says which custodians have come to a step, if they did.
func (r record) came(s step.Step) string {
	custodians := ""
	switch s.Action {
	case step.Import:
		custodians = of[step.ImportFacts](r, s.ID).Custodians
	case step.Generate:
		custodians = of[step.GenerateFacts](r, s.ID).Custodians
	case step.OpenBackup:
		custodians = of[step.OpenBackupFacts](r, s.ID).Custodians
	}
	if custodians == "" || custodians == evidence.LostCustodians {
		return ""
	}
	return "\nCustodians " + custodians
}
