package main

import (
	"context"
	"errors"

	"conclave/apdu"
	"conclave/ceremony"
	"conclave/internal/secret"
)

// createDKEKShare makes a share of a DKEK and its file.
func (t *tool) createDKEKShare() error {
	drawn, err := ceremony.Draw(t.hsm)
	if err != nil {
		return createFailure(t.file, err)
	}
	password, err := t.newPassword()
	if err != nil {
		return err
	}
	defer password.Wipe()
	t.Printf("Enciphering DKEK share, please wait...\n")
	kcv, err := ceremony.WriteShareFile(context.Background(), drawn, t.file, password, t.percent)
	if err != nil && t.password == nil && t.shared() {
		t.note("%v", ceremony.ErrVoid)
	}
	if err != nil {
		return createFailure(t.file, err)
	}
	t.Printf("DKEK share created and saved to %s\n", t.file)
	t.note("as the only share it makes a DKEK with key check value %s", kcv)
	return nil
}

func createFailure(path string, err error) error {
	var sw apdu.Status
	switch {
	case isFileError(err):
		return outputError(path, err)
	case errors.As(err, &sw):
		return failed(err, "Error generating random number failed with %s", reason(err))
	}
	return failed(err, "Error encrypting DKEK share")
}

// newPassword is the password of a new share file: given, shared out or typed.
func (t *tool) newPassword() (secret.Bytes, error) {
	switch {
	case t.password != nil:
		return t.password.Clone(), nil
	case t.shared():
		return t.holdCeremony()
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
		again, err := t.ask(nil, "Please retype password to confirm : ")
		if err != nil {
			return nil, err
		}
		same := password.Equal(again)
		again.Wipe()
		if same {
			return password, nil
		}
		password.Wipe()
		t.Printf("Passwords do not match. Please retry.\n")
	}
}

// holdCeremony draws the password and shows each custodian a share of it.
func (t *tool) holdCeremony() (secret.Bytes, error) {
	t.Printf("\n"+
		"The DKEK will be enciphered using a randomly generated 64 bit password.\n"+
		"This password is split using a (%d-of-%d) threshold scheme.\n\n"+
		"Please keep the generated and encrypted DKEK file in a safe location. We also recommend \n"+
		"to keep a paper printout, in case the electronic version becomes unavailable. A printable version\n"+
		"of the file can be generated using \"openssl base64 -in <filename>\".\n\n\n", t.threshold, t.total)
	t.pressEnter("Press <enter> to continue")
	defer t.ClearOnSignal()()
	password, _, err := ceremony.Distribute(context.Background(), t.hsm, t.threshold, t.total, &custodians{tool: t}, false)
	if err != nil {
		return nil, failed(err, "Creating DKEK share failed")
	}
	return password, nil
}
