package hsm_test

import (
	"errors"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// fragile is a link that breaks after some exchanges: the card is removed. If
// lost is set, the card still gets the last command, and its answer is lost.
type fragile struct {
	apdu.Conn
	left int
	lost bool
}

var errRemoved = errors.New("card removed")

func (f *fragile) Transmit(command []byte) ([]byte, error) {
	if f.left--; f.left < 0 {
		if f.lost {
			f.lost = false
			f.Conn.Transmit(command)
		}
		return nil, errRemoved
	}
	return f.Conn.Transmit(command)
}

// TestCardRemovedInTheMiddle breaks each operation after each of its
// exchanges. The keys are then those of before, or those of after, and whole.
func TestCardRemovedInTheMiddle(t *testing.T) {
	backup := readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap")
	for name, operation := range map[string]func(*hsm.HSM) error{
		"generate": func(h *hsm.HSM) error {
			_, _, err := h.GenerateKey(hsm.NewKey{Ref: 2, Key: wire.ECTemplate(p256(t)), Label: "new"})
			return err
		},
		"unwrap":  func(h *hsm.HSM) error { return h.UnwrapKey(2, backup, false) },
		"replace": func(h *hsm.HSM) error { return h.UnwrapKey(1, backup, true) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, lost := range []bool{false, true} {
				steps := 0
				for finished := false; !finished; steps++ {
					finished = breakAfter(t, steps, lost, name == "replace", operation)
				}
				if steps < 5 {
					t.Errorf("it took %d exchanges; nothing was broken", steps)
				}
			}
		})
	}
}

// breakAfter says whether the operation came to its end.
func breakAfter(t *testing.T, steps int, lost, replacing bool, operation func(*hsm.HSM) error) bool {
	t.Helper()
	setup, c := withShareOn(t, newDevice(t))
	if err := setup.UnwrapKey(1, readWrapFile(t, "testdata/2-of-4/EC-secp256k1.wrap"), false); err != nil {
		t.Fatal(err)
	}
	conn := &fragile{link.Direct(c), 1 << 30, lost}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	conn.left = steps
	failed := operation(h)
	if failed != nil && !errors.Is(failed, errRemoved) {
		t.Fatalf("after %d exchanges: %v; errRemoved was expected", steps, failed)
	}
	again, err := hsm.Open(link.Direct(c))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := again.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		trial := replacing && k.Ref == 2 // see UnwrapKey
		if !trial && (k.Description == nil || k.Public == nil) {
			t.Fatalf("after %d exchanges key %d is half there: %+v", steps, k.Ref, k)
		}
	}
	return failed == nil
}

// disturbed is a shared link whose card another process resets at will.
type disturbed struct {
	apdu.Conn
	reset bool // since our last command or transaction
}

func (d *disturbed) disturb() {
	d.Conn.Reset()
	d.reset = true
}

func (d *disturbed) tell() error {
	if d.reset {
		d.reset = false
		return apdu.ErrReset
	}
	return nil
}

func (d *disturbed) Transmit(command []byte) ([]byte, error) {
	if err := d.tell(); err != nil {
		return nil, err
	}
	return d.Conn.Transmit(command)
}

func (d *disturbed) Begin() error { return d.tell() }
func (d *disturbed) End() error   { return nil }

// TestCardResetByAnotherProcess: without a login nothing is lost and no one
// notices; a login is lost, and the error says so.
func TestCardResetByAnotherProcess(t *testing.T) {
	c := newDevice(t)
	connect(t, c, 1)
	conn := &disturbed{Conn: link.Direct(c)}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	conn.disturb()
	if _, err := h.Random(8); err != nil {
		t.Errorf("random numbers: %v", err)
	}
	conn.disturb()
	if _, err := h.Status(); err != nil {
		t.Errorf("status, in a transaction: %v", err)
	}
	conn.disturb()
	if _, err := h.ImportShare(make([]byte, 32)); err != nil {
		t.Errorf("a share: %v", err)
	}
	conn.disturb()
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Errorf("login: %v", err)
	}
	conn.disturb()
	if _, err := h.WrapKey(1); !errors.Is(err, apdu.ErrReset) {
		t.Errorf("after a login: %v; ErrReset was expected", err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Errorf("the login after that: %v", err)
	}
}
