package custody

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/wire"
)

// BackupRecord says where the backup of a key is. Nothing in it is secret.
type BackupRecord struct {
	Time      time.Time `json:"time"`
	Serial    string    `json:"serial"`     // of the device, as far as it is known
	PublicKey string    `json:"public_key"` // wire.PublicKey.Fingerprint
	KCV       string    `json:"kcv"`        // of the DKEK that it is under
	Path      string    `json:"path"`       // absolute
	SHA256    string    `json:"sha256"`     // of the file
}

// NewBackupRecord is the record of a wrapped key that has just been written. The
// public half must be in it: a key without one could not be found again.
func NewBackupRecord(serial, path string, f wire.WrapFile, content []byte) (r BackupRecord, err error) {
	blob, err := dkek.ParseBlob(f.Blob)
	if err != nil {
		return r, err
	}
	public, err := hsm.ParsePublic(f.Certificate)
	if err != nil {
		return r, fmt.Errorf("%s does not show the public half of its key", path)
	}
	return newRecord(time.Now(), serial, public.Fingerprint(), blob.KCV.String(), path, sumOf(content)), nil
}

func newRecord(made time.Time, serial, public, kcv, path, sum string) BackupRecord {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return BackupRecord{made.UTC().Truncate(time.Second), serial, public, kcv, path, sum}
}

// BackupState is what has become of a backup.
type BackupState string

// The states of a backup. A folder that is not there is mostly on a medium that is
// somewhere else; a file that is gone from a folder that is there was deleted.
const (
	BackupThere   BackupState = "there"
	BackupAway    BackupState = "away"
	BackupMissing BackupState = "missing"
	BackupChanged BackupState = "changed"
)

// State looks at the file of a record.
func (r BackupRecord) State() BackupState {
	content, err := safefile.Read(r.Path, wire.MaxWrapFile)
	switch {
	case err == nil && sumOf(content) == r.SHA256:
		return BackupThere
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(r.Path)); err != nil {
			return BackupAway
		}
		return BackupMissing
	}
	return BackupChanged
}

// Holds says whether there is a backup, for all that can be seen from here.
func (s BackupState) Holds() bool { return s == BackupThere || s == BackupAway }

// LatestBackup is the newest backup of a key that is there; failing that one that is
// away, and then one that is lost. The state is empty if there is no record of any.
func LatestBackup(records []BackupRecord, publicKey string) (latest BackupRecord, state BackupState) {
	of := slices.DeleteFunc(slices.Clone(records), func(r BackupRecord) bool { return publicKey == "" || r.PublicKey != publicKey })
	slices.Reverse(of) // of two in one second the one that was noted later
	slices.SortStableFunc(of, func(a, b BackupRecord) int { return b.Time.Compare(a.Time) })
	for _, r := range of {
		found := r.State()
		if found == BackupThere {
			return r, found
		}
		if state == "" || found == BackupAway && state != BackupAway {
			latest, state = r, found
		}
	}
	return latest, state
}

// MaxBackupLog is how many bytes are read of the file that notes backups. There is a
// line for each key that was wrapped, of some 400.
const MaxBackupLog = 32 << 20

// NoteBackup adds a line to the file that notes backups. Any number of processes may do
// so at once.
func NoteBackup(path string, r BackupRecord) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return safefile.Append(path, fmt.Appendf(nil, "\n%s\n", line)) // after one that may be cut off
}

// NotedBackups reads the file that notes backups, oldest first. A line that was cut
// off is left out.
func NotedBackups(path string) (records []BackupRecord, err error) {
	content, err := safefile.Read(path, MaxBackupLog)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("what is noted of backups: %w; move that away, and name the folders of backups instead: conclave status DIR", err)
	}
	for text := range bytes.Lines(content) {
		var r BackupRecord
		if json.Unmarshal(text, &r) == nil && r.PublicKey != "" && r.Path != "" {
			records = append(records, r)
		}
	}
	return records, nil
}

// FoundBackups are those at a path: the keys that the manifest of a folder lists and the
// wrapped keys beside them, or that in a file.
func FoundBackups(path string) (records []BackupRecord, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		r, err := foundFile(path, info)
		if err != nil {
			return nil, err
		}
		return []BackupRecord{r}, nil
	}
	m, err := ReadManifest(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m = &Manifest{}
	case err != nil:
		return nil, err
	}
	beside, err := m.unlisted(path)
	return append(m.Records(path), beside...), err
}

// unlisted are the wrapped keys in a folder, by the end of their names, that the
// manifest does not list. What is no wrapped key, or does not say of which, is left out.
func (m *Manifest) unlisted(dir string) (records []BackupRecord, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".wrap" || m.lists(entry.Name()) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue
		}
		if r, err := foundFile(filepath.Join(dir, entry.Name()), info); err == nil {
			records = append(records, r)
		}
	}
	return records, nil
}

// foundFile is a wrapped key as old as its file.
func foundFile(path string, info fs.FileInfo) (r BackupRecord, err error) {
	f, err := ReadWrapFile(path)
	if err != nil {
		return r, err
	}
	if r, err = NewBackupRecord("", path, f.WrapFile, f.Content); err == nil {
		r.Time = info.ModTime().UTC().Truncate(time.Second)
	}
	return r, err
}
