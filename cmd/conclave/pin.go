package main

import (
	"errors"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

type pinCommands struct {
	Change pinChange `cmd:"" help:"Change the user PIN, or the SO-PIN."`
	Reset  pinReset  `cmd:"" help:"Set a new user PIN with the SO-PIN, or give back its tries."`
}

type pinChange struct {
	answering
	onDevice
	sealedSOPIN
	PIN      secretArgument `name:"pin" placeholder:"SECRET" help:"The present user PIN: env:NAME, file:PATH or the PIN itself. Asked for if absent."`
	NewPIN   secretArgument `name:"new-pin" placeholder:"SECRET" help:"The new user PIN."`
	SO       bool           `name:"so" help:"Change the SO-PIN instead."`
	SOPIN    secretArgument `name:"so-pin" placeholder:"SECRET" help:"With --so: the present SO-PIN."`
	NewSOPIN secretArgument `name:"new-so-pin" placeholder:"SECRET" help:"With --so: the new SO-PIN."`
}

// Validate rejects the PIN that is not changed.
func (cmd pinChange) Validate() error {
	switch {
	case cmd.SO && (cmd.PIN != "" || cmd.NewPIN != ""):
		return errors.New("--pin and --new-pin are of the user PIN; with --so, --so-pin and --new-so-pin were expected")
	case !cmd.SO && (cmd.SOPIN != "" || cmd.NewSOPIN != ""):
		return errors.New("--so-pin and --new-so-pin are for --so; without it, --pin and --new-pin were expected")
	case !cmd.SO && cmd.Sealed != "":
		return errors.New("--sealed is an SO-PIN, which changes with --so; a new user PIN is set with it by: conclave hsm pin reset")
	}
	return cmd.sealedSOPIN.check(cmd.SOPIN)
}

// Run changes the PIN.
func (cmd pinChange) Run(c *console) error {
	if cmd.Sealed != "" {
		return c.withHSM(func(h *hsm.HSM) error { return cmd.unseal(c, h) })
	}
	ref, argument, ask, askNew := cmd.questions(c)
	return c.withHSM(func(h *hsm.HSM) error {
		old, err := ask()
		if err != nil {
			return err
		}
		new, err := askNew()
		if err != nil {
			old.Wipe()
			return err
		}
		defer new.Wipe()
		if old, err = c.untilRight(argument, old, ask, func(old secret.Bytes) error { return h.ChangePIN(ref, old, new) }); err != nil {
			return err
		}
		old.Wipe()
		return c.answerf(pinAnswer{c.device, jsonName(ref)}, "The PIN is changed.\n")
	})
}

// unseal sets an SO-PIN that someone knows in place of the one that no one did.
func (cmd pinChange) unseal(c *console, h *hsm.HSM) error {
	askNew := func() (secret.Bytes, error) { return c.askNewSOPIN(cmd.NewSOPIN) }
	if err := cmd.use(c, h, askNew, func(so, new secret.Bytes) error { return h.ChangePIN(wire.SOPIN, so, new) }); err != nil {
		return err
	}
	c.note("%s and its copies are not the SO-PIN of this device any more; write down where the new one is.", cmd.Sealed)
	return c.answerf(pinAnswer{c.device, jsonName(wire.SOPIN)}, "The PIN is changed.\n")
}

// questions are those for the PIN that is changed: for the present one, which the argument
// may name, and for the new one.
func (cmd pinChange) questions(c *console) (ref wire.PINReference, argument secretArgument, present, new func() (secret.Bytes, error)) {
	if cmd.SO {
		return wire.SOPIN, cmd.SOPIN, func() (secret.Bytes, error) { return c.askSOPIN(cmd.SOPIN) },
			func() (secret.Bytes, error) { return c.askNewSOPIN(cmd.NewSOPIN) }
	}
	return wire.UserPIN, cmd.PIN, func() (secret.Bytes, error) { return c.ask(cmd.PIN, "user PIN") },
		func() (secret.Bytes, error) { return c.askNewPIN(cmd.NewPIN) }
}

// pinAnswer names a PIN that was changed or reset.
type pinAnswer struct {
	Device string `json:"device"`
	PIN    string `json:"pin"` // as in hsm status
}

func jsonName(ref wire.PINReference) string {
	if ref == wire.SOPIN {
		return "so_pin"
	}
	return "user_pin"
}

type pinReset struct {
	answering
	onDevice
	sealedSOPIN
	SOPIN   secretArgument `name:"so-pin" placeholder:"SECRET" help:"The SO-PIN: env:NAME, file:PATH or the PIN itself. Asked for if absent."`
	NewPIN  secretArgument `name:"new-pin" placeholder:"SECRET" xor:"new" help:"The new user PIN."`
	KeepPIN bool           `name:"keep-pin" xor:"new" help:"Keep the user PIN and give back its tries."`
}

// Validate rejects contradictory options.
func (cmd pinReset) Validate() error { return cmd.sealedSOPIN.check(cmd.SOPIN) }

// Run resets the PIN.
func (cmd pinReset) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		reset := cmd.typed
		if cmd.Sealed != "" {
			reset = cmd.unsealed
		}
		if err := reset(c, h); err != nil {
			return err
		}
		return c.answerf(pinAnswer{c.device, jsonName(wire.UserPIN)}, "The user PIN is reset.\n")
	})
}

// unsealed resets the PIN with an SO-PIN that custodians open.
func (cmd pinReset) unsealed(c *console, h *hsm.HSM) error {
	return cmd.use(c, h, func() (secret.Bytes, error) { return cmd.newPIN(c) }, h.ResetPIN)
}

// typed resets the PIN with an SO-PIN that is typed.
func (cmd pinReset) typed(c *console, h *hsm.HSM) error {
	so, err := c.askSOPIN(cmd.SOPIN)
	if err != nil {
		return err
	}
	new, err := cmd.newPIN(c)
	if err != nil {
		return err
	}
	defer new.Wipe()
	again := func() (secret.Bytes, error) { return c.askSOPIN(cmd.SOPIN) }
	if so, err = c.untilRight(cmd.SOPIN, so, again, func(so secret.Bytes) error { return h.ResetPIN(so, new) }); err != nil {
		return err
	}
	so.Wipe()
	return nil
}

// newPIN is nil where the user PIN is kept.
func (cmd pinReset) newPIN(c *console) (secret.Bytes, error) {
	if cmd.KeepPIN {
		return nil, nil
	}
	return c.askNewPIN(cmd.NewPIN)
}
