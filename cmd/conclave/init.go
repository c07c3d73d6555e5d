package main

import (
	"errors"
	"fmt"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

type hsmInit struct {
	answering
	onDevice
	PIN          secretArgument `name:"pin" placeholder:"SECRET" help:"The new user PIN, 6 to 16 characters: env:NAME, file:PATH or the PIN itself. Asked for if absent."`
	SOPIN        secretArgument `name:"so-pin" placeholder:"SECRET" help:"The SO-PIN, 16 hex digits: the present one, or a new one for a device that has none."`
	Retries      int            `default:"3" placeholder:"N" help:"Tries of the user PIN: at most 3, 5 or 10 for a PIN of 6, 7 or more characters. Default: 3."`
	DKEKShares   *int           `name:"dkek-shares" placeholder:"N" help:"Shares that make the DKEK; 0 for a random one that never leaves the device. Absent: no DKEK, and keys cannot be backed up."`
	Label        string         `help:"Label of the token."`
	TransportPIN bool           `name:"transport-pin" help:"The user PIN must be changed before its first use."`
	NoResetPIN   bool           `name:"no-reset-pin" help:"A blocked user PIN cannot be reset with the SO-PIN. On embedded devices encryption holds this: nothing that the SO-PIN opens leads to the keys, not even for someone who has the file."`
	UnblockOnly  bool           `name:"unblock-only" help:"The SO-PIN can unblock the user PIN, but cannot set a new one (on a Pico HSM it still can). On embedded devices encryption holds that it cannot; that unblocking takes the SO-PIN the program alone holds, and someone who can write the file can do without it."`
	Log          bool           `help:"The device keeps a log of what changes it or uses its keys (embedded devices alone; see: conclave log). It costs a write to the disk for each signature, and no key is used when the disk is full."`
	Yes          bool           `help:"Erase keys without asking."`
}

// Validate rejects what no device would do.
func (cmd hsmInit) Validate() error {
	switch {
	case cmd.DKEKShares != nil && (*cmd.DKEKShares < 0 || *cmd.DKEKShares > 255):
		return errors.New("--dkek-shares: 0 to 255 was expected")
	case cmd.Retries < 1 || cmd.Retries > 10:
		return errors.New("--retries: 1 to 10 was expected")
	case cmd.NoResetPIN && cmd.UnblockOnly:
		return errors.New("--unblock-only contradicts --no-reset-pin")
	case cmd.TransportPIN && cmd.Label != "":
		return errors.New("--label: it is written after a login, which --transport-pin forbids")
	}
	return nil
}

// Run initialises the device.
func (cmd hsmInit) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		status, err := h.Status()
		if err != nil {
			return err
		}
		if err := cmd.confirmErasure(c, h); err != nil {
			return err
		}
		if cmd.Log && wire.LogOption(c.serialOf(h)) == 0 {
			return errors.New("--log: only embedded devices keep a log; leave it out for this one")
		}
		init, err := cmd.initialization(c, status.Initialised)
		if err != nil {
			return err
		}
		defer init.UserPIN.Wipe()
		again := func() (secret.Bytes, error) { return c.askSOPIN(cmd.SOPIN) }
		init.SOPIN, err = c.untilRight(cmd.SOPIN, init.SOPIN, again, func(so secret.Bytes) error {
			init.SOPIN = so
			return h.Initialize(init, cmd.Label)
		})
		defer init.SOPIN.Wipe()
		if unlabelled, ok := errors.AsType[*hsm.LabelError](err); ok {
			c.warn("%v", unlabelled)
			err = nil
		}
		if err != nil {
			return err
		}
		if err := c.forgetImports(h); err != nil {
			return err
		}
		serial := c.serialOf(h)
		err = c.answerf(deviceEntry{Name: c.device, Serial: serial, State: "initialised"}, "Device %s is initialised.\n", serial)
		cmd.afterwards(c, init.DKEKShares)
		return err
	})
}

// afterwards says what an initialised device needs, as its DKEK has it.
func (hsmInit) afterwards(c *console, shares int) {
	device := deviceOption(c.device)
	switch {
	case shares == wire.NoDKEK:
		c.next("conclave key generate%s; what it makes can never be backed up, since the device has no DKEK (--dkek-shares)", device)
	case shares == 0:
		c.next("conclave key generate%s; what it makes can be restored to this device alone", device)
	default:
		c.next("the device waits for %s: conclave dkek import FILE%s; a new share is made with: conclave dkek create FILE%s", count(shares, "DKEK share"), device, device)
	}
}

// confirmErasure asks where keys would be lost.
func (cmd hsmInit) confirmErasure(c *console, h *hsm.HSM) error {
	keys, err := h.Keys()
	if err != nil || len(keys) == 0 || cmd.Yes {
		return err
	}
	serial := c.serialOf(h)
	if serial == "" {
		return errors.New("the device does not tell the serial number to confirm this with; add --yes if it is the right device")
	}
	loss := fmt.Sprintf("Initialising device %s erases the keys it holds (%d)", serial, len(keys))
	return c.confirm(false, loss, "its serial number", serial)
}

func (cmd hsmInit) initialization(c *console, initialised bool) (init wire.Initialization, err error) {
	init = wire.Initialization{Options: cmd.options(), Retries: cmd.Retries, DKEKShares: wire.NoDKEK}
	if cmd.DKEKShares != nil {
		init.DKEKShares = *cmd.DKEKShares
	}
	if initialised {
		init.SOPIN, err = c.askSOPIN(cmd.SOPIN)
	} else {
		init.SOPIN, err = c.askNewSOPIN(cmd.SOPIN)
	}
	if err != nil {
		return init, err
	}
	init.UserPIN, err = c.askNewPIN(cmd.PIN)
	return init, err
}

func (cmd hsmInit) options() wire.Options {
	var options wire.Options
	if !cmd.NoResetPIN {
		options |= wire.OptionResetRetryCounter
	}
	if cmd.TransportPIN {
		options |= wire.OptionTransportPIN
	}
	if cmd.UnblockOnly {
		options |= wire.OptionUnblockOnly
	}
	if cmd.Log {
		options |= wire.OptionLog
	}
	return options
}

func (a asking) askNewPIN(argument secretArgument) (secret.Bytes, error) {
	return a.askNew(argument, "new user PIN", hsm.CheckUserPIN)
}

func (a asking) askSOPIN(argument secretArgument) (secret.Bytes, error) {
	for {
		typed, err := a.ask(argument, "SO-PIN")
		if err != nil {
			return nil, err
		}
		pin, err := hsm.ParseSOPIN(typed)
		typed.Wipe()
		if err == nil || argument != "" || !a.prompts.TellMistake(err) {
			return pin, err
		}
	}
}

func (a asking) askNewSOPIN(argument secretArgument) (secret.Bytes, error) {
	typed, err := a.askNew(argument, "new SO-PIN", func(typed secret.Bytes) error {
		_, err := hsm.ParseSOPIN(typed)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer typed.Wipe()
	return hsm.ParseSOPIN(typed)
}
