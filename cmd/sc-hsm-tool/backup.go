package main

import (
	"errors"
	"slices"

	"conclave/apdu"
	"conclave/custody"
	"conclave/hsm"
	"conclave/tlv"
	"conclave/wire"
)

// wrap writes a key's backup file.
func (t *tool) wrap() error {
	if err := t.login(); err != nil {
		return err
	}
	f, err := t.hsm.WrapKey(byte(t.keyReference))
	if errors.Is(err, apdu.InstructionUnknown) {
		return newFailure(err, "Card not initialized for key wrap")
	}
	if err != nil {
		return newFailure(err, "sc_card_ctl(*, SC_CARDCTL_SC_HSM_WRAP_KEY, *) failed with %s", reason(err))
	}
	content, err := f.Bytes()
	if err != nil {
		return err
	}
	if err := t.write(content); err != nil {
		return err
	}
	t.remember(f, content)
	return nil
}

// remember notes the backup on this computer, for conclave status. Nothing fails for
// that.
func (t *tool) remember(f wire.WrapFile, content []byte) {
	home, err := t.home()
	if err != nil {
		return
	}
	serial, err := t.hsm.Serial()
	if err != nil {
		return
	}
	r, err := custody.NewBackupRecord(serial, t.file, f, content)
	if err != nil {
		return // it does not show of which key it is
	}
	if err := custody.NoteBackup(home.Backups(), r); err != nil {
		t.note("warning: the backup is made, but not noted for conclave status: %v", err)
	}
}

// write makes the output file, whose place is taken.
func (t *tool) write(content []byte) error {
	if err := t.place.Finish(content); err != nil {
		return outputError(t.file, err)
	}
	return nil
}

// unwrap restores a key from its backup file.
func (t *tool) unwrap() error {
	f, err := readWrapFile(t.file)
	if err != nil {
		return err
	}
	t.noteChanged(f.Changed)
	t.Printf("Wrapped key contains:\n  Key blob\n")
	if f.Description != nil {
		t.Printf("  Private Key Description (PRKD)\n")
	}
	if f.Certificate != nil {
		t.Printf("  Certificate\n")
	}
	if err := t.checkFree(f.WrapFile); err != nil {
		return err
	}
	if err := t.login(); err != nil {
		return err
	}
	if err := t.hsm.UnwrapKey(byte(t.keyReference), f.WrapFile, t.force); err != nil {
		return unwrapFailure(err)
	}
	t.Printf("Key successfully imported\n")
	t.tryKey(byte(t.keyReference))
	return nil
}

// tryKey warns of a key that the card has taken and cannot use: that happens
// with some that another kind of card has wrapped.
func (t *tool) tryKey(ref byte) {
	public, err := t.hsm.PublicKey(ref)
	if err != nil {
		return // the card shows no public half
	}
	err = t.hsm.Prove(ref, *public)
	if err != nil && !errors.Is(err, hsm.ErrNotAllowed) {
		t.note("warning: the key cannot be used: %v; keep the backup, and try another card", err)
	}
}

// readWrapFile reads a backup file. The lines are those for the outer and the
// inner data object; the cause tells more.
func readWrapFile(path string) (custody.Wrapped, error) {
	f, err := custody.ReadWrapFile(path)
	if err == nil {
		return f, nil
	}
	if f.Content == nil {
		return f, fileError(path, err)
	}
	const sequence = 0x30
	part := "Key binary"
	outer := tlv.Cursor(f.Content)
	if _, outside := outer.Take(sequence); outside != nil {
		part = "Outer sequence"
	}
	return f, newFailure(err, "Invalid wrapped key format (%s).", part)
}

// noteChanged tells what has happened to the file in transfer; nothing if it is empty.
func (t *tool) noteChanged(changed string) {
	if changed != "" {
		t.note("warning: %s was changed in transfer: %s; that is undone in memory, and the file is as it was", t.file, changed)
	}
}

// checkFree refuses a key reference that is taken, unless the user forces it.
func (t *tool) checkFree(f wire.WrapFile) error {
	if t.force {
		return nil
	}
	files, err := t.hsm.Files()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		prefix   wire.Prefix
		restored bool
		name     string
		short    string
	}{
		{wire.PrefixPrKD, f.Description != nil, "private key description", "key"},
		{wire.PrefixEECert, f.Certificate != nil, "certificate", "certificate"},
		{wire.PrefixKey, true, "key", "key"},
	} {
		fid := part.prefix.File(byte(t.keyReference))
		if part.restored && slices.Contains(files, fid) {
			return newFailure(nil, "Found existing %s in EF with fid %04x. Please remove %s first, select unused key reference or use --force.",
				part.name, uint16(fid), part.short)
		}
	}
	return nil
}

func unwrapFailure(err error) error {
	switch {
	case errors.Is(err, hsm.ErrNoDKEK):
		return newFailure(err, "Card not initialized for key wrap")
	case errors.Is(err, hsm.ErrForeignDKEK):
		return newFailure(err, "Wrapped key does not match DKEK")
	}
	return newFailure(err, "sc_card_ctl(*, SC_CARDCTL_SC_HSM_UNWRAP_KEY, *) failed with %s", reason(err))
}
