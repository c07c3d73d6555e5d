//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/plan"
)

// yearsAtTerminal are people who hold a ceremony, and what comes after it, in one folder.
type yearsAtTerminal struct {
	*people
	dir    string
	newest string // evidence
	backup string // in force
}

// beginYears lets people hold a ceremony whose quorum is 2-of-4, with a CA that has no
// other under it.
func beginYears(t *testing.T) *yearsAtTerminal {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	y := &yearsAtTerminal{dir: t.TempDir(), newest: "plan.ceremony/evidence", backup: "plan.ceremony/backup"}
	y.people = enterShell(t, y.dir)
	root := plan.Answers{
		Organization: "Example Ltd", Country: "CH", Ceremony: "Root 2026", Start: time.Now().UTC().Truncate(time.Second), Threshold: 2,
		People:  plan.People{Administrator: "Ada Admin", Witnesses: []string{"Wim Witness"}, Custodians: []string{"Carla", "Chen", "Cem", "Cora"}},
		KeyType: "ec:secp256r1", Root: "Example Root CA", RootYears: 20, URL: "http://pki.example.com", CRLMonths: 12, RetentionYears: 25, SOPIN: plan.ByQuorum,
	}.Plan()
	content, err := root.Bytes()
	if err == nil {
		err = os.WriteFile(filepath.Join(y.dir, "plan.json"), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	y.folders = []string{t.TempDir(), t.TempDir()}
	y.do("conclave ceremony runbook plan.json")
	y.do("conclave ceremony run plan.json")
	return y
}

// drills holds a drill, whose evidence must verify.
func (y *yearsAtTerminal) drills() string {
	y.t.Helper()
	command := "conclave ceremony drill " + y.newest + " --backup " + y.backup
	y.do(command + " --paper")
	return y.holds("drill", command)
}

// changes answers the questions of a change, in order, and holds it; its evidence must
// verify.
func (y *yearsAtTerminal) changes(kind plan.Kind, answers ...oneAnswer) string {
	y.t.Helper()
	y.once = answers
	y.do("conclave ceremony change " + y.newest + " --kind " + string(kind))
	dir := y.next(string(kind), -1)
	y.do("conclave ceremony runbook " + dir + "/plan.json")
	shown := y.holds(string(kind), "conclave ceremony run "+dir+"/plan.json --backup "+y.backup)
	if kind != plan.Emergency {
		y.backup = dir + "/backup"
	}
	return shown
}

// signsCRL signs the CRL of a year, with a device that holds the root's key.
func (y *yearsAtTerminal) signsCRL(number int, device string) {
	y.t.Helper()
	next := time.Now().AddDate(0, 10, number).UTC().Format(time.DateOnly)
	y.do(fmt.Sprintf("conclave ca crl root-%d.crl --issuer plan.ceremony/evidence/certificates/root.pem --next-update %s --register plan.ceremony/register.sqlite --device %s", number, next, device))
}

// next is the folder of a drill or a change, or of one before it.
func (y *yearsAtTerminal) next(kind string, before int) string {
	found, _ := filepath.Glob(filepath.Join(y.dir, "plan.ceremony", "evidence."+kind+"-*"))
	if n := len(found) + before; n >= 0 && n < len(found) {
		dir, _ := filepath.Rel(y.dir, found[n])
		return dir
	}
	y.t.Fatalf("there are %d folders of %s", len(found), kind)
	return ""
}

func (y *yearsAtTerminal) holds(kind, command string) string {
	y.t.Helper()
	y.medium, y.folders = y.backup, []string{y.t.TempDir(), y.t.TempDir(), y.t.TempDir(), y.t.TempDir()}
	y.do(command)
	y.newest = y.next(kind, -1) + "/evidence"
	return verifyEvidence(y.t, filepath.Join(y.dir, y.newest))
}

// TestYearsAtATerminal: four years of a root's custody, as people type them.
func TestYearsAtATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	y := beginYears(t)
	wantWords(t, y.drills(), "drill: 4 of 4 sheets are good, the backup opens, the devices are as they were")
	y.signsCRL(2, "primary")
	y.changes(plan.NewSheets, oneAnswer{`Who leaves[^\n]*: $`, "cem"}, oneAnswer{`Who comes[^\n]*: $`, "Xenia"})
	wantWords(t, y.drills(), "drill: 4 of 4 sheets are good", "reshare of ")
	y.signsCRL(3, "standby")
	y.changes(plan.NewFile)
	y.do("conclave hsm delete primary --yes")
	y.changes(plan.ReplaceDevice, oneAnswer{`Device that is replaced[^\n]*: $`, "primary"})
	y.signsCRL(4, "primary")
	y.changes(plan.ChangePIN)
	y.changes(plan.AddMedium, oneAnswer{`How many backup media there are to be \(3 to 20\) \[3\]: $`, "4"})
	y.changes(plan.Rekey, oneAnswer{`Who leaves[^\n]*: $`, "Xenia"}, oneAnswer{`Who comes[^\n]*: $`, "Yves, Zoe"}, oneAnswer{`How many of them together[^\n]*: $`, "3"})
	y.signsCRL(5, "standby")
	y.changes(plan.Emergency, oneAnswer{`By which day must the keys be changed[^\n]*: $`, "2031-05-31"})
	y.do("conclave ceremony calendar " + y.newest + " root.ics")
	dates, err := os.ReadFile(filepath.Join(y.dir, "root.ics"))
	if want := "DTSTART;VALUE=DATE:20310531"; err != nil || !strings.Contains(string(dates), want) {
		t.Errorf("the calendar does not have %s (%v):\n%s", want, err, dates)
	}
	wantWords(t, y.drills(), "drill: 5 of 5 sheets are good, the backup opens, the devices are as they were", "between them: ")
}

func wantWords(t *testing.T, shown string, words ...string) {
	t.Helper()
	if i := slices.IndexFunc(words, func(want string) bool { return !strings.Contains(shown, want) }); i >= 0 {
		t.Errorf("%q is not in:\n%s", words[i], shown)
	}
}

// TestCustodianLeavesPage does what docs/custodian-leaves.md says, after a ceremony.
func TestCustodianLeavesPage(t *testing.T) {
	y := beginYears(t)
	y.plays("../../docs/custodian-leaves.md")
	wantWords(t, verifyEvidence(t, filepath.Join(y.dir, "plan.ceremony/evidence.new-file-1/evidence")), "between them: Root 2026: reshare of ")
}

// TestDeviceLostPage does what docs/device-lost.md says, when the device is lost.
func TestDeviceLostPage(t *testing.T) {
	y := beginYears(t)
	y.do("conclave hsm delete primary --yes")
	y.once = []oneAnswer{{`or type unshown to go on without it, as an exception: $`, "unshown"}}
	y.plays("../../docs/device-lost.md")
	wantWords(t, verifyEvidence(t, filepath.Join(y.dir, "plan.ceremony/evidence.rekey-1/evidence")), "between them: Root 2026: emergency of ", "between them: Root 2026: replace-device of ")
}

// plays does all commands of a page, which is about what comes after a ceremony.
func (y *yearsAtTerminal) plays(page string) {
	y.t.Helper()
	if testing.Short() {
		y.t.Skip("whole ceremonies")
	}
	y.medium = filepath.Join(y.dir, y.backup)
	for _, command := range commands(y.t, page) {
		y.folders = []string{y.t.TempDir(), y.t.TempDir()}
		y.do(command)
	}
}
