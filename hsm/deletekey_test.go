package hsm_test

import (
	"errors"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// meanwhile has something done by another process, right after each file is deleted.
type meanwhile struct {
	apdu.Conn
	do func()
}

func (m *meanwhile) Transmit(command []byte) ([]byte, error) {
	answer, err := m.Conn.Transmit(command)
	if command[1] == wire.InsDeleteFile {
		m.do()
	}
	return answer, err
}

// TestDeleteKeyAndTheNextOnes: another process makes keys while one is being deleted.
// Their descriptions and certificates stay, and nothing of the deleted one does.
func TestDeleteKeyAndTheNextOnes(t *testing.T) {
	other, c := withShareOn(t, newDevice(t))
	conn := &meanwhile{Conn: link.Direct(c), do: func() {
		if _, _, err := other.GenerateKey(hsm.NewKey{Key: wire.ECTemplate(p256(t)), Label: "theirs"}); err != nil {
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
	if err := h.DeleteKey(1); err != nil {
		t.Fatal(err)
	}
	keys, err := h.Keys()
	if err != nil || len(keys) != 3 { // one for each file that was deleted
		t.Fatalf("%+v, %v; three keys were expected", keys, err)
	}
	for i, k := range keys {
		if k.Description == nil || k.Description.Label != "theirs" || k.Public == nil {
			t.Errorf("a key that another process has made has lost its files: %+v", k)
		}
		if want := []byte{1, 2, 3}[i]; k.Ref != want {
			t.Errorf("its reference is %d; %d was expected, the last key's being free when all its files are gone", k.Ref, want)
		}
	}
	if err := h.DeleteKey(9); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("a key that does not exist: %v", err)
	}
}

// TestFileThatGoes: between its selection and its reading another process deletes a file.
func TestFileThatGoes(t *testing.T) {
	other, c := withShareOn(t, newDevice(t))
	if _, _, err := other.GenerateKey(hsm.NewKey{Ref: 1, Key: wire.ECTemplate(p256(t)), Label: "theirs"}); err != nil {
		t.Fatal(err)
	}
	gone := &otherwise{Conn: link.Direct(c), answers: map[[2]byte][][]byte{{wire.InsReadBinary, 0x00}: {{0x6A, 0x82}}}}
	h, err := hsm.Open(gone)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ReadFile(wire.PrefixPrKD.File(1)); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("the file: %v; ErrNotFound was expected", err)
	}
	if keys, err := h.Keys(); err != nil || len(keys) != 1 {
		t.Errorf("%+v, %v; the key that was there was expected", keys, err)
	}
}
