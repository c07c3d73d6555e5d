package hsm

import (
	"encoding/hex"
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/wire"
)

// PINError is a PIN that the card refused.
type PINError struct {
	Ref   wire.PINReference
	Tries int // left
}

// Error names the PIN and the tries left.
func (e *PINError) Error() string {
	if e.Tries == 0 {
		return fmt.Sprintf("the %s is blocked", pinName(e.Ref))
	}
	return fmt.Sprintf("wrong %s; %s", pinName(e.Ref), TriesLeft(e.Tries))
}

// TriesLeft is how many tries of a PIN are left, in words.
func TriesLeft(n int) string {
	if n == 1 {
		return "1 try left"
	}
	return fmt.Sprintf("%d tries left", n)
}

func pinName(ref wire.PINReference) string {
	if ref == wire.SOPIN {
		return "SO-PIN"
	}
	return "user PIN"
}

// Reasons why a PIN was not even tried.
var (
	// ErrTransportPIN is the error for a login before the transport PIN has been
	// changed.
	ErrTransportPIN = errors.New("the device has a transport PIN; change it before its first use")
	// ErrUninitialised is the error for a device that has no PINs yet.
	ErrUninitialised = errors.New("the device was never initialised, and has no PIN")
	// ErrResetForbidden is the error for what the SO-PIN may not do with the user PIN.
	ErrResetForbidden = errors.New("the device's options forbid it")
)

// pinFailure gives a refusal of a PIN its type.
func pinFailure(err error, ref wire.PINReference) error {
	var sw apdu.Status
	if !errors.As(err, &sw) {
		return err
	}
	tries, counted := sw.Tries()
	switch {
	case counted:
		return &PINError{ref, tries}
	case sw == apdu.AuthenticationBlocked:
		return &PINError{ref, 0}
	case sw == apdu.ReferenceDataUnusable:
		return ErrTransportPIN
	case sw == apdu.ReferenceNotFound:
		return fmt.Errorf("%w (%w)", ErrUninitialised, err)
	}
	return err
}

// Login verifies a PIN. It lasts until the session ends.
func (h *HSM) Login(ref wire.PINReference, pin secret.Bytes) error {
	if len(pin) == 0 {
		return fmt.Errorf("the %s is empty", pinName(ref))
	}
	_, err := h.exchange("log in", apdu.Command{INS: wire.InsVerify, P2: byte(ref), Data: pin})
	if err == nil {
		h.loggedIn = true
	}
	return pinFailure(err, ref)
}

// concat is two PINs one after the other, in memory of their own.
func concat(a, b secret.Bytes) secret.Bytes {
	data := make(secret.Bytes, 0, len(a)+len(b))
	return append(append(data, a...), b...)
}

// ChangePIN replaces a PIN.
func (h *HSM) ChangePIN(ref wire.PINReference, old, new secret.Bytes) error {
	data := concat(old, new)
	defer data.Wipe()
	_, err := h.exchange("change the "+pinName(ref), apdu.Command{INS: wire.InsChangeReferenceData, P2: byte(ref), Data: data})
	if errors.Is(err, apdu.WrongData) || errors.Is(err, apdu.WrongLength) {
		return fmt.Errorf("%w; a user PIN has 6 to 16 characters (the shorter, the fewer tries), an SO-PIN 16 hex digits", err)
	}
	return pinFailure(err, ref)
}

// ResetPIN sets a new user PIN with the SO-PIN. A nil PIN keeps the current one
// and gives back its tries, if the device's options allow it.
func (h *HSM) ResetPIN(so, new secret.Bytes) error {
	data := concat(so, new)
	defer data.Wipe()
	c := apdu.Command{INS: wire.InsResetRetryCounter, P2: byte(wire.UserPIN), Data: data}
	if new == nil {
		c.P1 = 0x01
	}
	_, err := h.exchange("reset the user PIN", c)
	if errors.Is(err, apdu.CommandNotAllowed) {
		return fmt.Errorf("%w (%w)", ErrResetForbidden, err)
	}
	return pinFailure(err, wire.SOPIN)
}

// Initialize erases the device and sets its PINs. A non-empty label becomes
// the token's; the error is a *LabelError if all is done but that. A device that was
// initialised before wants its current SO-PIN.
func (h *HSM) Initialize(init wire.Initialization, label string) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.end(&err)
	data, err := init.Bytes()
	if err != nil {
		return err
	}
	defer secret.Bytes(data).Wipe()
	err = h.sendInitialization(data)
	var broken *linkError
	switch {
	case errors.As(err, &broken): // pico-hsm may leave the bus when it is done
		return fmt.Errorf("%w; the device may be initialised all the same: plug it in again, and look at its status", err)
	case errors.Is(err, apdu.WrongData):
		return fmt.Errorf("%w: PIN or retry counter out of bounds; a user PIN has 6 to 16 characters, and one of 6, 7 or more of them at most 3, 5 or 10 tries", err)
	case errors.Is(err, apdu.CommandNotAllowed): // some cards say so instead of 63Cx
		return fmt.Errorf("%w: wrong SO-PIN", err)
	case errors.Is(err, apdu.FunctionNotSupported):
		return fmt.Errorf("%w: the device lacks one of the options or logins asked for", err)
	}
	if err := pinFailure(err, wire.SOPIN); err != nil {
		return err
	}
	if label == "" {
		return h.selectApplet()
	}
	labelled := h.setLabel(init.UserPIN, label)
	if !errors.As(labelled, &broken) { // else there is no device to select it on
		err = h.selectApplet()
	}
	if labelled != nil {
		return errors.Join(&LabelError{labelled}, err)
	}
	return err
}

// LabelError is the error for a device that is initialised and has no label. A pico-hsm
// breaks down when one is written, and is as good as before once it is plugged in again.
type LabelError struct{ err error }

// Error says what is done, and what is not.
func (e *LabelError) Error() string {
	text := fmt.Sprintf("the device is initialised, but its label could not be written: %v; it does without", e.err)
	if _, broken := errors.AsType[*linkError](e.err); broken {
		text += ". If it does not answer, plug it in again"
	}
	return text
}

// Unwrap gives the reason.
func (e *LabelError) Unwrap() error { return e.err }

// sendInitialization sends the command again if the card says that it is out of
// memory: a Java card may find some only then, and CardContact's own scripts
// ask twice.
func (h *HSM) sendInitialization(data []byte) error {
	c := apdu.Command{CLA: wire.ClassProprietary, INS: wire.InsInitializeDevice, Data: data}
	_, err := h.exchange("initialise the device", c)
	if errors.Is(err, apdu.NotEnoughMemory) {
		_, err = h.exchange("initialise the device", c)
	}
	return err
}

// setLabel rewrites EF.TokenInfo.
func (h *HSM) setLabel(pin secret.Bytes, label string) error {
	if err := h.Login(wire.UserPIN, pin); err != nil {
		return err
	}
	info, err := wire.TokenInfo{Manufacturer: "www.CardContact.de", Label: label}.Bytes()
	if err != nil {
		return err
	}
	return h.WriteFile(wire.EFTokenInfo, info)
}

// ImportShare adds a share to the DKEK.
func (h *HSM) ImportShare(share secret.Bytes) (*wire.DKEKStatus, error) {
	if len(share) != dkek.ShareSize {
		return nil, fmt.Errorf("a DKEK share of %d bytes; %d were expected", len(share), dkek.ShareSize)
	}
	status, err := h.manageDKEK("import the DKEK share", 0, share)
	switch {
	case noDKEK(err):
		return nil, fmt.Errorf("%w: it was initialised without a DKEK that takes shares (%w)", ErrNoDKEK, err)
	case errors.Is(err, apdu.CommandNotAllowed):
		return nil, fmt.Errorf("%w: all shares are imported already", err)
	case errors.Is(err, apdu.FileExists):
		return nil, fmt.Errorf("%w: this share was imported before; a share counts once", err)
	}
	return status, err
}

// CheckUserPIN refuses a user PIN that no device takes.
func CheckUserPIN(pin secret.Bytes) error {
	if len(pin) < 6 || len(pin) > 16 {
		return fmt.Errorf("the new user PIN has %d characters; 6 to 16 were expected", len(pin))
	}
	return nil
}

// ParseSOPIN reads an SO-PIN as OpenSC's tools take it, in 16 hex digits.
func ParseSOPIN(typed secret.Bytes) (secret.Bytes, error) {
	pin := make(secret.Bytes, hex.DecodedLen(len(typed)))
	if _, err := hex.Decode(pin, typed); err != nil || len(pin) != 8 {
		return nil, errors.New("an SO-PIN has 16 hex digits")
	}
	return pin, nil
}
