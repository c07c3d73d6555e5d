package custody

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/quorum"
)

// RecordPath is where the record of a set is kept: beside its share file, for
// which there may be several sets.
func RecordPath(shareFile, set string) string { return shareFile + ".set-" + set + ".json" }

// ErrForeignRecord is the error for records beside a share file that are not
// its own.
var ErrForeignRecord = errors.New("the share file is not the one that its set record was made for")

// Records reads the records beside a share file. If there are some and none is
// this file's, the file is damaged or has been replaced; the error is
// ErrForeignRecord.
func Records(shareFile string, file dkek.ShareFile) ([]*quorum.Record, error) {
	all, err := allRecords(shareFile)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var records []*quorum.Record
	for _, r := range all {
		if r.Of(file) {
			records = append(records, r)
		}
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: %w (%s): it is damaged, or a different one; use another copy, or the paper copy. To try this one all the same, move the record away",
			shareFile, ErrForeignRecord, filepath.Base(RecordPath(shareFile, all[0].Set)))
	}
	return records, nil
}

func allRecords(shareFile string) (records []*quorum.Record, err error) {
	paths, err := recordPaths(shareFile)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		r, err := ReadRecord(path)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// maxRecords is how many records one share file may have. A set that replaces
// another one comes with a share file of its own, so there are hardly ever two.
const maxRecords = 100

func recordPaths(shareFile string) (paths []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(shareFile))
	if err != nil {
		return nil, err
	}
	prefix := filepath.Base(RecordPath(shareFile, ""))
	prefix = strings.TrimSuffix(prefix, ".json")
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), ".json") {
			paths = append(paths, filepath.Join(filepath.Dir(shareFile), e.Name()))
		}
	}
	if len(paths) > maxRecords {
		return nil, fmt.Errorf("%s has %d set records; %d at most were expected: move away those that do not open it", shareFile, len(paths), maxRecords)
	}
	return paths, nil
}

// ReadRecord reads a set record.
func ReadRecord(path string) (*quorum.Record, error) {
	content, err := safefile.Read(path, quorum.MaxRecord)
	if err != nil {
		return nil, err
	}
	r, err := quorum.ParseRecord(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; without it (move it away) the sheets open the share file all the same", path, err)
	}
	return r, nil
}
