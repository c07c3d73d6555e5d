package ceremony_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
	"conclave/quorum/paper"
	"conclave/wire"
)

// withPINs keeps PINs in every way that there is.
func withPINs(p *plan.Plan) {
	p.Devices[0].UserPIN, p.Devices[0].SOPIN = &plan.PIN{Kept: plan.OnSheet, By: "Wim Witness"}, &plan.PIN{Kept: plan.ByQuorum}
	p.Devices[1].UserPIN, p.Devices[1].SOPIN = &plan.PIN{Kept: plan.InHalves, By: "Cem", With: "Cora"}, &plan.PIN{Kept: plan.ByKeeper, By: "Carla"}
}

// ofPINs are stories in which PINs are not kept as the plan says.
func ofPINs() []contradiction {
	fact := func(id, fact, value string) func(*story) { return func(s *story) { s.facts(id)[fact] = value } }
	return []contradiction{
		{"a PIN that is kept otherwise", fact("prepare-primary", "pin kept: SO-PIN", "keeper"), `step prepare-primary, fact "pin kept: SO-PIN": the transcript has keeper, and quorum was expected`, 0},
		{"a PIN that someone else has typed", fact("prepare-standby", "pin typed by: user PIN", "Cem, Cem"), `step prepare-standby, fact "pin typed by: user PIN": the transcript has Cem, Cem, and Cem, Cora was expected`, 0},
		{"a PIN that no device has", fact("prepare-primary", "pin kept: PUK", "sheet"), `step prepare-primary, fact "pin kept: PUK": nothing in the plan has this name`, 0},
		{"a PIN that the plan keeps otherwise", func(s *story) {
			s.replan(func(p *plan.Plan) { p.Devices[1].SOPIN.By = "Chen" })
		}, `step prepare-standby, fact "pin typed by: SO-PIN": the transcript has Carla, and Chen was expected`, 0},
		{"a PIN that the plan seals, and no one did", func(s *story) {
			s.replan(func(p *plan.Plan) { p.Devices[1].SOPIN.Kept = plan.ByQuorum })
		}, "the steps done are ", 1},
		{"another sealed PIN", fact("seal-pin-primary", "sealed so pin sha256", hashOf(nil)), `step seal-pin-primary, fact "sealed so pin sha256": the transcript has `, 0},
		{"a sealed PIN that no one has noted", func(s *story) { delete(s.last(transcript.Note, "seal-pin-primary").Facts, "sealed so pin sha256") },
			`step seal-pin-primary, fact "sealed so pin sha256": the transcript has `, 0},
		{"a sealed PIN under another DKEK", fact("seal-pin-primary", "key check value", "0000000000000000"), `step seal-pin-primary, fact "key check value": `, 0},
		{"a PIN that others have sealed", fact("seal-pin-primary", "custodians", "1, 2, 4"), `step seal-pin-primary, fact "custodians": the transcript has 1, 2, 4`, 0},
		{"a PIN that is sealed in another step", func(s *story) { s.last(transcript.Note, "copy").Facts["sealed so pin sha256"] = hashOf(nil) },
			`(step copy, note): fact "sealed so pin sha256": this step has no such note`, 0},
		{"a sheet with a PIN in no bag of its own", fact("seal", "bag: the user PIN of the device primary", "PRACTICE-8"), `it is PRACTICE-8, as for the sheet of Cora`, 0},
	}
}

// ofTheBagsOfPINs are stories of a drill in which those bags cannot be as they are said to
// be.
func ofTheBagsOfPINs() []contradiction {
	const user, half = "bag: the user PIN of the device primary", "bag: the second half of the user PIN of the device standby"
	fact := func(id, fact, value string) func(*story) { return func(s *story) { s.facts(id)[fact] = value } }
	return []contradiction{
		{"a bag of a PIN that stays closed, with a new number", fact("seal", user, "PRACTICE-99"), `step seal, fact "bag: the user PIN of the device primary": the transcript has PRACTICE-99`, 0},
		{"a bag of a PIN at which no one has looked", func(s *story) { delete(s.facts("pins"), user) }, `step pins, fact "bag: the user PIN of the device primary": it is nothing, and was noted as PRACTICE-10`, 0},
		{"a bag of a PIN that was opened, and has its number", fact("seal", half, "PRACTICE-12"), "it is PRACTICE-12, which is or was the number of the bag of the second half of the user PIN of the device standby", 0},
		{"a bag of a PIN that is whole after all", fact("pins", half, "PRACTICE-12"), "it is PRACTICE-12, and was noted as not as it was", 1},
		{"another sealed PIN", fact("inspect", "sealed so pin sha256 primary", hashOf(nil)), `step inspect, fact "sealed so pin sha256 primary": `, 0},
		{"a sealed PIN of nothing", fact("inspect", "sealed so pin sha256 standby", hashOf(nil)), `step inspect, fact "sealed so pin sha256 standby": nothing in the plan has this name`, 0},
	}
}

// pinRoom are players with PINs of their own, each another one, who see nobody else's.
type pinRoom struct {
	*ceremony.SimulatedRoom
	pins    map[string]string // by what is asked for
	asked   []string
	printed []paper.PINSheet
	shown   strings.Builder
}

func newPINRoom(players *ceremony.SimulatedRoom) *pinRoom {
	r := &pinRoom{SimulatedRoom: players, pins: map[string]string{}}
	players.Shown = func(text string) { r.shown.WriteString(text + "\n") }
	return r
}

// Secret makes each new PIN at random, and remembers it.
func (r *pinRoom) Secret(_ context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	if q.Problem != nil {
		return nil, q.Problem
	}
	what := q.Who + ": " + q.What
	r.asked = append(r.asked, what+" "+q.Again)
	what, _, _ = strings.Cut(strings.NewReplacer("new ", "", "present ", "").Replace(what), ", ")
	if r.pins[what] == "" {
		random := make([]byte, 4)
		rand.Read(random)
		r.pins[what] = hex.EncodeToString(random)
		if q.PIN == wire.SOPIN && q.Half == 0 {
			r.pins[what] += "5a5a5a5a"
		}
	}
	return secret.Bytes(r.pins[what]), nil
}

func (r *pinRoom) PrintPIN(_ context.Context, sheet paper.PINSheet) error {
	r.printed = append(r.printed, sheet)
	return nil
}

// TestPINsAreKept: each PIN is asked of whom the plan names, its sheets come from the
// printer, and nothing that is left behind has any PIN in it.
func TestPINsAreKept(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) {
		withPINs(p)
		p.Custody.Printer = "hall"
	})
	room := newPINRoom(s.players)
	s.Room = room
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Ada Admin: new SO-PIN of the device primary, 16 hex digits ", "Wim Witness: new user PIN of the device primary, 6 to 16 characters ",
		"Ada Admin: present SO-PIN of the device primary, 16 hex digits ", "Wim Witness: user PIN of the device primary ",
		"Carla: new SO-PIN of the device standby, 16 hex digits ", "Cem: new first half of the user PIN of the device standby, 3 to 8 characters ",
		"Cora: new second half of the user PIN of the device standby, 3 to 8 characters ",
	}
	if got := room.asked; len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("asked for\n%s", strings.Join(got, "\n"))
	}
	var sheets []string
	for _, p := range room.printed {
		sheets = append(sheets, fmt.Sprintf("%s: %s of %s, %t", p.Person, p.Title, p.Device, p.PIN == room.pins[p.Person+": "+strings.TrimPrefix(p.Title, "The ")+" of the device "+p.Device] && p.Serial != ""))
	}
	if got := strings.Join(sheets, "; "); got != "Wim Witness: The user PIN of primary, true; Cem: The first half of the user PIN of standby, true; Cora: The second half of the user PIN of standby, true" {
		t.Errorf("printed: %s", got)
	}
	room.leftNowhere(t, s.Base, s.verified(t))
}

// leftNowhere looks for PINs in all that a ceremony leaves behind, and in what it has shown.
func (r *pinRoom) leftNowhere(t *testing.T, dir string, report *evidence.Report) {
	t.Helper()
	left := map[string][]byte{"what was shown": []byte(r.shown.String()), "the report": []byte(strings.Join(report.Shown, "\n"))}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			left[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(left) < 20 {
		t.Fatalf("%d files: %v", len(left), err)
	}
	for what, pin := range r.pins {
		forms := [][]byte{[]byte(pin), []byte(strings.ToUpper(pin))}
		if raw, err := hex.DecodeString(pin); err == nil && len(raw) == 8 { // shorter ones may be there by chance
			forms = append(forms, raw)
		}
		for path, content := range left {
			if slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(content, form) }) {
				t.Errorf("%s is in %s", what, path)
			}
		}
	}
}

// TestPINsByHand: where there is no printer a PIN is typed again from its sheet.
func TestPINsByHand(t *testing.T) {
	s := newStage(t, withPINs)
	room := newPINRoom(s.players)
	s.Room = room
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := "Cem: new first half of the user PIN of the device standby, 3 to 8 characters write it on its PIN sheet, and type it again from there"; !slices.Contains(room.asked, want) || len(room.printed) > 0 {
		t.Errorf("asked for\n%s", strings.Join(room.asked, "\n"))
	}
	room.leftNowhere(t, s.Base, s.verified(t))
}

// TestPINsAreJudged: what does not have the form that was asked for is asked for again, of
// the same person.
func TestPINsAreJudged(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) {
		p.Devices[0].UserPIN, p.Devices[0].SOPIN = &plan.PIN{Kept: plan.OnSheet}, &plan.PIN{Kept: plan.InHalves, With: "Cem"}
	})
	room := &says{SimulatedRoom: s.players, pins: []string{"3537363231383830", "3537363", "35373632", "3138383x", "31383830", "12345", "has a space", "648219", "stop"}}
	s.Room = room
	if err := s.Run(dkektest.Practising(t.Context())); err == nil || len(room.pins) != 0 {
		t.Errorf("it ended with %v; %q was not asked for", err, room.pins)
	}
	want := []string{
		"8 hex digits were expected", "8 hex digits were expected", "8 hex digits were expected",
		"the new user PIN has 5 characters; 6 to 16 were expected", "a PIN that is kept on paper has letters, digits and signs of ASCII alone, and no spaces",
	}
	if !slices.Equal(room.problems, want) {
		t.Errorf("told %q", room.problems)
	}
}
