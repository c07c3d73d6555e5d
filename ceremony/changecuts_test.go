package ceremony_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/medium/mediumtest"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/device"
	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/quorum"
)

// successors are people who keep the sheets of before, and those that they get.
type successors struct {
	*ceremony.SimulatedRoom
	next *ceremony.SimulatedRoom
	step step.Step // under way
}

func (s *successors) ShowStep(n, of int, now step.Step) {
	s.step = now
	s.SimulatedRoom.ShowStep(n, of, now)
}

func (s *successors) Come(ctx context.Context, turn custody.Turn) error {
	return errors.Join(s.next.Come(ctx, turn), s.SimulatedRoom.Come(ctx, turn))
}

func (s *successors) Show(ctx context.Context, handout custody.Handout) error {
	return s.next.Show(ctx, handout)
}

func (s *successors) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	if _, handed := s.next.Sheet(1); field == custody.ReadBack || handed && s.step.Action != step.Share {
		return s.next.Ask(ctx, field, problem)
	}
	return s.SimulatedRoom.Ask(ctx, field, problem)
}

// now are those who have the sheets in force once the change is closed.
func (s *successors) now() *ceremony.SimulatedRoom {
	if _, handed := s.next.Sheet(1); handed {
		return s.next
	}
	return s.SimulatedRoom
}

// drives are a room with a drive for each medium that is to be written; those that were
// written before come again.
type drives struct {
	ceremony.Room
	computer        *mediumtest.Computer
	before, written map[string]string // folders, by medium
}

func (d *drives) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	asked, is := strings.CutPrefix(q.Text, "Folder of backup ")
	medium, write := strings.CutSuffix(asked, ", or done")
	switch {
	case !is:
		return d.Room.Answer(ctx, q)
	case !write:
		return d.before[medium], nil
	case d.written[medium] == "":
		n := len(d.computer.Removable()) + 1
		d.written[medium] = d.computer.Drive(fmt.Sprint("DRIVE", n), fmt.Sprint("8:", 16*n+1), fmt.Sprintf("6A3F-%04d", n))
	}
	return d.written[medium], nil
}

// onTwoMedia holds a ceremony whose backup is on two media, with PINs kept in every way.
func onTwoMedia(t *testing.T) (y *years, room *drives) {
	t.Helper()
	room = &drives{computer: mediumtest.New(t), written: map[string]string{}}
	y = yearsFrom(t, time.Now(), func(s *stage) ceremony.Room {
		s.Media, room.Room = room.computer.System, s.players
		return room
	}, func(p *plan.Plan) {
		withPINs(p)
		p.Custody.Media = 2
	})
	return y, room
}

// elsewhere are the same people with a copy of the devices, so that what one test does to
// them is nothing to another one.
func (y *years) elsewhere(t *testing.T) *years {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("cp", "-a", filepath.Join(y.Base, "home")+"/.", dir).CombinedOutput(); err != nil { // with its modes
		t.Fatalf("%v: %s", err, out)
	}
	s, other := *y.stage, *y
	s.Now = func() time.Time { return other.day }
	h := device.NewHome(dir)
	h.PINCost = y.Devices.(home).PINCost
	s.Devices, other.stage = home{h}, &s
	return &other
}

// any is a change of a kind that can be held there, or a drill.
func (y *years) any(t *testing.T, kind plan.Kind) *stage {
	t.Helper()
	if kind == plan.ReplaceDevice {
		if err := y.Devices.(home).Delete("primary"); err != nil {
			t.Fatal(err)
		}
	}
	return y.prepare(t, 12, func(b *ceremony.Before) *plan.Plan {
		if kind == plan.Checking {
			return b.Drill(y.day)
		}
		return y.change(b, kind, nil)
	})
}

// bringsAll wants a backup to open with the sheets of these people, and to give every key
// and every sealed SO-PIN.
func (s *stage) bringsAll(t *testing.T, what, backup string, players *ceremony.SimulatedRoom) {
	t.Helper()
	d := s.brings(t, what, backup, players)
	for _, name := range s.Plan.SealedPINs() {
		soPIN(t, backup, name, d)
	}
}

// soPIN is the SO-PIN of a device that is sealed in a backup.
func soPIN(t *testing.T, backup, device string, d *dkek.DKEK) secret.Bytes {
	t.Helper()
	sealed, _, err := custody.ReadSealedPIN(filepath.Join(backup, "so-pin-"+device+".sealed"))
	if err != nil {
		t.Fatal(err)
	}
	pin, err := sealed.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// brings wants a backup to open with the sheets of these people, and to give every key.
func (s *stage) brings(t *testing.T, what, backup string, players *ceremony.SimulatedRoom) *dkek.DKEK {
	t.Helper()
	d, err := s.open(t, backup, players)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, k := range s.Plan.Keys {
		f, err := custody.ReadWrapFile(filepath.Join(backup, k.Name+".wrap"))
		if err == nil {
			_, err = d.Rewrap(rand.Reader, f.Blob, d)
		}
		if err != nil {
			t.Errorf("%s: key %s: %v", what, k.Name, err)
		}
	}
	return d
}

// open opens the share file of a backup with the first custodians of the plan.
func (s *stage) open(t *testing.T, backup string, players *ceremony.SimulatedRoom) (*dkek.DKEK, error) {
	t.Helper()
	path := filepath.Join(backup, "dkek.pbe")
	file, err := custody.ReadShareFile(path)
	if err != nil {
		return nil, err
	}
	records, err := custody.Records(path, file)
	if err != nil {
		return nil, err
	}
	var turns []custody.Turn
	for i := range s.Plan.Custody.Threshold {
		turns = append(turns, custody.Turn{Number: i + 1, Of: s.Plan.Custody.Threshold, Custodian: i + 1, Name: s.Plan.People.Custodians[i]})
	}
	o, err := custody.Opening{File: file, Collection: &custody.Collection{Entry: &quorum.Entry{Records: records}, Custodians: players, Expected: turns}}.Run(dkektest.Practising(t.Context()))
	if err != nil {
		return nil, err
	}
	return dkek.New(o.Share)
}

// TestInterruptedChanges lets the power fail at every question of a drill and of each kind
// of change: it goes on where it was, no step is done twice, and until it is closed the
// sheets of before open the backup of before.
func TestInterruptedChanges(t *testing.T) {
	y, room := onTwoMedia(t)
	for _, kind := range testrun.Draw(t, append(plan.Kinds(), plan.Checking), 3) {
		t.Run(string(kind), func(t *testing.T) { y.elsewhere(t).interrupted(t, kind, room) })
	}
}

func (y *years) interrupted(t *testing.T, kind plan.Kind, room *drives) {
	s, people := y.any(t, kind), &successors{SimulatedRoom: y.players, next: &ceremony.SimulatedRoom{}}
	media := &drives{people, room.computer, room.written, map[string]string{}}
	f := &faint{Room: media, asked: map[string]bool{}}
	s.Room = f
	f.hold(t, s, func() { y.bringsAll(t, "the old backup", y.backup, y.players) })
	var void []transcript.Entry
	for _, e := range s.verified(t).Exceptions {
		if e.Facts["sheets"] != step.SheetsVoid {
			t.Errorf("exception: %s", e.Text)
		}
		void = append(void, e)
	}
	if kind.MakesSheets() != (len(void) > 0) {
		t.Errorf("sheets were void %d times", len(void))
	}
	if s.Plan.RewritesBackup() {
		s.bringsAll(t, "the new backup", s.Dir.Backup(), people.now())
		s.bringsAll(t, "a medium", media.written["medium 1"], people.now())
	}
}
