//go:build !(linux || darwin || freebsd || windows)

package safefile

import (
	"errors"
	"os"
)

func lock(*os.File, bool) error { return errors.ErrUnsupported }
