package ceremony

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"conclave/ceremony/plan"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/quorum/paper"
	"conclave/wire"
)

// devicePIN is a PIN of a device, as it is asked for: of whom, and how it is kept.
type devicePIN struct {
	plan.PIN
	device string
	ref    wire.PINReference
	// printed says that a sheet comes from the printer; it is written by hand else.
	printed bool
}

// pinOf is a PIN of a device as the plan says it is kept.
func (p *people) pinOf(device string, ref wire.PINReference) devicePIN {
	return devicePIN{p.plan.PINOf(device, ref), device, ref, p.plan.Custody != nil && p.plan.Custody.Printer != ""}
}

// entry is a PIN as it was typed: whole, or in halves.
type entry []secret.Bytes

// value is the PIN as a device takes it.
func (e entry) value(ref wire.PINReference) (secret.Bytes, error) {
	const longest = 16
	typed := make(secret.Bytes, 0, longest)
	for _, part := range e {
		typed = append(typed, part...)
	}
	if ref != wire.SOPIN {
		return typed, nil
	}
	defer typed.Wipe()
	return hsm.ParseSOPIN(typed)
}

func (e entry) wipe() {
	for _, part := range e {
		part.Wipe()
	}
}

// enter lets each of those who type a PIN type their part. What it is called says whether
// it is a new one, which is judged and typed twice, or the present one.
func (p *people) enter(ctx context.Context, pin devicePIN, present bool, problem error) (entry, error) {
	var e entry
	for i, who := range pin.Typists() {
		part, err := p.part(ctx, pin.question(i, who, present, problem), pin.check(present))
		if err != nil {
			e.wipe()
			return nil, err
		}
		e, problem = append(e, part), nil
	}
	return e, nil
}

// handOut gives those who have typed a PIN its sheets, if they come from a printer. The
// device has it by then.
func (p *proceedings) handOut(ctx context.Context, pin devicePIN, serial string, e entry) error {
	if !pin.OnPaper() || !pin.printed {
		return nil
	}
	for i, who := range pin.Typists() {
		err := p.Room.PrintPIN(ctx, paper.PINSheet{
			Title: "The " + pin.Part(i, pin.ref), Device: pin.device, Serial: serial, Person: who,
			Ceremony: p.Plan.Ceremony, Date: p.Now(), Practice: p.Plan.Practice, PIN: string(e[i]),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// replacePIN sets a PIN in place of the present one, which those type who know it. Its
// sheets are handed out.
func (p *proceedings) replacePIN(ctx context.Context, h *hsm.HSM, pin devicePIN, serial string) error {
	old, err := p.people.right(ctx, h, pin)
	if err != nil {
		return err
	}
	defer old.Wipe()
	e, err := p.people.enter(ctx, pin, false, nil)
	if err != nil {
		return err
	}
	defer e.wipe()
	value, err := e.value(pin.ref)
	if err != nil {
		return err
	}
	defer value.Wipe()
	if err := h.ChangePIN(pin.ref, old, value); err != nil {
		return err
	}
	return p.handOut(ctx, pin, serial, e)
}

// question asks a person for a PIN, or for their half of it. Its form is said before it is
// typed.
func (pin devicePIN) question(part int, who string, present bool, problem error) PINQuestion {
	q := PINQuestion{Who: who, What: "new " + pin.What(part, pin.device, pin.ref) + ", " + pin.Form(pin.ref), PIN: pin.ref, Problem: problem}
	if pin.Kept == plan.InHalves {
		q.Half = part + 1
	}
	if present {
		q.What = pin.What(part, pin.device, pin.ref)
		if pin.ref == wire.SOPIN {
			q.What = "present " + q.What + ", " + pin.Form(pin.ref)
		}
		return q
	}
	q.Check = pin.check(present)
	if pin.OnPaper() && !pin.printed {
		q.Again = "write it on its PIN sheet, and type it again from there"
	}
	return q
}

// check judges the form of what one person types. Of a present user PIN the device knows
// better.
func (pin devicePIN) check(present bool) func(secret.Bytes) error {
	return func(typed secret.Bytes) error {
		var err error
		switch {
		case pin.ref == wire.SOPIN:
			err = pin.checkHex(typed)
		case present:
			return nil
		case pin.Kept == plan.InHalves && (len(typed) < 3 || len(typed) > 8):
			err = fmt.Errorf("this half of the user PIN has %d characters; 3 to 8 were expected", len(typed))
		case pin.Kept != plan.InHalves:
			err = hsm.CheckUserPIN(typed)
		}
		if err == nil && !present && pin.OnPaper() {
			err = checkLegible(typed)
		}
		return err
	}
}

func (pin devicePIN) checkHex(typed secret.Bytes) error {
	const digits = 16
	decoded := make(secret.Bytes, hex.DecodedLen(len(typed)))
	defer decoded.Wipe()
	_, err := hex.Decode(decoded, typed)
	if want := digits / len(pin.Typists()); err != nil || len(typed) != want {
		return fmt.Errorf("%d hex digits were expected", want)
	}
	return nil
}

// checkLegible refuses what cannot be told apart on paper.
func checkLegible(typed secret.Bytes) error {
	for _, b := range typed {
		if b <= ' ' || b > '~' {
			return errors.New("a PIN that is kept on paper has letters, digits and signs of ASCII alone, and no spaces")
		}
	}
	return nil
}

// part asks for a PIN, or a half of it, until it has its form.
func (p *people) part(ctx context.Context, q PINQuestion, check func(secret.Bytes) error) (secret.Bytes, error) {
	for {
		typed, err := p.pin(ctx, q)
		if err != nil {
			return nil, err
		}
		if q.Problem = check(typed); q.Problem == nil {
			return typed, nil
		}
		typed.Wipe()
	}
}

// pin asks for a PIN. A command is not one here either: it must not cost a try, nor
// become the PIN.
func (p *people) pin(ctx context.Context, q PINQuestion) (secret.Bytes, error) {
	for {
		pin, err := p.Room.Secret(ctx, q)
		if err != nil {
			return nil, err
		}
		word := secretCommand(pin)
		if word == "" {
			return pin, nil
		}
		if _, err := p.command(ctx, q.Who, word); err != nil {
			return nil, err
		}
		p.explained("the "+q.What+", which is not shown as it is typed", word)
		q.Problem = nil
	}
}

// soPIN asks for the SO-PIN: the present one of a device that has one.
func (p *people) soPIN(ctx context.Context, name string, h *hsm.HSM) (entry, error) {
	status, err := h.Status()
	if err != nil {
		return nil, err
	}
	return p.enter(ctx, p.pinOf(name, wire.SOPIN), status.Initialised, nil)
}

// right asks for a PIN of a device until the device takes it, which is then logged in to.
func (p *people) right(ctx context.Context, h *hsm.HSM, pin devicePIN) (secret.Bytes, error) {
	var problem error
	for {
		e, err := p.enter(ctx, pin, true, problem)
		if err != nil {
			return nil, err
		}
		value, err := e.value(pin.ref)
		e.wipe()
		if err != nil {
			return nil, err
		}
		if problem = h.Login(pin.ref, value); problem == nil {
			return value, nil
		}
		value.Wipe()
		var wrong *hsm.PINError
		switch {
		case !errors.As(problem, &wrong):
			return nil, problem
		case wrong.Tries == 0 && pin.ref == wire.UserPIN:
			return nil, fmt.Errorf("%w; set it again with the SO-PIN, in another terminal: conclave hsm pin reset", problem)
		case wrong.Tries < 2: // the last try is not for a slip of the finger
			return nil, fmt.Errorf("%w; look it up before it is tried once more", problem)
		}
	}
}
