package main

import (
	"fmt"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

type pinCommands struct {
	Change pinChange `cmd:"" help:"Change the user PIN, or the SO-PIN."`
	Reset  pinReset  `cmd:"" help:"Set a new user PIN with the SO-PIN, or give back its tries."`
}

type pinChange struct {
	SO  bool           `name:"so" help:"Change the SO-PIN."`
	Old secretArgument `placeholder:"SECRET" help:"The present PIN: env:NAME, file:PATH or the PIN itself. Asked for if absent."`
	New secretArgument `placeholder:"SECRET" help:"The new PIN."`
}

// Run changes the PIN.
func (cmd pinChange) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		ref, old, new, err := cmd.ask(c)
		if err != nil {
			return err
		}
		defer old.Wipe()
		defer new.Wipe()
		if err := h.ChangePIN(ref, old, new); err != nil {
			return err
		}
		fmt.Fprintln(c.out, "The PIN is changed.")
		return nil
	})
}

func (cmd pinChange) ask(c *console) (ref wire.PINReference, old, new secret.Bytes, err error) {
	if !cmd.SO {
		if old, err = c.ask(cmd.Old, "user PIN"); err == nil {
			new, err = c.askNewPIN(cmd.New)
		}
		return wire.UserPIN, old, new, err
	}
	if old, err = c.askSOPIN(cmd.Old); err == nil {
		new, err = c.askNewSOPIN(cmd.New)
	}
	return wire.SOPIN, old, new, err
}

type pinReset struct {
	SOPIN   secretArgument `name:"so-pin" placeholder:"SECRET" help:"The SO-PIN: env:NAME, file:PATH or the PIN itself. Asked for if absent."`
	New     secretArgument `placeholder:"SECRET" xor:"new" help:"The new user PIN."`
	KeepPIN bool           `name:"keep-pin" xor:"new" help:"Keep the user PIN and give back its tries."`
}

// Run resets the PIN.
func (cmd pinReset) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		so, err := c.askSOPIN(cmd.SOPIN)
		if err != nil {
			return err
		}
		defer so.Wipe()
		var new secret.Bytes
		if !cmd.KeepPIN {
			if new, err = c.askNewPIN(cmd.New); err != nil {
				return err
			}
			defer new.Wipe()
		}
		if err := h.ResetPIN(so, new); err != nil {
			return err
		}
		fmt.Fprintln(c.out, "The user PIN is reset.")
		return nil
	})
}
