package card

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"conclave/card/store"
)

// The kinds of record in a device's store.
const (
	kindDevice    store.Kind = 1 // ids below
	kindFile      store.Kind = 2 // content of a readable EF; the id is its FID
	kindProtected store.Kind = 3 // content of EF CDxx, sealed; the id is its FID
	kindKey       store.Kind = 4 // keyRecord, sealed; the id is the key's
	kindLog       store.Kind = 5 // line of the log; the id is the lower half of the entry's number
	kindLogBase   store.Kind = 6 // checkpoint of the entries that are no longer kept; the id is 0
)

// Ids of the records of kindDevice.
const (
	recordState       uint16 = 1 // state
	recordFactoryKey  uint16 = 2 // device key before the first initialisation, in the clear
	recordInbox       uint16 = 3 // private half of the inbox, sealed; none once the DKEK is kept
	recordInboxDKEK   uint16 = 4 // the complete DKEK in the inbox; none once it is kept
	recordDKEK        uint16 = 5 // the DKEK, sealed
	recordContents    uint16 = 6 // contents
	recordSODeviceKey uint16 = 7 // the device key's record, sealed in the SO-PIN's vault
	recordEscrow      uint16 = 8 // private half of the escrow, sealed in the SO-PIN's vault
	recordStorageKey  uint16 = 9 // the storage key in the escrow
)

// state is what the device knows about itself and keeps in the clear.
type state struct {
	// Epoch is new with every initialisation.
	Epoch   string
	Options uint16
	User    pin
	SO      pin
	DKEK    dkekState
	// Inbox is a box for the DKEK: its last share can come while no one is logged
	// in.
	Inbox []byte
	// Escrow is a box for the storage key, which the SO-PIN opens. There is none
	// where the options do not let the SO-PIN set a user PIN.
	Escrow []byte `json:",omitempty"`
	// Log is how far the log has come; nil where there never was one.
	Log *logState `json:",omitempty"`
	// Contents is SHA-256 of the record of that name.
	Contents []byte `json:",omitempty"`
	// MAC is over what authentic gives, under the storage key.
	MAC []byte `json:",omitempty"`
}

// dkekState is the progress of the DKEK's import.
type dkekState struct {
	Enabled bool
	Shares  int // 0 for a random DKEK
	// Partial is the XOR of the shares so far. It is in the clear, since it
	// must outlive a loss of power before anyone has logged in; without the
	// shares still missing it reveals nothing of the DKEK. It goes when the
	// last one comes.
	Partial []byte
	// Seen holds SHA-256 of each share, to refuse one that comes twice.
	Seen [][]byte
	KCV  [8]byte
	// Kept says that the DKEK is sealed under the storage key. Until then it is
	// in the inbox, to which anyone can seal.
	Kept bool `json:",omitempty"`
}

func (d dkekState) outstanding() int { return d.Shares - len(d.Seen) }

func (d dkekState) complete() bool { return d.Enabled && d.outstanding() == 0 }

func (s *state) initialised() bool { return s.Epoch != "" }

// sealed says whether the state has a MAC and a list of contents. Format 1 of
// devices had neither, and is left at the first login. The user PIN opens nothing
// if its format is not the one that it was set in.
func (s *state) sealed() bool { return s.User.Format != 0 }

// authentic is what decides about secrets, and changes only while the storage key
// is at hand. Not in it are what anyone may change: the tries that are left, and
// a DKEK that is not kept yet; the log's head; and the SO-PIN, which opens nothing of
// the user's but through the escrow.
func (s state) authentic() ([]byte, error) {
	s.MAC, s.Inbox, s.SO = nil, nil, pin{}
	s.User.Tries, s.User.Attempt = 0, nil
	if s.Log != nil {
		s.Log = &logState{Sealed: s.Log.Sealed, Base: s.Log.Base, Signed: s.Log.Signed}
	}
	if !s.DKEK.Kept {
		s.DKEK = dkekState{Enabled: s.DKEK.Enabled, Shares: s.DKEK.Shares}
	}
	return json.Marshal(s)
}

var errForged = errors.New("the device's state is not what was written under its storage key: the file was changed; restore it from a backup, or initialise the device and restore its keys")

// checkMAC says whether whoever wrote the state had the storage key.
func (s *state) checkMAC(v *vault) error {
	message, err := s.authentic()
	if err == nil && s.sealed() && !hmac.Equal(s.MAC, v.mac(message)) {
		err = errForged
	}
	return err
}

func (s *state) setMAC(v *vault) error {
	message, err := s.authentic()
	s.MAC = v.mac(message)
	return err
}

// ErrNoDevice is returned for a store that holds no device.
var ErrNoDevice = errors.New("the store holds no device; create one first")

func damaged(format string, args ...any) error {
	return fmt.Errorf("the device's state is damaged: %w; restore its file from a backup", fmt.Errorf(format, args...))
}

func (s *state) read(r store.Reader) error {
	b, err := r.Get(kindDevice, recordState)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoDevice
	}
	if err != nil {
		return err
	}
	var read state
	if err := read.parse(b); err != nil {
		return err
	}
	*s = read
	return nil
}

// stateFormat begins a state with a checksum; one of format 1 of devices begins
// with the brace of its JSON, and has none.
const stateFormat = 2

// parse reads stateFormat, SHA-256 of the rest, JSON.
func (s *state) parse(b []byte) error {
	if !bytes.HasPrefix(b, []byte("{")) {
		const header = 1 + sha256.Size
		if len(b) < header || b[0] != stateFormat || sha256.Sum256(b[header:]) != [sha256.Size]byte(b[1:header]) {
			return damaged("its checksum is wrong")
		}
		b = b[header:]
	}
	if err := json.Unmarshal(b, s); err != nil {
		return damaged("%w", err)
	}
	if s.initialised() && !(s.User.Cost.sane() && s.SO.Cost.sane()) {
		return damaged("the cost of a PIN is out of bounds")
	}
	return nil
}

func (s *state) bytes() ([]byte, error) {
	b, err := json.Marshal(s)
	sum := sha256.Sum256(b)
	return slices.Concat([]byte{stateFormat}, sum[:], b), err
}
