//go:build !linux

package safefile

import "errors"

func rename(string, string) error { return errors.ErrUnsupported }
