package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"conclave/custody"
	"conclave/hsm"
	"conclave/wire"
)

type keyWrap struct {
	answering
	userLogin
	Key  keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	File string  `arg:"" complete:"files:wrap" output:"" help:"File to write: the key under the DKEK, its description and its certificate."`
}

// Run wraps the key.
func (cmd keyWrap) Run(c *console) error {
	out, err := c.reserveOutput(cmd.File, wrapRoom, true)
	if err != nil {
		return err
	}
	defer out.release()
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
		if err := c.write(&out, content); err != nil {
			return err
		}
		if out.place != nil { // where another command puts it, that one knows
			cmd.note(c, h, f, content)
		}
		return c.answerWritten(out, keyOutput{newKeyEntry(key), out}, "Key %d is wrapped to %s\n", key.Ref, cmd.File)
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
	answering
	userLogin
	File        string   `arg:"" complete:"files:wrap" type:"input" help:"File of a wrapped key."`
	Ref         uint8    `placeholder:"N" help:"Reference to restore it to. Absent: the lowest free one."`
	Force       bool     `help:"Replace the key at that reference."`
	Label       string   `help:"Label of the key. Absent: the one in the file."`
	ID          hexBytes `name:"id" placeholder:"HEX" help:"Identifier of the key (CKA_ID). Absent: the one in the file."`
	Certificate string   `placeholder:"FILE" type:"input" help:"Certificate of the key, where the file has none or another one: X.509 in PEM or DER."`
}

// Validate rejects contradictory options.
func (cmd keyUnwrap) Validate() error {
	if cmd.Force && cmd.Ref == 0 {
		return errors.New("--force needs --ref: the key to replace")
	}
	return nil
}

// Run restores the key.
func (cmd keyUnwrap) Run(c *console) error {
	f, err := c.readWrapFile(cmd.File)
	if err != nil {
		return err
	}
	how := custody.Restoring{Ref: cmd.Ref, Replace: cmd.Force, Label: cmd.Label, ID: cmd.ID}
	if cmd.Certificate != "" {
		public, _ := hsm.ParsePublic(f.Certificate) // nil where the file lacks it
		if how.Certificate, err = readKeyCertificate(cmd.Certificate, public); err != nil {
			return err
		}
	}
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		if err := cmd.warnOfLoss(c, h, f.WrapFile); err != nil {
			return err
		}
		key, err := custody.Restore(h, f.WrapFile, how)
		if errors.Is(err, hsm.ErrForeignDKEK) {
			return fmt.Errorf("%s: %w; with the share file of that DKEK: conclave key import %s --from-dkek FILE --dkek FILE", cmd.File, err, cmd.File)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.File, err)
		}
		if err := c.answerf(newRestoredEntry(key), "Key %d is restored: %s, public key %s\n", key.Ref, describe(key.Key), key.Public.Fingerprint()); err != nil {
			return err
		}
		c.noteCompleted(key)
		c.noteUntried(key)
		return c.noteSameID(h, key.Ref)
	})
}

// restoredEntry is a key that has come to a device.
type restoredEntry struct {
	keyEntry
	Signed    bool     `json:"signed"`    // it was seen to sign
	Completed []string `json:"completed"` // what its file lacked
}

func newRestoredEntry(key custody.Restored) restoredEntry {
	return restoredEntry{newKeyEntry(key.Key), key.NotTried == nil, append([]string{}, key.Completed...)}
}

// warnOfLoss says what becomes of the key that is replaced, if it is another one.
func (cmd keyUnwrap) warnOfLoss(c *console, h *hsm.HSM, f wire.WrapFile) error {
	if !cmd.Force {
		return nil
	}
	old, err := h.Key(cmd.Ref)
	if errors.Is(err, hsm.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if public, err := hsm.ParsePublic(f.Certificate); err == nil && h.Compare(old, *public) == nil {
		return nil
	}
	return confirmLoss(c, cmd.Force, fmt.Sprintf("Replacing key %d (%s) destroys it", old.Ref, describe(old)), old)
}

// readWrapFile reads the file of a wrapped key, and tells what was undone in it.
func (c *console) readWrapFile(path string) (custody.Wrapped, error) {
	f, err := custody.ReadWrapFile(path)
	if err != nil {
		return f, &custody.OpenError{Status: custody.Damaged, Err: err}
	}
	c.noteChanged(path, f.Changed)
	return f, nil
}

// noteChanged tells what has happened to a file in transfer; nothing if it is empty.
func (c *console) noteChanged(path, changed string) {
	if changed != "" {
		c.warn("%s was changed in transfer: %s. That is undone in memory, and the file is as it was; copy it once more from where it came from, as binary", path, changed)
	}
}

// noteCompleted tells what a backup lacked.
func (c *console) noteCompleted(key custody.Restored) {
	for _, what := range key.Completed {
		c.note("conclave: key %d was completed with %s", key.Ref, what)
	}
}

// noteUntried warns of a key that was restored, but not seen to sign.
func (c *console) noteUntried(key custody.Restored) {
	if key.NotTried != nil {
		c.warn("key %d was restored, but not seen to sign: %v", key.Ref, key.NotTried)
	}
	c.notePublic(key.Key)
}

// notePublic says how a key is completed that does not show its public half.
func (c *console) notePublic(k hsm.Key) {
	if k.Public != nil || k.Description != nil && k.Description.Type == wire.KeyAES {
		return
	}
	what := "its certificate if there is one"
	if k.Description != nil && k.Description.Type == wire.KeyMLDSA {
		what = "its certificate, since no ML-DSA key tells its public half"
	}
	c.note("conclave: key %d does not show its public half, and programs may not find it; complete it with: conclave key certificate %d, and %s", k.Ref, k.Ref, what)
}

// noteSameID warns of keys that programs would take one for the other.
func (c *console) noteSameID(h *hsm.HSM, ref byte) error {
	keys, err := h.Keys()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k hsm.Key) bool { return k.Ref == ref })
	if i < 0 || keys[i].Description == nil {
		return nil
	}
	key := keys[i]
	for _, other := range keys {
		if d := other.Description; other.Ref != ref && d != nil && bytes.Equal(d.ID, key.Description.ID) {
			c.warn("key %d (%s) has the ID %x too, and PKCS#11 programs pick one of the two; to give key %d another one, delete it and make it or restore it again with --id",
				other.Ref, describe(other), key.Description.ID, key.Ref)
		}
	}
	return nil
}
