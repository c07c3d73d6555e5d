//go:build !linux

package sqlite

// reserve does nothing here: the updates of an Alone can fail on a full disk.
func reserve(string, int64) error { return nil }
