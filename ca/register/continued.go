package register

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"conclave/internal/safefile"
)

// A register that another one goes on from must not be used any more: the two
// would use numbers twice. A file beside it says where it was continued.
func continued(path string) string { return path + ".continued" }

// CheckContinued is an error if a register was continued elsewhere than in a
// folder.
func CheckContinued(path, folder string) error {
	by, err := os.ReadFile(continued(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if where := strings.TrimSuffix(string(by), "\n"); err == nil && where != folder {
		err = fmt.Errorf("%s was continued by the ceremony in %s; name the register there, or delete %s if that ceremony was given up and has signed nothing", path, where, continued(path))
	}
	return err
}

// Continue notes that a register is continued in a folder.
func Continue(path, folder string) error {
	if err := CheckContinued(path, folder); err != nil {
		return err
	}
	where, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	err = safefile.Create(continued(path), []byte(where+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return CheckContinued(path, folder)
	}
	return err
}
