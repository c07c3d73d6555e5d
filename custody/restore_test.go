package custody_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"conclave/card"
	"conclave/custody"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// initialized is a device of its own that waits for DKEK shares.
func initialized(t *testing.T, dkekShares int) *hsm.HSM {
	t.Helper()
	home := device.NewHome(filepath.Join(t.TempDir(), "home"))
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	if _, err := home.Create("device"); err != nil {
		t.Fatal(err)
	}
	conn, err := home.Open("device")
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	init := wire.Initialization{
		Options: wire.OptionResetRetryCounter, UserPIN: secret.Bytes("648219"), SOPIN: secret.Bytes("57621880"), Retries: 3, DKEKShares: dkekShares,
	}
	if err := h.Initialize(init, ""); err != nil {
		t.Fatal(err)
	}
	return h
}

// journals opens the journal of a device, and counts how often.
type journals struct {
	dir    string
	opened int
}

func (j *journals) open() (*custody.Journal, error) {
	j.opened++
	return custody.OpenJournal(j.dir, "device", 0)
}

func TestGive(t *testing.T) {
	d, h, j := openAll(t, shareFiles(t, 2)), initialized(t, 2), &journals{dir: t.TempDir()}
	for range 2 { // the second time the device has it
		if err := d.Give(h, j.open); err != nil {
			t.Fatal(err)
		}
	}
	status, err := h.DKEK()
	if err != nil {
		t.Fatal(err)
	}
	if kcv := d.KCV(); status.Outstanding != 0 || status.KCV != kcv {
		t.Errorf("the device waits for %d shares, key check value %X; %v was expected", status.Outstanding, status.KCV, kcv)
	}
	journal, err := custody.OpenJournal(j.dir, "device", 2)
	if err != nil || len(journal.Imported()) != 2 || j.opened != 1 {
		t.Errorf("the journal has %v (%v), and was opened %d times", journal.Imported(), err, j.opened)
	}
}

func TestGiveRefuses(t *testing.T) {
	two := openAll(t, shareFiles(t, 2))
	begun := initialized(t, 2)
	if _, err := begun.ImportShare(two.Files[0].Share); err != nil {
		t.Fatal(err)
	}
	other, j := initialized(t, 1), &journals{dir: t.TempDir()}
	if err := openAll(t, shareFiles(t, 1)).Give(other, j.open); err != nil {
		t.Fatal(err)
	}
	for want, h := range map[string]*hsm.HSM{
		"the device has no DKEK; initialise it with --dkek-shares 2":                                     initialized(t, wire.NoDKEK),
		"the device waits for 3 of 3 DKEK shares, but 2 were opened; initialise it with --dkek-shares 2": initialized(t, 3),
		"the device waits for 1 of 2 DKEK shares, but 2 were opened":                                     begun,
		"than that of the keys, " + two.KCV().String() + "; take a device that waits for its DKEK":       other,
	} {
		j := &journals{dir: t.TempDir()}
		if err := two.Give(h, j.open); err == nil || !strings.Contains(err.Error(), want) || j.opened > 0 {
			t.Errorf("%v, and the journal was opened %d times; %q was expected", err, j.opened, want)
		}
	}
}

// withVectors is a device with the DKEK of hsm's vectors, logged in to.
func withVectors(t *testing.T) *hsm.HSM {
	t.Helper()
	h, j := initialized(t, 1), &journals{dir: t.TempDir()}
	if err := vectorDKEK(t).Give(h, j.open); err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, secret.Bytes("648219")); err != nil {
		t.Fatal(err)
	}
	return h
}

func readWrap(t *testing.T, name string) wire.WrapFile {
	t.Helper()
	f, err := custody.ReadWrapFile(vectorWrap(name))
	if err != nil {
		t.Fatal(err)
	}
	return f.WrapFile
}

func TestRestore(t *testing.T) {
	h := withVectors(t)
	f := readWrap(t, "EC-secp256r1.wrap")
	for _, want := range []byte{1, 2} { // the lowest free ones
		r, err := custody.Restore(h, 0, f, false)
		if err != nil || r.Ref != want || r.NotTried != nil || r.Public == nil {
			t.Fatalf("restored as key %d, %v (%v); %d was expected", r.Ref, r.NotTried, err, want)
		}
	}
	if _, err := custody.Restore(h, 2, f, false); !errors.Is(err, hsm.ErrOccupied) {
		t.Errorf("over a key: %v", err)
	}
	if r, err := custody.Restore(h, 2, readWrap(t, "rsa-2048.wrap"), true); err != nil || r.Size() != "RSA-2048" {
		t.Errorf("in place of a key: %s, %v", r.Size(), err)
	}
	if r, err := custody.Prove(h, 2); err != nil || r.NotTried != nil || r.Size() != "RSA-2048" {
		t.Errorf("tried again: %s, %v, %v", r.Size(), r.NotTried, err)
	}
	if _, err := custody.Prove(h, 9); err == nil || err.Error() != "there is no key 9" {
		t.Errorf("no key: %v", err)
	}
}

// TestRestoreTellsWhatWasNotProved: a key without its public half is restored
// and not tried, and one beside another's is not usable.
func TestRestoreTellsWhatWasNotProved(t *testing.T) {
	h := withVectors(t)
	f := readWrap(t, "EC-secp256r1.wrap")
	bare := f
	bare.Certificate = nil
	if r, err := custody.Restore(h, 5, bare, false); err != nil || r.Ref != 5 || r.NotTried == nil {
		t.Errorf("key %d, %v (%v)", r.Ref, r.NotTried, err)
	}
	mixed := f
	mixed.Certificate = readWrap(t, "EC-brainpoolP256r1.wrap").Certificate
	_, err := custody.Restore(h, 6, mixed, false)
	var unusable *custody.UnusableError
	if !errors.As(err, &unusable) || unusable.Ref != 6 || !strings.Contains(err.Error(), "key 6 is in the device, but cannot be used") {
		t.Errorf("beside another key's public half: %v", err)
	}
	damaged := f
	damaged.Blob = append([]byte{}, f.Blob...)
	damaged.Blob[len(damaged.Blob)-1] ^= 1
	if _, err := custody.Restore(h, 7, damaged, false); err == nil || errors.As(err, &unusable) {
		t.Errorf("a damaged one: %v", err)
	}
}
