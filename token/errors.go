package token

import (
	"errors"
	"log/slog"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link/pcsc"
	"conclave/token/cryptoki"
)

// translate gives PKCS#11's word for an error of the device. One that has none is
// logged, and is CKR_DEVICE_ERROR.
func translate(err error) error {
	var rv cryptoki.RV
	var pin *hsm.PINError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &rv):
		return rv
	case errors.As(err, &pin):
		return pinRefused(pin)
	case errors.Is(err, hsm.ErrTransportPIN):
		return cryptoki.PINExpired
	case errors.Is(err, hsm.ErrUninitialised):
		return cryptoki.UserPINNotInitialized
	case errors.Is(err, hsm.ErrResetForbidden):
		return cryptoki.ActionProhibited
	case errors.Is(err, apdu.SecurityNotSatisfied), errors.Is(err, apdu.ErrReset):
		return cryptoki.UserNotLoggedIn
	case errors.Is(err, hsm.ErrNotAllowed), errors.Is(err, apdu.ReferenceDataUnusable):
		return cryptoki.KeyFunctionNotPermitted
	case errors.Is(err, apdu.ReferenceNotFound), errors.Is(err, hsm.ErrNotFound):
		return cryptoki.KeyHandleInvalid
	case errors.Is(err, apdu.WrongData):
		return cryptoki.DataInvalid
	case errors.Is(err, apdu.WrongLength):
		return cryptoki.DataLenRange
	case errors.Is(err, apdu.MemoryFailure), errors.Is(err, apdu.NotEnoughMemory):
		return cryptoki.DeviceMemory
	}
	slog.Error("a device failed", "error", err)
	return cryptoki.DeviceError
}

func pinRefused(pin *hsm.PINError) error {
	if pin.Tries == 0 {
		return cryptoki.PINLocked
	}
	return cryptoki.PINIncorrect
}

// translatePIN is translate for commands with a new PIN, which the device may find too
// short for its retry counter.
func translatePIN(err error) error {
	if errors.Is(err, apdu.WrongData) || errors.Is(err, apdu.WrongLength) {
		return cryptoki.PINLenRange
	}
	return translate(err)
}

// gone says whether an error means that there is no connection to the device any more:
// one of PC/SC, but for a card that was reset.
func gone(err error) bool {
	var code pcsc.Code
	return errors.As(err, &code) && code != pcsc.ErrReset || errors.Is(err, cryptoki.DeviceRemoved)
}
