package card

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/wire"
)

// manageDKEK is MANAGE DKEK: with a share it imports that, without one it
// reports how far the import is and the key check value. Neither needs a PIN. A
// device that was initialised without a DKEK does not know the instruction.
func (c *Card) manageDKEK(cmd apdu.Command) ([]byte, error) {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return nil, apdu.WrongP1P2
	}
	if !c.state.DKEK.Enabled {
		return nil, apdu.InstructionUnknown
	}
	if len(cmd.Data) == 0 {
		return c.state.DKEK.status(), nil
	}
	if len(cmd.Data) != dkek.ShareSize {
		return nil, apdu.WrongLength
	}
	var after dkekState
	err := c.update(func(t *transaction) error {
		if err := importShare(t, secret.Bytes(cmd.Data)); err != nil {
			return err
		}
		after = t.state.DKEK
		t.saveState()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if after.complete() {
		c.scrub() // the XOR of the shares before was in the clear
	}
	return after.status(), nil
}

func (d dkekState) status() []byte {
	return wire.DKEKStatus{Shares: d.Shares, Outstanding: d.outstanding(), KCV: d.KCV}.Bytes()
}

// importShare adds a share. One that came before is refused: a share XORed
// twice is gone, and the DKEK would be made of the others alone.
func importShare(t *transaction, share secret.Bytes) error {
	d := &t.state.DKEK
	if !d.Enabled {
		return apdu.InstructionUnknown // initialised without a DKEK meanwhile
	}
	if d.outstanding() == 0 {
		return apdu.CommandNotAllowed
	}
	sum := sha256.Sum256(share)
	for _, seen := range d.Seen {
		if bytes.Equal(seen, sum[:]) {
			return apdu.FileExists
		}
	}
	d.Seen = append(d.Seen, sum[:])
	total := share.Clone()
	for i, v := range d.Partial {
		total[i] ^= v
	}
	if d.outstanding() > 0 {
		d.Partial = total
		return nil
	}
	defer total.Wipe()
	return t.completeDKEK(total)
}

// dkekPurpose binds what is in the inbox to its use.
const dkekPurpose = "conclave DKEK"

// completeDKEK notes the DKEK's check value and seals it: under the storage key,
// or, while no one is logged in, to the inbox.
func (t *transaction) completeDKEK(total secret.Bytes) error {
	kcv, err := checkValue(total)
	if err != nil {
		return err
	}
	t.state.DKEK.Partial, t.state.DKEK.KCV = nil, kcv
	if t.vault != nil {
		return t.sealDKEK(total)
	}
	sealed, err := sealToBox(t.state.Inbox, dkekPurpose, total)
	if err != nil {
		return err
	}
	return t.Put(kindDevice, recordInboxDKEK, sealed)
}

func checkValue(total secret.Bytes) (kcv dkek.KCV, err error) {
	kek, err := dkek.New(total)
	if err != nil {
		return kcv, err
	}
	defer kek.Wipe()
	return kek.KCV(), nil
}

// sealDKEK seals the DKEK under the storage key, for good, and does away with the
// inbox.
func (t *transaction) sealDKEK(total secret.Bytes) error {
	t.state.DKEK.Kept, t.state.Inbox = true, nil
	t.saveState()
	for _, id := range []uint16{recordInbox, recordInboxDKEK} {
		if err := t.Delete(kindDevice, id); err != nil {
			return err
		}
	}
	return t.vault.put(t, kindDevice, recordDKEK, total)
}

// keepDKEK takes a complete DKEK out of the inbox, to which anyone can seal who
// can write the file, and who sealed another could have changed the check value
// too: what is kept is from then on the one that this login has seen.
func (c *Card) keepDKEK() error {
	if !c.state.DKEK.complete() || c.state.DKEK.Kept {
		return nil
	}
	err := c.amend(func(t *transaction) error {
		if !t.state.DKEK.complete() || t.state.DKEK.Kept {
			return nil // by another process
		}
		total, err := t.emptyInbox()
		if err != nil {
			return err
		}
		defer total.Wipe()
		return t.sealDKEK(total)
	})
	if err == nil {
		c.scrub()
	}
	return err
}

// emptyInbox opens the DKEK in the inbox. It must be the one that was imported.
func (t *transaction) emptyInbox() (secret.Bytes, error) {
	sealed, err := t.Get(kindDevice, recordInboxDKEK)
	if err != nil {
		return nil, err
	}
	total, err := t.vault.openFromBox(t, recordInbox, dkekPurpose, sealed)
	if err != nil {
		return nil, err
	}
	if kcv, err := checkValue(total); err != nil || kcv != t.state.DKEK.KCV {
		total.Wipe()
		return nil, errors.Join(err, errSealBroken)
	}
	return total, nil
}

// openDKEK gives the DKEK to wrap and unwrap with.
func (c *Card) openDKEK() (kek *dkek.DKEK, err error) {
	if !c.state.DKEK.Enabled {
		return nil, apdu.InstructionUnknown
	}
	if !c.state.DKEK.complete() {
		return nil, apdu.ConditionsNotSatisfied
	}
	if err := c.keepDKEK(); err != nil { // completed since the login, by another process
		return nil, err
	}
	err = c.view(func(r store.Reader) error {
		total, err := c.session.vault().get(r, kindDevice, recordDKEK)
		if err != nil {
			return err
		}
		defer total.Wipe()
		kek, err = dkek.New(total)
		return err
	})
	return kek, err
}
