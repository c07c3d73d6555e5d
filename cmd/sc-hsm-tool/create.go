package main

import (
	"errors"
	"time"

	"conclave/apdu"
	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/quorum"
)

// createDKEKShare makes a share of a DKEK and its file.
func (t *tool) createDKEKShare() error {
	if t.holdsCeremony() {
		return t.holdCeremony()
	}
	password, err := t.newPassword()
	if err != nil {
		return err
	}
	defer password.Wipe()
	t.Printf(enciphering)
	kcv, err := custody.WriteShareFile(t.ctx, t.hsm, t.place, password, t.percent)
	if err != nil {
		return createFailure(t.file, err)
	}
	t.reportCreated(kcv)
	return nil
}

const enciphering = "Enciphering DKEK share, please wait...\n"

func (t *tool) reportCreated(kcv dkek.KCV) {
	t.Printf("DKEK share created and saved to %s\n", t.file)
	t.note("as the only share it makes a DKEK with key check value %s", kcv)
}

func createFailure(path string, err error) error {
	var sw apdu.Status
	switch {
	case isFileError(err):
		return outputError(path, err)
	case errors.As(err, &sw):
		return newFailure(err, "Error generating random number failed with %s", reason(err))
	}
	return newFailure(err, "Error encrypting DKEK share")
}

// newPassword is the password of a new share file: given, or typed.
func (t *tool) newPassword() (secret.Bytes, error) {
	if t.password != nil {
		return t.password.Clone(), nil
	}
	return t.typePassword()
}

// minPassword is the length of a typed password, in bytes.
const minPassword = 6

func (t *tool) typePassword() (secret.Bytes, error) {
	t.Printf("\n" +
		"The DKEK share will be enciphered using a key derived from a user supplied password.\n" +
		"The security of the DKEK share relies on a well chosen and sufficiently long password.\n" +
		"The recommended length is more than 10 characters, which are mixed letters, numbers and\n" +
		"symbols.\n\n" +
		"Please keep the generated DKEK share file in a safe location. We also recommend to keep a\n" +
		"paper printout, in case the electronic version becomes unavailable. A printable version\n" +
		"of the file can be generated using \"openssl base64 -in <filename>\".\n")
	for {
		password, err := t.ask(nil, "Enter password to encrypt DKEK share : ")
		if err != nil {
			return nil, err
		}
		if len(password) < minPassword {
			password.Wipe()
			t.Printf("Password way to short. Please retry.\n")
			continue
		}
		same, err := tty.TypedAgain(password, func() (secret.Bytes, error) { return t.ask(nil, "Please retype password to confirm : ") })
		if err != nil {
			return nil, err
		}
		if same {
			return password, nil
		}
		t.Printf("Passwords do not match. Please retry.\n")
	}
}

// holdCeremony shows each custodian a share of a password that it draws, and
// writes the share file under it.
func (t *tool) holdCeremony() error {
	t.Printf("\n"+
		"The DKEK will be enciphered using a randomly generated %d bit password.\n"+
		"This password is split using a (%d-of-%d) threshold scheme.\n\n"+
		"Please keep the generated and encrypted DKEK file in a safe location. We also recommend \n"+
		"to keep a paper printout, in case the electronic version becomes unavailable. A printable version\n"+
		"of the file can be generated using \"openssl base64 -in <filename>\".\n\n\n", t.strength, t.threshold, t.total)
	t.pressEnter("Press <enter> to continue")
	defer t.ClearOnSignal()()
	created, err := custody.Creation{
		Rand: t.hsm, ShareFile: t.file, Place: t.meeting, Scheme: quorum.Scheme{Threshold: t.threshold, Total: t.total, Strength: quorum.Strength(t.strength)},
		Now: time.Now(), Tool: program, Custodians: &custodians{tool: t}, Progress: t.percent,
		Announce: func(phase custody.Phase) {
			if phase == custody.Encrypting {
				t.Printf(enciphering)
			}
		},
	}.Run(t.ctx)
	if err != nil {
		return createFailure(t.file, err)
	}
	t.reportCreated(created.KCV)
	t.note("%v, and it opens the file; the record of the set is %s: with it custodians can check their sheets (conclave dkek check)", created.Proof, created.RecordPath)
	if t.strength == int(quorum.Strength64) {
		t.note("the password has 64 bits, as OpenSC's; --strength 128 makes a stronger one, which OpenSC's tool imports as well")
	}
	return nil
}
