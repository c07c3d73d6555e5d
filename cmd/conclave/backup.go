package main

import (
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/safefile"
)

type keyWrap struct {
	userLogin
	Ref  keyRef `arg:"" help:"Reference of the key."`
	File string `arg:"" help:"File to write: the key under the DKEK, its description and its certificate."`
}

// Run wraps the key.
func (cmd keyWrap) Run(c *console) error {
	if err := safefile.Check(cmd.File); err != nil {
		return err
	}
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		f, err := h.WrapKey(byte(cmd.Ref))
		if err != nil {
			return err
		}
		content, err := f.Bytes()
		if err != nil {
			return err
		}
		if err := safefile.Create(cmd.File, content); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Key %d is wrapped to %s\n", cmd.Ref, cmd.File)
		return nil
	})
}

type keyUnwrap struct {
	userLogin
	File  string `arg:"" help:"File of a wrapped key."`
	Ref   uint8  `placeholder:"N" help:"Reference to restore it to. Absent: the lowest free one."`
	Force bool   `help:"Replace the key at that reference."`
}

// Validate finds what makes no sense.
func (cmd keyUnwrap) Validate() error {
	if cmd.Force && cmd.Ref == 0 {
		return fmt.Errorf("--force: it needs --ref, the key to replace")
	}
	return nil
}

// Run restores the key.
func (cmd keyUnwrap) Run(c *console) error {
	f, _, err := custody.ReadWrapFile(cmd.File)
	if err != nil {
		return err
	}
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		ref := cmd.Ref
		if ref == 0 {
			if ref, err = h.FreeRef(0); err != nil {
				return err
			}
		}
		if err := h.UnwrapKey(ref, f, cmd.Force); err != nil {
			return fmt.Errorf("%s: %w", cmd.File, err)
		}
		key, err := c.provenKey(h, ref)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Key %d is restored: %s, public key %s\n", key.Ref, describe(key), fingerprint(key.Public))
		return nil
	})
}

// provenKey gives a key that was restored, and lets it sign, where its public
// half is known and its list of algorithms lets it.
func (c *console) provenKey(h *hsm.HSM, ref byte) (hsm.Key, error) {
	key, err := findKey(h, ref)
	if err == nil && key.Public == nil {
		c.note("conclave: warning: whether key %d can be used was not tried: the backup does not tell its public half", ref)
	}
	if err != nil || key.Public == nil {
		return key, err
	}
	err = h.Prove(ref, *key.Public)
	if errors.Is(err, hsm.ErrNotAllowed) {
		c.note("conclave: warning: whether key %d can be used was not tried: %v", ref, err)
		return key, nil
	}
	if err != nil {
		err = fmt.Errorf("key %d is in the device, and cannot be used: %w; keep the backup, and try another device", ref, err)
	}
	return key, err
}
