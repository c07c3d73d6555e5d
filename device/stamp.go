package device

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Stamp is what the system tells of the file of an embedded device, without opening it:
// enough to know whether it has been changed since, or is another one.
type Stamp struct{ file, log fs.FileInfo }

// Stamp looks at the file of a device. The error wraps fs.ErrNotExist if there is none.
func (h Home) Stamp(name string) (s Stamp, err error) {
	path, err := h.path(name)
	if err != nil {
		return s, err
	}
	if s.file, err = os.Stat(path); err != nil {
		return s, err
	}
	if link, err := os.Lstat(path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err != nil { // SQLite's log is beside the file itself
			return s, err
		}
	}
	s.log, err = os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return s, err
}

// SameFile says whether both stamps are of one file, changed or not.
func (s Stamp) SameFile(other Stamp) bool {
	return s.file != nil && other.file != nil && os.SameFile(s.file, other.file)
}

// Unchanged says whether nothing was written between the two stamps. A log without
// content is none: it comes when the file is opened.
func (s Stamp) Unchanged(other Stamp) bool {
	return s.SameFile(other) && sameContent(s.file, other.file) && sameContent(s.log, other.log)
}

func sameContent(a, b fs.FileInfo) bool {
	if size(a) == 0 || size(b) == 0 {
		return size(a) == size(b)
	}
	return size(a) == size(b) && a.ModTime().Equal(b.ModTime())
}

func size(info fs.FileInfo) int64 {
	if info == nil {
		return 0
	}
	return info.Size()
}

// Before says whether the last write was so long before a time that another one would
// have another time in the file system.
func (s Stamp) Before(t time.Time) bool {
	const coarsest = time.Second // of the file systems that a home may be on
	if s.file == nil {
		return false
	}
	last := s.file.ModTime()
	if s.log != nil && s.log.ModTime().After(last) {
		last = s.log.ModTime()
	}
	return t.Sub(last) > coarsest
}
