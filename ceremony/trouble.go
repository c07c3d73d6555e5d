package ceremony

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"conclave/apdu"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/quorum"
	"conclave/wire"
)

// Trouble is something that goes wrong in a rehearsal on request, so that
// people have met it before.
type Trouble string

// The troubles.
const (
	CardPulled      Trouble = "card-pulled"      // while a key is wrapped
	CustodianAbsent Trouble = "custodian-absent" // at the roll call, and at the restore proof
	WrongSheet      Trouble = "wrong-sheet"      // of another ceremony, at the restore proof
	PrinterEmpty    Trouble = "printer-empty"    // or the pen, where sheets are copied by hand
	PowerCut        Trouble = "power-cut"        // between a signature and its record
)

// Troubles are all that there are.
func Troubles() []Trouble {
	return []Trouble{CardPulled, CustodianAbsent, WrongSheet, PrinterEmpty, PowerCut}
}

// ParseTrouble reads the name of a trouble.
func ParseTrouble(name string) (Trouble, error) {
	var names []string
	for _, t := range Troubles() {
		if string(t) == name {
			return t, nil
		}
		names = append(names, string(t))
	}
	return "", fmt.Errorf("%q is no trouble; %s was expected", name, strings.Join(names, ", "))
}

// director lets troubles happen, each once, in the step that it is for. It is
// the devices and the room of an act, and hands on what it does not spoil.
type director struct {
	Devices
	Room
	troubles map[Trouble]bool
	auto     bool // the people are players, who must be told what to play
	step     step.Step
	cut      context.CancelFunc // cuts the power
	// custodian is who is absent, the first one of this many.
	custodian  string
	custodians int
	absent     bool
	wrong      string // a code of another ceremony, to be typed
}

// happens says whether a trouble is due in a step with this action, and that it
// happens now.
func (d *director) happens(t Trouble, action step.Action) bool {
	if !d.troubles[t] || d.step.Action != action {
		return false
	}
	delete(d.troubles, t)
	return true
}

// ShowStep implements Room.
func (d *director) ShowStep(n, of int, s step.Step) {
	d.step = s
	d.Room.ShowStep(n, of, s)
}

func (d *director) tell(text string) { d.Room.Tell("TROUBLE, as rehearsed: " + text) }

// Connect implements Devices.
func (d *director) Connect(device plan.Device) (apdu.Conn, error) {
	conn, err := d.Devices.Connect(device)
	if err != nil {
		return nil, err
	}
	return &directed{conn, d}, nil
}

// directed is the link to a device that trouble befalls.
type directed struct {
	apdu.Conn
	director *director
}

var errPulled = errors.New("the card was pulled from the reader")

// Transmit implements apdu.Card.
func (c *directed) Transmit(command []byte) ([]byte, error) {
	d := c.director
	ins := command[min(1, len(command)-1)]
	if ins == wire.InsWrapKey && d.happens(CardPulled, step.Backup) {
		d.tell("someone pulls the card from the reader.")
		return nil, errPulled
	}
	response, err := c.Conn.Transmit(command)
	if ins == wire.InsSign && d.happens(PowerCut, step.Certify) {
		d.tell("the power fails, after the device has signed and before anyone has the signature.")
		d.cut()
		return nil, errors.New("there is no power")
	}
	return response, err
}

// Answer implements Room.
func (d *director) Answer(ctx context.Context, q Question) (string, error) {
	if q.About == d.custodian && d.happens(CustodianAbsent, step.RollCall) {
		d.absent = true
		d.tell("this person is absent. Answer no, and say who stands in.")
		if d.auto {
			return "no", nil
		}
	}
	return d.Room.Answer(ctx, q)
}

// Come implements custody.Custodians: with a player absent another comes.
func (d *director) Come(ctx context.Context, turn custody.Turn) error {
	if d.auto && d.absent && d.step.Action == step.Import && turn.Custodian == 1 && turn.Of < d.custodians {
		turn.Custodian, turn.Name = turn.Of+1, ""
	}
	if d.happens(WrongSheet, step.Import) {
		code, err := foreignCode()
		if err != nil {
			return err
		}
		d.wrong = code
	}
	return d.Room.Come(ctx, turn)
}

// Show implements custody.Custodians.
func (d *director) Show(ctx context.Context, handout custody.Handout) error {
	if d.happens(PrinterEmpty, step.Share) {
		d.tell("there is no paper left. Fetch some; this sheet is made once more.")
		if d.auto {
			if err := d.Room.Show(ctx, handout); err != nil {
				return err
			}
		}
	}
	return d.Room.Show(ctx, handout)
}

// Ask implements custody.Custodians.
func (d *director) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	if d.wrong == "" {
		if d.auto {
			problem = nil // the player would give up
		}
		return d.Room.Ask(ctx, field, problem)
	}
	code := d.wrong
	d.wrong = ""
	d.tell("a custodian has brought the sheet of another ceremony. Type this code first: " + code)
	if d.auto {
		return code, nil
	}
	return d.Room.Ask(ctx, field, problem)
}

// foreignCode is the code of a sheet that no ceremony of ours has made.
func foreignCode() (string, error) {
	set, err := quorum.Draw(rand.Reader, quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128})
	if err != nil {
		return "", err
	}
	defer set.Wipe()
	return set.Shares[0].Sheet().Code, nil
}
