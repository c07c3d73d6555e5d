package custody_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"conclave/apdu"
	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/wire"
)

// openBackup opens the folder of a device's backup, and notes what is told.
func openBackup(t *testing.T, h *hsm.HSM, dir string) (b *custody.CardBackup, told *strings.Builder) {
	t.Helper()
	serial, err := h.Serial()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = custody.OpenCardBackup(dir, serial); err != nil {
		t.Fatal(err)
	}
	told = new(strings.Builder)
	b.Tell = func(text string) { told.WriteString(text + "\n") }
	return b, told
}

// backup runs a backup, with or without private data, and gives what it told.
func backup(t *testing.T, h *hsm.HSM, dir string, private bool) (*custody.Manifest, string) {
	t.Helper()
	b, told := openBackup(t, h, dir)
	defer b.Close()
	b.PrivateData = private
	if err := b.Run(h); err != nil {
		t.Fatal(err)
	}
	return b.Manifest, told.String()
}

// restore restores what a folder has, and gives what was told.
func restore(t *testing.T, h *hsm.HSM, dir string) (string, error) {
	t.Helper()
	m, err := custody.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	err = (&custody.CardRestore{Dir: dir, Manifest: m, Tell: func(text string) { told.WriteString(text + "\n") }}).Run(h)
	return told.String(), err
}

func generate(t *testing.T, h *hsm.HSM, ref byte, label string) *wire.PublicKey {
	t.Helper()
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	_, request, err := h.GenerateKey(hsm.NewKey{Ref: ref, Key: wire.ECTemplate(c), Label: label})
	if err != nil {
		t.Fatal(err)
	}
	return &request.Request.Key
}

func unwrap(t *testing.T, h *hsm.HSM, ref byte, f wire.WrapFile) {
	t.Helper()
	if err := h.UnwrapKey(ref, f, false); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, h *hsm.HSM, fid wire.FID, content string) {
	t.Helper()
	if err := h.WriteFile(fid, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

// wants fails unless each of the texts was told.
func wants(t *testing.T, told string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(told, text) {
			t.Errorf("%q was not told, but:\n%s", text, told)
		}
	}
}

// names are those of the files in a folder, but for the lock.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".lock" {
			all = append(all, e.Name())
		}
	}
	return all
}

// TestCardBackupHoldsWhatKeyWrapWrites: description and certificate are byte for byte
// those of the device, and the blob opens to the same key: it is the file that key wrap
// and sc-hsm-tool --wrap-key write.
func TestCardBackupHoldsWhatKeyWrapWrites(t *testing.T) {
	h, dir, d := withVectors(t), filepath.Join(t.TempDir(), "card"), vectorDKEK(t)
	unwrap(t, h, 1, readWrap(t, "rsa-2048.wrap"))
	m, _ := backup(t, h, dir, false)
	got, err := custody.ReadWrapFile(filepath.Join(dir, m.Keys[0].File))
	if err != nil {
		t.Fatal(err)
	}
	want, err := h.WrapKey(1)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Description, want.Description) || !bytes.Equal(got.Certificate, want.Certificate) {
		t.Error("description or certificate differ from those that are wrapped alone")
	}
	if again, err := got.Bytes(); err != nil || !bytes.Equal(again, got.Content) {
		t.Errorf("the file is not written as a wrapped key is (%v)", err)
	}
	if !bytes.Equal(publicOf(t, d.DKEK, got.Blob), publicOf(t, d.DKEK, want.Blob)) {
		t.Error("it is another key")
	}
}

// TestCardBackupFollowsTheDevice: whatever changes on the device gets a file of its own,
// what was there before stays and is told, and what is unchanged is not written again.
func TestCardBackupFollowsTheDevice(t *testing.T) {
	h, dir := withVectors(t), filepath.Join(t.TempDir(), "card")
	kept := generate(t, h, 1, "kept")
	generate(t, h, 2, "replaced")
	generate(t, h, 3, "deleted")
	write(t, h, wire.PrefixCACert.File(1), "a certificate of an authority")
	m, told := backup(t, h, dir, false)
	wants(t, told, `key 1 (secp256r1, "kept") is saved to key-01-`+kept.Fingerprint()[:8]+".wrap", "file CA01 is saved to file-CA01-")
	if len(m.Keys) != 3 || len(m.Objects) != 1 || len(m.NotBackedUp) != 0 || m.Keys[0].ID != "01" || m.Keys[0].KCV != vectorDKEK(t).KCV().String() {
		t.Fatalf("%+v", m)
	}
	before := names(t, dir)
	if _, told = backup(t, h, dir, false); told != "" || !slices.Equal(names(t, dir), before) {
		t.Errorf("nothing has changed, and it told %q and left %v", told, names(t, dir))
	}
	for _, ref := range []byte{2, 3} {
		if err := h.DeleteKey(ref); err != nil {
			t.Fatal(err)
		}
	}
	generate(t, h, 2, "other")
	certified, err := os.ReadFile("../quorum/testdata/README.md") // any content but that of a key
	if err != nil {
		t.Fatal(err)
	}
	write(t, h, wire.PrefixCACert.File(1), string(certified[:100]))
	m, told = backup(t, h, dir, false)
	wants(t, told, `key 2 (secp256r1, "other") is saved`, `key 2 (secp256r1, "replaced") is no longer on the device; key-02-`, `key 3 (secp256r1, "deleted") is no longer on the device; key-03-`, "file CA01 is saved to")
	if len(m.Keys) != 4 || len(m.Objects) != 2 || len(names(t, dir)) != 4+2+1 {
		t.Errorf("%d keys, %d files; %v", len(m.Keys), len(m.Objects), names(t, dir))
	}
	for _, k := range m.Keys {
		if now := k.Label == "kept" || k.Label == "other"; k.Current() != now {
			t.Errorf("key %q is listed as on the device: %v", k.Label, k.Current())
		}
		if _, err := k.Read(dir); err != nil {
			t.Error(err)
		}
	}
	// The key stays, and gets another description.
	description, err := wire.PrKD{Type: wire.KeyEC, Label: "renamed", ID: []byte{9}, Bits: 256}.Bytes(1)
	if err != nil {
		t.Fatal(err)
	}
	write(t, h, wire.PrefixPrKD.File(1), string(description))
	_, told = backup(t, h, dir, false)
	wants(t, told, `key 1 (secp256r1, "renamed") is saved to key-01-`+kept.Fingerprint()[:8]+"-2.wrap", `key 1 (secp256r1, "kept"), as it was, stays in key-01-`)
}

// TestCardBackupOfDataObjects: data objects come back as they were, private ones as
// private ones; those are in the clear in the folder only where that was asked for.
func TestCardBackupOfDataObjects(t *testing.T) {
	h, to, dir := withVectors(t), withVectors(t), filepath.Join(t.TempDir(), "card")
	contents := map[wire.FID]string{
		wire.PrefixData.File(1): strings.Repeat("data", 1000), wire.PrefixDCOD.File(1): "description", wire.PrefixProtectedData.File(2): "private",
		wire.PrefixCD.File(3): "description of a certificate", wire.PrefixCACert.File(3): "certificate", wire.PrefixEECert.File(9): "certificate of a key that is gone",
	}
	for fid, content := range contents {
		write(t, h, fid, content)
	}
	m, told := backup(t, h, dir, false)
	wants(t, told, "NOT BACKED UP: file CD02: it is private")
	if len(m.Objects) != 5 || len(m.NotBackedUp) != 1 || strings.Contains(folderText(t, dir), "private\x00") {
		t.Errorf("%+v", m)
	}
	for _, name := range names(t, dir) {
		if strings.Contains(name, "CD02") {
			t.Errorf("%s was written without being asked for", name)
		}
	}
	if m, _ = backup(t, h, dir, true); len(m.Objects) != 6 || len(m.NotBackedUp) != 0 {
		t.Errorf("%+v", m)
	}
	if m, _ = backup(t, h, dir, false); len(m.NotBackedUp) != 0 { // it was asked for once
		t.Errorf("%+v", m)
	}
	write(t, to, wire.PrefixData.File(1), "of its own")
	told, err := restore(t, to, dir)
	if err == nil || !strings.Contains(err.Error(), "1 of 6 failed") {
		t.Errorf("%v", err)
	}
	wants(t, told, "NOT RESTORED: file CF01: the device has another one there", "file CD02 is restored", "file CE09 is restored")
	contents[wire.PrefixData.File(1)] = "of its own"
	for fid, content := range contents {
		if got, err := to.ReadFile(fid); err != nil || string(got) != content {
			t.Errorf("file %04X: %.20q, %v", uint16(fid), got, err)
		}
	}
	if told, _ = restore(t, to, dir); strings.Count(told, "is there already") != 5 {
		t.Errorf("the second time: %s", told)
	}
	if err := to.Logout(); err != nil {
		t.Fatal(err)
	}
	if _, err := to.ReadFile(wire.PrefixProtectedData.File(2)); err == nil {
		t.Error("a private object is not private any more")
	}
}

func folderText(t *testing.T, dir string) (all string) {
	t.Helper()
	for _, name := range names(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(content) + "\x00"
	}
	return all
}

// TestCardBackupOfAKeyWithoutAFace: where the device shows no public half nothing says
// that the key is the same as yesterday, so it is saved once more; a restore goes by its
// description, and says so.
func TestCardBackupOfAKeyWithoutAFace(t *testing.T) {
	h, dir := withVectors(t), filepath.Join(t.TempDir(), "card")
	f := readWrap(t, "EC-secp256r1.wrap")
	f.Certificate = nil
	unwrap(t, h, 4, f)
	backup(t, h, dir, false)
	m, told := backup(t, h, dir, false)
	wants(t, told, "key 4 (EC-256", ", as it was, stays in key-04-")
	if len(m.Keys) != 2 || m.Keys[0].Current() || !m.Keys[1].Current() {
		t.Errorf("%+v", m.Keys)
	}
	to := withVectors(t)
	for _, want := range []string{"is restored, and signs; it was completed with its public half", "is there already, going by its description alone"} {
		told, err := restore(t, to, dir)
		if err != nil {
			t.Error(err)
		}
		wants(t, told, want)
	}
	k, err := h.Key(4)
	if err == nil {
		_, err = custody.Complete(h, k, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, told := backup(t, h, dir, false); strings.Contains(told, "no longer") || !strings.Contains(told, ", as it was, stays in key-04-") {
		t.Errorf("completed: %s", told)
	}
}

// TestCardBackupFolders: one process at a time, and one device.
func TestCardBackupFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "card")
	b, err := custody.OpenCardBackup(dir, "ZZ1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := custody.OpenCardBackup(dir, "ZZ1"); err == nil || !strings.Contains(err.Error(), "another program is at work here") {
		t.Errorf("a second one: %v", err)
	}
	b.Close()
	if _, err := custody.ReadManifest(dir); err == nil || !strings.Contains(err.Error(), "is no folder of backups") {
		t.Errorf("without a manifest: %v", err)
	}
	h := withVectors(t)
	backup(t, h, dir, false)
	serial, err := h.Serial()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := custody.OpenCardBackup(dir, "ZZ1"); err == nil || !strings.Contains(err.Error(), "holds the backup of device "+serial+", and this is device ZZ1") {
		t.Errorf("another device: %v", err)
	}
}

// TestManifestRefuses: what no run of ours writes.
func TestManifestRefuses(t *testing.T) {
	h, dir := withVectors(t), filepath.Join(t.TempDir(), "card")
	generate(t, h, 1, "one")
	generate(t, h, 2, "two")
	write(t, h, wire.PrefixData.File(1), "data")
	m, _ := backup(t, h, dir, false)
	content, err := os.ReadFile(filepath.Join(dir, custody.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := custody.ParseManifest(content); err != nil || len(parsed.Keys) != 2 {
		t.Fatalf("%v", err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"another format":      {"conclave backup 1", "conclave backup 2", "is it another file, or one of a later version?"},
		"a field twice":       {`"serial":`, `"serial": "", "serial":`, "comes twice"},
		"an unknown field":    {`"serial":`, `"color": "", "serial":`, "unknown field"},
		"out of the folder":   {m.Keys[0].File, "../" + m.Keys[0].File, "is not a name that a backup gives"},
		"absolute":            {m.Keys[0].File, "/etc/passwd", "is not a name that a backup gives"},
		"the manifest itself": {m.Keys[0].File, custody.ManifestFile, "is not a name that a backup gives"},
		"one file twice":      {m.Keys[0].File, m.Keys[1].File, "is there twice"},
		"one place twice":     {`"reference": 1`, `"reference": 2`, "is there twice"},
		"the device's key":    {`"reference": 1`, `"reference": 0`, "the device's own key"},
		"a short hash":        {m.Keys[0].SHA256, "00", "64 hex digits were expected"},
		"the device's files":  {`"CF01"`, `"2F02"`, "no file of a device that a backup holds"},
		"a key as a file":     {`"CF01"`, `"CC01"`, "no file of a device that a backup holds"},
		"text behind":         {"", "", "more after the end"},
	} {
		changed := strings.Replace(string(content), c.old, c.new, 1)
		if c.old == "" {
			changed = string(content) + "{}"
		}
		if _, err := custody.ParseManifest([]byte(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManifestFromAnEditor: an editor of Windows has saved it; and one that was cut off is
// told from one that is not there.
func TestManifestFromAnEditor(t *testing.T) {
	h, dir := withVectors(t), filepath.Join(t.TempDir(), "card")
	generate(t, h, 1, "Müller")
	backup(t, h, dir, false)
	path := filepath.Join(dir, custody.ManifestFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, saved := range [][]byte{append([]byte("\uFEFF"), content...), utf16} {
		if err := os.WriteFile(path, saved, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := custody.ReadManifest(dir); err != nil || m.Keys[0].Label != "Müller" {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if err := os.WriteFile(path, content[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := custody.ReadManifest(dir); err == nil || !strings.Contains(err.Error(), "was it cut off, or changed? Take another copy of it") {
		t.Errorf("cut off: %v", err)
	}
	if _, err := custody.ReadManifest(path); err == nil || !strings.Contains(err.Error(), "is a file; the folder of a backup was expected") {
		t.Errorf("a file: %v", err)
	}
	if _, err := custody.OpenCardBackup(path, "ZZ1"); err == nil || !strings.Contains(err.Error(), "it is a file, and a folder was expected") {
		t.Errorf("a file: %v", err)
	}
}

// unplugged is a reader whose card is pulled out when the second key is to be wrapped.
type unplugged struct {
	apdu.Conn
	wrapped int
}

var errUnplugged = errors.New("card removed")

func (u *unplugged) Transmit(command []byte) ([]byte, error) {
	if command[1] == wire.InsWrapKey {
		u.wrapped++
	}
	if u.wrapped > 1 {
		return nil, errUnplugged
	}
	return u.Conn.Transmit(command)
}

// TestCardBackupCutOffByTheReader: what was saved until then is in the manifest, which
// says that there may be more; so does a restore, and the next run adds it.
func TestCardBackupCutOffByTheReader(t *testing.T) {
	home, dir := shared(t), filepath.Join(t.TempDir(), "card")
	h := join(t, home, nothing)
	generate(t, h, 1, "one")
	generate(t, h, 2, "two")
	b, _ := openBackup(t, h, dir)
	if err := b.Run(join(t, home, func(conn apdu.Conn) apdu.Conn { return &unplugged{Conn: conn} })); !errors.Is(err, errUnplugged) {
		t.Errorf("%v", err)
	}
	b.Close()
	m, err := custody.ReadManifest(dir)
	if err != nil || len(m.Keys) != 1 || len(m.NotBackedUp) != 0 || m.Complete {
		t.Fatalf("%+v, %v", m, err)
	}
	told, err := restore(t, withVectors(t), dir)
	if err != nil {
		t.Error(err)
	}
	wants(t, told, "the last run of this backup was cut off, or is at work still: the device may have more than is here", `key 1 (secp256r1, "one") is restored, and signs`)
	if m, told = backup(t, h, dir, false); len(m.Keys) != 2 || !m.Complete || strings.Contains(told, "one") {
		t.Errorf("%+v: %s", m, told)
	}
}
