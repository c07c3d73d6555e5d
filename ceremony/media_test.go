package ceremony_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/medium/mediumtest"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/dkek/dkektest"
)

// TestMediaAreRecognised: the ceremony's own disk, a place where nothing is mounted and
// the same disk twice are refused; drives are offered by number, and each of those that
// are written goes into a bag of its own.
func TestMediaAreRecognised(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Custody.Media = 2 })
	computer := mediumtest.New(t)
	s.Media = computer.System
	one, taken, two := computer.Drive("ONE", "8:17", "6A3F-11B2"), computer.Drive("TAKEN", "8:49", ""), computer.Drive("TWO", "8:33", "")
	computer.Take(taken)
	inside := filepath.Join(one, "inside")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	var told []string
	s.players.Shown = func(text string) { told = append(told, text) }
	s.Room = &answers{s.players, map[string][]string{
		"Folder of backup medium 1":                     {computer.Home, taken, "1"},
		"Folder of backup medium 2":                     {inside, one, "2"},
		"Is the backup to be copied there all the same": {"no", "no", "no"},
		"Number of the bag of backup medium":            {"M-1", "M-1", "M-2"},
	}}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	own := "UUID 0d6f61f7-5b4d-4f4e-9d0e-0a4c0f6c1a2b"
	for _, want := range []string{
		"1: " + one + ", 8.0 GB, FAT, UUID 6A3F-11B2", "2: " + two + ", 8.0 GB, FAT, device 8:33",
		"This medium was not written: " + computer.Home + " is on the disk of the ceremony, " + own + ".",
		"This medium was not written: no medium is mounted at " + taken + ", which is a folder of the computer's own disk.",
		"This medium was not written: " + inside + " is on the disk of backup medium 1, UUID 6A3F-11B2.",
		"This medium was not written: " + one + " holds the backup already (as " + one + "); put in another medium.",
		"Bag M-1 is that of backup medium 1; read the number once more.",
	} {
		if !slices.Contains(told, want) {
			t.Errorf("no one was told %q", want)
		}
	}
	report := s.verified(t)
	wantShown(t, report, "backup medium 1: UUID 6A3F-11B2\nbackup medium 2: device 8:33")
	if len(report.Exceptions) > 0 || t.Failed() {
		t.Errorf("exceptions: %v\n%s", report.Exceptions, strings.Join(told, "\n"))
	}
	t.Run("drill", s.drillWithoutMedium)
}

// drillWithoutMedium is a drill to which one medium was not brought.
func (s *stage) drillWithoutMedium(t *testing.T) {
	d, report := s.holdDrill(t, s.evidence(), &answers{s.players, map[string][]string{"Is backup medium 2 here": {"no"}}})
	if len(report.Exceptions) != 2 || report.Exceptions[1].Text != "backup medium 2 is not here" {
		t.Errorf("exceptions: %v", report.Exceptions)
	}
	wantShown(t, report, "not seen: backup medium 2")
	if bags := readBefore(t, d.evidence()).Chain.State.Bags; bags[3] != (plan.Bag{Thing: "backup medium 2", Number: "M-2"}) {
		t.Errorf("the bags are now %v", bags)
	}
	wantWords(t, textOf(custodyPage(t, sourceOf(t, d.evidence(), time.Now()))), "Backup: 2 copies", "Backup medium 1 Bag", "Written as UUID 6A3F-11B2 Good on",
		"Backup medium 2 NOT HERE Bag M-2 Written as device 8:33 Looked for", "Backup medium 2 was not here on")
}

// TestMoreMedia: a medium is written after those that there are, and
// the next drill looks at all.
func TestMoreMedia(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Custody.Media = 2 })
	computer := mediumtest.New(t)
	s.Media = computer.System
	one, two, three := computer.Drive("ONE", "8:17", "6A3F-11B1"), computer.Drive("TWO", "8:33", "6A3F-11B2"), computer.Drive("THREE", "8:49", "6A3F-11B3")
	folders := map[string][]string{"Folder of backup medium 1": {one, one, one}, "Folder of backup medium 2": {two, two, two}, "Folder of backup medium 3": {three, three}}
	s.Room = &answers{s.players, folders}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	b := readBefore(t, s.evidence())
	more := s.goingOn(t, b, b.Change(plan.Change{Kind: plan.AddMedium}, time.Now()))
	more.Before.Backup = two
	if err := more.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	if report := more.verified(t); len(report.Exceptions) > 0 || more.Plan.Custody.Media != 3 {
		t.Errorf("exceptions: %v", report.Exceptions)
	}
	_, report := s.holdDrill(t, more.evidence(), s.Room)
	if len(report.Exceptions) > 0 {
		t.Errorf("exceptions: %v", report.Exceptions)
	}
	wantShown(t, report, "bags: 10 of 10 were closed, and had their numbers")
}

// TestMissingMedium: a medium that is not there is an exception, and is in no bag.
func TestMissingMedium(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Custody.Media = 2 })
	computer := mediumtest.New(t)
	s.Media = computer.System
	one := computer.Drive("ONE", "8:17", "6A3F-11B2")
	s.Room = &answers{s.players, map[string][]string{"Folder of backup medium 1": {one}}}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	report := s.verified(t)
	if len(report.Exceptions) != 1 || !strings.HasPrefix(report.Exceptions[0].Text, step.TooFewCopies(1, 2)) {
		t.Errorf("exceptions: %v", report.Exceptions)
	}
	if bags := evidence.Of[step.SealFacts](readBefore(t, s.evidence()).Chain.State.Facts, step.Seal.ID()).Bags; bags["backup medium 2"] != plan.NoBag || bags["backup medium 1"] == plan.NoBag {
		t.Errorf("the bags are %v", bags)
	}
	two, three := computer.Drive("TWO", "8:33", "6A3F-11B3"), computer.Drive("THREE", "8:49", "6A3F-11B4")
	b := readBefore(t, s.evidence())
	more := s.goingOn(t, b, b.Change(plan.Change{Kind: plan.AddMedium}, time.Now()))
	more.Room = &answers{s.players, map[string][]string{"Is backup medium 2 here": {"no"}, "Folder of backup medium 1": {one}, "Folder of backup medium 2": {two}, "Folder of backup medium 3": {three}}}
	if err := more.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	report = more.verified(t)
	wantShown(t, report, "backup medium 2: UUID 6A3F-11B3\nbackup medium 3: UUID 6A3F-11B4")
	if len(report.Exceptions) > 0 {
		t.Errorf("exceptions where both missing media were added: %v", report.Exceptions)
	}
}

// TestMediumLacksFiles: a medium is good that has all of the backup: sealed SO-PINs, and
// the record of the sheets, too.
func TestMediumLacksFiles(t *testing.T) {
	y, room := onTwoMedia(t)
	records, err := filepath.Glob(filepath.Join(room.written["medium 2"], "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("%v: %v", records, err)
	}
	for _, path := range append(records, filepath.Join(room.written["medium 1"], "so-pin-primary.sealed")) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	y.Room = &drives{y.players, room.computer, room.written, nil}
	var exceptions []string
	for _, e := range y.drilled(t, 12).Exceptions {
		exceptions = append(exceptions, e.Text)
	}
	if want := []string{"backup medium 1 is not good", "backup medium 2 is not good"}; !slices.Equal(exceptions, want) {
		t.Errorf("exceptions: %q", exceptions)
	}
}
