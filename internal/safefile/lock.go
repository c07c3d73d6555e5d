package safefile

import (
	"errors"
	"fmt"
	"os"
)

// ErrHeld is the error for a lock that another program holds.
var ErrHeld = errors.New("another program is at work here; end that one first")

// Lock keeps other processes out of what a file stands for, until unlock is
// called or the process ends. If another is in already, it fails. The file is
// made if there is none, and stays.
func Lock(path string) (unlock func(), err error) { return lockFile(path, false) }

// WaitLock is Lock that waits for the other to leave.
func WaitLock(path string) (unlock func(), err error) { return lockFile(path, true) }

func lockFile(path string, wait bool) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f, wait); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return func() { f.Close() }, nil
}
