package hsm_test

import (
	"errors"
	"slices"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// shared is a link that tells what is done outside of a transaction.
type shared struct {
	apdu.Conn
	inside, transactions int
	outside              int // commands
}

func (s *shared) Transmit(command []byte) ([]byte, error) {
	if s.inside == 0 {
		s.outside++
	}
	return s.Conn.Transmit(command)
}

func (s *shared) Begin() error {
	s.inside++
	s.transactions++
	return nil
}

func (s *shared) End() error {
	s.inside--
	return nil
}

// TestOneTransaction: what takes several commands is one transaction, also where
// it fails.
func TestOneTransaction(t *testing.T) {
	_, c := withShareOn(t, newDevice(t))
	conn := &shared{Conn: link.Direct(c)}
	h, err := hsm.Open(conn)
	if err != nil || conn.outside != 0 {
		t.Fatalf("Open: %v, %d commands outside of a transaction", err, conn.outside)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	backup := readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap")
	public, err := hsm.ParsePublic(backup.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := public.SPKI()
	if err != nil {
		t.Fatal(err)
	}
	init := wire.UsualInitialization(userPIN, soPIN, wire.NoDKEK)
	steps := []struct {
		name string
		do   func() error
	}{
		{"GenerateKey", func() error {
			_, _, err := h.GenerateKey(hsm.NewKey{Ref: 1, Key: wire.ECTemplate(p256(t))})
			return err
		}},
		{"UnwrapKey", func() error { return h.UnwrapKey(1, backup, true) }},
		{"WrapKey", func() error { _, err := h.WrapKey(1); return err }},
		{"Certificate", func() error { _, err := h.Certificate(1); return err }},
		{"PublicKey", func() error { _, err := h.PublicKey(1); return err }},
		{"SetCertificate", func() error { return h.SetCertificate(1, backup.Certificate) }},
		{"FindSigner", func() error { _, err := h.FindSigner(spki); return err }},
		{"AskPublic", func() error { _, err := h.AskPublic(1, wire.KeyEC); return err }},
		{"KeepPublic", func() error { return h.KeepPublic(1, *public) }},
		{"Key", func() error { _, err := h.Key(1); return err }},
		{"Keys", func() error { _, err := h.Keys(); return err }},
		{"ProveDevice", func() error { _, err := h.ProveDevice("a test"); return err }},
		{"Status", func() error { _, err := h.Status(); return err }},
		{"Device", func() error { _, err := h.Device(); return err }},
		{"Serial", func() error { _, err := h.Serial(); return err }},
		{"WriteFile", func() error { return h.WriteFile(wire.EFStaging, make([]byte, 2000)) }},
		{"ReadFile", func() error { _, err := h.ReadFile(wire.EFDevAut); return err }},
		{"DeleteKey", func() error { return h.DeleteKey(1) }},
		{"Initialize", func() error { return h.Initialize(init, "label") }},
	}
	for i, step := range slices.Concat(steps, steps[:len(steps)-1]) { // without a login the second time
		conn.outside, conn.transactions = 0, 0
		if err := step.do(); err != nil && i < len(steps) {
			t.Fatalf("%s: %v", step.name, err)
		}
		if conn.outside != 0 || conn.transactions != 1 || conn.inside != 0 {
			t.Errorf("%s: %d transactions and %d commands outside of one; one and none were expected, and that it ends", step.name, conn.transactions, conn.outside)
		}
	}
}

// TestPeekSerial: who only wants to know which device it is ends no one's login.
func TestPeekSerial(t *testing.T) {
	h, c := withShareOn(t, newDevice(t))
	want, err := h.Serial()
	if err != nil {
		t.Fatal(err)
	}
	if serial, err := hsm.PeekSerial(link.Direct(c)); err != nil || serial != want {
		t.Errorf("serial number %q, %v; %q was expected", serial, err, want)
	}
	if s, err := h.Status(); err != nil || !s.User.Verified {
		t.Errorf("the login has ended: %+v, %v", s, err)
	}
	refuses := &otherwise{Conn: link.Direct(c), answers: map[[2]byte][][]byte{{wire.InsReadBinary, 0x02}: {{0x6D, 0x00}}}}
	if serial, err := hsm.PeekSerial(refuses); serial != "" || !errors.Is(err, apdu.InstructionUnknown) {
		t.Errorf("where another applet is selected: %q, %v", serial, err)
	}
}
