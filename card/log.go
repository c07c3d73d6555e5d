package card

import (
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/card/devicelog"
	"conclave/card/store"
	"conclave/internal/keyop"
	"conclave/wire"
)

// The log of a device that was initialised with the option has an entry for each
// command that changes the device, uses a key or compares a PIN. The entry of what
// changes the device is in the same transaction, and the result of any other command
// leaves the card only when its entry is on disk. Where there is no room for it, the
// command is refused; one that is refused anyway is refused all the same.
//
// The log is the device's, and not its owner's: INITIALIZE leaves it as it is.

// logState is what the state says of the log. In the MAC is all but the head.
type logState struct {
	devicelog.Head
	// Sealed is the head after the last entry that was written while the storage key
	// was at hand. Those after it, such as for wrong PINs, are followed from there
	// when it is at hand the next time.
	Sealed devicelog.Head
	Base   int64 `json:",omitempty"` // how many entries are no longer kept
	Signed int64 `json:",omitempty"` // the last entry that is a checkpoint
}

// logLimits bound a log.
type logLimits struct {
	keep, drop int64 // entries: when there are so many, that many of the oldest go
	unsigned   int64 // entries between two checkpoints
	// unsealed is how many entries there may be since the user was last logged in
	// before what is refused is not logged any more. So nobody who lacks the PIN gets
	// the log to drop what it has. Wrong PINs have a counter of their own.
	unsealed int64
}

func usualLimits() logLimits {
	return logLimits{keep: 1 << 15, drop: 1 << 12, unsigned: 1000, unsealed: 1000}
}

// mostEntries is how many a store has numbers for.
const mostEntries = 1<<16 - 1

var errLogFull = errors.New("the device's log has no numbers left; log in as its user, so that it can be signed and the oldest entries can go")

func (s *state) logs() bool { return wire.Options(s.Options)&wire.OptionLog != 0 }

// unsealed is how many entries there are since the user was last logged in.
func (s *state) unsealed() int64 {
	if s.Log == nil {
		return 0
	}
	return s.Log.Size - s.Log.Sealed.Size
}

// logEntry is the entry of a command; nil for one that only asks.
func (row entry) logEntry(cmd apdu.Command) *devicelog.Entry {
	asks := row.ins == wire.InsVerify || row.ins == wire.InsInitializeDevice || row.ins == wire.InsManageDKEK
	if row.logged == "" || asks && len(cmd.Data) == 0 {
		return nil
	}
	e := &devicelog.Entry{Command: row.logged}
	switch row.ins {
	case wire.InsVerify, wire.InsChangeReferenceData, wire.InsResetRetryCounter:
		e.Object = pinName(wire.PINReference(cmd.P2))
	case wire.InsGenerateKeyPair, wire.InsSign, wire.InsDecipher, wire.InsWrapKey, wire.InsUnwrapKey:
		e.Key = int(cmd.P1)
	}
	return e
}

func pinName(ref wire.PINReference) string {
	switch ref {
	case wire.UserPIN:
		return "user PIN"
	case wire.SOPIN:
		return "SO-PIN"
	}
	return fmt.Sprintf("PIN %02X", byte(ref))
}

// name tells the entry of the command which file it is about.
func (c *Card) name(fid wire.FID) {
	switch {
	case c.pending == nil:
	case fid.Prefix() == wire.PrefixKey:
		c.pending.Key = int(fid.ID())
	default:
		c.pending.Object = fmt.Sprintf("file %04X", uint16(fid))
	}
}

// record writes the entry of the command, if none of its transactions has.
func (c *Card) record(result apdu.Status) error {
	if c.pending == nil || !c.state.logs() {
		return nil
	}
	if result != apdu.OK && c.session.user == nil && c.state.unsealed() >= c.limits.unsealed {
		return nil
	}
	return c.amend(func(t *transaction) error { return c.log(t, result) })
}

// log writes the entry of the command into a transaction.
func (c *Card) log(t *transaction, result apdu.Status) error {
	if c.pending == nil || !t.logs && !t.state.logs() {
		return nil
	}
	if t.state.Log == nil {
		t.state.Log = &logState{}
	}
	if err := errors.Join(c.mendLog(t), c.trimLog(t)); err != nil {
		return err
	}
	if l := t.state.Log; l.Size-l.Base >= mostEntries {
		if result != apdu.OK {
			return nil // it is refused all the same
		}
		return errLogFull
	}
	e := *c.pending
	e.Result = fmt.Sprintf("%04X", uint16(result))
	t.recorded = true
	if err := c.appendLog(t, e); err != nil {
		return err
	}
	if l := t.state.Log; t.vault != nil && l.Size-l.Signed >= c.limits.unsigned {
		return c.signLog(t)
	}
	return nil
}

// appendLog adds an entry to the log.
func (c *Card) appendLog(t *transaction, e devicelog.Entry) error {
	e.Time, e.Client = c.config.now(), c.config.Client
	l := t.state.Log
	line, next, err := l.Append(e)
	if err != nil {
		return err
	}
	l.Head = next
	if t.vault != nil {
		l.Sealed = next
	}
	t.saveState()
	return t.Put(kindLog, uint16(next.Size), line)
}

// mendLog follows the log from where it was sealed. If that does not lead to its
// head, someone has written the file: that is said, in the log too, and no reason to
// keep the user from the keys.
func (c *Card) mendLog(t *transaction) error {
	l := t.state.Log
	if t.vault == nil || l.Head == l.Sealed {
		return nil
	}
	reached, err := t.followLog(l.Sealed, l.Size)
	if err != nil || reached == l.Head {
		return err
	}
	l.Head = reached
	if err := t.dropAllBut(l.Base, reached.Size); err != nil {
		return err
	}
	return c.tellOfCut(t)
}

func (c *Card) tellOfCut(t *transaction) error {
	c.config.Log.Error("the log of the device was cut or changed by who can write its file; see: conclave log verify", "after", t.state.Log.Size)
	return c.appendLog(t, devicelog.Entry{Command: devicelog.Cut})
}

// followLog goes from a head to entry last, as far as the entries lead.
func (t *transaction) followLog(from devicelog.Head, last int64) (devicelog.Head, error) {
	for from.Size < last {
		line, err := t.Get(kindLog, uint16(from.Size+1))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return from, err
		}
		next, ok := from.Follow(line)
		if !ok {
			break
		}
		from = next
	}
	return from, nil
}

// dropAllBut removes all entries but those after entry base up to entry last.
func (t *transaction) dropAllBut(base, last int64) error {
	ids, err := t.List(kindLog)
	for _, id := range ids {
		if n := int64(id - uint16(base)); err == nil && (n == 0 || n > last-base) {
			err = t.Delete(kindLog, id)
		}
	}
	return err
}

// trimLog lets the oldest entries go, for which a checkpoint of them stays.
func (c *Card) trimLog(t *transaction) error {
	l := t.state.Log
	if t.vault == nil || l.Size-l.Base < c.limits.keep {
		return nil
	}
	drop := l.Base + c.limits.drop
	base, err := t.headAt(drop)
	if err != nil {
		return err
	}
	checkpoint, err := t.sign(base)
	if err != nil {
		c.config.Log.Error("the device's log cannot be signed; it keeps its oldest entries until it has no room left", "error", err)
		return nil
	}
	if err := t.dropAllBut(base.Size, l.Size); err != nil {
		return err
	}
	l.Base = base.Size
	if err := t.Put(kindLogBase, 0, []byte(checkpoint)); err != nil || base.Size == drop {
		return err
	}
	return c.tellOfCut(t)
}

// headAt is the head before the first entry after number n that can be read.
func (t *transaction) headAt(n int64) (devicelog.Head, error) {
	for last := min(t.state.Log.Size, n+mostEntries); n < last; n++ { // the size may be anyone's
		line, err := t.Get(kindLog, uint16(n+1))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return devicelog.Head{}, err
		}
		e, err := devicelog.ParseEntry(line)
		if before, beforeErr := e.Before(); err == nil && beforeErr == nil && before.Size == n {
			return before, nil
		}
	}
	return t.state.Log.Head, nil
}

// signLog adds an entry that is a checkpoint of those before it. A log that cannot be
// signed goes on all the same.
func (c *Card) signLog(t *transaction) error {
	checkpoint, err := t.sign(t.state.Log.Head)
	if err != nil {
		c.config.Log.Error("the device's log cannot be signed", "error", err)
		return nil
	}
	t.state.Log.Signed = t.state.Log.Size + 1
	return c.appendLog(t, devicelog.Entry{Command: devicelog.Checkpoint, Checkpoint: checkpoint})
}

// signOff signs the log at the end of a session in which a user was logged in.
func (c *Card) signOff() {
	if c.session.user == nil {
		return
	}
	if err := c.refresh(); err != nil || !c.state.logs() {
		return
	}
	err := c.amend(func(t *transaction) error {
		if t.state.Log == nil || t.state.Log.Size == t.state.Log.Signed {
			return nil
		}
		if err := c.mendLog(t); err != nil {
			return err
		}
		return c.signLog(t)
	})
	if refusal := apdu.Status(0); err != nil && !errors.As(err, &refusal) {
		c.config.Log.Warn("the device's log was not signed; that is done at the end of the next session", "error", err)
	}
}

// sign makes a checkpoint with the device key.
func (t *transaction) sign(h devicelog.Head) (string, error) {
	r, err := t.vault.readKey(t, 0)
	if err != nil {
		return "", err
	}
	defer r.wipe()
	device, err := openEC(r, keyop.Go())
	if err != nil {
		return "", err
	}
	defer device.wipe()
	key, err := logKey(t)
	if err != nil {
		return "", err
	}
	key.Private = device.Sign
	return key.Sign(h)
}

// logKey is the device's key, as its certificate says.
func logKey(r store.Reader) (devicelog.Key, error) {
	content, err := r.Get(kindFile, uint16(wire.EFDevAut))
	if err != nil {
		return devicelog.Key{}, err
	}
	chain, err := wire.ParseDeviceChain(content)
	if err == nil {
		err = chain.Verify()
	}
	if err != nil {
		return devicelog.Key{}, err
	}
	return devicelog.Key{Serial: chain.Device().Holder(), Public: chain.Device().Key}, nil
}

// ReadLog reads the log of the device that a store holds, for which no PIN is needed.
// Nothing is verified: see devicelog.Log.Verify.
func ReadLog(s store.Store) (log *devicelog.Log, err error) {
	err = s.View(func(r store.Reader) error {
		log, err = readLog(r)
		return err
	})
	return log, err
}

func readLog(r store.Reader) (*devicelog.Log, error) {
	var s state
	if err := s.read(r); err != nil {
		return nil, err
	}
	key, err := logKey(r)
	if err != nil {
		return nil, err
	}
	log := &devicelog.Log{Key: key, On: s.logs(), Lines: map[uint16][]byte{}}
	if s.Log != nil {
		log.Head, log.Sealed = s.Log.Head, s.Log.Sealed
	}
	base, err := r.Get(kindLogBase, 0)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	log.Base = string(base)
	ids, err := r.List(kindLog)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if log.Lines[id], err = r.Get(kindLog, id); err != nil {
			return nil, err
		}
	}
	return log, nil
}
