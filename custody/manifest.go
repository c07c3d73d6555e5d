package custody

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"conclave/internal/safefile"
	"conclave/internal/strictjson"
	"conclave/internal/transfer"
	"conclave/wire"
)

// ManifestFile is the name of the manifest in a folder of backups.
const ManifestFile = "manifest.json"

// manifestFormat names the format, and its version.
const manifestFormat = "conclave backup 1"

// MaxManifest is how many bytes a manifest may have. That of a device with 255 keys
// has a hundredth of it, and files of the past are listed too.
const MaxManifest = 16 << 20

// maxSaved is how many files a manifest may list.
const maxSaved = 20_000

// Manifest says what a folder of backups holds of one device. Nothing in it is
// secret, and no key is restored on its word alone: each is seen to sign.
type Manifest struct {
	Format string    `json:"format"`
	Serial string    `json:"serial"` // of the device
	Date   time.Time `json:"date"`   // of the last run
	// Complete says that the last run has looked at everything. One that was cut off, or
	// is at work still, has not, and the device may have more than is here.
	Complete bool          `json:"complete"`
	Keys     []SavedKey    `json:"keys"`
	Objects  []SavedObject `json:"objects"`
	// NotBackedUp is what the last run could not save.
	NotBackedUp []NotBackedUp `json:"not_backed_up"`
}

// Saved is a file of the folder.
type Saved struct {
	File   string    `json:"file"` // without directory
	SHA256 string    `json:"sha256"`
	Made   time.Time `json:"made"`
	// Until is when the device was first seen to have something else, or nothing, in
	// its place. It is zero for what the device has.
	Until time.Time `json:"until,omitzero"`
}

// Current says whether the device had this at the last run.
func (s Saved) Current() bool { return s.Until.IsZero() }

// SavedKey is a key, its description and its certificate.
type SavedKey struct {
	Saved
	Reference byte   `json:"reference"`
	Label     string `json:"label"`
	ID        string `json:"id"`         // CKA_ID, hex
	Type      string `json:"type"`       // such as RSA-2048 or secp256r1
	PublicKey string `json:"public_key"` // wire.PublicKey.Fingerprint; empty if the device does not show it
	Domain    byte   `json:"domain"`     // the key domain whose DKEK it is under; 0 is the first
	KCV       string `json:"kcv"`        // of that DKEK
	// Proved is when the blob was opened on a practice device, and the key seen to
	// sign there if it may. It is zero as long as no one came with the DKEK.
	Proved time.Time `json:"proved,omitzero"`
}

// SavedObject is a file of the device that belongs to no key.
type SavedObject struct {
	Saved
	FID string `json:"fid"` // four hex digits
}

// NotBackedUp is a key or a file of the device, and why it is not in the folder.
type NotBackedUp struct {
	What      string `json:"what"`
	Reference byte   `json:"reference,omitempty"`  // of a key
	PublicKey string `json:"public_key,omitempty"` // of a key
	Why       string `json:"why"`
}

// String is for people.
func (n NotBackedUp) String() string { return n.What + ": " + n.Why }

// String is for people.
func (k SavedKey) String() string { return keyTitle(k.Reference, k.Type, k.Label) }

func keyTitle(ref byte, size, label string) string {
	if label == "" {
		return fmt.Sprintf("key %d (%s)", ref, size)
	}
	return fmt.Sprintf("key %d (%s, %q)", ref, size, label)
}

// String is for people.
func (o SavedObject) String() string { return "file " + o.FID }

// ReadManifest reads the manifest of a folder, also one that was saved as UTF-16, or with
// a mark. The error wraps fs.ErrNotExist if there is none.
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestFile)
	content, err := safefile.Read(path, MaxManifest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is no folder of backups, which conclave backup makes: %w", dir, err)
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("%s is a file; the folder of a backup was expected. A wrapped key is restored with: conclave key unwrap %s", dir, dir)
	case err != nil:
		return nil, err
	}
	text, err := transfer.Text(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, err := ParseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; was it cut off, or changed? Take another copy of it. The wrapped keys beside it are whole without it: conclave key unwrap FILE restores one, and conclave backup begins another folder", path, err)
	}
	return m, nil
}

// ParseManifest reads a manifest, which may be anyone's. Fields that it does not
// know, or that come twice, are errors, and so is a name that leads out of the folder.
func ParseManifest(content []byte) (*Manifest, error) {
	var m Manifest
	if err := strictjson.Unmarshal(content, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("manifest: format %q; %q was expected: is it another file, or one of a later version?", m.Format, manifestFormat)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return &m, nil
}

// check refuses what no run writes.
func (m *Manifest) check() error {
	if len(m.Keys)+len(m.Objects)+len(m.NotBackedUp) > maxSaved {
		return fmt.Errorf("more than %d keys and files", maxSaved)
	}
	seen := map[string]bool{}
	take := func(s Saved, place string) error {
		if seen[s.File] || s.Current() && seen[place] {
			return fmt.Errorf("%s or %s is there twice", s.File, place)
		}
		seen[s.File], seen[place] = true, seen[place] || s.Current()
		return s.check()
	}
	for _, k := range m.Keys {
		if k.Reference == 0 {
			return fmt.Errorf("%s: key reference 0, which is the device's own key", k.File)
		}
		if err := take(k.Saved, fmt.Sprintf("key %d", k.Reference)); err != nil {
			return err
		}
	}
	for _, o := range m.Objects {
		if _, err := o.fid(); err != nil {
			return err
		}
		if err := take(o.Saved, o.String()); err != nil {
			return err
		}
	}
	return nil
}

func (s Saved) check() error {
	named, err := regexp.MatchString(`^(key|file)-[0-9A-Za-z-]{1,60}\.(wrap|bin)$`, s.File)
	if err != nil || !named {
		return fmt.Errorf("%q is not a name that a backup gives", s.File)
	}
	if sum, err := hex.DecodeString(s.SHA256); err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%s: sha256 is %q; 64 hex digits were expected", s.File, s.SHA256)
	}
	return nil
}

// fid is the file on the device, of those that a backup saves.
func (o SavedObject) fid() (wire.FID, error) {
	b, err := hex.DecodeString(o.FID)
	if err != nil || len(b) != 2 || !isObject(wire.FID(b[0])<<8|wire.FID(b[1])) {
		return 0, fmt.Errorf("%s: %q is no file of a device that a backup holds", o.File, o.FID)
	}
	return wire.FID(b[0])<<8 | wire.FID(b[1]), nil
}

// Read reads the file of a folder, and fails if it is not as it was written.
func (s Saved) Read(dir string) ([]byte, error) {
	path := filepath.Join(dir, s.File)
	content, err := safefile.Read(path, wire.MaxWrapFile)
	if err != nil {
		return nil, err
	}
	if sumOf(content) != s.SHA256 {
		return nil, &OpenError{Damaged, fmt.Errorf("%s is not what was written on %s: its SHA-256 differs; take another copy of the folder", path, s.Made.Local().Format(time.DateTime))}
	}
	return content, nil
}

// undone is Read, but undoes what has changed the file in transfer, where the hash in
// the manifest proves that it is undone. Changed then says what it was, after the
// words for what became of it.
func (s Saved) undone(dir string) (content []byte, changed string, err error) {
	content, damaged := s.Read(dir)
	var open *OpenError
	if damaged == nil || !errors.As(damaged, &open) {
		return content, "", damaged
	}
	if content, err = safefile.Read(filepath.Join(dir, s.File), wire.MaxWrapFile); err != nil {
		return nil, "", err
	}
	original, what, err := transfer.Undo(content, func(b []byte) error {
		if sumOf(b) != s.SHA256 {
			return damaged
		}
		return nil
	})
	if err != nil {
		return nil, "", damaged
	}
	return original, fmt.Sprintf("; %s was changed in transfer (%s), which was undone in memory", s.File, cmp.Or(what, "it was written as text")), nil
}

// Records are those of the keys whose public half is known, also of the ones that the
// device no longer has.
func (m *Manifest) Records(dir string) (records []BackupRecord) {
	for _, k := range m.Keys {
		if k.PublicKey != "" {
			records = append(records, newRecord(k.Made, m.Serial, k.PublicKey, k.KCV, filepath.Join(dir, k.File), k.SHA256))
		}
	}
	return records
}

// CheckDKEK fails for a DKEK that opens none of the keys.
func (m *Manifest) CheckDKEK(d DKEK) error { return m.checkKCV(d.KCV().String()) }

func (m *Manifest) checkKCV(kcv string) error {
	var under []string
	for _, k := range m.Keys {
		switch {
		case k.KCV == kcv:
			return nil
		case k.Current() && !slices.Contains(under, k.KCV):
			under = append(under, k.KCV)
		}
	}
	if len(under) == 0 {
		return nil
	}
	return fmt.Errorf("the keys of the backup are under another DKEK, key check value %s, than that of the share files, %s; name the share files of that one: --dkek", strings.Join(under, ", "), kcv)
}

// wrapped reads the file of a key.
func (k SavedKey) wrapped(dir string) (f wire.WrapFile, err error) {
	content, err := k.Read(dir)
	if err != nil {
		return f, err
	}
	return wire.ParseWrapFile(content)
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// lists says whether a file has been given that name, be it there or not.
func (m *Manifest) lists(name string) bool {
	return slices.ContainsFunc(m.Keys, func(k SavedKey) bool { return k.File == name }) ||
		slices.ContainsFunc(m.Objects, func(o SavedObject) bool { return o.File == name })
}

// bytes writes the manifest as indented JSON, which ParseManifest takes.
func (m *Manifest) bytes() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(m)
	if err == nil && b.Len() > MaxManifest {
		err = fmt.Errorf("the manifest would have %d bytes; %d at most were expected: begin another folder", b.Len(), MaxManifest)
	}
	return b.Bytes(), err
}
