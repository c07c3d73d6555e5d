package ceremony

import (
	"context"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

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

// newSecret asks the administrator for a PIN until parse takes it.
func (p *people) newSecret(ctx context.Context, q PINQuestion, parse func(secret.Bytes) (secret.Bytes, error)) (secret.Bytes, error) {
	q.Who = p.plan.People.Administrator
	for {
		typed, err := p.pin(ctx, q)
		if err != nil {
			return nil, err
		}
		pin, err := parse(typed)
		if err == nil {
			return pin, nil
		}
		q.Problem = err
	}
}

// soPIN asks for the SO-PIN: the present one of a device that has one.
func (p *people) soPIN(ctx context.Context, name string, h *hsm.HSM) (secret.Bytes, error) {
	status, err := h.Status()
	if err != nil {
		return nil, err
	}
	q := newSOPINOf(name)
	if status.Initialised {
		q.What, q.Check = "present SO-PIN of the device "+name+", 16 hex digits", nil
	}
	return p.newSecret(ctx, q, hsm.ParseSOPIN)
}

// newSOPIN asks for the SO-PIN that a device is to have.
func (p *people) newSOPIN(ctx context.Context, name string) (secret.Bytes, error) {
	return p.newSecret(ctx, newSOPINOf(name), hsm.ParseSOPIN)
}

func newSOPINOf(name string) PINQuestion {
	return PINQuestion{What: "new SO-PIN of the device " + name + ", 16 hex digits", PIN: wire.SOPIN, Check: func(pin secret.Bytes) error {
		parsed, err := hsm.ParseSOPIN(pin)
		parsed.Wipe()
		return err
	}}
}

func (p *people) newPIN(ctx context.Context, name string) (secret.Bytes, error) {
	q := PINQuestion{What: "new user PIN of the device " + name + ", 6 to 16 characters", PIN: wire.UserPIN, Check: hsm.CheckUserPIN}
	return p.newSecret(ctx, q, func(pin secret.Bytes) (secret.Bytes, error) { return pin, hsm.CheckUserPIN(pin) })
}
