package main

import (
	"errors"
	"fmt"
	"io/fs"

	"conclave/apdu"
	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/quorum/repair"
)

// importDKEKShare opens a share file and gives its share to the card.
func (t *tool) importDKEKShare() error {
	file, err := t.readShareFile()
	if err != nil {
		return err
	}
	t.noteChanged(file.Changed)
	if err := t.wantsShare(); err != nil {
		return err
	}
	share, err := t.openShareFile(file.ShareFile)
	if err != nil {
		return err
	}
	defer share.Wipe()
	status, err := t.hsm.ImportShare(share)
	if err != nil {
		return importFailure(err)
	}
	t.Printf("DKEK share imported\n")
	t.showDKEK(status)
	return nil
}

func (t *tool) readShareFile() (custody.Unopened, error) {
	file, err := custody.ReadUnopened(t.file, false)
	var damaged *custody.OpenError
	if errors.As(err, &damaged) {
		err = damaged.Err
	}
	if _, plain := err.(*fs.PathError); isFileError(err) && !plain { // more is known
		return file, newFailure(err, "%v", fileError(t.file, err))
	}
	if isFileError(err) {
		return file, fileError(t.file, err)
	}
	if err != nil {
		return file, newFailure(err, "File %s is not a DKEK share", t.file)
	}
	return file, nil
}

func importFailure(err error) error {
	if errors.Is(err, apdu.InstructionUnknown) {
		return newFailure(err, "Not supported by card or card not initialized for key share usage")
	}
	return newFailure(err, "sc_card_ctl(*, SC_CARDCTL_SC_HSM_IMPORT_DKEK_SHARE, *) failed with %s", reason(err))
}

// wantsShare asks the card before custodians are. If its DKEK is complete the
// card has the last word.
func (t *tool) wantsShare() error {
	status, err := t.hsm.DKEK()
	switch {
	case err != nil:
		return importFailure(err)
	case status == nil:
		return importFailure(fmt.Errorf("%w: the device was initialised without a DKEK; initialise it with --dkek-shares", apdu.InstructionUnknown))
	case status.Outstanding == 0:
		t.note("the DKEK of this device is complete, key check value %s; it is unlikely to take another share", dkek.KCV(status.KCV))
	}
	return nil
}

// openShareFile decrypts a share file with the password, or with the shares
// that make it.
func (t *tool) openShareFile(file dkek.ShareFile) (secret.Bytes, error) {
	if t.password == nil && t.total != unset {
		return t.openWithShares(file)
	}
	password, err := t.ask(t.password, "Enter password to decrypt DKEK share : ")
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	t.Printf("Deciphering DKEK share, please wait...\n")
	share, err := file.Decrypt(t.ctx, password, t.percent)
	var damage *dkek.DamagedError
	if errors.As(err, &damage) {
		t.note("%v", damage)
		return share, nil
	}
	if errors.Is(err, dkek.ErrPassword) {
		err = fmt.Errorf("%w; check the keyboard layout and capital letters, and that the password is for this file", err)
	}
	if err != nil {
		return nil, notDecrypted(err)
	}
	return share, nil
}

// openWithShares asks as many custodians as the command line says.
func (t *tool) openWithShares(file dkek.ShareFile) (secret.Bytes, error) {
	records, err := custody.Records(t.file, file)
	if err != nil { // OpenSC's tool has no records, and does without them
		t.note("warning: %v", err)
	}
	t.note("%d shares will be asked for, the number given to --pwd-shares-total; as many as the threshold of the scheme are enough", t.total)
	t.Printf("\nDeciphering the DKEK for import into the SmartCard-HSM requires %d key custodians"+
		"\nto present their share. Only the first key custodian needs to enter the public prime."+
		"\nPlease remember to present the share id as well as the share value.\n\n", t.total)
	defer t.ClearOnSignal()()
	people := &custodians{tool: t}
	opened, err := custody.Opening{
		File: file, Progress: t.percent, Search: t.search(), Limit: likely,
		Collection: &custody.Collection{Entry: &quorum.Entry{Records: records, Want: t.total, All: true}, Custodians: people, OpenSC: true},
		Begin:      func() { t.Printf("Deciphering DKEK share, please wait...\n") },
	}.Run(t.ctx)
	var failed *custody.OpenError
	switch {
	case errors.As(err, &failed), errors.Is(err, dkek.ErrPassword):
		return nil, notDecrypted(err)
	case err != nil:
		return nil, err
	}
	t.note("the shares were read as: %s", opened.How)
	return opened.Share, nil
}

// likely is how many readings of sheets that do not open the file are tried:
// those of one mistake.
const likely = 2000

// search looks for mistakes if someone is there to agree to what it finds.
func (t *tool) search() custody.Search {
	if !t.Interactive() {
		return nil
	}
	return func(p repair.Progress) { t.percent(min(0.99, float64(p.Tried)/float64(max(1, p.Total)))) }
}

func notDecrypted(err error) error {
	return newFailure(err, "Error decrypting DKEK share. Password correct ?")
}
