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

// Fault is something that goes wrong in a rehearsal on request, so that
// people have met it before.
type Fault string

// The faults.
const (
	CardPulled      Fault = "card-pulled"      // while a key is wrapped
	CustodianAbsent Fault = "custodian-absent" // at the roll call, and at the restore proof
	WrongSheet      Fault = "wrong-sheet"      // of another ceremony, at the restore proof
	PrinterEmpty    Fault = "printer-empty"    // or the pen, where sheets are copied by hand
	PowerCut        Fault = "power-cut"        // between a signature and its record
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{CardPulled, CustodianAbsent, WrongSheet, PrinterEmpty, PowerCut}
}

// ParseFault reads the name of a fault.
func ParseFault(name string) (Fault, error) {
	var names []string
	for _, t := range Faults() {
		if string(t) == name {
			return t, nil
		}
		names = append(names, string(t))
	}
	return "", fmt.Errorf("%q is not a trouble; one of %s was expected", name, strings.Join(names, ", "))
}

// injector injects faults, each once, in the step that it is for. It is the devices
// and the room of a ceremony, and hands on what it does not spoil.
type injector struct {
	Devices
	Room
	faults map[Fault]bool
	auto   bool // the people are simulated, and must be told what to do
	step   step.Step
	cut    context.CancelFunc // cuts the power
	// custodian is who is absent, the first one of this many.
	custodian  string
	custodians int
	absent     bool
	wrong      string // a code of another ceremony, to be typed
}

// happens says whether a fault is due in a step with this action, and that it
// happens now.
func (i *injector) happens(t Fault, action step.Action) bool {
	if !i.faults[t] || i.step.Action != action {
		return false
	}
	delete(i.faults, t)
	return true
}

// ShowStep implements Room.
func (i *injector) ShowStep(n, of int, s step.Step) {
	i.step = s
	i.Room.ShowStep(n, of, s)
}

func (i *injector) tell(text string) { i.Room.Tell("TROUBLE, as rehearsed: " + text) }

// Connect implements Devices.
func (i *injector) Connect(device plan.Device) (apdu.Conn, error) {
	conn, err := i.Devices.Connect(device)
	if err != nil {
		return nil, err
	}
	return &faultyLink{conn, i}, nil
}

// faultyLink is the link to a device that fails.
type faultyLink struct {
	apdu.Conn
	injector *injector
}

var errPulled = errors.New("the card was pulled from the reader")

// Transmit implements apdu.Card.
func (c *faultyLink) Transmit(command []byte) ([]byte, error) {
	i := c.injector
	ins := command[min(1, len(command)-1)]
	if ins == wire.InsWrapKey && i.happens(CardPulled, step.Backup) {
		i.tell("someone pulls the card from the reader.")
		return nil, errPulled
	}
	response, err := c.Conn.Transmit(command)
	if ins == wire.InsSign && i.happens(PowerCut, step.Certify) {
		i.tell("the power fails, after the device has signed and before anyone has the signature.")
		i.cut()
		return nil, errors.New("there is no power")
	}
	return response, err
}

// Answer implements Room.
func (i *injector) Answer(ctx context.Context, q Question) (string, error) {
	if q.About == i.custodian && i.happens(CustodianAbsent, step.RollCall) {
		i.absent = true
		i.tell("this person is absent. Answer no, and say who stands in.")
		if i.auto {
			return "no", nil
		}
	}
	return i.Room.Answer(ctx, q)
}

// Come implements custody.Custodians: where a simulated custodian is absent another
// comes.
func (i *injector) Come(ctx context.Context, turn custody.Turn) error {
	if i.auto && i.absent && (i.step.Action == step.Import || i.step.Action == step.SealPIN) && turn.Custodian == 1 && turn.Of < i.custodians {
		turn.Custodian, turn.Name = turn.Of+1, ""
	}
	if i.happens(WrongSheet, step.Import) {
		code, err := foreignCode()
		if err != nil {
			return err
		}
		i.wrong = code
	}
	return i.Room.Come(ctx, turn)
}

// Show implements custody.Custodians.
func (i *injector) Show(ctx context.Context, handout custody.Handout) error {
	if i.happens(PrinterEmpty, step.Share) {
		i.tell("there is no paper left. Fetch some; this sheet is made once more.")
		if i.auto {
			if err := i.Room.Show(ctx, handout); err != nil {
				return err
			}
		}
	}
	return i.Room.Show(ctx, handout)
}

// Ask implements custody.Custodians.
func (i *injector) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	if i.wrong == "" {
		if i.auto {
			problem = nil // a simulated custodian would give up
		}
		return i.Room.Ask(ctx, field, problem)
	}
	code := i.wrong
	i.wrong = ""
	i.tell("a custodian has brought the sheet of another ceremony. Type this code first: " + code)
	if i.auto {
		return code, nil
	}
	return i.Room.Ask(ctx, field, problem)
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
