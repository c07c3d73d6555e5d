package card

import (
	"encoding/json"
	"errors"
	"fmt"

	"conclave/card/store"
)

// The kinds of record in a device's store.
const (
	kindDevice    store.Kind = 1 // ids below
	kindFile      store.Kind = 2 // content of a readable EF; the id is its FID
	kindProtected store.Kind = 3 // content of EF CDxx, sealed; the id is its FID
	kindKey       store.Kind = 4 // keyRecord, sealed; the id is the key's
)

// Ids of the records of kindDevice.
const (
	recordState      uint16 = 1 // state, JSON
	recordFactoryKey uint16 = 2 // device key before the first initialisation, in the clear
	recordInbox      uint16 = 3 // private key of the inbox, sealed
	recordDKEK       uint16 = 4 // the complete DKEK, sealed to the inbox
)

// state is what the device knows about itself and keeps in the clear.
type state struct {
	// Epoch is new with every initialisation; a session belongs to one.
	Epoch   string
	Options uint16
	User    pin
	SO      pin
	DKEK    dkekState
	// Inbox is the public key to which the card seals secrets that reach it
	// while no one is logged in.
	Inbox []byte
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
}

func (d dkekState) outstanding() int { return d.Shares - len(d.Seen) }

func (d dkekState) complete() bool { return d.Enabled && d.outstanding() == 0 }

func (s *state) initialised() bool { return s.Epoch != "" }

// ErrNoDevice is returned for a store that holds no device.
var ErrNoDevice = errors.New("the store holds no device; create one first")

func (s *state) read(r store.Reader) error {
	b, err := r.Get(kindDevice, recordState)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoDevice
	}
	if err != nil {
		return err
	}
	var read state
	if err := json.Unmarshal(b, &read); err != nil {
		return fmt.Errorf("the device's state is damaged: %w", err)
	}
	if read.initialised() && !(read.User.Cost.sane() && read.SO.Cost.sane()) {
		return errors.New("the device's state is damaged: the cost of a PIN is out of bounds")
	}
	*s = read
	return nil
}

// transaction is the store during an update, with the state as it is there.
type transaction struct {
	store.Writer
	state state
}

func (t *transaction) saveState() error {
	b, err := json.Marshal(t.state)
	if err != nil {
		return err
	}
	return t.Put(kindDevice, recordState, b)
}
