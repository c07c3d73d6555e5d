package custody

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// Records reads the records of a share file, those with its name beside it. Where it was
// renamed or linked, they are those that name its content, in its folder and in the
// folders that its links lead to. If there are some by its name and none is this file's,
// the file is damaged or has been replaced; the error is ErrForeignRecord.
func Records(shareFile string, file dkek.ShareFile) ([]*quorum.Record, error) {
	all, err := namedRecords(shareFile)
	if err != nil {
		return nil, err
	}
	records := slices.DeleteFunc(slices.Clone(all), func(r *quorum.Record) bool { return !r.Of(file) })
	for _, dir := range folders(shareFile) {
		if len(records) > 0 {
			return records, nil
		}
		records = recordsIn(dir, file)
	}
	if len(records) == 0 && len(all) > 0 {
		return nil, fmt.Errorf("%s: %w (%s): it is damaged, or a different one; use another copy, or the paper copy. To try this one all the same, move the record away",
			shareFile, ErrForeignRecord, filepath.Base(RecordPath(shareFile, all[0].Set)))
	}
	return records, nil
}

// maxRecords is how many records one share file may have, and how many files are read
// to find them. A set that replaces another one comes with a share file of its own, so
// there are hardly ever two.
const maxRecords = 100

// namedRecords reads those that have the share file's name.
func namedRecords(shareFile string) (records []*quorum.Record, err error) {
	dir, name := filepath.Split(shareFile)
	paths, err := recordPaths(filepath.Clean(dir), name)
	if err != nil {
		return nil, err
	}
	if len(paths) > maxRecords {
		return nil, fmt.Errorf("%s has %d set records; %d at most were expected: move away those that do not open it", shareFile, len(paths), maxRecords)
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

// recordPaths are what may be the records of a share file by its name; of any one for
// an empty name, and then also of other names than records have, which come last.
func recordPaths(dir, name string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !strings.HasSuffix(e.Name(), ".json"):
		case name != "" && strings.HasPrefix(e.Name(), name+".set-"), name == "" && strings.Contains(e.Name(), ".set-"):
			paths = append(paths, path)
		case name == "":
			others = append(others, path)
		}
	}
	return append(paths, others...), nil
}

// folders are that of a file, and those of the files that its symbolic links lead to.
func folders(path string) (dirs []string) {
	const maxLinks = 40 // as Linux follows
	for range maxLinks {
		dir := filepath.Dir(path)
		if whole, err := filepath.EvalSymlinks(dir); err == nil {
			dir = whole
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		target, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return dirs
}

// recordsIn looks in a folder for records that name the content of a share file. What is
// no record is passed over, since no one has called it one.
func recordsIn(dir string, file dkek.ShareFile) (records []*quorum.Record) {
	paths, err := recordPaths(dir, "")
	if err != nil {
		return nil
	}
	for _, path := range paths[:min(len(paths), maxRecords)] {
		content, err := safefile.Read(path, quorum.MaxRecord)
		if err != nil || !bytes.Contains(content, []byte(file.SHA256())) {
			continue
		}
		if r, err := quorum.ParseRecord(content); err == nil && r.Of(file) {
			records = append(records, r)
		}
	}
	return records
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
