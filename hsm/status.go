package hsm

import (
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/wire"
)

// PINState is what a device says about a PIN.
type PINState struct {
	Tries     int  // left; 0 when blocked
	Verified  bool // in this session
	Transport bool // must be changed before its first use
	// PublicKey says that keys of custodians log in, not the PIN.
	PublicKey bool
}

// Blocked says whether no try is left.
func (p PINState) Blocked() bool { return p == PINState{} }

// Status is what a device says without a PIN.
type Status struct {
	Version     wire.Version
	Options     wire.Options
	Initialised bool
	User, SO    PINState         // if it is initialised
	DKEK        *wire.DKEKStatus // nil if it has no DKEK
}

// Status asks the device for its state.
func (h *HSM) Status() (s Status, err error) {
	if err := h.begin(); err != nil {
		return s, err
	}
	defer h.end(&err)
	s = Status{Version: h.version, Options: h.options}
	so, err := h.pinState(wire.SOPIN)
	if errors.Is(err, apdu.ReferenceNotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.Initialised, s.SO = true, so
	if s.User, err = h.pinState(wire.UserPIN); err != nil {
		return s, err
	}
	s.DKEK, err = h.DKEK()
	return s, err
}

// pinState asks for the status of a PIN: VERIFY without data, case 1.
func (h *HSM) pinState(ref wire.PINReference) (PINState, error) {
	r, err := h.send("ask for the PIN's status", apdu.Command{INS: wire.InsVerify, P2: byte(ref)})
	if err != nil {
		return PINState{}, err
	}
	tries, counted := r.SW.Tries()
	switch {
	case counted:
		return PINState{Tries: tries}, nil
	case r.SW == apdu.OK:
		return PINState{Verified: true}, nil
	case r.SW == apdu.AuthenticationBlocked:
		return PINState{}, nil
	case r.SW == apdu.ReferenceDataUnusable:
		return PINState{Transport: true}, nil
	case r.SW == apdu.Unknown:
		return PINState{PublicKey: true}, nil
	}
	return PINState{}, fmt.Errorf("ask for the PIN's status: %w", r.SW)
}

// DKEK asks how far the import of the DKEK has come; nil for a device without
// one.
func (h *HSM) DKEK() (*wire.DKEKStatus, error) { return h.keyDomain(0) }

// keyDomain asks for the status of the DKEK of a key domain, of which most
// devices have one, 0; nil if there is none. Devices say so in several ways:
// 6D00 without DKEKs, 6A88 for an empty domain, 6A86 or 6B00 after the last one,
// and pico-hsm with zeros.
func (h *HSM) keyDomain(n byte) (*wire.DKEKStatus, error) {
	status, err := h.manageDKEK("ask for the DKEK's status", n, nil)
	if noDKEK(err) || err == nil && *status == (wire.DKEKStatus{}) {
		return nil, nil
	}
	return status, err
}

// KeyDomains are the DKEKs of a device that can have several, by their numbers, nil for
// those that are not set up; none where it has one DKEK at most. Wrapping and unwrapping
// find the right one; what a device is asked for otherwise is about the first.
func (h *HSM) KeyDomains() (domains []*wire.DKEKStatus, err error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	for n := byte(1); n < maxKeyDomains; n++ {
		status, err := h.manageDKEK("ask for the status of a key domain", n, nil)
		var refused apdu.Status
		switch {
		case errors.Is(err, apdu.ReferenceNotFound): // 6A88 is an empty one
		case errors.As(err, &refused):
			return domains, nil
		case err != nil:
			return nil, err
		}
		if domains == nil {
			first, err := h.keyDomain(0)
			if err != nil {
				return nil, err
			}
			domains = append(domains, first)
		}
		domains = append(domains, status)
	}
	return domains, nil
}

// PublicKeys says how many keys of custodians log in to the device, in place of its
// user PIN or beside it; nil where none do.
func (h *HSM) PublicKeys() (*wire.PublicKeyStatus, error) {
	const doing = "ask for the public keys that log in"
	r, err := h.send(doing, apdu.Command{CLA: wire.ClassProprietary, INS: wire.InsManagePublicKeys, Ne: 4})
	if err != nil || r.SW != apdu.OK { // 6D00, or 6A86 of a pico-hsm
		return nil, err
	}
	status, err := wire.ParsePublicKeyStatus(r.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if status.Total == 0 {
		return nil, nil
	}
	return &status, nil
}

// KeyDomain finds the DKEK with a key check value: 0 for the one that DKEK tells of,
// or the number of the key domain. Found is false where the device has no such one;
// one whose check value is hidden is taken for it.
func (h *HSM) KeyDomain(kcv dkek.KCV) (n byte, found bool, err error) {
	for ; n < maxKeyDomains; n++ {
		status, err := h.keyDomain(n)
		if err != nil {
			return 0, false, err
		}
		if status != nil && status.Outstanding == 0 && (status.Hidden() || status.KCV == kcv) {
			return n, true, nil
		}
	}
	return 0, false, nil
}

func noDKEK(err error) bool {
	return errors.Is(err, apdu.InstructionUnknown) || errors.Is(err, apdu.ReferenceNotFound) ||
		errors.Is(err, apdu.WrongP1P2) || errors.Is(err, apdu.WrongParameters)
}

func (h *HSM) manageDKEK(doing string, domain byte, share []byte) (*wire.DKEKStatus, error) {
	answer, err := h.exchange(doing, apdu.Command{
		CLA: wire.ClassProprietary, INS: wire.InsManageDKEK, P2: domain, Data: share, Ne: apdu.MaxShortNe,
	})
	if err != nil {
		return nil, err
	}
	status, err := wire.ParseDKEKStatus(answer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &status, nil
}

// Device is the identity of a device, as its certificates give it.
type Device struct {
	Serial  string
	Chain   *wire.DeviceChain
	Content []byte // the file that the chain was read from
}

// Device reads the device's certificates, and checks that each signed the one
// below. Whether the last one is to be trusted is for the caller: see
// wire.DeviceChain. With an error there may be a device, whose serial number is
// then no more than what it claims.
func (h *HSM) Device() (*Device, error) {
	d, err := h.unverifiedDevice()
	if err != nil {
		return nil, err
	}
	return d, d.Chain.Verify()
}

// unverifiedDevice is what the device says about itself.
func (h *HSM) unverifiedDevice() (*Device, error) {
	content, err := h.ReadFile(wire.EFDevAut)
	if err != nil {
		return nil, err
	}
	return parseDevice(content)
}

func parseDevice(content []byte) (*Device, error) {
	chain, err := wire.ParseDeviceChain(content)
	if err != nil {
		return nil, err
	}
	return &Device{chain.Device().Holder(), chain, content}, nil
}

// Serial reads the serial number that the device has in its certificate, which
// it need not be able to prove.
func (h *HSM) Serial() (string, error) {
	d, err := h.unverifiedDevice()
	if err != nil {
		return "", err
	}
	return d.Serial, nil
}

// PeekSerial reads what Serial does without selecting the applet, which would end the
// logins that other processes have on the card. So it works only where the applet is
// selected already: on devices that have no other, since their reset.
func PeekSerial(conn apdu.Conn) (string, error) {
	var content []byte
	for chunk := maxChunk; chunk == maxChunk && len(content) < apdu.MaxExtendedData; {
		at, err := wire.ReadAt(len(content))
		if err != nil {
			return "", err
		}
		r, err := apdu.Exchange(conn, apdu.Command{
			INS: wire.InsReadBinary, P1: byte(wire.EFDevAut >> 8), P2: byte(wire.EFDevAut & 0xFF), Data: at, Ne: maxChunk,
		})
		if err != nil {
			return "", err
		}
		if r.SW != apdu.OK && r.SW != apdu.EndOfFile && len(content) == 0 {
			return "", fmt.Errorf("read the device's certificate: %w", r.SW)
		}
		content, chunk = append(content, r.Data...), len(r.Data)
	}
	d, err := parseDevice(content)
	if err != nil {
		return "", err
	}
	return d.Serial, nil
}
