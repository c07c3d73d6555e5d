//go:build !unix

package tty

// KeepForeground does nothing here: no key suspends a program.
func KeepForeground() {}
