package token

import (
	"errors"
	"strings"
	"sync"

	"conclave/hsm"
	"conclave/token/cryptoki"
)

// SlotInfo is what a slot tells (CK_SLOT_INFO).
type SlotInfo struct {
	ID           SlotID
	Description  string
	Manufacturer string
	Removable    bool       // a reader
	Token        *TokenInfo // nil if there is none
}

// TokenInfo is what a token tells (CK_TOKEN_INFO).
type TokenInfo struct {
	Label, Manufacturer, Model, Serial string
	Flags                              cryptoki.Flags
	MinPIN, MaxPIN                     int // in bytes
	Hardware, Firmware                 [2]byte
}

// slot is an embedded device or a reader.
type slot struct {
	id      SlotID
	name    string // as device.Home.Open takes it
	library *Library

	mu        sync.Mutex
	device    *openDevice // nil without a token, and until it is looked for
	directory *directory  // nil until it is read
}

// removable says whether the slot is a reader.
func (s *slot) removable() bool { return strings.HasPrefix(s.name, "pcsc:") }

// open gives the slot's device. The error is TokenNotPresent if there is none.
func (s *slot) open() (*openDevice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.device != nil {
		return s.device, nil
	}
	connect := connectEmbedded
	if s.removable() {
		connect = connectReader
	}
	d, err := newDevice(func() (*worker, error) { return connect(s.library.home, s.name) })
	if err != nil {
		return nil, errors.Join(cryptoki.TokenNotPresent, err)
	}
	s.device = d
	s.library.changed()
	return d, nil
}

func (s *slot) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.device != nil {
		s.device.close()
	}
	s.device, s.directory = nil, nil
}

// use lends a session with the slot's device.
func (s *slot) use(fn func(*hsm.HSM) error) error {
	d, err := s.open()
	if err != nil {
		return err
	}
	return translate(d.use(fn))
}

func (s *slot) info() SlotInfo {
	i := SlotInfo{ID: s.id, Description: s.name, Manufacturer: manufacturer, Removable: s.removable()}
	if d, err := s.open(); err == nil {
		i.Token, _ = d.tokenInfo()
	}
	return i
}

// manufacturer of the module.
const manufacturer = "Conclave"

// tokenInfo is what the token tells.
func (d *openDevice) tokenInfo() (*TokenInfo, error) {
	return &TokenInfo{Label: d.serial, Serial: d.serial}, nil
}
