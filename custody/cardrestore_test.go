package custody_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/apdu"
	"conclave/card"
	"conclave/custody"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// shared is a home whose one device has the DKEK of hsm's vectors.
func shared(t *testing.T) device.Home {
	t.Helper()
	home := cheapHome(filepath.Join(t.TempDir(), "home"))
	if _, err := home.Create("device"); err != nil {
		t.Fatal(err)
	}
	conn, err := home.Open("device")
	if err != nil {
		t.Fatal(err)
	}
	h := session(t, conn)
	if err := h.Initialize(wire.UsualInitialization(secret.Bytes("648219"), secret.Bytes("57621880"), 1), ""); err != nil {
		t.Fatal(err)
	}
	if err := vectorDKEK(t).Give(h, (&journals{dir: t.TempDir()}).open); err != nil {
		t.Fatal(err)
	}
	return home
}

func session(t *testing.T, conn apdu.Conn) *hsm.HSM {
	t.Helper()
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// join is one more program at a device, logged in, and what stands between.
func join(t *testing.T, home device.Home, between func(apdu.Conn) apdu.Conn) *hsm.HSM {
	t.Helper()
	conn, err := home.Open("device")
	if err != nil {
		t.Fatal(err)
	}
	h := session(t, between(conn))
	if err := h.Login(wire.UserPIN, secret.Bytes("648219")); err != nil {
		t.Fatal(err)
	}
	return h
}

func nothing(conn apdu.Conn) apdu.Conn { return conn }

// folder is a backup of new keys at some references.
func folder(t *testing.T, refs ...byte) (dir string, m *custody.Manifest) {
	t.Helper()
	h, dir := withVectors(t), filepath.Join(t.TempDir(), "card")
	for _, ref := range refs {
		generate(t, h, ref, string('a'+rune(ref)))
	}
	m, _ = backup(t, h, dir, false)
	return dir, m
}

// checkKeys wants the keys of a folder, each where it was and signing, and no others.
func checkKeys(t *testing.T, h *hsm.HSM, manifests ...*custody.Manifest) {
	t.Helper()
	want := map[byte]custody.SavedKey{}
	for _, m := range manifests {
		for _, k := range m.Keys {
			want[k.Reference] = k
		}
	}
	keys, err := h.Keys()
	if err != nil || len(keys) != len(want) {
		t.Errorf("the device has %d keys, %v; %d were expected", len(keys), err, len(want))
	}
	for _, k := range keys {
		r, err := custody.Prove(h, k.Ref)
		saved := want[k.Ref]
		if err != nil || r.NotTried != nil || r.Public.Fingerprint() != saved.PublicKey || r.Description == nil || r.Description.Label != saved.Label {
			t.Errorf("key %d: %+v, %v; %+v was expected", k.Ref, r, err, saved)
		}
	}
}

// interloper is another program that puts its own blob into the staging file, some
// times, before a key is unwrapped from it.
type interloper struct {
	apdu.Conn
	times int
	put   func()
}

func (i *interloper) Transmit(command []byte) ([]byte, error) {
	if command[1] == wire.InsUnwrapKey && i.times > 0 {
		i.times--
		i.put()
	}
	return i.Conn.Transmit(command)
}

// TestRestoreNoticesAnothersKey: a device has one staging file. Where another program
// comes between, the wrong key is found by its signature and taken out again.
func TestRestoreNoticesAnothersKey(t *testing.T) {
	dir, m := folder(t, 1, 2)
	others := readWrap(t, "EC-secp256r1.wrap").Blob
	for times, failed := range map[int]string{1: "", 2: "", 3: "1 of 2 failed"} {
		home := shared(t)
		other := join(t, home, nothing)
		between := &interloper{times: times, put: func() {
			if err := other.WriteFile(wire.EFStaging, others); err != nil {
				t.Error(err)
			}
		}}
		h := join(t, home, func(conn apdu.Conn) apdu.Conn { between.Conn = conn; return between })
		told, err := restore(t, h, dir)
		if failed == "" && err == nil {
			checkKeys(t, h, m)
			continue
		}
		if failed == "" || err == nil || !strings.Contains(err.Error(), failed) {
			t.Errorf("%d times: %v\n%s", times, err, told)
		}
		if keys, err := h.Keys(); err != nil || len(keys) != 1 {
			t.Errorf("%d times: %d keys are left, %v", times, len(keys), err)
		}
	}
}

// TestRestoresAtOnce: two programs restore the same backup, and two others, to one
// device. All keys are there once, and each is the right one.
func TestRestoresAtOnce(t *testing.T) {
	first, m1 := folder(t, 1, 2, 3)
	second, m2 := folder(t, 5, 6, 7)
	home := shared(t)
	var done sync.WaitGroup
	for _, dir := range []string{first, first, second} {
		h := join(t, home, nothing)
		done.Go(func() {
			var err error
			for range 20 { // who is told that it failed gives the command again
				if _, err = restore(t, h, dir); err == nil {
					return
				}
			}
			t.Errorf("%s: %v", dir, err)
		})
	}
	done.Wait()
	checkKeys(t, join(t, home, nothing), m1, m2)
}

// TestRestoreFinishesWhatWasCutOff: a key that has neither description nor certificate
// yet is recognised by its signature, and gets them.
func TestRestoreFinishesWhatWasCutOff(t *testing.T) {
	dir, m := folder(t, 1, 2)
	h := withVectors(t)
	f, err := custody.ReadWrapFile(filepath.Join(dir, m.Keys[0].File))
	if err != nil {
		t.Fatal(err)
	}
	unwrap(t, h, 1, wire.WrapFile{Blob: f.Blob})
	unwrap(t, h, 2, wire.WrapFile{Blob: f.Blob}) // where another one belongs
	told, err := restore(t, h, dir)
	if err == nil {
		t.Error("another key was taken for key 2")
	}
	wants(t, told, "is there already; it has its description and its certificate now", "NOT RESTORED: key 2", "the device has another key there, key 2 (unknown)")
	if err := h.DeleteKey(2); err != nil {
		t.Fatal(err)
	}
	if told, err := restore(t, h, dir); err != nil {
		t.Errorf("%v: %s", err, told)
	}
	checkKeys(t, h, m)
}

// TestRestoreRecognises: a key that the device has elsewhere is not made twice, and its
// own certificate is left alone.
func TestRestoreRecognises(t *testing.T) {
	dir, m := folder(t, 1, 2)
	h := withVectors(t)
	for i, ref := range []byte{9, 2} {
		f, err := custody.ReadWrapFile(filepath.Join(dir, m.Keys[i].File))
		if err != nil {
			t.Fatal(err)
		}
		unwrap(t, h, ref, f.WrapFile)
	}
	if err := h.DeleteFile(wire.PrefixPrKD.File(2)); err != nil {
		t.Fatal(err)
	}
	told, err := restore(t, h, dir)
	if err != nil {
		t.Error(err)
	}
	wants(t, told, `key 1 (secp256r1, "b") is there already, as key 9`, `key 2 (secp256r1, "c") is there already`)
	keys, err := h.Keys()
	if err != nil || len(keys) != 2 || keys[0].Description == nil {
		t.Errorf("%+v, %v", keys, err)
	}
}

// TestRestoreBringsTheCertificate: the device was restored before the key had its
// certificate, and gets it; a certificate of its own is left alone, and told.
func TestRestoreBringsTheCertificate(t *testing.T) {
	dir, m := folder(t, 1)
	h := withVectors(t)
	if told, err := restore(t, h, dir); err != nil {
		t.Fatal(told, err)
	}
	signer, err := h.Signer(1)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"is there already; it has its certificate now", "is there already, with another certificate, which was left as it is; with that of the backup in its place: conclave key unwrap " + filepath.Join(dir, m.Keys[0].File) + " --ref 1 --force"} {
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(n + 1)), NotAfter: time.Now().Add(time.Hour)}
		certificate, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		f, err := custody.ReadWrapFile(filepath.Join(dir, m.Keys[0].File))
		if err != nil {
			t.Fatal(err)
		}
		f.Certificate = certificate
		content, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		forge(t, dir, m.Keys[0], content)
		if m, err = custody.ReadManifest(dir); err != nil {
			t.Fatal(err)
		}
		told, err := restore(t, h, dir)
		if err != nil {
			t.Error(err)
		}
		wants(t, told, want)
		if now, err := h.Certificate(1); err != nil || bytes.Equal(now, certificate) != (n == 0) {
			t.Errorf("certificate %d: %v", n, err)
		}
	}
}

// TestKeysBesideABackup: what someone has put into the folder is a backup of its key, and
// a restore says that it is not one of the keys that come back.
func TestKeysBesideABackup(t *testing.T) {
	dir, m := folder(t, 1)
	other, from := folder(t, 2)
	content, err := os.ReadFile(filepath.Join(other, from.Keys[0].File))
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(dir, "by-sc-hsm-tool.wrap")
	for path, content := range map[string][]byte{beside: content, filepath.Join(dir, "notes.wrap"): []byte("no key")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	records, err := custody.FoundBackups(dir)
	if err != nil || len(records) != 2 || records[0].PublicKey != m.Keys[0].PublicKey || records[1].PublicKey != from.Keys[0].PublicKey {
		t.Errorf("%+v, %v", records, err)
	}
	told, err := restore(t, withVectors(t), dir)
	if err != nil || strings.Count(told, "not in its manifest") != 1 {
		t.Errorf("%s: %v", told, err)
	}
	wants(t, told, "a wrapped key is in the folder, and not in its manifest; it is restored with: conclave key unwrap "+beside)
}

// forge writes a file of a folder anew, and its hash to the manifest.
func forge(t *testing.T, dir string, k custody.SavedKey, content []byte) {
	t.Helper()
	path := filepath.Join(dir, custody.ManifestFile)
	manifest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	manifest = bytes.Replace(manifest, []byte(k.SHA256), []byte(hex.EncodeToString(sum[:])), 1)
	for path, content := range map[string][]byte{path: manifest, filepath.Join(dir, k.File): content} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestoreBelievesNoManifest: what is put together from two backups, and what was
// changed, is found out; nothing of it is left on the device, and the others go on.
func TestRestoreBelievesNoManifest(t *testing.T) {
	dir, m := folder(t, 1, 2, 3, 4)
	var files []wire.WrapFile
	for _, k := range m.Keys {
		f, err := custody.ReadWrapFile(filepath.Join(dir, k.File))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f.WrapFile)
	}
	mixed := files[0]
	mixed.Blob = files[1].Blob
	damaged := files[2]
	damaged.Blob = bytes.Clone(damaged.Blob)
	damaged.Blob[len(damaged.Blob)-1] ^= 1
	for i, f := range []wire.WrapFile{damaged, files[2], mixed} { // its MAC, file of another, blob of another
		content, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		forge(t, dir, m.Keys[2-i], content)
	}
	h := withVectors(t)
	told, err := restore(t, h, dir)
	if err == nil || !strings.Contains(err.Error(), "3 of 4 failed") {
		t.Errorf("%v", err)
	}
	wants(t, told, "the public half is another key's", "holds another key than the manifest says", "the key blob is damaged", `key 4 (secp256r1, "e") is restored, and signs`)
	if keys, err := h.Keys(); err != nil || len(keys) != 1 || keys[0].Ref != 4 {
		t.Errorf("%+v, %v", keys, err)
	}
}

// TestRestoreUndoesWhatHappenedInTransfer: a file that came as text is the one that the
// manifest lists, and that is told; one byte more of a change, and it is damaged.
func TestRestoreUndoesWhatHappenedInTransfer(t *testing.T) {
	dir, m := folder(t, 1, 2)
	for i, more := range []string{"", "ab"} {
		path := filepath.Join(dir, m.Keys[i].File)
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(hex.EncodeToString(content)+more), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	told, err := restore(t, withVectors(t), dir)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 failed") {
		t.Errorf("%v", err)
	}
	wants(t, told, `key 1 (secp256r1, "b") is restored, and signs; `+m.Keys[0].File+" was changed in transfer (it was written as text), which was undone in memory", m.Keys[1].File+" is not what was written on ")
}

// TestProveBackup: with the DKEK each blob is opened on a practice device. One that does
// not open is not a backup any more, and is saved once more by the next run.
func TestProveBackup(t *testing.T) {
	h, dir, d := withVectors(t), filepath.Join(t.TempDir(), "card"), vectorDKEK(t)
	generate(t, h, 1, "good")
	generate(t, h, 2, "bad")
	m, _ := backup(t, h, dir, false)
	f, err := custody.ReadWrapFile(filepath.Join(dir, m.Keys[1].File))
	if err != nil {
		t.Fatal(err)
	}
	f.Blob[len(f.Blob)-1] ^= 1
	content, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	forge(t, dir, m.Keys[1], content)
	bad := m.Keys[1].File
	told, m := proved(t, h, dir, d)
	wants(t, told, `key 1 (secp256r1, "good"): `+m.Keys[0].File+" opens on a practice device, and signs", `NOT BACKED UP: key 2 (secp256r1, "bad"): `+bad+" does not open on a practice device")
	records, err := custody.FoundBackups(dir)
	if err != nil || len(records) != 1 || len(m.NotBackedUp) != 1 || len(m.Keys) != 1 || m.Keys[0].Proved.IsZero() {
		t.Errorf("%v, %v, %+v", records, err, m)
	}
	told, m = proved(t, h, dir, d)
	wants(t, told, `key 2 (secp256r1, "bad") is saved to key-02-`, `key 2 (secp256r1, "bad"): `+m.Keys[1].File+" opens on a practice device, and signs")
	if len(m.NotBackedUp) != 0 || len(m.Keys) != 2 || m.Keys[1].Proved.IsZero() {
		t.Errorf("%+v", m)
	}
	told, _ = proved(t, h, dir, openAll(t, shareFiles(t, 2)))
	wants(t, told, "was not opened: it is under another DKEK, key check value 7C7D7EC59505B990")
}

// proved runs a backup and proves it.
func proved(t *testing.T, h *hsm.HSM, dir string, d custody.DKEK) (string, *custody.Manifest) {
	t.Helper()
	b, told := openBackup(t, h, dir)
	defer b.Close()
	if err := b.Run(h); err != nil {
		t.Fatal(err)
	}
	scratch := t.TempDir()
	home := device.NewHome(filepath.Join(scratch, "home"))
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	if err := b.Prove(t.Context(), home, scratch, d); err != nil {
		t.Fatal(err)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := b.Prove(interrupted, home, scratch, d); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if left, err := home.List(); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	return told.String(), b.Manifest
}
