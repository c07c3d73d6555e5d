package ceremony_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/wire"
)

// outlet is where devices get their power, which fails at each command that may change
// something: before the device gets it, and another time before its answer arrives.
type outlet struct {
	ceremony.Devices
	room *successors // which knows the step
	cut  map[string]bool
}

type plugged struct {
	apdu.Conn
	*outlet
}

func (o *outlet) Connect(d plan.Device) (apdu.Conn, error) {
	conn, err := o.Devices.Connect(d)
	return &plugged{conn, o}, err
}

func (p *plugged) Transmit(command []byte) ([]byte, error) {
	if slices.Contains([]byte{wire.InsSelect, wire.InsGetChallenge, wire.InsReadBinary, wire.InsEnumerateObjects}, command[1]) {
		return p.Conn.Transmit(command)
	}
	where := fmt.Sprintf("%s: %02X %02X%02X", p.room.step.ID, command[1], command[2], command[3])
	p.fails(where)
	response, err := p.Conn.Transmit(command)
	p.fails(where + ", its answer")
	return response, err
}

func (o *outlet) fails(where string) {
	if !o.cut[where] {
		o.cut[where] = true
		panic(errPower)
	}
}

// run holds a change until the power fails.
func (o *outlet) run(t *testing.T, a ceremony.Ceremony) error {
	a.Devices = o
	return untilPowerFails(t, a)
}

// minds are people who make up another PIN each time, and try the last one first: they
// do not know whether a device had it before the power failed.
type minds struct {
	ceremony.Room
	made  int
	pins  map[string][]string // that a device may have, by what they are
	asked string              // for which one, last
}

func (m *minds) Secret(_ context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	pin, isNew := strings.CutPrefix(strings.NewReplacer("present ", "", "first half of the ", "", "second half of the ", "").Replace(q.What), "new ")
	m.asked, _, _ = strings.Cut(pin, ", ")
	form := "%06d"
	if q.PIN == wire.SOPIN {
		form = "%016x"
	}
	if m.pins[m.asked] == nil {
		m.pins[m.asked] = []string{ofPlayers(q.PIN)}
	}
	if pins := m.pins[m.asked]; isNew && q.Half != 2 {
		m.made++
		m.pins[m.asked] = []string{pins[len(pins)-1], fmt.Sprintf(form, m.made)}
	}
	m.wrong(q.Problem)
	pins := m.pins[m.asked]
	pin = pins[len(pins)-1]
	switch half := len(pin) / 2; q.Half {
	case 1:
		pin = pin[:half]
	case 2:
		pin = pin[half:]
	}
	return secret.Bytes(pin), nil
}

// wrong lets them try the PIN of before, where the last one was wrong.
func (m *minds) wrong(problem error) {
	var wrong *hsm.PINError
	if pins := m.pins[m.asked]; errors.As(problem, &wrong) && len(pins) > 1 {
		m.pins[m.asked] = pins[:len(pins)-1]
	}
}

func (m *minds) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	m.wrong(q.Problem)
	return m.Room.Answer(ctx, q)
}

// last is the PIN that they have in mind.
func (m *minds) last(ref wire.PINReference, device string) secret.Bytes {
	if pins := m.pins[plan.PINName(ref)+" of "+plan.TheDevice(device)]; len(pins) > 0 {
		return secret.Bytes(pins[len(pins)-1])
	}
	return secret.Bytes(ofPlayers(ref))
}

// ofPlayers is the PIN that the players of the first ceremony have set.
func ofPlayers(ref wire.PINReference) string {
	return map[wire.PINReference]string{wire.UserPIN: "648219", wire.SOPIN: "3537363231383830"}[ref]
}

// takes wants a device to take the PINs that people have in mind, or that are sealed in the
// backup.
func (m *minds) takes(t *testing.T, s *stage, name string, d *dkek.DKEK) {
	t.Helper()
	so, err := hsm.ParseSOPIN(m.last(wire.SOPIN, name))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(s.Plan.SealedPINs(), name) {
		so = soPIN(t, s.Dir.Backup(), name, d)
	}
	h := s.openDevice(t, name)
	defer h.Close()
	if err := errors.Join(h.Login(wire.UserPIN, m.last(wire.UserPIN, name)), h.Login(wire.SOPIN, so)); err != nil {
		t.Errorf("device %s: %v", name, err)
	}
}

// TestPowerCutsInDevices lets the power fail around every command that changes something
// in a device, in the kinds of changes that do: at each moment the old sheets open the old
// backup, which brings every key back, and from when there are new ones they open the new
// backup. Devices have the PINs that people know.
func TestPowerCutsInDevices(t *testing.T) {
	y, room := onTwoMedia(t)
	for _, kind := range testrun.Draw(t, []plan.Kind{plan.Rekey, plan.ReplaceDevice, plan.ChangePIN}, 1) {
		t.Run(string(kind), func(t *testing.T) { y.elsewhere(t).unplugged(t, kind, room) })
	}
}

func (y *years) unplugged(t *testing.T, kind plan.Kind, room *drives) {
	s, people := y.any(t, kind), &successors{SimulatedRoom: y.players, next: &ceremony.SimulatedRoom{}}
	m := &minds{Room: &drives{people, room.computer, room.written, map[string]string{}}, pins: map[string][]string{}}
	s.Room = m
	o := &outlet{Devices: s.Devices, room: people, cut: map[string]bool{}}
	for {
		err := o.run(t, s.Ceremony)
		if err == nil {
			break
		}
		if !errors.Is(err, errPower) {
			t.Fatalf("cut %d: %v", len(o.cut), err)
		}
		y.bringsAll(t, "the old backup", y.backup, y.players)
		if kind == plan.Rekey && people.step.Action != step.Share {
			s.brings(t, "the new backup", s.Dir.Backup(), people.next)
		}
	}
	if report := s.verified(t); len(report.Exceptions) > 0 {
		t.Errorf("exceptions: %v", report.Exceptions)
	}
	if len(o.cut) < 10 {
		t.Errorf("only %d power cuts", len(o.cut))
	}
	before, now := y.brings(t, "the old backup", y.backup, y.players), s.brings(t, "the new backup", s.Dir.Backup(), people.now())
	for _, name := range s.Plan.Kept() {
		m.takes(t, s, name, now)
	}
	for _, name := range s.Plan.ResealedPINs() {
		if bytes.Equal(soPIN(t, y.backup, name, before), soPIN(t, s.Dir.Backup(), name, now)) {
			t.Errorf("the device %s has the SO-PIN that it had", name)
		}
	}
}
