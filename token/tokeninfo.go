package token

import (
	"cmp"
	"errors"
	"strings"

	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// TokenInfo is what a token tells (CK_TOKEN_INFO).
type TokenInfo struct {
	Label, Manufacturer, Model, Serial string
	Flags                              cryptoki.Flags
	MinPIN, MaxPIN                     int // in bytes
	Hardware, Firmware                 [2]byte
}

// Lengths of PINs in bytes, as PKCS#11 has them: the SO-PIN is 16 hex digits, as
// OpenSC's module takes it.
const (
	minUserPIN = 6
	maxUserPIN = 16
	lenSOPIN   = 16
)

// tries that PINs have at most: the user's by what hosts initialise devices with.
const (
	usualTries = 3
	soTries    = 15
)

// readTokenInfo asks a device for what its token tells. Model, manufacturer and label
// are as OpenSC's module shows them (src/libopensc/pkcs15-sc-hsm.c and
// src/pkcs11/framework-pkcs15.c there), so that PKCS#11 URIs name the same token
// with either module.
func readTokenInfo(h *hsm.HSM, serial string) (*TokenInfo, error) {
	status, err := h.Status()
	if err != nil {
		return nil, err
	}
	var written wire.TokenInfo
	content, err := h.ReadFile(wire.EFTokenInfo)
	switch {
	case err == nil:
		written, _ = wire.ParseTokenInfo(content) // what is malformed is as good as absent
	case !errors.Is(err, hsm.ErrNotFound):
		return nil, err
	}
	return &TokenInfo{
		Label:        tokenLabel(cmp.Or(written.Label, "SmartCard-HSM")),
		Manufacturer: tokenManufacturer(written.Manufacturer),
		Model:        "PKCS#15 emulated",
		Serial:       serial,
		Flags:        tokenFlags(status),
		MinPIN:       minUserPIN,
		MaxPIN:       maxUserPIN,
		Hardware:     [2]byte{24, 13},
		Firmware:     [2]byte{status.Version.Major, status.Version.Minor},
	}, nil
}

// fieldLength is that of label and manufacturer, in bytes.
const fieldLength = 32

func tokenManufacturer(written string) string {
	if written == "" || written == "(unknown)" {
		return "www.CardContact.de"
	}
	return cut(written, fieldLength)
}

// tokenLabel adds the name of the user PIN, as OpenSC does where a card can have
// several. Colons, which some programs take for the end, it shows as points since 0.24.
func tokenLabel(label string) string {
	const pin = " (UserPIN)"
	return strings.ReplaceAll(cut(label, fieldLength-len(pin))+pin, ":", ".")
}

// cut shows with points that something does not fit.
func cut(text string, length int) string {
	const more = "..."
	if len(text) <= length {
		return text
	}
	return text[:length-len(more)] + more
}

// tokenFlags gives the flags for a device's state.
func tokenFlags(s hsm.Status) cryptoki.Flags {
	f := cryptoki.TokenRNG | cryptoki.LoginRequired
	if !s.Initialised {
		return f
	}
	f |= cryptoki.TokenInitialized | cryptoki.UserPINInitialized
	if s.User.Transport {
		f |= cryptoki.UserPINToBeChanged
	}
	return f | pinFlags(s.User, usualTries, cryptoki.UserPINCountLow, cryptoki.UserPINFinalTry, cryptoki.UserPINBlocked) |
		pinFlags(s.SO, soTries, cryptoki.SOPINCountLow, cryptoki.SOPINFinalTry, cryptoki.SOPINBlocked)
}

// pinFlags says how many tries a PIN has left, if the device tells.
func pinFlags(p hsm.PINState, most int, low, final, blocked cryptoki.Flags) (f cryptoki.Flags) {
	switch {
	case p.Blocked():
		return blocked
	case p.Verified, p.Transport, p.PublicKey:
		return 0
	case p.Tries == 1:
		f |= final
	}
	if p.Tries < most {
		f |= low
	}
	return f
}
