//go:build !linux

package tty

// hideInput does nothing here: the echo goes off when the secret is read, a
// moment after its prompt is shown.
func hideInput(int) error { return nil }

// discardInput does nothing here.
func discardInput(int) {}
