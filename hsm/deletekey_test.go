package hsm_test

import (
	"bytes"
	"errors"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// meanwhile has something done by another process, right after a command.
type meanwhile struct {
	apdu.Conn
	after []byte // how the command ends
	do    func()
}

func (m *meanwhile) Transmit(command []byte) ([]byte, error) {
	answer, err := m.Conn.Transmit(command)
	if bytes.HasSuffix(command, m.after) {
		m.do()
	}
	return answer, err
}

// TestDeleteKeyAndTheNextOne: another process makes a key with the reference of one that
// is being deleted, as soon as that is free. Its description and certificate stay.
func TestDeleteKeyAndTheNextOne(t *testing.T) {
	other, c := withShareOn(t, newDevice(t))
	made := 0
	conn := &meanwhile{Conn: link.Direct(c), after: []byte{wire.InsDeleteFile, 0x02, 0x00, 0x02, byte(wire.PrefixKey), 1}, do: func() {
		made++
		if _, _, err := other.GenerateKey(hsm.NewKey{Ref: 1, Key: wire.ECTemplate(p256(t)), Label: "theirs"}); err != nil {
			t.Error(err)
		}
	}}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.GenerateKey(hsm.NewKey{Ref: 1, Key: wire.ECTemplate(p256(t)), Label: "ours"}); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteKey(1); err != nil || made != 1 {
		t.Fatalf("%v; the other process made %d keys", err, made)
	}
	if k, err := h.Key(1); err != nil || k.Description == nil || k.Description.Label != "theirs" || k.Public == nil {
		t.Errorf("the other key has lost its files: %+v, %v", k, err)
	}
	if err := h.DeleteKey(2); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("a key that does not exist: %v", err)
	}
}
