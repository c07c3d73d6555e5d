package main

import (
	"fmt"

	"conclave/custody"
	"conclave/hsm"
	"conclave/wire"
)

type keyWrap struct {
	userLogin
	Key  keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	File string  `arg:"" help:"File to write: the key under the DKEK, its description and its certificate."`
}

// Run wraps the key.
func (cmd keyWrap) Run(c *console) error {
	place, err := c.reserve(cmd.File, wrapRoom)
	if err != nil {
		return err
	}
	defer place.Release()
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		key, err := cmd.Key.find(h)
		if err != nil {
			return err
		}
		f, err := h.WrapKey(key.Ref)
		if err != nil {
			return err
		}
		content, err := f.Bytes()
		if err != nil {
			return err
		}
		if err := place.Finish(content); err != nil {
			return err
		}
		cmd.note(c, h, f, content)
		fmt.Fprintf(c.out, "Key %d is wrapped to %s\n", key.Ref, cmd.File)
		return nil
	})
}

// note remembers on this computer where the key is backed up, unless its file does not
// show which key it is.
func (cmd keyWrap) note(c *console, h *hsm.HSM, f wire.WrapFile, content []byte) {
	if r, err := custody.NewBackupRecord(c.serialOf(h), cmd.File, f, content); err == nil {
		c.noteBackups([]custody.BackupRecord{r})
	}
}

type keyUnwrap struct {
	userLogin
	File  string `arg:"" help:"File of a wrapped key."`
	Ref   uint8  `placeholder:"N" help:"Reference to restore it to. Absent: the lowest free one."`
	Force bool   `help:"Replace the key at that reference."`
}

// Validate rejects contradictory options.
func (cmd keyUnwrap) Validate() error {
	if cmd.Force && cmd.Ref == 0 {
		return fmt.Errorf("--force needs --ref: the key to replace")
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
		key, err := custody.Restore(h, cmd.Ref, f, cmd.Force)
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.File, err)
		}
		c.noteUntried(key)
		fmt.Fprintf(c.out, "Key %d is restored: %s, public key %s\n", key.Ref, describe(key.Key), fingerprint(key.Public))
		return nil
	})
}

// noteUntried warns of a key that was restored, but not seen to sign.
func (c *console) noteUntried(key custody.Restored) {
	if key.NotTried != nil {
		c.note("conclave: warning: key %d was restored, but not seen to sign: %v", key.Ref, key.NotTried)
	}
}
