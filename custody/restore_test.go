package custody_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/card"
	"conclave/custody"
	"conclave/device"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// cheapHome is a folder of devices whose PINs cost nothing.
func cheapHome(path string) device.Home {
	home := device.NewHome(path)
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	return home
}

// initialized is a device of its own that waits for DKEK shares.
func initialized(t *testing.T, dkekShares int) *hsm.HSM {
	t.Helper()
	return initializedOn(t, dkekShares, func(conn apdu.Conn) apdu.Conn { return conn })
}

// initializedOn is initialized, with something in between.
func initializedOn(t *testing.T, dkekShares int, between func(apdu.Conn) apdu.Conn) *hsm.HSM {
	t.Helper()
	home := cheapHome(filepath.Join(t.TempDir(), "home"))
	if _, err := home.Create("device"); err != nil {
		t.Fatal(err)
	}
	conn, err := home.Open("device")
	if err != nil {
		t.Fatal(err)
	}
	h := session(t, between(conn))
	if err := h.Initialize(wire.UsualInitialization(secret.Bytes("648219"), secret.Bytes("57621880"), dkekShares), ""); err != nil {
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
		"the device has no DKEK; only conclave hsm init --dkek-shares 2, which erases it, lets it wait for one":                                                                initialized(t, wire.NoDKEK),
		"the device waits for 3 of 3 DKEK shares, and the share files that were named are 2; conclave hsm init --dkek-shares 2, which erases it, lets it wait for all of them": initialized(t, 3),
		"the device waits for 1 of 2 DKEK shares, and the share files that were named are 2":                                                                                   begun,
		"than that of the keys, " + two.KCV().String() + "; take a device that waits for that one: conclave hsm init --dkek-shares 2, which erases it":                         other,
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
	return withVectorsOn(t, func(conn apdu.Conn) apdu.Conn { return conn })
}

func withVectorsOn(t *testing.T, between func(apdu.Conn) apdu.Conn) *hsm.HSM {
	t.Helper()
	h, j := initializedOn(t, 1, between), &journals{dir: t.TempDir()}
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
	f, other := readWrap(t, "EC-secp256r1.wrap"), readWrap(t, "EC-secp256k1.wrap")
	if r, err := custody.Restore(h, f, custody.Restoring{}); err != nil || r.Ref != 1 || r.NotTried != nil || r.Public == nil || r.Completed != nil {
		t.Fatalf("restored as key %d, %v, %q (%v); the lowest free reference was expected", r.Ref, r.NotTried, r.Completed, err)
	}
	for _, ref := range []byte{0, 1, 2} {
		var present *custody.PresentError
		if _, err := custody.Restore(h, f, custody.Restoring{Ref: ref}); !errors.As(err, &present) || present.Ref != 1 {
			t.Errorf("once more, to %d: %v", ref, err)
		}
	}
	if _, err := custody.Restore(h, other, custody.Restoring{Ref: 1}); !errors.Is(err, hsm.ErrOccupied) {
		t.Errorf("over a key: %v", err)
	}
	if r, err := custody.Restore(h, readWrap(t, "rsa-2048.wrap"), custody.Restoring{Ref: 1, Replace: true}); err != nil || r.Size() != "RSA-2048" {
		t.Errorf("in place of a key: %s, %v", r.Size(), err)
	}
	if r, err := custody.Prove(h, 1); err != nil || r.NotTried != nil || r.Size() != "RSA-2048" {
		t.Errorf("tried again: %s, %v, %v", r.Size(), r.NotTried, err)
	}
	if _, err := custody.Prove(h, 9); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("no key: %v", err)
	}
	r, err := custody.Restore(h, readWrap(t, "EC-secp384r1.wrap"), custody.Restoring{Ref: 7, Label: "of 2026", ID: []byte{0xA1, 0xB2}})
	if err != nil || r.Completed != nil || r.Description.Label != "of 2026" || !bytes.Equal(r.Description.ID, []byte{0xA1, 0xB2}) || r.Description.Bits != 384 {
		t.Errorf("with another label and ID: %+v, %q, %v", r.Description, r.Completed, err)
	}
}

// TestRestoreCompletes restores keys of which the file has the blob alone, or a
// description with neither size nor more: the device shows each as if it had made it.
func TestRestoreCompletes(t *testing.T) {
	h := withVectors(t)
	for i, name := range []string{"EC-secp256r1.wrap", "EC-secp256k1.wrap", "EC-brainpoolP256r1.wrap", "rsa-1024.wrap", "rsa-3072.wrap"} {
		f, ref := readWrap(t, name), byte(i+1)
		want, err := hsm.ParsePublic(f.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		r, err := custody.Restore(h, wire.WrapFile{Blob: f.Blob}, custody.Restoring{})
		if err != nil || r.Ref != ref || r.NotTried != nil || len(r.Completed) != 2 {
			t.Fatalf("%s: key %d, %v, %q (%v)", name, r.Ref, r.NotTried, r.Completed, err)
		}
		again, err := h.WrapKey(ref)
		if err != nil {
			t.Fatal(err)
		}
		d, err := wire.ParsePrKD(again.Description)
		if err != nil || d.Label != fmt.Sprintf("key %d", ref) || !bytes.Equal(d.ID, []byte{ref}) || d.Bits != readPrKD(t, f).Bits || d.Type != want.Type {
			t.Errorf("%s: its description is %+v, %v", name, d, err)
		}
		if public, err := hsm.ParsePublic(again.Certificate); err != nil || !public.Equal(*want) {
			t.Errorf("%s: its public half is %v, %v", name, public, err)
		}
		var present *custody.PresentError
		if _, err := custody.Restore(h, wire.WrapFile{Blob: f.Blob}, custody.Restoring{}); !errors.As(err, &present) || present.Ref != ref {
			t.Errorf("%s once more: %v", name, err)
		}
	}
	if keys, err := h.Keys(); err != nil || len(keys) != 5 {
		t.Errorf("%d keys are left, %v", len(keys), err)
	}
}

func readPrKD(t *testing.T, f wire.WrapFile) wire.PrKD {
	t.Helper()
	d, err := wire.ParsePrKD(f.Description)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRestoreBrokenDescription makes one anew, and takes the certificate behind it.
func TestRestoreBrokenDescription(t *testing.T) {
	h, f := withVectors(t), readWrap(t, "EC-secp256r1.wrap")
	content, err := wire.WrapFile{Blob: f.Blob, Description: []byte("\x30\x03\x0C\x01x"), Certificate: f.Certificate}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	read, err := custody.ReadWrapFile(writeTemp(t, content))
	if err != nil || read.Changed != "" {
		t.Fatalf("%q, %v", read.Changed, err)
	}
	r, err := custody.Restore(h, read.WrapFile, custody.Restoring{})
	if err != nil || r.Size() != "secp256r1" || r.Description.Label != "key 1" || len(r.Completed) != 1 {
		t.Errorf("%+v, %q, %v", r.Description, r.Completed, err)
	}
}

// TestRestoreShortDescription keeps what a broken description has; support.nitrokey.com,
// topic 3615, is about such a file.
func TestRestoreShortDescription(t *testing.T) {
	h, f := withVectors(t), readWrap(t, "rsa-1024.wrap")
	// label "Key01", ID 0101, an empty modulus
	short := []byte("\x30\x19\x30\x07\x0C\x05Key01\x30\x04\x04\x02\x01\x01\xA1\x08\x30\x06\x30\x02\x04\x00\x04\x00")
	r, err := custody.Restore(h, wire.WrapFile{Blob: f.Blob, Description: short}, custody.Restoring{})
	if err != nil || r.Description.Label != "Key01" || !bytes.Equal(r.Description.ID, []byte{1, 1}) || r.Description.Bits != 1024 {
		t.Errorf("%+v, %q, %v", r.Description, r.Completed, err)
	}
}

// TestRestoreWithoutPublicHalf restores a key that may sign and nothing else, so that
// the device cannot tell its public half; a certificate shows it, then or later.
func TestRestoreWithoutPublicHalf(t *testing.T) {
	h, d := withVectors(t), vectorDKEK(t)
	f, other := readWrap(t, "EC-secp256r1.wrap"), readWrap(t, "EC-secp256k1.wrap")
	key, _, err := d.Unwrap(f.Blob)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := d.Wrap(rand.Reader, key, dkek.Metadata{AllowedAlgorithms: []byte{byte(wire.ECDSA), byte(wire.AlgorithmWrap)}})
	if err != nil {
		t.Fatal(err)
	}
	bare := wire.WrapFile{Blob: blob}
	r, err := custody.Restore(h, bare, custody.Restoring{})
	if err != nil || r.NotTried == nil || r.Public != nil || r.Description.Label != "key 1" {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := custody.Complete(h, r.Key, nil); !errors.Is(err, hsm.ErrNotAllowed) {
		t.Errorf("without a certificate: %v", err)
	}
	if _, err := custody.Complete(h, r.Key, other.Certificate); !errors.Is(err, hsm.ErrAnotherKey) {
		t.Errorf("with another key's: %v", err)
	}
	public, err := hsm.ParsePublic(f.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := public.SPKI()
	if err != nil {
		t.Fatal(err)
	}
	if signer, err := h.FindSigner(spki); err != nil || signer.Ref() != 1 {
		t.Errorf("it was not found by its signature: %v", err)
	}
	if done, err := custody.Complete(h, r.Key, f.Certificate); err != nil || !done.Public.Equal(*public) {
		t.Errorf("with its own: %v", err)
	}
	var present *custody.PresentError
	if _, err := custody.Restore(h, bare, custody.Restoring{Certificate: f.Certificate}); !errors.As(err, &present) || present.Ref != 1 {
		t.Errorf("restored with its certificate: %v", err)
	}
	if err := h.DeleteKey(1); err != nil {
		t.Fatal(err)
	}
	if r, err := custody.Restore(h, bare, custody.Restoring{Certificate: f.Certificate}); err != nil || r.NotTried != nil || !r.Public.Equal(*public) {
		t.Errorf("restored with its certificate: %+v, %v", r, err)
	}
}

// TestUncomparedKeys does not say that a key is absent where one that is there can
// neither sign nor tell what it is.
func TestUncomparedKeys(t *testing.T) {
	h, d, f := withVectors(t), vectorDKEK(t), readWrap(t, "EC-secp256r1.wrap")
	key, _, err := d.Unwrap(f.Blob)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := d.Wrap(rand.Reader, key, dkek.Metadata{AllowedAlgorithms: []byte{byte(wire.AlgorithmWrap)}})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := custody.Restore(h, wire.WrapFile{Blob: blob}, custody.Restoring{Ref: 4}); err != nil || r.Public != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	public, err := hsm.ParsePublic(f.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := public.SPKI()
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.FindSigner(spki)
	var uncompared *hsm.UncomparedError
	if !errors.As(err, &uncompared) || !bytes.Equal(uncompared.Refs, []byte{4}) || !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := h.DeleteKey(4); err != nil {
		t.Fatal(err)
	}
	if _, err := h.FindSigner(spki); err != hsm.ErrNotFound {
		t.Errorf("without the key: %v", err)
	}
}

// TestRestoreRefuses leaves no key behind that is not the file's.
func TestRestoreRefuses(t *testing.T) {
	h, f := withVectors(t), readWrap(t, "EC-secp256r1.wrap")
	mixed, damaged := f, f
	mixed.Certificate = readWrap(t, "EC-brainpoolP256r1.wrap").Certificate
	damaged.Blob = bytes.Clone(f.Blob)
	damaged.Blob[len(damaged.Blob)-1] ^= 1
	for name, test := range map[string]struct {
		file wire.WrapFile
		how  custody.Restoring
		want error
	}{
		"beside another key's public half":   {mixed, custody.Restoring{}, hsm.ErrAnotherKey},
		"with another key's certificate":     {wire.WrapFile{Blob: f.Blob}, custody.Restoring{Certificate: mixed.Certificate}, hsm.ErrAnotherKey},
		"with a certificate not of the file": {f, custody.Restoring{Certificate: mixed.Certificate}, custody.ErrOtherCertificate},
		"damaged":                            {damaged, custody.Restoring{}, hsm.ErrDamaged},
	} {
		if _, err := custody.Restore(h, test.file, test.how); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if files, err := h.Files(); err != nil || slices.ContainsFunc(files, func(fid wire.FID) bool { return fid.ID() != 0 && fid != wire.EFStaging && fid>>8 > 0xBF }) {
		t.Errorf("files are left: %04X, %v", files, err)
	}
}

// crowded is a device to which another process gives a blob of its own just before
// ours is unwrapped, so often.
type crowded struct {
	apdu.Conn
	t     *testing.T
	blob  []byte
	times int
}

func (c *crowded) Transmit(command []byte) ([]byte, error) {
	parsed, err := apdu.ParseCommand(command)
	if err != nil || parsed.INS != wire.InsUnwrapKey || c.times == 0 {
		return c.Conn.Transmit(command)
	}
	c.times--
	data, err := wire.UpdateAt(0, c.blob)
	if err != nil {
		c.t.Fatal(err)
	}
	staged, err := apdu.Exchange(c.Conn, apdu.Command{INS: wire.InsUpdateBinary, P1: byte(wire.EFStaging >> 8), P2: byte(wire.EFStaging & 0xFF), Data: data})
	if err != nil || staged.SW != apdu.OK {
		c.t.Fatalf("%v, %v", staged.SW, err)
	}
	return c.Conn.Transmit(command)
}

// TestRestoreBesideAnother restores the file's key, and takes out again what another
// process has put in its way.
func TestRestoreBesideAnother(t *testing.T) {
	f, other := readWrap(t, "EC-secp256r1.wrap"), readWrap(t, "EC-secp256k1.wrap")
	for times, want := range map[int]error{1: nil, 2: nil, 9: hsm.ErrAnotherKey} {
		c := &crowded{t: t, blob: other.Blob}
		h := withVectorsOn(t, func(conn apdu.Conn) apdu.Conn { c.Conn = conn; return c })
		c.times = times
		r, err := custody.Restore(h, f, custody.Restoring{})
		if !errors.Is(err, want) || want == nil && (err != nil || r.Size() != "secp256r1") {
			t.Errorf("another was there %d times: key %d, %s, %v", times, r.Ref, r.Size(), err)
		}
		keys, err := h.Keys()
		if err != nil || want == nil && len(keys) != 1 || want != nil && len(keys) != 0 {
			t.Errorf("another was there %d times: %d keys are left, %v", times, len(keys), err)
		}
	}
}
