package custody

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"conclave/dkek"
	"conclave/internal/safefile"
)

// Journal remembers which share files a device has, while it waits for more:
// the device says only how many, and takes the XOR of what it is given,
// so that a share that comes twice cancels itself out. Nothing in the journal
// is secret. There is one for each device, by serial number.
type Journal struct {
	path     string
	imported []importedShare
}

// importedShare is a line of the journal.
type importedShare struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of the share file
	KCV    string `json:"kcv"`    // of the share
	// Void takes back the line before: the device has not got that share.
	Void bool `json:"void,omitempty"`
}

// maxJournal is how many bytes a journal may have: 255 shares have a tenth of that.
const maxJournal = 1 << 20

// OpenJournal reads the journal of a device that has this many shares. A line
// is written before its share is sent: if the journal has one more than the
// device, the last was not sent. If it has more than that, the device was
// initialised again with another program, and the journal starts over.
func OpenJournal(dir, serial string, shares int) (*Journal, error) {
	j := &Journal{path: filepath.Join(dir, serial+".jsonl")}
	content, err := safefile.Read(j.path, maxJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, err
	}
	for text := range bytes.Lines(content) {
		var line importedShare
		if json.Unmarshal(text, &line) == nil { // else it is empty, or a power loss cut it off
			j.take(line)
		}
	}
	switch surplus := len(j.imported) - shares; {
	case surplus == 1:
		return j, j.append(importedShare{Void: true})
	case surplus > 1:
		return j, j.Clear()
	}
	return j, nil
}

func (j *Journal) take(line importedShare) {
	if !line.Void {
		j.imported = append(j.imported, line)
	} else if len(j.imported) > 0 {
		j.imported = j.imported[:len(j.imported)-1]
	}
}

// append writes a line, after one that may be cut off.
func (j *Journal) append(line importedShare) error {
	content, err := json.Marshal(line)
	if err != nil {
		return err
	}
	j.take(line)
	return safefile.Append(j.path, fmt.Appendf(nil, "\n%s\n", content))
}

// Imported are the names of the share files that are in the device.
func (j *Journal) Imported() (names []string) {
	for _, line := range j.imported {
		names = append(names, line.Name)
	}
	return names
}

// Has says whether a share file is in the device.
func (j *Journal) Has(file dkek.ShareFile) bool {
	sum := file.SHA256()
	for _, line := range j.imported {
		if line.SHA256 == sum {
			return true
		}
	}
	return false
}

// ErrTwice is the error for a share that is in the device.
var ErrTwice = errors.New("this DKEK share is in the device; a second time it would cancel itself out, and the DKEK would be a different one. Nothing was sent")

// Check returns ErrTwice for a share that is in the device, in this file or in
// another one.
func (j *Journal) Check(name string, file dkek.ShareFile, kcv dkek.KCV) error {
	for _, line := range j.imported {
		if line.KCV == kcv.String() || line.SHA256 == file.SHA256() {
			return fmt.Errorf("%s: %w (imported as %s; if the device has been initialised since with another program, delete %s)", name, ErrTwice, line.Name, j.path)
		}
	}
	return nil
}

// Add notes a share that is about to be sent.
func (j *Journal) Add(name string, file dkek.ShareFile, kcv dkek.KCV) error {
	return j.append(importedShare{Name: filepath.Base(name), SHA256: file.SHA256(), KCV: kcv.String()})
}

// Clear forgets everything, as a device does when it is initialised.
func (j *Journal) Clear() error {
	j.imported = nil
	err := os.Remove(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return safefile.SyncDir(filepath.Dir(j.path))
}
