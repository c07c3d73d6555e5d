package register

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"conclave/internal/safefile"
)

// A register that another one continues must not be used any more: the two
// would use numbers twice. A file beside it says by whom it was continued, and
// in which folder.
func continued(path string) string { return path + ".continued" }

// maxContinued is how many bytes the file may have: a hash, and the path of a folder.
const maxContinued = 64 << 10

// CheckContinued is an error if a register was continued by anyone else. By
// identifies the one who may, such as the fingerprint of a ceremony's key;
// empty for no one.
func CheckContinued(path, by string) error {
	content, err := safefile.Read(continued(path), maxContinued)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	who, where, _ := strings.Cut(strings.TrimSpace(string(content)), "\n")
	if err == nil && who != by {
		err = fmt.Errorf("%s was continued in %s; use the register there, or delete %s if that ceremony was given up and has signed nothing", path, where, continued(path))
	}
	return err
}

// Continue notes that a register is continued, and in which folder.
func Continue(path, by, folder string) error {
	err := safefile.Create(continued(path), []byte(by+"\n"+folder+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return CheckContinued(path, by)
	}
	return err
}
