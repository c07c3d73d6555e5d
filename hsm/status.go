package hsm

import (
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/tlv"
	"conclave/wire"
)

// PINState is what a device tells of a PIN.
type PINState struct {
	Tries     int  // left; 0 when blocked
	Verified  bool // in this session
	Transport bool // must be changed before its first use
	// PublicKey says that keys of custodians log in, not the PIN.
	PublicKey bool
}

// Status is what a device tells without a PIN.
type Status struct {
	Version     wire.Version
	Options     wire.Options
	Initialised bool
	User, SO    PINState         // where it is initialised
	DKEK        *wire.DKEKStatus // nil where it has no DKEK
}

// Status asks the device for its state.
func (h *HSM) Status() (s Status, err error) {
	err = h.exclusive(func() error {
		s, err = h.status()
		return err
	})
	return s, err
}

func (h *HSM) status() (Status, error) {
	s := Status{Version: h.version, Options: h.options}
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

// DKEK asks how far the import of the DKEK is; nil for a device without one.
func (h *HSM) DKEK() (*wire.DKEKStatus, error) {
	return h.manageDKEK("ask for the DKEK's status", nil)
}

func (h *HSM) manageDKEK(doing string, share []byte) (*wire.DKEKStatus, error) {
	answer, err := h.exchange(doing, apdu.Command{
		CLA: wire.ClassProprietary, INS: wire.InsManageDKEK, Data: share, Ne: apdu.MaxShortNe,
	})
	if share == nil && errors.Is(err, apdu.InstructionUnknown) {
		return nil, nil
	}
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
	Serial              string
	Certificate, Issuer *wire.CVC
}

// Device reads the device certificate and its issuer's, and checks that the
// one signed the other. Whether the issuer is to be trusted is for the caller.
func (h *HSM) Device() (d *Device, err error) {
	err = h.exclusive(func() error {
		d, err = h.device()
		return err
	})
	return d, err
}

func (h *HSM) device() (*Device, error) {
	content, err := h.readFile(wire.EFDevAut)
	if err != nil {
		return nil, err
	}
	cursor := tlv.Cursor(content)
	certificate, err := wire.ParseCVC(&cursor)
	if err != nil {
		return nil, fmt.Errorf("the device's certificate: %w", err)
	}
	issuer, err := wire.ParseCVC(&cursor)
	if err != nil {
		return nil, fmt.Errorf("the certificate of the device's issuer: %w", err)
	}
	if err := certificate.Verify(issuer.Key); err != nil {
		return nil, fmt.Errorf("the device's certificate: %w", err)
	}
	return &Device{certificate.Holder(), certificate, issuer}, nil
}
