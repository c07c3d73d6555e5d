//go:build linux

package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/plan"
)

// fails gives what a command says that must not succeed.
func (y *yearsAtTerminal) fails(command string) string {
	y.t.Helper()
	shown, status := y.try(command)
	if status == "0" {
		y.t.Errorf("%s succeeded:\n%s", command, shown)
	}
	return strings.Join(strings.Fields(shown), " ")
}

// TestMistakesInLaterYears: what people take for the newest and is not is refused before
// anyone comes, and an old sheet as soon as its code is typed.
func TestMistakesInLaterYears(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	y := beginYears(t)
	old := maps.Clone(y.codes)
	y.changes(plan.NewSheets, oneAnswer{`Who leaves[^\n]*: $`, "Cem"}, oneAnswer{`Who comes[^\n]*: $`, "Xenia"})
	const later = "plan.ceremony/evidence.reshare-1/evidence goes on from Root 2026 already, and is newer; name that evidence"
	wantWords(t, y.fails("conclave ceremony change plan.ceremony/evidence --kind new-file"), later)
	wantWords(t, y.fails("conclave ceremony drill plan.ceremony/evidence --backup plan.ceremony/backup"), later)
	outdated := "conclave ceremony drill " + y.newest + " --backup plan.ceremony/backup --dir drill"
	wantWords(t, y.fails(outdated), "no drill is prepared in drill", outdated+" --paper")
	y.do(outdated + " --paper")
	wantWords(t, y.fails(outdated), "plan.ceremony/backup has the sheets of set ", "take the newest backup")
	y.do("conclave ceremony change " + y.newest + " --kind add-medium")
	wantWords(t, y.fails("conclave ceremony run plan.ceremony/evidence.add-medium-1/plan.json"), "say where the backup is, with share file and wrapped keys: --backup DIR")
	wantWords(t, y.fails("conclave ceremony run plan.ceremony/evidence.add-medium-1/plan.json --backup plan.ceremony/backup"), "take the newest backup")

	y.once = []oneAnswer{{`Code, or [^:\n]*: $`, old["3"]}}
	from := len(y.All)
	y.drills()
	shown := strings.Join(strings.Fields(string(y.All[from:])), " ")
	wantWords(t, shown, "Not accepted: this sheet is of set "+old["3"][:4]+`, made in "Root 2026"; "Root 2026: reshare of `, "destroy it, and bring the sheet of set "+y.codes["1"][:4])
}

// TestChangeGoesOn: Ctrl-C at the beginning of each step of a change ends the day, and the
// same command goes on with that step.
func TestChangeGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	y := beginYears(t)
	y.do("conclave ceremony change " + y.newest + " --kind new-file")
	dir := y.next("new-file", -1)
	y.do("conclave ceremony runbook " + dir + "/plan.json")
	y.medium, y.folders = y.backup, []string{t.TempDir(), t.TempDir()}
	command := "conclave ceremony run " + dir + "/plan.json --backup " + y.backup
	p, err := plan.ReadFile(filepath.Join(y.dir, dir, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := len(p.Plan.Steps())
	for step := 1; step <= n; step++ {
		y.Enter(command)
		y.until(fmt.Sprintf(`(?s)Step %d of %d: .*Press <enter> to begin: $`, step, n))
		if _, err := y.Terminal.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		y.Expect(`(?s)the same command goes on with the ceremony.*` + shellPrompt + "$")
	}
	wantWords(t, y.holds("new-file", command), fmt.Sprintf("steps: %d of the plan's %d are done", n, n))
}

// TestQuestionsOfAChange: each answer is checked, back goes back, what was answered is
// kept for another day, and no answer is taken for another question.
func TestQuestionsOfAChange(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	y := beginYears(t)
	y.Enter("conclave ceremony change " + y.newest)
	for _, typed := range []struct{ question, answer string }{
		{`reshare: a custodian leaves or comes.*Question 1 of 7\s+Kind of the change: $`, "new sheets"},
		{`Not accepted: one of \[reshare .*\] was expected\s+Kind of the change: $`, "reshare"},
		{`Any 2 of these open the share file until now: Carla, Chen, Cem, Cora\..*Question 2 of 10\s+Who leaves[^\n]*: $`, "Zoe"},
		{`Not accepted: Zoe is no custodian; they are Carla, Chen, Cem, Cora\s+Who leaves[^\n]*: $`, "Cem, cora"},
		{`Question 3 of 10\s+Who comes[^\n]*: $`, ""},
		{`Not accepted: 2 would have sheets; 3 custodians or more were expected\s+Who comes[^\n]*: $`, "CARLA"},
		{`Not accepted: two custodians are named "Carla" and "CARLA", [^\n]*\s+Who comes[^\n]*: $`, "Wim Witness"},
		{`These are to have sheets: Carla, Chen, Wim Witness\..*How many of them together open the share file \(2 to 3\) \[2\]: $`, "4"},
		{`Not accepted: 2 to 3 was expected\s+How many[^\n]*: $`, "3"},
		{`Question 5 of 10\s+Ceremony administrator this time \[Ada Admin\]: $`, ""},
		{`Witnesses this time[^\n]* \[Wim Witness\]: $`, ""},
		{`Planned start[^\n]*: $`, ""},
		{`Place: $`, ""},
		{`Question 9 of 10\s+Why; [^\n]*: $`, "Cem moves away"},
		{`(?s)The plan will say:.*Who comes[^\n]*: Wim Witness.*Is all of it right\?[^\n]*: $`, "yes"},
		{`Not accepted: people.custodians\[2\]: Wim Witness is people.witnesses\[0\] already; [^\n]*\s+Is all of it right\?[^\n]*: $`, "\x03"},
	} {
		y.Expect("(?s)" + typed.question)
		y.Enter(typed.answer)
	}
	y.Expect(shellPrompt + "$")
	y.Enter("conclave ceremony change " + y.newest)
	y.Expect(`(?s)Answered before: 9 questions\..*Question 10 of 10\s+Is all of it right\?[^\n]*: $`)
	y.Enter("back")
	y.Expect(`Question 9 of 10\s+Why; [^\n]*: $`)
	y.Enter("leave")
	y.Expect(shellPrompt + "$")
	y.Enter("conclave ceremony change " + y.newest + " --kind emergency")
	y.Expect(`Question 1 of 6\s+Ceremony administrator this time \[Ada Admin\]: $`)
}
