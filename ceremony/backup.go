package ceremony

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/quorum"
)

// backup is the folder of the share file and the wrapped keys.
type backup struct{ dir string }

// shareFile is the DKEK share file. It is the only one, for the DKEK has one
// share, which the custodians' quorum shares out.
func (b *backup) shareFile() string { return filepath.Join(b.dir, "dkek.pbe") }

func (b *backup) file(name string) string { return filepath.Join(b.dir, name) }

// wrapped is the file of a wrapped key.
func (b *backup) wrapped(key string) string { return filepath.Join(b.dir, key+".wrap") }

// sealedPIN is the file of the sealed SO-PIN of a device.
func (b *backup) sealedPIN(device string) string {
	return filepath.Join(b.dir, "so-pin-"+device+".sealed")
}

// isHere says in people's words that a folder has no share file: it stands in exceptions.
func (b *backup) isHere() error {
	if !there(b.shareFile()) {
		return fmt.Errorf("%s has no share file %s; the folder of a backup was expected", b.dir, filepath.Base(b.shareFile()))
	}
	return nil
}

func (b *backup) read() (dkek.ShareFile, []*quorum.Record, error) {
	if err := b.isHere(); err != nil {
		return dkek.ShareFile{}, nil, err
	}
	file, err := custody.ReadShareFile(b.shareFile())
	if err != nil {
		return file, nil, err
	}
	records, err := custody.Records(b.shareFile(), file)
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("%s has no record beside it; take it from another copy of the backup", b.shareFile())
	}
	return file, records, err
}

// checkMedium wants a folder that does not hold the backup already.
func (b *backup) checkMedium(folder string, taken []string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", folder)
	}
	for _, other := range taken { // another medium may be seen at the same place
		if o, err := os.Stat(other); err == nil && os.SameFile(info, o) && safefile.Exists(filepath.Join(folder, filepath.Base(b.shareFile()))) {
			return fmt.Errorf("%s holds the backup already (as %s); put in another medium", folder, other)
		}
	}
	return nil
}

// copyTo copies the backup into a folder, and reads it back. What is there
// already must be the same.
func (b *backup) copyTo(folder string) error {
	names, err := b.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := safefile.Read(filepath.Join(b.dir, name), quorum.MaxRecord)
		if err != nil {
			return err
		}
		path := filepath.Join(folder, name)
		if err := putFile(path, content); err != nil {
			return err
		}
		written, err := safefile.Reread(path, int64(len(content)))
		if err != nil {
			return err
		}
		if string(written) != string(content) {
			return fmt.Errorf("%s reads back with another content than was written; is the medium faulty?", path)
		}
	}
	return nil
}

// names are the names of the files of the backup.
func (b *backup) names() (names []string, err error) {
	entries, err := os.ReadDir(b.dir)
	for _, e := range entries {
		if !e.IsDir() && !strings.Contains(e.Name(), ".void") {
			names = append(names, e.Name())
		}
	}
	return names, err
}
