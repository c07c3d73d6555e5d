package card

import (
	"bytes"
	"crypto/sha256"

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
		return t.saveState()
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
	return completeDKEK(t, total)
}

// dkekPurpose binds what is sealed to the inbox to its use.
const dkekPurpose = "conclave DKEK"

// completeDKEK seals the DKEK and notes its check value.
func completeDKEK(t *transaction, total secret.Bytes) error {
	kek, err := dkek.New(total)
	if err != nil {
		return err
	}
	defer kek.Wipe()
	sealed, err := sealToInbox(t.state.Inbox, dkekPurpose, total)
	if err != nil {
		return err
	}
	t.state.DKEK.Partial, t.state.DKEK.KCV = nil, kek.KCV()
	return t.Put(kindDevice, recordDKEK, sealed)
}

// openDKEK gives the DKEK to wrap and unwrap with.
func (c *Card) openDKEK() (kek *dkek.DKEK, err error) {
	if !c.state.DKEK.Enabled {
		return nil, apdu.InstructionUnknown
	}
	if !c.state.DKEK.complete() {
		return nil, apdu.ConditionsNotSatisfied
	}
	err = c.view(func(r store.Reader) error {
		sealed, err := r.Get(kindDevice, recordDKEK)
		if err != nil {
			return err
		}
		total, err := c.session.vault.openFromInbox(r, dkekPurpose, sealed)
		if err != nil {
			return err
		}
		defer total.Wipe()
		kek, err = dkek.New(total)
		return err
	})
	if err != nil {
		return nil, err
	}
	// Anyone can seal to the inbox: what is in it must be what was imported.
	if kek.KCV() != c.state.DKEK.KCV {
		kek.Wipe()
		return nil, errSealBroken
	}
	return kek, nil
}
