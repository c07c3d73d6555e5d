package main

import (
	"errors"
	"fmt"
	"strings"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/wire"
)

type hsmStatus struct {
	answering
	onDevice
}

// deviceStatus is what status shows. What a device does not have is null: its PINs
// before it is initialised, its DKEK if it was initialised without one, public keys that
// log in. It has key domains where it can have several DKEKs.
type deviceStatus struct {
	Device      string      `json:"device"`
	Serial      string      `json:"serial"`
	CertifiedBy string      `json:"certified_by"`
	Label       string      `json:"label"`
	Version     string      `json:"version"`
	Initialised bool        `json:"initialised"`
	UserPIN     *pinStatus  `json:"user_pin"`
	SOPIN       *pinStatus  `json:"so_pin"`
	DKEK        *dkekStatus `json:"dkek"`
	KeyDomains  []keyDomain `json:"key_domains"`
	PublicKeys  *publicKeys `json:"public_keys"`
	Options     []string    `json:"options"`
}

// keyDomain has a DKEK if it is set up.
type keyDomain struct {
	Number int         `json:"number"`
	DKEK   *dkekStatus `json:"dkek"`
}

// publicKeys are those of custodians that log in to a device.
type publicKeys struct {
	Total      int `json:"total"`
	Registered int `json:"registered"`
	Required   int `json:"required"`
}

type pinStatus struct {
	Tries     int  `json:"tries"` // left
	Blocked   bool `json:"blocked"`
	Transport bool `json:"transport"` // to be changed before its first use
	PublicKey bool `json:"by_public_key"`
}

// dkekStatus has a KCV once the DKEK is complete, where the device tells it
// without a login.
type dkekStatus struct {
	Shares      int    `json:"shares"` // 0 for a random DKEK
	Outstanding int    `json:"outstanding"`
	KCV         string `json:"kcv"`
}

// Run shows the status.
func (hsmStatus) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		status, err := c.deviceStatus(h)
		if err != nil {
			return err
		}
		return c.answerFacts(status, status.rows())
	})
}

func (c *console) deviceStatus(h *hsm.HSM) (deviceStatus, error) {
	told, err := h.Status()
	if err != nil {
		return deviceStatus{}, err
	}
	label, err := tokenLabel(h)
	if err != nil {
		return deviceStatus{}, err
	}
	domains, err := h.KeyDomains()
	if err != nil {
		return deviceStatus{}, err
	}
	public, err := h.PublicKeys()
	if err != nil {
		return deviceStatus{}, err
	}
	serial, certifier := c.identityOf(h)
	s := deviceStatus{
		Device: c.device, Serial: serial, CertifiedBy: certifier, Label: label, Version: told.Version.String(),
		Initialised: told.Initialised, DKEK: newDKEKStatus(told.DKEK), KeyDomains: newKeyDomains(domains), PublicKeys: newPublicKeys(public),
		Options: optionNames(told.Options),
	}
	if told.Initialised {
		s.UserPIN, s.SOPIN = newPINStatus(told.User), newPINStatus(told.SO)
	}
	return s, nil
}

// identityOf gives a device's serial number and who certified it; what its
// certificates do not show is empty.
func (c *console) identityOf(h *hsm.HSM) (serial, certifier string) {
	device, err := h.Device()
	if device != nil {
		serial = device.Serial
	}
	if err != nil {
		c.warn("the device is not certified: %v", err)
		return serial, ""
	}
	return serial, device.Chain.Issuer()
}

// tokenLabel is empty where the device has no EF.TokenInfo, which is optional.
func tokenLabel(h *hsm.HSM) (string, error) {
	content, err := h.ReadFile(wire.EFTokenInfo)
	if errors.Is(err, hsm.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	info, err := wire.ParseTokenInfo(content)
	return info.Label, err
}

// newPINStatus is of a session in which no PIN has been verified.
func newPINStatus(p hsm.PINState) *pinStatus {
	return &pinStatus{Tries: p.Tries, Blocked: p.Blocked(), Transport: p.Transport, PublicKey: p.PublicKey}
}

func newDKEKStatus(s *wire.DKEKStatus) *dkekStatus {
	if s == nil {
		return nil
	}
	shown := &dkekStatus{Shares: s.Shares, Outstanding: s.Outstanding}
	if s.Outstanding == 0 && !s.Hidden() {
		shown.KCV = dkek.KCV(s.KCV).String()
	}
	return shown
}

func newKeyDomains(told []*wire.DKEKStatus) []keyDomain {
	domains := []keyDomain{}
	for n, status := range told {
		domains = append(domains, keyDomain{n, newDKEKStatus(status)})
	}
	return domains
}

func newPublicKeys(s *wire.PublicKeyStatus) *publicKeys {
	if s == nil {
		return nil
	}
	return &publicKeys{s.Total, s.Total - s.Missing, s.Required}
}

func optionNames(options wire.Options) []string {
	names := []string{}
	for _, o := range []struct {
		bit  wire.Options
		name string
	}{
		{wire.OptionResetRetryCounter, "reset-pin"},
		{wire.OptionTransportPIN, "transport-pin"},
		{wire.OptionUnblockOnly, "unblock-only"},
		{wire.OptionLog, "log"},
	} {
		if options&o.bit != 0 {
			names = append(names, o.name)
		}
	}
	return names
}

func (s deviceStatus) rows() [][]string {
	certificate := "by " + s.CertifiedBy
	if s.CertifiedBy == "" {
		certificate = "none that verifies"
	}
	rows := [][]string{
		{"Device", s.Device}, {"Serial number", s.Serial}, {"Certificate", certificate}, {"Label", s.Label}, {"Version", s.Version},
	}
	if !s.Initialised {
		return append(rows, []string{"State", "not initialised; see: conclave hsm init"})
	}
	options := strings.Join(s.Options, ", ")
	if options == "" {
		options = "none"
	}
	rows = append(rows, []string{"User PIN", s.UserPIN.String()}, []string{"SO-PIN", s.SOPIN.String()})
	if p := s.PublicKeys; p != nil {
		rows = append(rows, []string{"Public keys", fmt.Sprintf("%d of %d are registered, and %d must log in, which is not possible here: it takes the tools of the device's maker",
			p.Registered, p.Total, p.Required)})
	}
	first := s.DKEK.String()
	if s.DKEK == nil && len(s.KeyDomains) > 0 {
		first = "none in key domain 0, where new keys go; they cannot be wrapped"
	}
	rows = append(rows, []string{"DKEK", first})
	for _, d := range s.KeyDomains {
		rows = append(rows, []string{fmt.Sprintf("Key domain %d", d.Number), d.String()})
	}
	return append(rows, []string{"Options", options})
}

// String says in words what it has, and what can be done with it here.
func (d keyDomain) String() string {
	switch {
	case d.Number == 0:
		return "see DKEK; new keys and shares go here"
	case d.DKEK == nil:
		return "not set up, and not used here"
	}
	return "DKEK " + d.DKEK.String() + "; its keys can be used, wrapped and restored, and the rest takes the tools of the device's maker"
}

// String says it in words.
func (p pinStatus) String() string {
	switch {
	case p.Transport:
		return "transport PIN; change it before its first use: conclave hsm pin change"
	case p.PublicKey:
		return "keys of custodians log in"
	case p.Blocked:
		return "blocked"
	}
	return hsm.TriesLeft(p.Tries)
}

// String says it in words.
func (s *dkekStatus) String() string {
	switch {
	case s == nil:
		return "none; keys of this device cannot be wrapped"
	case s.Outstanding > 0:
		return fmt.Sprintf("%d of %d shares still to be imported", s.Outstanding, s.Shares)
	case s.KCV == "":
		return "complete; the device tells its key check value only after a login"
	case s.Shares == 0:
		return fmt.Sprintf("random, key check value %s; its keys can be restored to this device alone", s.KCV)
	}
	return fmt.Sprintf("complete, key check value %s", s.KCV)
}
