// Package card is a SmartCard-HSM: the applet's commands over a store of
// records. It knows bytes and status words, but no reader and no terminal.
//
// Most programs begin with package device, which makes such cards as files of a
// user and opens them. Here a card comes into being with [Manufacture], in an
// empty store, under a [DeviceIssuer]; [New] is the card that a store holds. Give it
// to link.Direct, for package hsm in the same process, or to link.Keep, for a reader.
//
// It is a card in software: whoever can read this process's memory has its keys, and
// whoever has its file can guess PINs at the price of [PINCost]. It refuses what a
// SmartCard-HSM has and it lacks, such as key domains and logins with public keys. It has
// ML-DSA, which no SmartCard-HSM has: family.go says which kinds of key there are.
//
// A command's handler sees a parsed command and answers with data or with a
// status word; all it changes, it changes in one transaction of the store.
package card

import (
	"bytes"
	"errors"
	"log/slog"
	"sync"
	"time"

	"conclave/apdu"
	"conclave/card/devicelog"
	"conclave/card/store"
	"conclave/internal/keyop"
	"conclave/internal/secret"
	"conclave/wire"
)

// Version is the applet's version: hosts use its PIN states from 2 on, and
// extended key features from 3.5 on.
func Version() wire.Version { return wire.Version{Major: 3, Minor: 5} }

// Config is what a card is built with.
type Config struct {
	// Keys computes with private keys.
	Keys keyop.Engine
	// PINCost is what deriving a key from a new PIN costs.
	PINCost PINCost
	// Hold lets what would end the process wait until release is called. It is
	// nil if nothing does.
	Hold func() (release func())
	// Forget is called when a login has ended, and what it had opened is wiped. It
	// is nil if nothing more is to be done.
	Forget func()
	// Log takes what the card cannot tell its host: the errors of the store.
	Log *slog.Logger
	// Client is who gives the commands, for the device's own log.
	Client string
	// Now is the clock of that log; nil for the computer's.
	Now func() time.Time
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c Config) hold() (release func()) {
	if c.Hold == nil {
		return func() {}
	}
	return c.Hold()
}

// Card is a SmartCard-HSM. Its methods may be called concurrently; commands
// run one at a time.
type Card struct {
	store  store.Store
	config Config

	mu        sync.Mutex
	responder apdu.Responder
	state     state   // as of version
	version   uint64  // of the store
	session   session // what a loss of power ends
	// unscrubbed says that what was replaced or deleted may still be on disk.
	unscrubbed bool
	pending    *devicelog.Entry // of the command; nil for none, and once it is written
	limits     logLimits
}

// New is the card whose state is in s. The store must hold a device: see
// Manufacture.
func New(s store.Store, config Config) (*Card, error) {
	c := &Card{store: s, config: config, limits: usualLimits()}
	c.responder.Handler = c.handle
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Transmit implements apdu.Card. It never returns an error.
func (c *Card) Transmit(command []byte) (response []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.session.loggedIn()
	secret.Do(func() { response, err = c.responder.Transmit(command) })
	c.forget(before)
	return response, err
}

// forget is called after what may have ended a login.
func (c *Card) forget(before bool) {
	if before && !c.session.loggedIn() && c.config.Forget != nil {
		c.config.Forget()
	}
}

// Reset ends the session, as a warm reset and a loss of power do.
func (c *Card) Reset() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.session.loggedIn()
	secret.Do(func() {
		c.responder.Reset()
		c.signOff()
		c.session.end()
	})
	c.forget(before)
	if c.unscrubbed {
		c.scrub()
	}
	return nil
}

// handle runs one command. Its result does not leave before it is in the log.
func (c *Card) handle(cmd apdu.Command) ([]byte, error) {
	data, status := c.answer(cmd, c.dispatch)
	if err := c.record(status); err != nil && status == apdu.OK {
		clear(data)
		if cmd.INS == wire.InsVerify {
			c.session.logOut(wire.PINReference(cmd.P2))
		}
		data, status = c.answer(cmd, func(apdu.Command) ([]byte, error) { return nil, err })
	}
	c.pending = nil
	if status == apdu.OK {
		return data, nil
	}
	return data, status
}

// answer makes a status word of an error. One that is none is a fault of the store:
// it is logged, and the host is told that memory failed.
func (c *Card) answer(cmd apdu.Command, run func(apdu.Command) ([]byte, error)) ([]byte, apdu.Status) {
	data, err := run(cmd)
	var refusal apdu.Status
	var broken fault
	switch {
	case err == nil:
		return data, apdu.OK
	case errors.Is(err, apdu.EndOfFile):
		return data, apdu.EndOfFile
	case errors.As(err, &refusal):
		return nil, refusal
	case errors.As(err, &broken):
		c.config.Log.Error("the card's arithmetic failed", "instruction", cmd.INS, "error", err)
		return nil, apdu.ExecutionError
	}
	c.config.Log.Error("the card's store failed", "instruction", cmd.INS, "error", err)
	return nil, apdu.MemoryFailure
}

// fault is an error of an engine that computes with private keys.
type fault struct{ error }

func (c *Card) dispatch(cmd apdu.Command) ([]byte, error) {
	row, err := lookup(cmd)
	if err != nil {
		return nil, err
	}
	if n := len(cmd.Data); n < row.minData || n > row.maxData {
		return nil, apdu.WrongLength
	}
	if err := c.refresh(); err != nil {
		return nil, err
	}
	c.pending = row.logEntry(cmd)
	if row.access == userPIN && c.session.user == nil {
		return nil, apdu.SecurityNotSatisfied
	}
	return row.run(c, cmd)
}

// refresh takes note of what other processes have done to the device. New PINs end
// the logins with the old ones.
func (c *Card) refresh() error {
	version, err := c.store.Version()
	if err != nil || version == c.version {
		return err
	}
	return c.load()
}

func (c *Card) load() error {
	version, err := c.store.Version()
	if err != nil {
		return err
	}
	before := c.state.Contents
	if err := c.store.View(c.state.read); err != nil {
		return err
	}
	c.version = version
	if !bytes.Equal(before, c.state.Contents) || !c.state.sealed() {
		c.session.forgetKeys() // with the same list of records they are the same keys
	}
	c.session.expire(&c.state)
	return c.checkState(&c.state)
}

// checkState ends the login of a user whose device was tampered with.
func (c *Card) checkState(s *state) error {
	if c.session.user == nil {
		return nil
	}
	err := s.checkMAC(c.session.user.vault)
	if err != nil {
		c.session.logOut(wire.UserPIN)
	}
	return err
}

// scrub takes what was replaced or deleted off the disk. If it cannot, the command
// has not failed: it is tried again when the session ends.
func (c *Card) scrub() {
	err := c.store.Scrub()
	if c.unscrubbed = err != nil; c.unscrubbed {
		c.config.Log.Warn("keys and PINs that were replaced or deleted may still be on disk, in the device's log; "+
			"that is tried again when the session ends, and done at the latest when no process has the device open", "error", err)
	}
}

// view runs fn on a consistent snapshot of the store.
func (c *Card) view(fn func(store.Reader) error) error {
	return c.store.View(func(r store.Reader) error { return fn(&snapshot{Reader: r}) })
}

// update runs fn in one transaction, which has the command's entry in the log too:
// it is the last one of a command that is carried out. It refuses where PINs were set
// since the session has verified them.
func (c *Card) update(fn func(*transaction) error) error {
	return c.amend(func(t *transaction) error {
		if err := fn(t); err != nil {
			return err
		}
		return c.log(t, apdu.OK)
	})
}

// amend is update without the entry, unless fn writes it.
func (c *Card) amend(fn func(*transaction) error) error {
	recorded := false
	err := c.store.Update(func(w store.Writer) error {
		t := &transaction{Writer: w}
		defer func() { recorded = t.recorded }()
		if err := t.state.read(w); err != nil {
			return err
		}
		t.logs = t.state.logs()
		if c.session.expire(&t.state) {
			return apdu.SecurityNotSatisfied
		}
		if err := c.checkState(&t.state); err != nil {
			return err
		}
		t.vault = c.session.vault()
		defer t.close()
		if err := fn(t); err != nil {
			return err
		}
		return t.end()
	})
	if err == nil && recorded {
		c.pending = nil
	}
	return err
}

// access is what a command needs before it is looked at.
type access int

const (
	free    access = iota // the handler decides
	userPIN               // the user PIN is verified
)

// entry is a row of the dispatch table: the instruction, the bounds of the data
// field in bytes, the access rule, and its name in the log, if it has one there. Hosts do not agree on the classes: what
// OpenSC sends with 80, or with 00, pypicohsm sends with the other. So each
// instruction has both.
type entry struct {
	ins              byte
	minData, maxData int
	access           access
	run              func(*Card, apdu.Command) ([]byte, error)
	logged           string
}

// commands is the dispatch table.
func commands() []entry {
	const long = apdu.MaxExtendedData
	return []entry{
		{wire.InsSelect, 0, 16, free, (*Card).selectFile, ""},
		{wire.InsReadBinary, 3, 4, free, (*Card).readBinary, ""},
		{wire.InsUpdateBinary, 5, long, userPIN, (*Card).updateBinary, "UPDATE BINARY"},
		{wire.InsDeleteFile, 0, 2, userPIN, (*Card).deleteFile, "DELETE FILE"},
		{wire.InsEnumerateObjects, 0, 0, free, (*Card).enumerateObjects, ""},
		{wire.InsGetChallenge, 0, 0, free, (*Card).getChallenge, ""},
		{wire.InsVerify, 0, 16, free, (*Card).verify, "VERIFY"},
		{wire.InsChangeReferenceData, 12, 32, free, (*Card).changeReferenceData, "CHANGE REFERENCE DATA"},
		{wire.InsResetRetryCounter, 0, 24, free, (*Card).resetRetryCounter, "RESET RETRY COUNTER"},
		{wire.InsInitializeDevice, 0, 255, free, (*Card).initializeDevice, "INITIALIZE DEVICE"},
		{wire.InsManageDKEK, 0, 32, free, (*Card).manageDKEK, "MANAGE DKEK"},
		{wire.InsGenerateKeyPair, 1, 2048, userPIN, (*Card).generateKeyPair, "GENERATE ASYMMETRIC KEY PAIR"},
		{wire.InsSign, 0, long, userPIN, (*Card).sign, "SIGN"},
		{wire.InsDecipher, 1, 1024, userPIN, (*Card).decipher, "DECIPHER"},
		{wire.InsWrapKey, 0, 0, userPIN, (*Card).wrapKey, "WRAP KEY"},
		{wire.InsUnwrapKey, 0, 4096, userPIN, (*Card).unwrapKey, "UNWRAP KEY"},
	}
}

func lookup(cmd apdu.Command) (entry, error) {
	if cmd.CLA != wire.ClassISO && cmd.CLA != wire.ClassProprietary {
		return entry{}, apdu.ClassUnknown
	}
	for _, row := range commands() {
		if row.ins == cmd.INS {
			return row, nil
		}
	}
	return entry{}, apdu.InstructionUnknown
}
