package main

import (
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/secret"
)

// sealedSOPIN is an SO-PIN that a ceremony has sealed: custodians open it, and no one sees
// it.
type sealedSOPIN struct {
	Sealed string `placeholder:"FILE" complete:"files:sealed" help:"File of the SO-PIN, as a ceremony has sealed it: custodians open it with the share file of --dkek, and no one sees it."`
	optionalDKEK
}

// check rejects contradictory options; typed is the SO-PIN on the command line.
func (s sealedSOPIN) check(typed secretArgument) error {
	switch {
	case s.Sealed != "" && typed != "":
		return errors.New("--sealed and --so-pin: each is the SO-PIN, and one of them was expected")
	case s.Sealed != "" && len(s.DKEK) == 0:
		return errors.New("--sealed: --dkek FILE was expected too, the share file whose custodians open it")
	case s.Sealed == "" && len(s.DKEK) > 0:
		return errors.New("--dkek: --sealed FILE was expected too, the file of the SO-PIN that it opens")
	}
	return s.optionalDKEK.Validate()
}

// use asks for the new PIN, and lets custodians open the SO-PIN that it is set with. That it
// is this device's is seen before anyone comes.
func (s sealedSOPIN) use(c *console, h *hsm.HSM, askNew func() (secret.Bytes, error), use func(so, new secret.Bytes) error) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	sealed, err := s.of(h)
	if err != nil {
		return err
	}
	files, err := s.optionalDKEK.read(c)
	if err != nil {
		return err
	}
	new, err := askNew()
	if err != nil {
		return err
	}
	defer new.Wipe()
	all, err := s.optionalDKEK.open(ctx, c, files)
	if err != nil {
		return err
	}
	defer all.Wipe()
	so, err := sealed.Open(all.DKEK)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Sealed, err)
	}
	defer so.Wipe()
	return use(so, new)
}

// of reads the file, which must be of the device.
func (s sealedSOPIN) of(h *hsm.HSM) (*custody.SealedPIN, error) {
	sealed, _, err := custody.ReadSealedPIN(s.Sealed)
	if err != nil {
		return nil, err
	}
	serial, err := h.Serial()
	if err == nil && serial != sealed.Device {
		err = fmt.Errorf("%s is the SO-PIN of the device %s, and this one is %s; take the other device, or the other file", s.Sealed, sealed.Device, serial)
	}
	return sealed, err
}
