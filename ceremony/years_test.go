package ceremony_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/dkek/dkektest"
	"conclave/internal/testrun"
)

// years are a ceremony, and what has come after it.
type years struct {
	*stage
	newest string // evidence
	backup string // in force
	day    time.Time
}

// newYears holds a ceremony whose quorum is 2-of-4, in a room of people who keep their
// sheets.
func newYears(t testing.TB, change func(*plan.Plan)) *years {
	t.Helper()
	return yearsFrom(t, time.Now(), func(s *stage) ceremony.Room { return s.players }, change)
}

// yearsFrom holds one on that day, in a room of its own.
func yearsFrom(t testing.TB, day time.Time, room func(*stage) ceremony.Room, change func(*plan.Plan)) *years {
	t.Helper()
	s := newStage(t, func(p *plan.Plan) {
		p.People.Custodians, p.Custody.Threshold = p.People.Custodians[:4], 2
		if change != nil {
			change(p)
		}
	})
	return yearsOf(t, s, day, room)
}

// yearsOf are years that begin with this ceremony.
func yearsOf(t testing.TB, s *stage, day time.Time, room func(*stage) ceremony.Room) *years {
	t.Helper()
	y := &years{stage: s, newest: s.evidence(), backup: s.Dir.Backup(), day: day}
	y.Room = room(s)
	y.Now = func() time.Time { return y.day }
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
	return y
}

// prepare is a drill or a change of months later.
func (y *years) prepare(t testing.TB, months int, plan func(*ceremony.Before) *plan.Plan) *stage {
	t.Helper()
	y.day = y.day.AddDate(0, months, 0)
	before := readBefore(t, y.newest)
	next := y.goingOn(t, before, plan(before))
	next.Before.Backup = y.backup
	return next
}

// hold holds a drill or a change of months later, whose evidence must verify.
func (y *years) hold(t testing.TB, months int, plan func(*ceremony.Before) *plan.Plan) *evidence.Report {
	t.Helper()
	next := y.prepare(t, months, plan)
	if err := next.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	report := next.verified(t)
	y.newest = next.evidence()
	if next.Plan.NeedsBackup() && !next.Plan.LeavesBackup() {
		y.backup = next.Dir.Backup()
	}
	return report
}

func (y *years) drilled(t testing.TB, months int) *evidence.Report {
	t.Helper()
	return y.hold(t, months, func(b *ceremony.Before) *plan.Plan { return b.Drill(y.day) })
}

func (y *years) changed(t *testing.T, kind plan.Kind, change func(*plan.Plan)) *evidence.Report {
	t.Helper()
	return y.hold(t, 3, func(b *ceremony.Before) *plan.Plan { return y.change(b, kind, change) })
}

func (y *years) change(b *ceremony.Before, kind plan.Kind, change func(*plan.Plan)) *plan.Plan {
	c := plan.Change{Kind: kind}
	if kind == plan.ReplaceDevice {
		c.Device = "primary"
	}
	p := b.Change(c, y.day)
	if change != nil {
		change(p)
	}
	return p
}

// TestYears: each kind of change, with drills between them, all the way from the first
// ceremony; with PINs in people's heads, or with sheets and seals for them.
func TestYears(t *testing.T) {
	changes := map[string]func(*plan.Plan){"PINs by heart": nil, "PINs on paper": func(p *plan.Plan) {
		for i := range p.Devices {
			p.Devices[i].UserPIN, p.Devices[i].SOPIN = &plan.PIN{Kept: plan.OnSheet}, &plan.PIN{Kept: plan.ByQuorum}
		}
		p.Custody.Media = 2
	}}
	for _, name := range testrun.Draw(t, slices.Sorted(maps.Keys(changes)), 1) {
		t.Run(name, func(t *testing.T) { allYears(t, newYears(t, changes[name])) })
	}
	t.Run("two roots", func(t *testing.T) {
		y := yearsOf(t, newStageOf(t, "two-roots", nil), time.Now(), func(s *stage) ceremony.Room { return s.players })
		allYears(t, y)
		wantWords(t, textOf(custodyPage(t, y.source(t, y.day))), "What is due",
			"2036-10-31 End of the certificate CN=Example Root CA C1,O=Example Ltd,C=CH issued by CN=Example Root CA Q1,O=Example Ltd,C=CH",
			"2046-10-31 End of the certificate CN=Example Root CA C1,O=Example Ltd,C=CH 2046-10-31")
		y.signs(t, "primary", "root-classical", "root-pq") // it was lost, and any two of four have brought both back
	})
}

func allYears(t *testing.T, y *years) {
	wantShown(t, y.drilled(t, 12), "drill: 4 of 4 sheets are good, the backup opens, the devices are as they were")
	report := y.changed(t, plan.NewSheets, func(p *plan.Plan) { p.People.Custodians[2] = "Xenia" })
	opened := 2 // of media there are none that were written, but in one bag there may be
	if y.Plan.Custody.Media == 0 {
		opened++
	}
	wantShown(t, report, fmt.Sprintf("bags: %d were opened", opened))
	wantShown(t, y.drilled(t, 12), "drill: 4 of 4 sheets are good")
	y.changed(t, plan.NewFile, nil)
	y.changed(t, plan.ReplaceDevice, func(p *plan.Plan) {
		p.FindDevice("primary").Comment = "bought as a spare"
		if err := y.Devices.(home).Delete("primary"); err != nil {
			t.Fatal(err)
		}
	})
	y.changed(t, plan.AddMedium, nil)
	y.changed(t, plan.ChangePIN, nil)
	y.changed(t, plan.Rekey, func(p *plan.Plan) { p.People.Custodians, p.Custody.Threshold = append(p.People.Custodians, "Yves"), 3 })
	y.changed(t, plan.Emergency, nil)
	wantShown(t, y.drilled(t, 12), "drill: 5 of 5 sheets are good", "between them: ")
	b := readBefore(t, y.newest)
	if n := len(b.Chain.Links); n != 11 {
		t.Errorf("the chain has %d links; 11 were expected", n)
	}
	state := b.Chain.State
	if want := []string{"Carla", "Chen", "Xenia", "Cora", "Yves"}; !slices.Equal(state.Plan.People.Custodians, want) || state.Plan.Custody.Threshold != 3 {
		t.Errorf("%d of %v have sheets; 3 of %v were expected", state.Plan.Custody.Threshold, state.Plan.People.Custodians, want)
	}
	dates, end, err := ceremony.ScheduleFrom(t.Context(), y.newest)
	if err != nil || !end.Truncate(time.Hour).Equal(y.day.Truncate(time.Hour)) {
		t.Errorf("the schedule is from %v (%v); %v was expected", end, err, y.day)
	}
	if i := slices.IndexFunc(dates, func(d plan.Date) bool { return strings.HasSuffix(d.What, ": drill") }); i < 0 || dates[i].Day.Format(time.DateOnly) != y.day.AddDate(0, 12, 0).UTC().Format(time.DateOnly) {
		t.Errorf("the next drill is not a year from %v: %v", y.day, dates)
	}
	wantWords(t, textOf(custodyPage(t, y.source(t, y.day))),
		"New sheets for the share file", "replaced by Xenia's", "New share file, which the old sheets do not open the same custodians", "The device primary is replaced serial number", "0 more copies of the backup",
		"New PINs of all devices", "New DKEK, under which all keys were wrapped anew Yves has a sheet now any 3 of 5", "Emergency PRACTICE: a sheet is lost", "Drill 5 of 5 sheets good; the backup opened",
		"What is due", y.day.AddDate(0, 12, 0).UTC().Format(time.DateOnly)+" Drill")
	if _, err := custody.ReadShareFile(filepath.Join(y.backup, "dkek.pbe")); err != nil {
		t.Error(err)
	}
}

// TestNoBackup: a folder that is no backup is named as such before anyone comes, and not as
// a file that could not be opened.
func TestNoBackup(t *testing.T) {
	y := newYears(t, nil)
	next := y.prepare(t, 3, func(b *ceremony.Before) *plan.Plan { return y.change(b, plan.NewSheets, nil) })
	for dir, want := range map[string]string{
		t.TempDir():                           "has no share file dkek.pbe; the folder of a backup was expected",
		string(y.Dir):                         "holds no backup of a ceremony; this is the folder of a ceremony: ",
		filepath.Join(t.TempDir(), "nowhere"): "is not a folder; the backup was expected",
	} {
		next.Before.Backup = dir
		if err := next.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; %q was expected", dir, err, want)
		}
	}
}
