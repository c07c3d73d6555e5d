package main

import (
	"encoding/hex"
	"errors"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// initializeDevice erases the device and sets its PINs.
func (t *tool) initializeDevice() error {
	if err := t.checkInput(); err != nil {
		return err
	}
	so, err := t.initialSOPIN()
	if err != nil {
		return err
	}
	defer so.Wipe()
	pin, err := t.initialPIN()
	if err != nil {
		return err
	}
	defer pin.Wipe()
	init := wire.Initialization{
		Options: wire.OptionResetRetryCounter, UserPIN: pin, SOPIN: so, Retries: t.pinRetry, DKEKShares: t.dkekShares,
	}
	if t.publicKeys != unset {
		init.PublicKeys = &wire.PublicKeyScheme{Total: t.publicKeys, Required: t.requiredKeys}
	}
	if err := t.setBiometrics(&init); err != nil {
		return err
	}
	err = t.hsm.Initialize(init, t.label)
	if unlabelled, ok := errors.AsType[*hsm.LabelError](err); ok {
		t.note("warning: %v", unlabelled)
		err = nil
	}
	if err != nil {
		return newFailure(err, "sc_card_ctl(*, SC_CARDCTL_SC_HSM_INITIALIZE, *) failed with %s", initializeReason(err))
	}
	return nil
}

// checkInput reads the file that is to be imported or restored after the
// device is erased: it must not be found wanting then.
func (t *tool) checkInput() error {
	switch {
	case t.importShare:
		_, err := t.readShareFile()
		return err
	case t.unwrapKey:
		_, err := readWrapFile(t.file)
		return err
	}
	return nil
}

// setBiometrics names the servers of biometric templates, whose logins need
// session PINs.
func (t *tool) setBiometrics(init *wire.Initialization) error {
	for n, digits := range t.biometric {
		if digits == "" {
			continue
		}
		aid, err := decodeHex(secret.Bytes(digits))
		if err != nil {
			return newFailure(nil, "Error decoding AID of biometric server for template %d (Invalid arguments)", n+1)
		}
		init.Biometrics[n] = aid
		init.Options |= wire.OptionSessionPIN
	}
	return nil
}

// initializeReason takes 6986 for a wrong SO-PIN, as OpenSC does.
func initializeReason(err error) string {
	if errors.Is(err, apdu.CommandNotAllowed) {
		return "PIN code or key incorrect"
	}
	return reason(err)
}

// initialSOPIN gives the 8 bytes of the SO-PIN.
func (t *tool) initialSOPIN() (secret.Bytes, error) {
	digits, err := t.ask(t.soPIN, "Enter SO-PIN (16 hexadecimal characters) : ")
	if err != nil {
		return nil, err
	}
	defer digits.Wipe()
	so, err := decodeHex(digits)
	if err != nil {
		return nil, newFailure(nil, "Error decoding initialization code (Invalid arguments)")
	}
	switch n := len(so); {
	case n > soPINSize:
		so.Wipe()
		return nil, newFailure(nil, "Error decoding initialization code (Buffer too small)")
	case n < soPINSize:
		so.Wipe()
		return nil, newFailure(nil, "SO-PIN must be a hexadecimal string of 16 characters")
	}
	return so, nil
}

// soPINSize is the length of an SO-PIN on the card, in bytes.
const soPINSize = 8

// decodeHex reads hexadecimal digits with colons and spaces between them.
func decodeHex(digits secret.Bytes) (secret.Bytes, error) {
	plain := make(secret.Bytes, 0, len(digits))
	defer func() { plain.Wipe() }()
	for _, c := range digits {
		if c != ':' && c != ' ' {
			plain = append(plain, c)
		}
	}
	b := make(secret.Bytes, hex.DecodedLen(len(plain)))
	if _, err := hex.Decode(b, plain); err != nil {
		b.Wipe()
		return nil, errors.New("hexadecimal digits were expected") // the package's error shows a digit
	}
	return b, nil
}

// Bounds of the user PIN, in bytes, and of its tries, if the PIN is short and
// in any case.
const (
	minPIN = 6
	maxPIN = 16

	triesOfSix   = 3
	triesOfSeven = 5
	maxTries     = 10
)

func (t *tool) initialPIN() (secret.Bytes, error) {
	pin, err := t.ask(t.pin, "Enter initial User-PIN (6 - 16 characters) : ")
	if err != nil {
		return nil, err
	}
	n := len(pin)
	err = firstOf([]mistake{
		{n < minPIN, "PIN must be at least 6 characters long"},
		{n > maxPIN, "PIN must not be longer than 16 characters"},
		{n == 6 && t.pinRetry > triesOfSix, "Retry counter must not exceed 3 for a 6 digit PIN. Use a longer PIN for a higher retry counter."},
		{n == 7 && t.pinRetry > triesOfSeven, "Retry counter must not exceed 5 for a 7 digit PIN. Use a longer PIN for a higher retry counter."},
		{t.pinRetry > maxTries, "Retry counter must not exceed 10"},
	})
	if err != nil {
		pin.Wipe()
		return nil, err
	}
	return pin, nil
}
