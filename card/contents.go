package card

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"conclave/card/store"
)

// contents lists the records of a device with the SHA-256 of each, but those of
// kindDevice, and of the log, which has a chain of its own. The state has the list's
// own hash, under its MAC: so no record can be taken out, put back or replaced by an
// earlier one of its own, such as that of a key which had more uses left.
type contents map[recordName][sha256.Size]byte

type recordName struct {
	kind store.Kind
	id   uint16
}

// listable says whether records of a kind are on the list.
func listable(kind store.Kind) bool {
	return kind == kindFile || kind == kindProtected || kind == kindKey
}

// entrySize is that of a record's kind, id and hash.
const entrySize = 1 + 2 + sha256.Size

func (c contents) bytes() []byte {
	entries := make([][]byte, 0, len(c))
	for name, sum := range c {
		entries = append(entries, append(label(name.kind, name.id), sum[:]...))
	}
	slices.SortFunc(entries, bytes.Compare)
	return slices.Concat(entries...)
}

// readContents reads the list whose hash the state has.
func readContents(r store.Reader, s *state) (contents, error) {
	b, err := r.Get(kindDevice, recordContents)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if sum := sha256.Sum256(b); err != nil || !bytes.Equal(sum[:], s.Contents) {
		return nil, damaged("the list of its records is not the one that was written")
	}
	list := contents{}
	for entry := range slices.Chunk(b, entrySize) {
		list[recordName{store.Kind(entry[0]), binary.BigEndian.Uint16(entry[1:])}] = [sha256.Size]byte(entry[3:])
	}
	return list, nil
}

// errRecordChanged is for a record that is not as it was written.
var errRecordChanged = errors.New("a record of the device is not the one that was written: its file was damaged or changed; restore what is in it from a backup")

// check compares what the store gave with the list.
func (c contents) check(kind store.Kind, id uint16, value []byte, err error) ([]byte, error) {
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	sum, listed := c[recordName{kind, id}]
	if there := err == nil; there != listed || there && sum != sha256.Sum256(value) {
		return nil, errRecordChanged
	}
	return value, err
}

// snapshot is the store during a view. Its records are those that the list has.
type snapshot struct {
	store.Reader
	list contents // when it is read
}

// Get implements store.Reader.
func (s *snapshot) Get(kind store.Kind, id uint16) ([]byte, error) {
	value, err := s.Reader.Get(kind, id)
	if !listable(kind) {
		return value, err
	}
	sealed, listErr := s.readList()
	switch {
	case listErr != nil:
		return nil, listErr
	case sealed:
		return s.list.check(kind, id, value, err)
	}
	return value, err
}

// readList reads the list of a device that has one.
func (s *snapshot) readList() (sealed bool, err error) {
	if s.list != nil {
		return true, nil
	}
	var now state
	if err := now.read(s.Reader); err != nil || !now.sealed() {
		return false, err
	}
	s.list, err = readContents(s.Reader, &now)
	return err == nil, err
}

// transaction is the store during an update, with the state as it is there. What
// it changes it writes when it ends.
type transaction struct {
	store.Writer
	state  state
	vault  *vault   // under which all is sealed; nil while the storage key is not at hand
	opened *vault   // that is closed when the transaction ends
	list   contents // when it is read
	dirty  bool     // the state is to be written

	logs     bool // the device did when the transaction began
	recorded bool // the command's entry is in the log
}

// saveState has the state written, whether it differs or not.
func (t *transaction) saveState() { t.dirty = true }

// listed says whether the records of a kind are on the list, and reads it.
func (t *transaction) listed(kind store.Kind) (listed bool, err error) {
	if !listable(kind) || t.list == nil && !t.state.sealed() {
		return false, nil
	}
	if t.list == nil {
		t.list, err = readContents(t.Writer, &t.state)
	}
	return err == nil, err
}

// Get implements store.Reader.
func (t *transaction) Get(kind store.Kind, id uint16) ([]byte, error) {
	listed, err := t.listed(kind)
	if err != nil {
		return nil, err
	}
	value, err := t.Writer.Get(kind, id)
	if listed {
		return t.list.check(kind, id, value, err)
	}
	return value, err
}

// Put implements store.Writer.
func (t *transaction) Put(kind store.Kind, id uint16, value []byte) error {
	if listed, err := t.listed(kind); err != nil {
		return err
	} else if listed {
		t.list[recordName{kind, id}] = sha256.Sum256(value)
		t.dirty = true
	}
	return t.Writer.Put(kind, id, value)
}

// Delete implements store.Writer.
func (t *transaction) Delete(kind store.Kind, id uint16) error {
	if listed, err := t.listed(kind); err != nil {
		return err
	} else if listed {
		delete(t.list, recordName{kind, id})
		t.dirty = true
	}
	return t.Writer.Delete(kind, id)
}

// Clear implements store.Writer. The log stays.
func (t *transaction) Clear() error {
	t.list = contents{}
	if t.state.Log == nil {
		return t.Writer.Clear()
	}
	for _, kind := range []store.Kind{kindDevice, kindFile, kindProtected, kindKey} {
		ids, err := t.List(kind)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := t.Writer.Delete(kind, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeStock lists what a device of format 1 holds.
func (t *transaction) takeStock() error {
	t.list = contents{}
	for _, kind := range []store.Kind{kindFile, kindProtected, kindKey} {
		ids, err := t.List(kind)
		if err != nil {
			return err
		}
		for _, id := range ids {
			value, err := t.Writer.Get(kind, id)
			if err != nil {
				return err
			}
			t.list[recordName{kind, id}] = sha256.Sum256(value)
		}
	}
	return nil
}

func (t *transaction) close() {
	if t.opened != nil {
		t.opened.close()
	}
}

// end writes the state, with the hash of the list and the MAC.
func (t *transaction) end() error {
	if !t.dirty {
		return nil
	}
	if err := t.seal(); err != nil {
		return err
	}
	b, err := t.state.bytes()
	if err != nil {
		return err
	}
	return t.Writer.Put(kindDevice, recordState, b)
}

func (t *transaction) seal() error {
	if !t.state.sealed() {
		return nil
	}
	if t.list != nil {
		list := t.list.bytes()
		sum := sha256.Sum256(list)
		if t.vault == nil && !bytes.Equal(sum[:], t.state.Contents) {
			return errors.New("records were changed without the storage key")
		}
		t.state.Contents = sum[:]
		if err := t.Writer.Put(kindDevice, recordContents, list); err != nil {
			return err
		}
	}
	if t.vault == nil {
		return nil
	}
	return t.state.setMAC(t.vault)
}
